create or replace view {view} as
select
    p.product_key,
    p.gtin,
    cp.code,
    cp.name as product_name,
    p.name as common_name,
    p.brand,
    cp.manufacturer,
    sold.lowest_price,
    (sold.lowest_price / cp.base_quantity)::numeric(18, 4) as comparable_price,
    cp.base_unit,
    cp.base_quantity,
    (
        select count(*) from price_current same join store at using (store_key)
        where same.product_key = p.product_key and same.price = sold.lowest_price and {is_in}
    ) as stores_at_lowest,
    greatest(cheapest.valid_from, s.last_full_price_at) as confirmed_at,
    s.chain_id,
    c.name as chain_name,
    s.sub_chain_id,
    s.store_id,
    s.name as store_name,
    s.city,
    s.locality_code,
    l.name as locality_name,
    l.district,
    l.latitude,
    l.longitude,
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
    -- chains publish 0 for a price they do not state
    where pc.product_key = p.product_key and pc.price > 0 and {is_in}
) sold
join store s on s.store_key = sold.store_key
left join locality l on l.locality_code = s.locality_code
join price_current cheapest on cheapest.store_key = sold.store_key and cheapest.product_key = p.product_key
join chain c on c.chain_id = s.chain_id
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = p.product_key;
