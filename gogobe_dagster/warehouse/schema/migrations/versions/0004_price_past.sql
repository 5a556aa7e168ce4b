-- What has ended is in price_past, what holds is in price_current alone, and price_history shows both. So a price
-- is written once and not twice, and a month that retention drops is one in which periods ended.

create table price_past (
    store_key integer not null,
    product_key integer not null,
    valid_from timestamptz not null,
    valid_to timestamptz not null,
    price numeric(14, 4) not null,
    unit_price numeric(14, 4),
    priced_at timestamptz,
    file_id bigint not null,
    ended_file_id bigint not null,
    constraint price_past_pkey primary key (store_key, product_key, valid_to),
    constraint price_past_period_check check (valid_to > valid_from)
) partition by range (valid_to);
create index price_past_valid_to_idx on price_past using brin (valid_to);
comment on table price_past is 'The periods of price_history that have ended; a partition a month of valid_to.';
comment on column price_past.store_key is 'The store.';
comment on column price_past.product_key is 'The product.';
comment on column price_past.valid_from is 'First published so.';
comment on column price_past.valid_to is 'First published otherwise, or absent from a full file.';
comment on column price_past.price is 'Shelf price in ILS with VAT.';
comment on column price_past.unit_price is 'Price in ILS of one unit of measure.';
comment on column price_past.priced_at is 'When the chain says it set this price.';
comment on column price_past.file_id is 'The file that first said so.';
comment on column price_past.ended_file_id is 'The file that first said otherwise.';
comment on table price_current is 'What each product costs in each store now: the periods of price_history that hold.';

do $$
declare
    month timestamp;
begin
    if exists (
        select from (select * from price_history where valid_to is null) h full join price_current c using (store_key, product_key)
        where (h.valid_from, h.price, h.unit_price, h.priced_at, h.file_id)
            is distinct from (c.valid_from, c.price, c.unit_price, c.priced_at, c.file_id)
    ) then
        raise exception 'price_current is not what price_history says holds now: run gogobe rebuild before this migration';
    end if;
    for month in select distinct date_trunc('month', valid_to at time zone 'UTC') from price_history where valid_to is not null loop
        execute format('create table price_past_%s partition of price_past for values from (%L) to (%L)',
            to_char(month, 'YYYY_MM'), month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC');
        execute format('comment on table price_past_%1$s is %2$L',
            to_char(month, 'YYYY_MM'), 'Periods that ended in ' || to_char(month, 'YYYY-MM') || ' (UTC).');
    end loop;
end
$$;
insert into price_past
    (store_key, product_key, valid_from, valid_to, price, unit_price, priced_at, file_id, ended_file_id)
select store_key, product_key, valid_from, valid_to, price, unit_price, priced_at, file_id, ended_file_id
from price_history where valid_to is not null order by valid_to, store_key, product_key;

-- Every row has a new day every day: with room for it on its own page, no index has to know.
alter table chain_product set (fillfactor = 50);

drop view price_changes;
drop view price_periods;
drop table price_history;

-- The history as one relation, with the columns that it had as a table.
create view price_history as
select store_key, product_key, valid_from, valid_to, price, unit_price, priced_at, file_id, ended_file_id
from price_past
union all
select store_key, product_key, valid_from, null, price, unit_price, priced_at, file_id, null
from price_current;
comment on view price_history is 'One row for every period in which a price did not change: those that have ended and those that hold.';
comment on column price_history.store_key is 'The store.';
comment on column price_history.product_key is 'The product.';
comment on column price_history.valid_from is 'First published so.';
comment on column price_history.valid_to is 'First published otherwise, or absent from a full file; null: it still holds.';
comment on column price_history.price is 'Shelf price in ILS with VAT.';
comment on column price_history.unit_price is 'Price in ILS of one unit of measure.';
comment on column price_history.priced_at is 'When the chain says it set this price.';
comment on column price_history.file_id is 'The file that first said so.';
comment on column price_history.ended_file_id is 'The file that first said otherwise.';
