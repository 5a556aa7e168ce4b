-- The views of before that read the history.

create view price_periods as
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
    h.valid_from,
    h.valid_to,
    h.price,
    h.unit_price,
    h.priced_at,
    h.store_key,
    h.product_key,
    h.file_id,
    h.ended_file_id
from store s
join chain c on c.chain_id = s.chain_id
join price_history h using (store_key)
join product p using (product_key)
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = h.product_key;
comment on view price_periods is 'Price history with names: a row for every period in which a store''s price did not change.';
comment on column price_periods.chain_id is 'Chain id.';
comment on column price_periods.chain_name is 'Name of the chain.';
comment on column price_periods.sub_chain_id is 'Sub-chain id; 0: none.';
comment on column price_periods.store_id is 'The store''s number in its sub-chain.';
comment on column price_periods.store_name is 'Name of the store; null: no store list shows it.';
comment on column price_periods.city is 'City: a name, or a CBS locality code.';
comment on column price_periods.gtin is 'GTIN; null: a code of the chain''s own.';
comment on column price_periods.code is 'Item code as the chain publishes it.';
comment on column price_periods.product_name is 'The chain''s name of the product.';
comment on column price_periods.valid_from is 'First published so.';
comment on column price_periods.valid_to is 'First published otherwise, or absent from a full file; null: it still holds.';
comment on column price_periods.price is 'Shelf price in ILS with VAT.';
comment on column price_periods.unit_price is 'Price in ILS of one unit of measure.';
comment on column price_periods.priced_at is 'When the chain says it set this price.';
comment on column price_periods.store_key is 'Key of the store.';
comment on column price_periods.product_key is 'Key of the product.';
comment on column price_periods.file_id is 'The file that first said so.';
comment on column price_periods.ended_file_id is 'The file that first said otherwise.';

-- What a change was before has ended, so it is what this begins with; what it became may hold, or have ended too.
create view price_changes as
select
    before.valid_to as changed_at,
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
    before.store_key,
    before.product_key,
    h.file_id,
    c.name as chain_name,
    s.city,
    round(100 * (h.price - before.price) / nullif(before.price, 0), 1) as percent,
    before.valid_from as old_since
from price_past before
join price_history h
    on h.store_key = before.store_key and h.product_key = before.product_key and h.valid_from = before.valid_to
    and h.price <> before.price
join store s on s.store_key = before.store_key
join chain c on c.chain_id = s.chain_id
join product p on p.product_key = before.product_key
left join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = before.product_key;
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
comment on column price_changes.chain_name is 'Name of the chain.';
comment on column price_changes.city is 'City: a name, or a CBS locality code.';
comment on column price_changes.percent is 'difference in per cent of old_price; null: it was 0.';
comment on column price_changes.old_since is 'Since when the old price held.';
