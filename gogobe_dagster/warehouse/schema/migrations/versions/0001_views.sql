-- Views for people. They name things; the keys are there for joins.

create view current_prices as
select
    s.chain_id,
    c.name as chain_name,
    s.sub_chain_id,
    s.store_id,
    s.name as store_name,
    s.city,
    p.gtin,
    cp.code,
    cp.name as product_name,
    cp.manufacturer,
    pc.price,
    pc.unit_price,
    cp.unit_of_measure,
    pc.valid_from,
    pc.priced_at,
    pc.store_key,
    pc.product_key
from price_current pc
join store s using (store_key)
join chain c on c.chain_id = s.chain_id
join product p using (product_key)
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = pc.product_key;
comment on view current_prices is 'What each product costs in each store now, with names.';
comment on column current_prices.chain_id is 'Chain id.';
comment on column current_prices.chain_name is 'Name of the chain.';
comment on column current_prices.sub_chain_id is 'Sub-chain id; 0: none.';
comment on column current_prices.store_id is 'The store''s number in its sub-chain.';
comment on column current_prices.store_name is 'Name of the store; null: no store list shows it.';
comment on column current_prices.city is 'City: a name, or a CBS locality code.';
comment on column current_prices.gtin is 'GTIN; null: a code of the chain''s own.';
comment on column current_prices.code is 'Item code as the chain publishes it.';
comment on column current_prices.product_name is 'The chain''s name of the product.';
comment on column current_prices.manufacturer is 'Manufacturer as the chain publishes it.';
comment on column current_prices.price is 'Shelf price in ILS with VAT.';
comment on column current_prices.unit_price is 'Price in ILS of one unit_of_measure.';
comment on column current_prices.unit_of_measure is 'What unit_price is for.';
comment on column current_prices.valid_from is 'Since when it holds.';
comment on column current_prices.priced_at is 'When the chain says it set this price.';
comment on column current_prices.store_key is 'Key of the store.';
comment on column current_prices.product_key is 'Key of the product.';

create view price_changes as
select
    h.valid_from as changed_at,
    s.chain_id,
    s.sub_chain_id,
    s.store_id,
    s.name as store_name,
    p.gtin,
    cp.code,
    cp.name as product_name,
    before.price as old_price,
    h.price as new_price,
    h.price - before.price as difference,
    h.store_key,
    h.product_key,
    h.file_id
from price_history h
join price_history before
    on before.store_key = h.store_key and before.product_key = h.product_key and before.valid_to = h.valid_from
    and before.valid_from < h.valid_from and before.price <> h.price
join store s on s.store_key = h.store_key
join product p on p.product_key = h.product_key
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = h.product_key;
comment on view price_changes is 'Every step from one price to the next; a product that left and came back is none.';
comment on column price_changes.changed_at is 'When the new price was first published.';
comment on column price_changes.chain_id is 'Chain id.';
comment on column price_changes.sub_chain_id is 'Sub-chain id; 0: none.';
comment on column price_changes.store_id is 'The store''s number in its sub-chain.';
comment on column price_changes.store_name is 'Name of the store; null: no store list shows it.';
comment on column price_changes.gtin is 'GTIN; null: a code of the chain''s own.';
comment on column price_changes.code is 'Item code as the chain publishes it.';
comment on column price_changes.product_name is 'The chain''s name of the product.';
comment on column price_changes.old_price is 'Price before, in ILS.';
comment on column price_changes.new_price is 'Price from then on, in ILS.';
comment on column price_changes.difference is 'new_price less old_price: negative when it became cheaper.';
comment on column price_changes.store_key is 'Key of the store.';
comment on column price_changes.product_key is 'Key of the product.';
comment on column price_changes.file_id is 'The file that published the new price.';

create view fleet as
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
    max(loaded_at) as last_success
from file
group by feed, day;
comment on view fleet is 'The fleet matrix: what became of the files of each feed and day.';
comment on column fleet.feed is 'Key of the feed.';
comment on column fleet.day is 'Publication day (Israel).';
comment on column fleet.discovered is 'Files listed and not fetched yet.';
comment on column fleet.downloaded is 'Files fetched and not read yet.';
comment on column fleet.parsed is 'Files read and not in the tables yet.';
comment on column fleet.loaded is 'Files in the tables.';
comment on column fleet.superseded is 'Files that were replaced on the portal before they were fetched.';
comment on column fleet.quarantined is 'Files set aside with a code and a reason.';
comment on column fleet.rows is 'Rows of the loaded files that the tables took.';
comment on column fleet.newest_full is 'Newest stamp of a loaded full price file.';
comment on column fleet.last_success is 'When a file was last loaded.';
