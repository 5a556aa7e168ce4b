-- Starts at the period that ended: it is always in price_past, so a condition on changed_at reads only the months
-- concerned. The period that follows may hold still (price_current) or have ended as well (price_past).
create or replace view price_changes as
select
    before.valid_to as changed_at,
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
    before.price as old_price,
    h.price as new_price,
    h.price - before.price as difference,
    round(100 * (h.price - before.price) / nullif(before.price, 0), 1) as percent,
    case when before.price > 0 then (before.price / cp.base_quantity)::numeric(18, 4) end as old_comparable_price,
    case when h.price > 0 then (h.price / cp.base_quantity)::numeric(18, 4) end as new_comparable_price,
    cp.base_unit,
    before.valid_from as old_price_since,
    before.store_key,
    before.product_key,
    h.file_id
from price_past before
cross join lateral (
    select c.price, c.file_id from price_current c
    where c.store_key = before.store_key and c.product_key = before.product_key and c.valid_from = before.valid_to
    union all
    select p.price, p.file_id from price_past p
    where p.store_key = before.store_key and p.product_key = before.product_key and p.valid_from = before.valid_to
        and p.valid_to > before.valid_to -- always true, but lets the planner skip the months before
) h
join store s on s.store_key = before.store_key
left join locality l on l.locality_code = s.locality_code
join chain c on c.chain_id = s.chain_id
join product p on p.product_key = before.product_key
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = before.product_key
where h.price <> before.price;
