-- The tables of version 0.1.0, written from tables.py and promotion_tables.py; a test compares both.

create table file (
    file_id bigint generated always as identity,
    feed text collate "C" not null,
    name text collate "C" not null,
    revision integer not null,
    publication_day date not null,
    kind text,
    chain_id text,
    sub_chain_id integer,
    is_sub_chain_inferred boolean default false not null,
    store_id integer,
    published_at timestamptz,
    link text not null,
    listed_size bigint,
    size_tolerance integer default 0 not null,
    modified_at timestamptz,
    state text not null,
    code text,
    reason text,
    attempts integer default 0 not null,
    failing_since timestamptz,
    retry_at timestamptz,
    sha256 text,
    size bigint,
    container text,
    encoding text,
    reader text,
    dialect text,
    is_damaged boolean default false not null,
    is_complete boolean default false not null,
    lake_path text,
    rows integer,
    rejected integer,
    duplicates integer,
    rows_skipped integer,
    reject_reasons jsonb,
    unknown_elements jsonb,
    unreadable_fields jsonb,
    notes jsonb,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    downloaded_at timestamptz,
    parsed_at timestamptz,
    loaded_at timestamptz,
    constraint file_pkey primary key (file_id),
    constraint file_feed_name_revision_key unique (feed, name, revision),
    constraint file_counts_check check (revision >= 1 and attempts >= 0),
    constraint file_kind_check check (kind in ('stores', 'prices', 'full_prices', 'promotions', 'full_promotions')),
    constraint file_parsed_is_placed_check check (
        state not in ('parsed', 'loaded')
        or (kind is not null and published_at is not null and lake_path is not null and chain_id is not null
            and sub_chain_id is not null and (store_id is not null or kind = 'stores'))
    ),
    constraint file_quarantine_says_why_check check (state <> 'quarantined' or code is not null),
    constraint file_state_check check (
        state in ('discovered', 'downloaded', 'parsed', 'loaded', 'superseded', 'quarantined')
    )
) with (fillfactor = 80);
create index file_pending_idx on file (feed, state, publication_day) where state in ('discovered', 'downloaded', 'parsed');
create index file_publication_day_idx on file (publication_day, feed);
create index file_disagreement_idx on file (chain_id, sub_chain_id, store_id)
    where state = 'loaded' and (is_sub_chain_inferred or notes @> '"store_mismatch"');
create index file_store_idx on file (chain_id, sub_chain_id, store_id, published_at) where state = 'loaded';

create table file_event (
    event_id bigint generated always as identity,
    file_id bigint not null,
    occurred_at timestamptz not null,
    state text not null,
    code text,
    detail text,
    constraint file_event_pkey primary key (event_id),
    constraint file_event_file_id_fkey foreign key (file_id) references file (file_id)
);
create index file_event_file_id_idx on file_event (file_id);

create table archived_file (
    file_id bigint not null,
    published_at timestamptz not null,
    loaded_at timestamptz not null,
    size bigint,
    publication_day date not null,
    revision integer not null,
    rows integer not null,
    rejected integer not null,
    sub_chain_id integer not null,
    store_id integer not null,
    sha256 bytea not null,
    feed text collate "C" not null,
    name text collate "C" not null,
    kind text not null,
    chain_id text not null,
    constraint archived_file_pkey primary key (file_id)
);
create index archived_file_name_idx on archived_file using hash (name);
create index archived_file_publication_day_idx on archived_file (publication_day, feed);

create table reject (
    reject_id bigint generated always as identity,
    file_id bigint not null,
    row_number integer not null,
    reason text not null,
    sample text not null,
    stage text not null,
    constraint reject_pkey primary key (reject_id),
    constraint reject_stage_check check (stage in ('parse', 'load')),
    constraint reject_file_id_fkey foreign key (file_id) references file (file_id)
);
create index reject_file_id_idx on reject (file_id);

create table listing (
    feed text collate "C" not null,
    listed_at timestamptz,
    listed integer,
    failed_at timestamptz,
    code text,
    reason text,
    constraint listing_pkey primary key (feed)
);

create table portal_probe (
    feed text collate "C" not null,
    probed_at timestamptz not null,
    reach text not null,
    code text,
    reason text,
    seconds numeric(8, 2) not null,
    constraint portal_probe_pkey primary key (feed, probed_at),
    constraint portal_probe_reach_check check (reach in ('answers', 'refused', 'no_answer'))
);

create table portal_pause (
    portal text collate "C" not null,
    account text collate "C" not null,
    until timestamptz not null,
    refused_at timestamptz not null,
    refusals integer not null,
    code text not null,
    reason text not null,
    constraint portal_pause_pkey primary key (portal, account)
);

create table retention_watermark (
    kind text not null,
    removed_until timestamptz not null,
    constraint retention_watermark_pkey primary key (kind),
    constraint retention_watermark_kind_check check (kind in ('lake', 'history', 'ledger'))
);

create table chain (
    chain_id text not null,
    name text,
    list_file_id bigint,
    constraint chain_pkey primary key (chain_id),
    constraint chain_list_file_id_fkey foreign key (list_file_id) references file (file_id)
);

create table sub_chain (
    chain_id text not null,
    sub_chain_id integer not null,
    name text,
    list_file_id bigint,
    constraint sub_chain_pkey primary key (chain_id, sub_chain_id),
    constraint sub_chain_chain_id_fkey foreign key (chain_id) references chain (chain_id),
    constraint sub_chain_list_file_id_fkey foreign key (list_file_id) references file (file_id)
);

create table locality (
    locality_code integer not null,
    name text not null,
    english_name text not null,
    district text not null,
    sub_district text not null,
    latitude numeric(9, 6) not null,
    longitude numeric(9, 6) not null,
    population integer,
    constraint locality_pkey primary key (locality_code)
);

create table store (
    store_key integer generated always as identity,
    chain_id text not null,
    sub_chain_id integer not null,
    store_id integer not null,
    check_digit smallint,
    store_type smallint,
    name text,
    address text,
    city text,
    zip_code text,
    locality_code integer,
    is_online boolean generated always as (
        not store_type is distinct from 2
        or chain_id = '7290058249350'::text or chain_id = '7291029710008'::text
        or store_type is distinct from 3 and (name ~* 'אינטרנט|אונליין|און[ -]?ליין|on-?line'::text) is true
    ) stored not null,
    is_listed boolean default false not null,
    list_file_id bigint,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    last_price_at timestamptz,
    last_full_price_at timestamptz,
    last_promotion_at timestamptz,
    last_full_promotion_at timestamptz,
    constraint store_pkey primary key (store_key),
    constraint store_chain_id_sub_chain_id_store_id_key unique (chain_id, sub_chain_id, store_id),
    constraint store_chain_id_sub_chain_id_fkey foreign key (chain_id, sub_chain_id)
        references sub_chain (chain_id, sub_chain_id),
    constraint store_list_file_id_fkey foreign key (list_file_id) references file (file_id),
    constraint store_locality_code_fkey foreign key (locality_code) references locality (locality_code)
);

create table store_number (
    chain_id text not null,
    store_id integer not null,
    sub_chain_id integer default 0 not null,
    is_ambiguous boolean default false not null,
    is_settled boolean default true not null,
    constraint store_number_pkey primary key (chain_id, store_id),
    constraint store_number_chain_id_fkey foreign key (chain_id) references chain (chain_id)
);
create index store_number_unsettled_idx on store_number (chain_id) where not is_settled;

create table product (
    product_key integer generated always as identity,
    gtin text,
    chain_id text,
    code text,
    name text,
    brand text,
    base_unit text,
    base_quantity numeric(14, 6),
    is_weighted boolean,
    gs1_country text,
    conflict text,
    chains integer,
    stores integer,
    constraint product_pkey primary key (product_key),
    constraint product_chain_id_code_key unique (chain_id, code),
    constraint product_gtin_key unique (gtin),
    constraint product_base_unit_check check (base_unit in ('kg', 'l', 'm', 'piece')),
    constraint product_conflict_check check (conflict in ('names', 'contents')),
    constraint product_code_check check (char_length(code) between 1 and 64),
    constraint product_gtin_check check (gtin ~ '^([0-9]{13}|[1-9][0-9]{13})$'),
    constraint product_one_identity_check check (
        (gtin is not null and chain_id is null and code is null)
        or (gtin is null and chain_id is not null and code is not null)
    ),
    constraint product_chain_id_fkey foreign key (chain_id) references chain (chain_id)
);

create table chain_product (
    chain_id text not null,
    product_key integer not null,
    attributes_as_of date not null,
    code text not null,
    name text,
    manufacturer text,
    country text,
    description text,
    unit_quantity text,
    quantity numeric(14, 4),
    unit_of_measure text,
    is_weighted boolean,
    quantity_in_package numeric(14, 4),
    attributes_hash bigint,
    base_unit text,
    base_quantity numeric(14, 6),
    content_source text,
    no_content_reason text,
    constraint chain_product_pkey primary key (chain_id, product_key),
    constraint chain_product_chain_id_fkey foreign key (chain_id) references chain (chain_id),
    constraint chain_product_product_key_fkey foreign key (product_key) references product (product_key),
    constraint chain_product_content_check check (
        base_unit in ('kg', 'l', 'm', 'piece') and base_quantity > 0
        and content_source in ('fields', 'name') and no_content_reason is null
        or coalesce(base_unit, content_source, base_quantity::text) is null
    ),
    constraint chain_product_no_content_reason_check check (
        no_content_reason in (
            'no_content', 'unknown_unit', 'absurd_content', 'contradictory', 'ambiguous_name'
        )
    )
) with (fillfactor = 50);
create index chain_product_code_idx on chain_product (code);
create index chain_product_product_key_idx on chain_product (product_key);

create table product_name (
    chain_id text not null,
    product_key integer not null,
    normalized_name text not null,
    constraint product_name_pkey primary key (chain_id, product_key),
    constraint product_name_chain_id_product_key_fkey foreign key (chain_id, product_key)
        references chain_product (chain_id, product_key) on delete cascade
);
create index product_name_normalized_name_idx on product_name using gin (normalized_name gin_trgm_ops);

create table price_current (
    store_key integer not null,
    product_key integer not null,
    price numeric(14, 4) not null,
    published_unit_price numeric(14, 4),
    price_set_at timestamptz,
    valid_from timestamptz not null,
    file_id bigint not null,
    constraint price_current_pkey primary key (store_key, product_key)
) with (fillfactor = 85);
create index price_current_product_key_idx on price_current (product_key);

create table price_past (
    store_key integer not null,
    product_key integer not null,
    valid_from timestamptz not null,
    valid_to timestamptz not null,
    price numeric(14, 4) not null,
    published_unit_price numeric(14, 4),
    price_set_at timestamptz,
    file_id bigint not null,
    closed_by_file_id bigint not null,
    constraint price_past_pkey primary key (store_key, product_key, valid_to),
    constraint price_past_period_check check (valid_to > valid_from)
) partition by range (valid_to);
create index price_past_valid_to_idx on price_past using brin (valid_to);

create table schema_fingerprint (
    part text not null,
    sha256 text not null,
    constraint schema_fingerprint_pkey primary key (part),
    constraint schema_fingerprint_part_check check (part in ('definitions', 'localities', 'contents'))
);

create table promotion (
    promotion_key integer generated always as identity,
    chain_id text not null,
    promotion_id text collate "C" not null,
    content_hash uuid not null,
    description text,
    starts_at timestamptz,
    ends_at timestamptz,
    invalid_item_codes text[],
    constraint promotion_pkey primary key (promotion_key),
    constraint promotion_chain_id_promotion_id_content_hash_key unique (chain_id, promotion_id, content_hash),
    constraint promotion_promotion_id_check check (char_length(promotion_id) between 1 and 64),
    constraint promotion_chain_id_fkey foreign key (chain_id) references chain (chain_id)
);

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
    discounted_price_per_mida numeric(14, 4),
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
    regular_price_share numeric(10, 8),
    fixed_unit_price numeric(14, 4),
    fixed_kilogram_price numeric(14, 4),
    is_by_weight boolean,
    min_total_quantity numeric(14, 4),
    needs_coupon boolean not null,
    needs_club boolean not null,
    is_compensation boolean not null,
    no_price_reason text,
    constraint promotion_offer_pkey primary key (promotion_key, offer_number),
    constraint promotion_offer_promotion_key_fkey foreign key (promotion_key) references promotion (promotion_key)
);

create table promotion_item (
    promotion_key integer not null,
    offer_number integer not null,
    product_key integer not null,
    is_gift boolean not null,
    gift_price numeric(14, 4),
    constraint promotion_item_pkey primary key (promotion_key, offer_number, product_key, is_gift)
);
create index promotion_item_product_key_idx on promotion_item (product_key);

create table promotion_store (
    store_key integer not null,
    promotion_id text collate "C" not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    promotion_key integer not null,
    file_id bigint not null,
    closed_by_file_id bigint,
    constraint promotion_store_pkey primary key (store_key, promotion_id, valid_from),
    constraint promotion_store_end_check check ((valid_to is null) = (closed_by_file_id is null)),
    constraint promotion_store_period_check check (valid_to > valid_from)
);
create unique index promotion_store_now_idx on promotion_store (store_key, promotion_id) where valid_to is null;
create index promotion_store_where_idx on promotion_store (promotion_key, store_key) where valid_to is null;

create table product_statistics (
    chain_id text not null,
    product_key integer not null,
    first_day date not null,
    last_day date,
    lowest_price numeric(14, 4) not null,
    median_price numeric(14, 4) not null,
    highest_price numeric(14, 4) not null,
    stores integer not null,
    promoted_stores integer not null,
    constraint product_statistics_pkey primary key (product_key, chain_id, first_day),
    constraint product_statistics_chain_id_fkey foreign key (chain_id) references chain (chain_id),
    constraint product_statistics_days_check check (last_day >= first_day),
    constraint product_statistics_stores_check check (stores > 0 and promoted_stores between 0 and stores)
);
create unique index product_statistics_now_idx on product_statistics (chain_id, product_key) where last_day is null;
create index product_statistics_begun_idx on product_statistics (chain_id, first_day);
create index product_statistics_ended_idx on product_statistics (chain_id, last_day) where last_day is not null;

create table statistics_progress (
    chain_id text not null,
    until_day date not null,
    constraint statistics_progress_pkey primary key (chain_id),
    constraint statistics_progress_chain_id_fkey foreign key (chain_id) references chain (chain_id)
);

create table statistics_due (
    mark_id bigint generated always as identity,
    chain_id text not null,
    since_day date not null,
    constraint statistics_due_pkey primary key (mark_id)
);

create table index_product (
    product_key integer not null,
    base_month date not null,
    base_price numeric(18, 8) not null,
    constraint index_product_pkey primary key (product_key)
);

create table price_index (
    chain_id text not null,
    period text not null,
    starts_on date not null,
    price_index numeric(10, 2) not null,
    products integer not null,
    constraint price_index_pkey primary key (chain_id, period, starts_on),
    constraint price_index_chain_id_fkey foreign key (chain_id) references chain (chain_id),
    constraint price_index_period_check check (period in ('week', 'month'))
);

create table chain_discount (
    chain_id text not null,
    product_key integer not null,
    promotion_key integer not null,
    offer_number integer not null,
    stores integer not null,
    effective_unit_price numeric(18, 4) not null,
    price_basis text,
    regular_price numeric(14, 4) not null,
    lowest_30_days numeric(14, 4) not null,
    median_30_days numeric(14, 4) not null,
    lowest_90_days numeric(14, 4) not null,
    median_90_days numeric(14, 4) not null,
    days_known integer not null,
    percent_off_median_30 numeric(20, 1) not null,
    percent_off_median_90 numeric(20, 1) not null,
    constraint chain_discount_pkey primary key (product_key, chain_id, promotion_key, offer_number),
    constraint chain_discount_chain_id_fkey foreign key (chain_id) references chain (chain_id)
);
create index chain_discount_best_idx on chain_discount (chain_id, percent_off_median_30 desc);

create table product_match (
    match_key integer generated always as identity,
    product_key integer not null,
    other_key integer not null,
    decision text default 'proposed' not null,
    decided_at timestamptz,
    is_end_of_gtin boolean not null,
    shared_words text,
    base_unit text,
    base_quantity numeric(14, 6),
    brand text,
    constraint product_match_pkey primary key (match_key),
    constraint product_match_product_key_other_key_key unique (product_key, other_key),
    constraint product_match_two_products_check check (product_key <> other_key),
    constraint product_match_decision_check check (decision in ('proposed', 'accepted', 'rejected')),
    constraint product_match_decided_check check ((decision = 'proposed') = (decided_at is null)),
    constraint product_match_product_key_fkey foreign key (product_key) references product (product_key),
    constraint product_match_other_key_fkey foreign key (other_key) references product (product_key)
);
create unique index product_match_accepted_idx on product_match (product_key) where decision = 'accepted';
create index product_match_other_key_idx on product_match (other_key);

create table watch (
    watch_key integer generated always as identity,
    gtin text not null,
    locality_code integer,
    added_at timestamptz not null,
    constraint watch_pkey primary key (watch_key),
    constraint watch_gtin_locality_code_key unique nulls not distinct (gtin, locality_code)
);

create table watch_price (
    watch_key integer not null,
    store_key integer not null,
    price numeric(14, 4) not null,
    constraint watch_price_pkey primary key (watch_key, store_key),
    constraint watch_price_watch_key_fkey foreign key (watch_key) references watch (watch_key) on delete cascade
);
