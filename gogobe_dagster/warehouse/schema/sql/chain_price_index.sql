create or replace view chain_price_index as
select
    i.period,
    i.starts_on,
    i.chain_id,
    c.name as chain_name,
    i.price_index,
    i.products,
    b.base_month,
    b.basket_products
from price_index i
join chain c using (chain_id)
cross join (select min(base_month) as base_month, count(*) as basket_products from index_product) b;
