-- Promotions. The same tables are in warehouse/schema/promotion_tables.py; a test compares them.

create table promotion (
    promotion_key integer generated always as identity,
    chain_id text not null,
    promotion_id text collate "C" not null,
    content_hash uuid not null,
    description text,
    starts_at timestamptz,
    ends_at timestamptz,
    unusable_codes text[],
    constraint promotion_pkey primary key (promotion_key),
    constraint promotion_chain_id_promotion_id_content_hash_key unique (chain_id, promotion_id, content_hash),
    constraint promotion_promotion_id_check check (char_length(promotion_id) between 1 and 64),
    constraint promotion_chain_id_fkey foreign key (chain_id) references chain (chain_id)
);
comment on table promotion is 'One content of a promotion, once a chain, however many stores publish it. Never changes.';
comment on column promotion.promotion_key is 'Surrogate key of one content of one promotion.';
comment on column promotion.chain_id is 'Natural key, part 1: the chain.';
comment on column promotion.promotion_id is 'Natural key, part 2: the chain''s number of it, leading zeros dropped.';
comment on column promotion.content_hash is 'Natural key, part 3: hash of all its offers as published.';
comment on column promotion.description is 'The chain''s words for it: those of its first offer.';
comment on column promotion.starts_at is 'Earliest start of its offers; null: one of them does not say.';
comment on column promotion.ends_at is 'Latest end of its offers; null: one of them does not say.';
comment on column promotion.unusable_codes is 'Item codes in it that cannot be codes, sorted, at most 100 characters of each; null: none.';

create table promotion_offer (
    promotion_key integer not null,
    offer_number integer not null,
    group_id integer not null,
    description text,
    starts_at timestamptz,
    ends_at timestamptz,
    reward_type smallint,
    discount_type smallint,
    discount_rate numeric(14, 4),
    discounted_price numeric(14, 4),
    discounted_unit_price numeric(14, 4),
    min_quantity numeric(14, 4),
    max_quantity numeric(14, 4),
    min_purchase_amount numeric(14, 4),
    min_basket_amount numeric(14, 4),
    min_amount numeric(14, 4),
    max_amount numeric(14, 4),
    min_items_offered integer,
    gift_count numeric(14, 4),
    redemption_limit numeric(14, 4),
    weight_unit smallint,
    is_weighted boolean,
    allows_multiple_discounts boolean,
    is_coupon boolean,
    is_total boolean,
    is_active boolean,
    club_ids text,
    days text,
    remarks text,
    constraint promotion_offer_pkey primary key (promotion_key, offer_number),
    constraint promotion_offer_promotion_key_fkey foreign key (promotion_key) references promotion (promotion_key)
);
comment on table promotion_offer is 'What a promotion offers: the same terms for all items of an offer.';
comment on column promotion_offer.promotion_key is 'The promotion''s content.';
comment on column promotion_offer.offer_number is 'Number of the offer in it, from 1, by group and terms.';
comment on column promotion_offer.group_id is 'Group in the promotion as published.';
comment on column promotion_offer.description is 'The chain''s words for it.';
comment on column promotion_offer.starts_at is 'From when it holds; null: not said.';
comment on column promotion_offer.ends_at is 'Until when it holds; null: not said.';
comment on column promotion_offer.reward_type is 'RewardType as published.';
comment on column promotion_offer.discount_type is 'DiscountType as published.';
comment on column promotion_offer.discount_rate is 'As published: percent, hundredths of a percent, or ILS, by chain and reward.';
comment on column promotion_offer.discounted_price is 'ILS for min_quantity pieces; may be negative.';
comment on column promotion_offer.discounted_unit_price is 'ILS of one unit of measure.';
comment on column promotion_offer.min_quantity is 'Pieces, or kilograms, to buy at least.';
comment on column promotion_offer.max_quantity is 'Pieces, or kilograms, that it holds for at most; null and 0: no limit said.';
comment on column promotion_offer.min_purchase_amount is 'ILS to spend on it at least.';
comment on column promotion_offer.min_basket_amount is 'ILS of the whole basket at least.';
comment on column promotion_offer.min_amount is 'MinAmount as published.';
comment on column promotion_offer.max_amount is 'MaxAmount as published.';
comment on column promotion_offer.min_items_offered is 'MinNoOfItemOfered as published.';
comment on column promotion_offer.gift_count is 'AdditionalGiftCount as published.';
comment on column promotion_offer.redemption_limit is 'How often one may use it; null: not said.';
comment on column promotion_offer.weight_unit is 'WeightUnit as published.';
comment on column promotion_offer.is_weighted is 'Quantities are kilograms; null: not said.';
comment on column promotion_offer.allows_multiple_discounts is 'Whether others may be used with it; null: not said.';
comment on column promotion_offer.is_coupon is 'Needs a coupon; null: not said.';
comment on column promotion_offer.is_total is 'Holds for the whole basket; null: not said.';
comment on column promotion_offer.is_active is 'AdditionalIsActive as published; null: not said.';
comment on column promotion_offer.club_ids is 'Codes of the clubs it is for, with commas; 0: everybody; null: not said.';
comment on column promotion_offer.days is 'PromotionDays as published; null: every day.';
comment on column promotion_offer.remarks is 'Remarks and restrictions in the chain''s words.';

create table promotion_item (
    promotion_key integer not null,
    offer_number integer not null,
    product_key integer not null,
    is_gift boolean not null,
    gift_price numeric(14, 4),
    constraint promotion_item_pkey primary key (promotion_key, offer_number, product_key, is_gift)
);
create index promotion_item_product_key_idx on promotion_item (product_key);
comment on table promotion_item is 'What an offer holds for; none: it names no item.';
comment on column promotion_item.promotion_key is 'The promotion''s content.';
comment on column promotion_item.offer_number is 'Its offer.';
comment on column promotion_item.product_key is 'The product.';
comment on column promotion_item.is_gift is 'What one gets, not what one has to buy.';
comment on column promotion_item.gift_price is 'Price in ILS of a gift that is not free; null: not said.';

create table promotion_store (
    store_key integer not null,
    promotion_id text collate "C" not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    promotion_key integer not null,
    file_id bigint not null,
    ended_file_id bigint,
    constraint promotion_store_pkey primary key (store_key, promotion_id, valid_from),
    constraint promotion_store_period_check check (valid_to > valid_from),
    constraint promotion_store_end_check check ((valid_to is null) = (ended_file_id is null))
);
create unique index promotion_store_now_idx on promotion_store (store_key, promotion_id) where valid_to is null;
create index promotion_store_where_idx on promotion_store (promotion_key, store_key) where valid_to is null;
comment on table promotion_store is 'Which content of which promotion a store carries, and when: a row a period without change.';
comment on column promotion_store.store_key is 'The store.';
comment on column promotion_store.promotion_id is 'The chain''s number of the promotion.';
comment on column promotion_store.valid_from is 'First published so.';
comment on column promotion_store.valid_to is 'First published otherwise, or absent from a full file; null: the store still carries it.';
comment on column promotion_store.promotion_key is 'The content that it carries.';
comment on column promotion_store.file_id is 'The file that first said so.';
comment on column promotion_store.ended_file_id is 'The file that first said otherwise.';

alter table store add column last_promotion_at timestamptz, add column last_full_promotion_at timestamptz;
comment on column store.last_promotion_at is 'Newest published_at of a loaded promotion file; older are late.';
comment on column store.last_full_promotion_at is 'Newest published_at of a loaded complete promotion file.';
