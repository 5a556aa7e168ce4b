-- A chain's rows come from the index of its best offers; the rest is looked up for those that are read.
create or replace view chain_discounts as
select
    d.chain_id,
    c.name as chain_name,
    p.gtin,
    coalesce(cp.code, p.code) as code,
    cp.name as product_name,
    p.name as common_name,
    p.brand,
    v.promotion_id,
    o.description,
    d.effective_unit_price,
    d.price_basis,
    d.regular_price,
    d.lowest_30_days,
    d.median_30_days,
    d.lowest_90_days,
    d.median_90_days,
    d.days_known,
    d.effective_unit_price < d.lowest_30_days as is_below_30_days,
    d.effective_unit_price < d.lowest_90_days as is_below_90_days,
    d.percent_off_median_30,
    d.percent_off_median_90,
    d.stores,
    o.min_total_quantity,
    o.needs_coupon,
    o.needs_club,
    o.is_compensation,
    o.days,
    o.starts_at,
    o.ends_at,
    d.product_key,
    d.promotion_key,
    d.offer_number
from chain_discount d
join chain c on c.chain_id = d.chain_id
join product p on p.product_key = d.product_key
join promotion v on v.promotion_key = d.promotion_key
join promotion_offer o on o.promotion_key = d.promotion_key and o.offer_number = d.offer_number
left join chain_product cp on cp.chain_id = d.chain_id and cp.product_key = d.product_key
where {is_in_force} and is_on_day(o.days, (now() at time zone 'Asia/Jerusalem')::date);
