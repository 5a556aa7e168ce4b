create or replace view feed_health as
select
    feed,
    publication_day,
    count(*) filter (where state = 'discovered') as discovered,
    count(*) filter (where state = 'downloaded') as downloaded,
    count(*) filter (where state = 'parsed') as parsed,
    count(*) filter (where state = 'loaded') as loaded,
    count(*) filter (where state = 'superseded') as superseded,
    count(*) filter (where state = 'quarantined') as quarantined,
    coalesce(sum(rows - coalesce(rows_skipped, 0)) filter (where state = 'loaded'), 0)::bigint as rows,
    max(published_at) filter (where state = 'loaded' and kind = 'full_prices') as newest_full_at,
    max(loaded_at) as last_loaded_at,
    now() - max(loaded_at) as load_age,
    now() - min(first_seen_at) filter (where state in ('discovered', 'downloaded', 'parsed')) as pending_age,
    max(last_seen_at) as last_listed_at,
    sum(size)::bigint as bytes
from (
    select feed, publication_day, state, kind, rows, rows_skipped, published_at, loaded_at, first_seen_at,
        last_seen_at, size
    from file
    union all
    select feed, publication_day, 'loaded' as state, kind, rows, null::integer as rows_skipped, published_at,
        loaded_at, null::timestamptz as first_seen_at, null::timestamptz as last_seen_at, size
    from archived_file
) file
group by feed, publication_day;
