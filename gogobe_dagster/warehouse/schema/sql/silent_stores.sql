create or replace view silent_stores as
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
    s.last_price_at as newest_price_at,
    s.last_full_price_at as newest_full_at,
    newest.chain_newest_at,
    newest.chain_newest_at - s.last_price_at as silent_for,
    s.is_online,
    s.store_key
from store s
join (select chain_id, max(last_price_at) as chain_newest_at from store group by chain_id) newest
    on newest.chain_id = s.chain_id
join chain c on c.chain_id = s.chain_id
left join locality l on l.locality_code = s.locality_code
-- a chain that rests is silent as a whole, so a store is compared with its chain and not with the clock
where s.is_listed and s.last_price_at < newest.chain_newest_at - interval '1 day';
