create or replace view last_load as
select
    max(occurred_at) as loaded_at,
    -- a load that began earlier and ends later has smaller ids, which the newest one would hide
    coalesce(max(event_id) || '-' || sum(event_id), '0') as change
from (select event_id, occurred_at from file_event where state = 'loaded' order by event_id desc limit 200) newest;
