-- Loads need a partition for each month. The role that loads may make no table, so the owner's function does.
create or replace function add_price_past_month(month date) returns void
language plpgsql security definer as $$
declare
    name text := 'price_past_' || to_char(month, 'YYYY_MM');
    next date := month + interval '1 month';
begin
    if month <> date_trunc('month', month) then
        raise 'not the first day of a month: %', month;
    end if;
    execute format('create table %I (like price_past including all)', name);
    execute format('alter table price_past attach partition %I for values from (%L) to (%L)',
        name, month || ' 00:00+00', next || ' 00:00+00');
    execute format('comment on table %I is %L', name, 'Periods that ended in ' || to_char(month, 'YYYY-MM') || ' (UTC).');
end
$$;
comment on function add_price_past_month(date) is
    'Makes the partition of price_past for periods that ended in the month that begins on this day.';
revoke execute on function add_price_past_month(date) from public;
-- no table of the caller's, such as a temporary one, may stand in for ours
do $$ begin
    execute format('alter function add_price_past_month(date) set search_path = %I, pg_temp', current_schema());
end $$;
