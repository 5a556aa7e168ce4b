create or replace view current_prices as
select
    s.chain_id,
    c.name as chain_name,
    s.sub_chain_id,
    b.name as sub_chain_name,
    s.store_id,
    s.name as store_name,
    s.city,
    s.locality_code,
    l.name as locality_name,
    l.district,
    l.latitude,
    l.longitude,
    s.address,
    s.store_type,
    s.is_online,
    p.gtin,
    cp.code,
    cp.name as product_name,
    p.name as common_name,
    p.brand,
    cp.manufacturer,
    pc.price,
    case when pc.price > 0 then (pc.price / cp.base_quantity)::numeric(18, 4) end as comparable_price,
    cp.base_unit,
    cp.base_quantity,
    cp.content_source,
    cp.no_content_reason,
    pc.published_unit_price,
    cp.unit_of_measure,
    cp.quantity,
    cp.unit_quantity,
    cp.is_weighted,
    pc.valid_from,
    greatest(pc.valid_from, s.last_full_price_at) as confirmed_at,
    pc.price_set_at,
    pc.store_key,
    pc.product_key,
    pc.file_id
from price_current pc
join store s using (store_key)
left join locality l on l.locality_code = s.locality_code
join chain c on c.chain_id = s.chain_id
join sub_chain b on b.chain_id = s.chain_id and b.sub_chain_id = s.sub_chain_id
join product p using (product_key)
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = pc.product_key;
