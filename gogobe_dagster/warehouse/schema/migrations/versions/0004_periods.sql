-- As it was; it reads the view instead of the table.

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
