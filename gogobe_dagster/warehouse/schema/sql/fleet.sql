create or replace view fleet as
select
    feed,
    day,
    count(*) filter (where state = 'discovered') as discovered,
    count(*) filter (where state = 'downloaded') as downloaded,
    count(*) filter (where state = 'parsed') as parsed,
    count(*) filter (where state = 'loaded') as loaded,
    count(*) filter (where state = 'superseded') as superseded,
    count(*) filter (where state = 'quarantined') as quarantined,
    coalesce(sum(rows - coalesce(not_loaded, 0)) filter (where state = 'loaded'), 0)::bigint as rows,
    max(published_at) filter (where state = 'loaded' and kind = 'full_prices') as newest_full,
    max(loaded_at) as last_success,
    now() - max(loaded_at) as success_age,
    now() - min(first_seen_at) filter (where state in ('discovered', 'downloaded', 'parsed')) as pending_age,
    max(last_seen_at) as last_listed,
    sum(size)::bigint as bytes
from file
group by feed, day;
