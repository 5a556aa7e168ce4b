create or replace view published_files as
select
    file_id, feed, name, kind, publication_day, published_at, chain_id, sub_chain_id, store_id, state, code, rows,
    rejected, size, sha256, loaded_at
from file
union all
select
    file_id, feed, name, kind, publication_day, published_at, chain_id, sub_chain_id, store_id, 'loaded', null, rows,
    rejected, size, encode(sha256, 'hex'), loaded_at
from archived_file;
