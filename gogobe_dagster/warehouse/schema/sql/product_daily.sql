create or replace view product_daily as
select
    s.first_day + number as day,
    s.chain_id,
    c.name as chain_name,
    p.gtin,
    coalesce(cp.code, p.code) as code,
    cp.name as product_name,
    p.name as common_name,
    p.brand,
    s.lowest_price,
    s.median_price,
    s.highest_price,
    s.stores,
    s.promoted_stores,
    round(s.promoted_stores::numeric / s.stores, 4) as promoted_share,
    s.product_key
from product_statistics s
join statistics_progress g on g.chain_id = s.chain_id
cross join lateral generate_series(0, coalesce(s.last_day, g.until_day) - s.first_day) as number
join chain c on c.chain_id = s.chain_id
join product p on p.product_key = s.product_key
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = s.product_key;
