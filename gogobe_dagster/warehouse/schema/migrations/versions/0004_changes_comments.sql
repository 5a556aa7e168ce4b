-- What the columns mean is as it was.

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
