-- Begins at the row of the new price: a condition on chain and day is one on its index.
create or replace view chain_price_changes as
select
    new.first_day as day,
    new.chain_id,
    c.name as chain_name,
    p.gtin,
    coalesce(cp.code, p.code) as code,
    cp.name as product_name,
    p.name as common_name,
    p.brand,
    old.median_price as old_median,
    new.median_price as new_median,
    new.median_price - old.median_price as difference,
    round(100 * (new.median_price / old.median_price - 1), 1) as percent,
    new.lowest_price,
    new.highest_price,
    new.stores,
    new.product_key
from product_statistics new
join product_statistics old on old.product_key = new.product_key and old.chain_id = new.chain_id
    and old.first_day < new.first_day and old.last_day = new.first_day - 1
join chain c on c.chain_id = new.chain_id
join product p on p.product_key = new.product_key
left join chain_product cp on cp.chain_id = new.chain_id and cp.product_key = new.product_key
where new.median_price <> old.median_price;
