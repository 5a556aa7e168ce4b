-- Views for people. Those of 0001 keep their columns and get more at the end.

create or replace view current_prices as
select
    s.chain_id,
    c.name as chain_name,
    s.sub_chain_id,
    s.store_id,
    s.name as store_name,
    s.city,
    p.gtin,
    cp.code,
    cp.name as product_name,
    cp.manufacturer,
    pc.price,
    pc.unit_price,
    cp.unit_of_measure,
    pc.valid_from,
    pc.priced_at,
    pc.store_key,
    pc.product_key,
    b.name as sub_chain_name,
    s.address,
    s.store_type,
    cp.quantity,
    cp.unit_quantity,
    cp.is_weighted,
    pc.file_id
from price_current pc
join store s using (store_key)
join chain c on c.chain_id = s.chain_id
join sub_chain b on b.chain_id = s.chain_id and b.sub_chain_id = s.sub_chain_id
join product p using (product_key)
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = pc.product_key;
comment on column current_prices.sub_chain_name is 'Name of the sub-chain: the brand on the shop.';
comment on column current_prices.address is 'Street address.';
comment on column current_prices.store_type is '1 a shop, 2 online, 3 both.';
comment on column current_prices.quantity is 'Content of the package in unit_quantity.';
comment on column current_prices.unit_quantity is 'Unit of quantity in words.';
comment on column current_prices.is_weighted is 'Sold by weight.';
comment on column current_prices.file_id is 'The file that first said so.';

create view cheapest_prices as
select
    p.product_key,
    p.gtin,
    cp.code,
    cp.name as product_name,
    cp.manufacturer,
    sold.lowest_price,
    (
        select count(*) from price_current same
        where same.product_key = p.product_key and same.price = sold.lowest_price
    ) as stores_at_lowest,
    s.chain_id,
    c.name as chain_name,
    s.sub_chain_id,
    s.store_id,
    s.name as store_name,
    s.city,
    s.store_key,
    sold.highest_price,
    sold.stores,
    sold.chains
from product p
cross join lateral (
    select
        (array_agg(pc.store_key order by pc.price, at.chain_id, at.sub_chain_id, at.store_id))[1] as store_key,
        min(pc.price) as lowest_price,
        max(pc.price) as highest_price,
        count(*) as stores,
        count(distinct at.chain_id) as chains
    from price_current pc join store at using (store_key)
    where pc.product_key = p.product_key and pc.price > 0
) sold
join store s on s.store_key = sold.store_key
join chain c on c.chain_id = s.chain_id
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = p.product_key;
comment on view cheapest_prices is 'Where in the country each product costs the least, and how much elsewhere. Prices of 0 are left out.';
comment on column cheapest_prices.product_key is 'Key of the product.';
comment on column cheapest_prices.gtin is 'GTIN; null: a code of one chain''s own.';
comment on column cheapest_prices.code is 'Item code as the cheapest chain publishes it.';
comment on column cheapest_prices.product_name is 'The cheapest chain''s name of it.';
comment on column cheapest_prices.manufacturer is 'Manufacturer as the cheapest chain publishes it.';
comment on column cheapest_prices.lowest_price is 'Lowest shelf price in ILS.';
comment on column cheapest_prices.stores_at_lowest is 'Stores with the lowest price; the columns from chain_id to store_key name the first of them.';
comment on column cheapest_prices.chain_id is 'Chain id of the cheapest store.';
comment on column cheapest_prices.chain_name is 'Name of its chain.';
comment on column cheapest_prices.sub_chain_id is 'Its sub-chain id; 0: none.';
comment on column cheapest_prices.store_id is 'Its number in its sub-chain.';
comment on column cheapest_prices.store_name is 'Its name; null: no store list shows it.';
comment on column cheapest_prices.city is 'Its city: a name, or a CBS locality code.';
comment on column cheapest_prices.store_key is 'Its key.';
comment on column cheapest_prices.highest_price is 'Highest shelf price in ILS.';
comment on column cheapest_prices.stores is 'Stores that sell it.';
comment on column cheapest_prices.chains is 'Chains that sell it.';

create view price_periods as
select
    s.chain_id,
    c.name as chain_name,
    s.sub_chain_id,
    s.store_id,
    s.name as store_name,
    s.city,
    p.gtin,
    cp.code,
    cp.name as product_name,
    h.valid_from,
    h.valid_to,
    h.price,
    h.unit_price,
    h.priced_at,
    h.store_key,
    h.product_key,
    h.file_id,
    h.ended_file_id
from store s
join chain c on c.chain_id = s.chain_id
join price_history h using (store_key)
join product p using (product_key)
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = h.product_key;
comment on view price_periods is 'Price history with names: a row for every period in which a store''s price did not change.';
comment on column price_periods.chain_id is 'Chain id.';
comment on column price_periods.chain_name is 'Name of the chain.';
comment on column price_periods.sub_chain_id is 'Sub-chain id; 0: none.';
comment on column price_periods.store_id is 'The store''s number in its sub-chain.';
comment on column price_periods.store_name is 'Name of the store; null: no store list shows it.';
comment on column price_periods.city is 'City: a name, or a CBS locality code.';
comment on column price_periods.gtin is 'GTIN; null: a code of the chain''s own.';
comment on column price_periods.code is 'Item code as the chain publishes it.';
comment on column price_periods.product_name is 'The chain''s name of the product.';
comment on column price_periods.valid_from is 'First published so.';
comment on column price_periods.valid_to is 'First published otherwise, or absent from a full file; null: it still holds.';
comment on column price_periods.price is 'Shelf price in ILS with VAT.';
comment on column price_periods.unit_price is 'Price in ILS of one unit of measure.';
comment on column price_periods.priced_at is 'When the chain says it set this price.';
comment on column price_periods.store_key is 'Key of the store.';
comment on column price_periods.product_key is 'Key of the product.';
comment on column price_periods.file_id is 'The file that first said so.';
comment on column price_periods.ended_file_id is 'The file that first said otherwise.';

create or replace view price_changes as
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
comment on column price_changes.chain_name is 'Name of the chain.';
comment on column price_changes.city is 'City: a name, or a CBS locality code.';
comment on column price_changes.percent is 'difference in per cent of old_price; null: it was 0.';
comment on column price_changes.old_since is 'Since when the old price held.';

create view store_coverage as
select
    s.chain_id,
    c.name as chain_name,
    s.sub_chain_id,
    b.name as sub_chain_name,
    s.store_id,
    s.name as store_name,
    s.city,
    case
        when s.is_listed and s.last_price_at is null then 'ghost'
        when s.is_listed then 'listed'
        when s.list_file_id is not null and s.last_price_at is null then 'gone'
        when s.list_file_id is not null then 'delisted'
        else 'unknown'
    end as standing,
    (select count(*) from price_current pc where pc.store_key = s.store_key) as prices,
    s.last_full_at as newest_full,
    delta.newest_delta,
    now() - s.last_price_at as age,
    s.first_seen_at,
    s.last_seen_at,
    s.store_type,
    s.store_key
from store s
join chain c on c.chain_id = s.chain_id
join sub_chain b on b.chain_id = s.chain_id and b.sub_chain_id = s.sub_chain_id
left join lateral (
    select f.published_at as newest_delta from file f
    where f.state = 'loaded' and f.kind = 'prices'
    and f.chain_id = s.chain_id and f.sub_chain_id = s.sub_chain_id and f.store_id = s.store_id
    order by f.published_at desc limit 1
) delta on true;
comment on view store_coverage is 'What is known of each store, and how fresh it is.';
comment on column store_coverage.chain_id is 'Chain id.';
comment on column store_coverage.chain_name is 'Name of the chain.';
comment on column store_coverage.sub_chain_id is 'Sub-chain id; 0: none.';
comment on column store_coverage.sub_chain_name is 'Name of the sub-chain: the brand on the shop.';
comment on column store_coverage.store_id is 'The store''s number in its sub-chain.';
comment on column store_coverage.store_name is 'Name of the store; null: no store list shows it.';
comment on column store_coverage.city is 'City: a name, or a CBS locality code.';
comment on column store_coverage.standing is 'listed: in the newest list, with prices; ghost: in the list, never a price file; delisted: left the list, has had prices; gone: left the list, never a price; unknown: price files, never in a list.';
comment on column store_coverage.prices is 'Products that it sells now.';
comment on column store_coverage.newest_full is 'Newest stamp of a loaded complete price file.';
comment on column store_coverage.newest_delta is 'Newest stamp of a loaded delta.';
comment on column store_coverage.age is 'Since the stamp of its newest price file; null: it never had one.';
comment on column store_coverage.first_seen_at is 'Oldest stamp of a file about it.';
comment on column store_coverage.last_seen_at is 'Newest stamp of a file about it.';
comment on column store_coverage.store_type is '1 a shop, 2 online, 3 both.';
comment on column store_coverage.store_key is 'Key of the store.';
