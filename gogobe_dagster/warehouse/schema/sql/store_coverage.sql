create or replace view store_coverage as
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
    case
        when s.is_listed and s.last_price_at is null then 'ghost'
        when s.is_listed then 'listed'
        when s.list_file_id is not null and s.last_price_at is null then 'gone'
        when s.list_file_id is not null then 'delisted'
        else 'unknown'
    end as listing_status,
    (select count(*) from price_current pc where pc.store_key = s.store_key) as prices,
    s.last_full_price_at as newest_full_at,
    delta.newest_delta_at,
    now() - s.last_price_at as age,
    s.first_seen_at,
    s.last_seen_at,
    s.store_type,
    s.is_online,
    (
        select count(*) from file f
        where f.state = 'loaded' and (f.is_sub_chain_inferred or f.notes @> '"store_mismatch"')
        and f.chain_id = s.chain_id and f.sub_chain_id = s.sub_chain_id and f.store_id = s.store_id
    ) as disagreements,
    number.other_sub_chains,
    s.store_key
from store s
left join locality l on l.locality_code = s.locality_code
join chain c on c.chain_id = s.chain_id
join sub_chain b on b.chain_id = s.chain_id and b.sub_chain_id = s.sub_chain_id
join (
    select chain_id, store_id, count(*) - 1 as other_sub_chains from store group by chain_id, store_id
) number on number.chain_id = s.chain_id and number.store_id = s.store_id
left join lateral (
    select f.published_at as newest_delta_at from file f
    where f.state = 'loaded' and f.kind = 'prices'
    and f.chain_id = s.chain_id and f.sub_chain_id = s.sub_chain_id and f.store_id = s.store_id
    order by f.published_at desc limit 1
) delta on true;
