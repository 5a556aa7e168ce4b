-- The history as one table again, as in the first revision.

drop view price_changes;
drop view price_periods;
drop view price_history;
create table price_history (
    store_key integer not null,
    product_key integer not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    price numeric(14, 4) not null,
    unit_price numeric(14, 4),
    priced_at timestamptz,
    file_id bigint not null,
    ended_file_id bigint,
    constraint price_history_pkey primary key (store_key, product_key, valid_from),
    constraint price_history_period_check check (valid_to > valid_from),
    constraint price_history_end_check check ((valid_to is null) = (ended_file_id is null))
) partition by range (valid_from);
create index price_history_valid_from_idx on price_history using brin (valid_from);
comment on table price_history is 'One row for every period in which a price did not change; a partition a month of valid_from.';
comment on column price_history.store_key is 'The store.';
comment on column price_history.product_key is 'The product.';
comment on column price_history.valid_from is 'First published so.';
comment on column price_history.valid_to is 'First published otherwise, or absent from a full file; null: it still holds.';
comment on column price_history.price is 'Shelf price in ILS with VAT.';
comment on column price_history.unit_price is 'Price in ILS of one unit of measure.';
comment on column price_history.priced_at is 'When the chain says it set this price.';
comment on column price_history.file_id is 'The file that first said so.';
comment on column price_history.ended_file_id is 'The file that first said otherwise.';
do $$
declare
    month timestamp;
begin
    for month in
        select distinct date_trunc('month', valid_from at time zone 'UTC') from price_current
        union
        select distinct date_trunc('month', valid_from at time zone 'UTC') from price_past
    loop
        execute format('create table price_history_%s partition of price_history for values from (%L) to (%L) with (fillfactor = 90)',
            to_char(month, 'YYYY_MM'), month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC');
        execute format('comment on table price_history_%1$s is %2$L',
            to_char(month, 'YYYY_MM'), 'Periods that began in ' || to_char(month, 'YYYY-MM') || ' (UTC).');
    end loop;
end
$$;
insert into price_history
    (store_key, product_key, valid_from, valid_to, price, unit_price, priced_at, file_id, ended_file_id)
select store_key, product_key, valid_from, valid_to, price, unit_price, priced_at, file_id, ended_file_id
from price_past
union all
select store_key, product_key, valid_from, null, price, unit_price, priced_at, file_id, null
from price_current;
drop table price_past;
alter table chain_product reset (fillfactor);
comment on table price_current is 'What each product costs in each store now: the open rows of price_history.';

create view price_changes as
select
    h.valid_from as changed_at,
    s.chain_id,
    s.sub_chain_id,
    s.store_id,
    s.name as store_name,
    p.gtin,
    cp.code,
    cp.name as product_name,
    before.price as old_price,
    h.price as new_price,
    h.price - before.price as difference,
    h.store_key,
    h.product_key,
    h.file_id,
    c.name as chain_name,
    s.city,
    round(100 * (h.price - before.price) / nullif(before.price, 0), 1) as percent,
    before.valid_from as old_since
from price_history h
join price_history before
    on before.store_key = h.store_key and before.product_key = h.product_key and before.valid_to = h.valid_from
    and before.valid_from < h.valid_from and before.price <> h.price
join store s on s.store_key = h.store_key
join chain c on c.chain_id = s.chain_id
join product p on p.product_key = h.product_key
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = h.product_key;
