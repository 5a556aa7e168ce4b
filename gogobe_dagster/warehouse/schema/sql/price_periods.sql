create or replace view price_periods as
select
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
    p.gtin,
    cp.code,
    cp.name as product_name,
    h.valid_from,
    h.valid_to,
    h.price,
    case when h.price > 0 then (h.price / cp.base_quantity)::numeric(18, 4) end as comparable_price,
    cp.base_unit,
    h.published_unit_price,
    h.price_set_at,
    h.store_key,
    h.product_key,
    h.file_id,
    h.closed_by_file_id
from store s
left join locality l on l.locality_code = s.locality_code
join chain c on c.chain_id = s.chain_id
join price_history h using (store_key)
join product p using (product_key)
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = h.product_key;
