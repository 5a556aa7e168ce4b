-- An accepted match leads from a code to another product, and from there perhaps to a third: the last one stands
-- for all. A product has at most one accepted match, so there is one path; matches in a circle are left out.
create or replace view matched_prices as
with recursive way (product_key, matched_key) as (
    select product_key, other_key from product_match where decision = 'accepted'
    union
    select way.product_key, further.other_key
    from way
    join product_match further on further.product_key = way.matched_key and further.decision = 'accepted'
), matched as (
    select product_key, matched_key from way
    where not exists (
        select from product_match further
        where further.product_key = way.matched_key and further.decision = 'accepted'
    )
    union
    select other_key, other_key from product_match
    where decision = 'accepted' and not exists (
        select from product_match further
        where further.product_key = product_match.other_key and further.decision = 'accepted'
    )
)
select
    known.gtin,
    known.name as common_name,
    s.chain_id,
    c.name as chain_name,
    cp.code,
    cp.name as product_name,
    s.lowest_price,
    s.median_price,
    s.highest_price,
    s.stores,
    matched.matched_key,
    matched.product_key
from matched
join product known on known.product_key = matched.matched_key
join product_statistics s on s.product_key = matched.product_key and s.last_day is null
left join chain c on c.chain_id = s.chain_id
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = s.product_key;
