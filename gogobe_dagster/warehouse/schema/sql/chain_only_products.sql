-- Both sides are read from the index of what is sold now, so the millions of prices are not looked at.
create or replace view chain_only_products as
select
    s.chain_id,
    c.name as chain_name,
    other.chain_id as other_chain_id,
    other.name as other_chain_name,
    p.gtin,
    cp.name as product_name,
    p.name as common_name,
    p.brand,
    cp.manufacturer,
    s.lowest_price,
    s.median_price,
    s.highest_price,
    s.stores,
    s.product_key
from product_statistics s
join chain c on c.chain_id = s.chain_id
join chain other on other.chain_id <> s.chain_id
join product p on p.product_key = s.product_key
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = s.product_key
where s.last_day is null
    and p.gtin is not null
    and not exists (
        select from product_statistics sold
        where sold.chain_id = other.chain_id and sold.product_key = s.product_key and sold.last_day is null
    );
