-- Ledger, catalogue and prices. The same tables are in warehouse/schema/tables.py; a test compares them.

create table file (
    file_id bigint generated always as identity,
    feed text collate "C" not null,
    name text collate "C" not null,
    revision integer not null,
    day date not null,
    kind text,
    chain_id text,
    sub_chain_id integer,
    store_id integer,
    published_at timestamptz,
    link text not null,
    listed_size bigint,
    size_slack integer not null default 0,
    modified_at timestamptz,
    state text not null,
    code text,
    reason text,
    attempts integer not null default 0,
    sha256 text,
    size bigint,
    container text,
    encoding text,
    reader text,
    dialect text,
    is_damaged boolean not null default false,
    is_complete boolean not null default false,
    lake_path text,
    rows integer,
    rejected integer,
    duplicates integer,
    not_loaded integer,
    reasons jsonb,
    unknown jsonb,
    notes jsonb,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    downloaded_at timestamptz,
    parsed_at timestamptz,
    loaded_at timestamptz,
    constraint file_pkey primary key (file_id),
    constraint file_feed_name_revision_key unique (feed, name, revision),
    constraint file_state_check check (state in ('discovered', 'downloaded', 'parsed', 'loaded', 'superseded', 'quarantined')),
    constraint file_kind_check check (kind in ('stores', 'prices', 'full_prices', 'promotions', 'full_promotions')),
    constraint file_counts_check check (revision >= 1 and attempts >= 0),
    constraint file_quarantine_says_why_check check (state <> 'quarantined' or code is not null),
    constraint file_parsed_is_placed_check check (
        state not in ('parsed', 'loaded') or (kind is not null and published_at is not null
        and lake_path is not null and chain_id is not null and sub_chain_id is not null
        and (store_id is not null or kind = 'stores'))
    )
) with (fillfactor = 80);
create index file_day_idx on file (day, feed);
create index file_pending_idx on file (feed, state, day) where state in ('discovered', 'downloaded', 'parsed');
create index file_store_idx on file (chain_id, sub_chain_id, store_id, published_at) where state = 'loaded';
comment on table file is 'The ledger: one row for every file a listing ever showed and what became of it. Never deleted.';
comment on column file.file_id is 'Surrogate key.';
comment on column file.feed is 'Key of the feed that listed it.';
comment on column file.name is 'Remote name, exactly as listed.';
comment on column file.revision is '1, and one more for each time it came back changed.';
comment on column file.day is 'Publication day (Israel): the partition it belongs to.';
comment on column file.kind is 'What the name says it is; null: the name is not understood.';
comment on column file.chain_id is 'Chain id: the name''s, once parsed the content''s.';
comment on column file.sub_chain_id is 'Sub-chain id: the name''s, once parsed the content''s.';
comment on column file.store_id is 'Store id: the name''s, once parsed the content''s.';
comment on column file.published_at is 'The stamp in the name.';
comment on column file.link is 'How to fetch it, as listed last; it may expire.';
comment on column file.listed_size is 'Bytes as the listing says.';
comment on column file.size_slack is 'How far the listing rounds its size.';
comment on column file.modified_at is 'When the portal says it was written.';
comment on column file.state is 'Where it is in its life.';
comment on column file.code is 'Stable code of its last failure.';
comment on column file.reason is 'Its last failure in words.';
comment on column file.attempts is 'Failed tries so far.';
comment on column file.sha256 is 'Hash of the bytes as served: their name in the raw store.';
comment on column file.size is 'Bytes as served.';
comment on column file.container is 'gzip, zip or plain, by its first bytes.';
comment on column file.encoding is 'Real encoding of the document.';
comment on column file.reader is 'Which reader took it: fast or careful.';
comment on column file.dialect is 'Dialect of the document.';
comment on column file.is_damaged is 'Whether only a part could be read.';
comment on column file.is_complete is 'Whether it is a complete statement, so that what it does not list is gone.';
comment on column file.lake_path is 'The lake''s file with its rows, relative to the lake.';
comment on column file.rows is 'Rows read from it.';
comment on column file.rejected is 'Rows that could not be read.';
comment on column file.duplicates is 'Rows that repeat another row of it.';
comment on column file.not_loaded is 'Rows that the tables could not take or that repeat a product.';
comment on column file.reasons is 'Rejected rows by reason, of reading and of loading.';
comment on column file.unknown is 'Unknown elements, and how often they occur.';
comment on column file.notes is 'Stable words on what was odd about it.';
comment on column file.first_seen_at is 'When a listing first showed it.';
comment on column file.last_seen_at is 'When a listing last showed it.';
comment on column file.downloaded_at is 'When its bytes were stored.';
comment on column file.parsed_at is 'When its rows reached the lake.';
comment on column file.loaded_at is 'When its rows were committed to the tables.';

create table file_event (
    event_id bigint generated always as identity,
    file_id bigint not null,
    at timestamptz not null,
    state text not null,
    code text,
    detail text,
    constraint file_event_pkey primary key (event_id),
    constraint file_event_file_id_fkey foreign key (file_id) references file (file_id)
);
create index file_event_file_id_idx on file_event (file_id);
comment on table file_event is 'The life of every file, step by step.';
comment on column file_event.event_id is 'Surrogate key.';
comment on column file_event.file_id is 'The file.';
comment on column file_event.at is 'When it happened.';
comment on column file_event.state is 'The state it had from then on.';
comment on column file_event.code is 'Stable code, if something was wrong.';
comment on column file_event.detail is 'What happened, in words.';

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
comment on table reject is 'Samples of the rows that were refused; the counts of all are in file.reasons.';
comment on column reject.reject_id is 'Surrogate key.';
comment on column reject.file_id is 'The file.';
comment on column reject.row_number is 'Place of the row in its document, from 1.';
comment on column reject.reason is 'Stable word for why.';
comment on column reject.sample is 'The beginning of the row as published.';
comment on column reject.stage is 'Who refused it: parse or load.';

create table listing (
    feed text collate "C" not null,
    listed_at timestamptz,
    listed integer,
    failed_at timestamptz,
    code text,
    reason text,
    constraint listing_pkey primary key (feed)
);
comment on table listing is 'How the last look at each portal went.';
comment on column listing.feed is 'Key of the feed.';
comment on column listing.listed_at is 'When its portal was last listed.';
comment on column listing.listed is 'Files that the last listing showed.';
comment on column listing.failed_at is 'When listing last failed.';
comment on column listing.code is 'Stable code of the last failure; null: the last listing succeeded.';
comment on column listing.reason is 'The last failure in words.';

create table chain (
    chain_id text not null,
    name text,
    list_file_id bigint,
    constraint chain_pkey primary key (chain_id),
    constraint chain_list_file_id_fkey foreign key (list_file_id) references file (file_id)
);
comment on table chain is 'Chains that publish.';
comment on column chain.chain_id is 'Chain id as published, mostly GS1 with 13 digits.';
comment on column chain.name is 'Name by the newest store list that says it.';
comment on column chain.list_file_id is 'The store list that named it.';

create table sub_chain (
    chain_id text not null,
    sub_chain_id integer not null,
    name text,
    list_file_id bigint,
    constraint sub_chain_pkey primary key (chain_id, sub_chain_id),
    constraint sub_chain_chain_id_fkey foreign key (chain_id) references chain (chain_id),
    constraint sub_chain_list_file_id_fkey foreign key (list_file_id) references file (file_id)
);
comment on table sub_chain is 'Brands inside a chain.';
comment on column sub_chain.chain_id is 'The chain.';
comment on column sub_chain.sub_chain_id is 'Sub-chain id as an integer; 0: none.';
comment on column sub_chain.name is 'Name by the newest store list that says it.';
comment on column sub_chain.list_file_id is 'The store list that named it.';

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
    is_listed boolean not null default false,
    list_file_id bigint,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    last_price_at timestamptz,
    last_full_at timestamptz,
    constraint store_pkey primary key (store_key),
    constraint store_chain_id_sub_chain_id_store_id_key unique (chain_id, sub_chain_id, store_id),
    constraint store_chain_id_sub_chain_id_fkey foreign key (chain_id, sub_chain_id) references sub_chain (chain_id, sub_chain_id),
    constraint store_list_file_id_fkey foreign key (list_file_id) references file (file_id)
);
comment on table store is 'Stores, from store lists and price files; the natural key is chain, sub-chain and store id.';
comment on column store.store_key is 'Surrogate key.';
comment on column store.chain_id is 'Natural key, part 1: the chain.';
comment on column store.sub_chain_id is 'Natural key, part 2: the sub-chain.';
comment on column store.store_id is 'Natural key, part 3: the store''s number.';
comment on column store.check_digit is 'BikoretNo.';
comment on column store.store_type is '1 a shop, 2 online, 3 both.';
comment on column store.name is 'Name by the newest store list.';
comment on column store.address is 'Street address by the newest store list.';
comment on column store.city is 'City by the newest store list: a name, or a CBS locality code.';
comment on column store.zip_code is 'Postal code by the newest store list.';
comment on column store.is_listed is 'Whether the newest store list shows it; false: it left the list, or only price files know it.';
comment on column store.list_file_id is 'Newest store list to show it.';
comment on column store.first_seen_at is 'Oldest published_at of a file about it.';
comment on column store.last_seen_at is 'Newest published_at of a file about it.';
comment on column store.last_price_at is 'Newest published_at of a loaded price file; older files are late.';
comment on column store.last_full_at is 'Newest published_at of a loaded complete price file.';

create table product (
    product_key integer generated always as identity,
    gtin text,
    chain_id text,
    code text,
    constraint product_pkey primary key (product_key),
    constraint product_gtin_key unique (gtin),
    constraint product_chain_id_code_key unique (chain_id, code),
    constraint product_one_identity_check check ((gtin is not null and chain_id is null and code is null) or (gtin is null and chain_id is not null and code is not null)),
    constraint product_gtin_check check (gtin ~ '^([0-9]{13}|[1-9][0-9]{13})$'),
    constraint product_code_check check (char_length(code) between 1 and 64),
    constraint product_chain_id_fkey foreign key (chain_id) references chain (chain_id)
);
comment on table product is 'What is sold: a GTIN across chains, or a chain''s own code. Nothing is matched by name.';
comment on column product.product_key is 'Surrogate key.';
comment on column product.gtin is 'GTIN, one product in all chains: 13 digits, or 14 with a packaging indicator.';
comment on column product.chain_id is 'For a code of a chain''s own: the chain.';
comment on column product.code is 'For a code of a chain''s own: the code as published.';

create table chain_product (
    chain_id text not null,
    product_key integer not null,
    stated_on date not null,
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
    constraint chain_product_pkey primary key (chain_id, product_key),
    constraint chain_product_chain_id_fkey foreign key (chain_id) references chain (chain_id),
    constraint chain_product_product_key_fkey foreign key (product_key) references product (product_key)
);
create index chain_product_product_key_idx on chain_product (product_key);
comment on table chain_product is 'What a chain says about a product on its newest day; where its stores differ, the fullest.';
comment on column chain_product.chain_id is 'The chain.';
comment on column chain_product.product_key is 'The product.';
comment on column chain_product.stated_on is 'Day (Israel) of the newest statement: all else is of that day.';
comment on column chain_product.code is 'Item code as published.';
comment on column chain_product.name is 'The chain''s name of it.';
comment on column chain_product.manufacturer is 'Manufacturer as published.';
comment on column chain_product.country is 'Country of manufacture as published.';
comment on column chain_product.description is 'The manufacturer''s description.';
comment on column chain_product.unit_quantity is 'Unit of `quantity` in words.';
comment on column chain_product.quantity is 'Content of the package in `unit_quantity`.';
comment on column chain_product.unit_of_measure is 'What a unit price is for.';
comment on column chain_product.is_weighted is 'Sold by weight.';
comment on column chain_product.quantity_in_package is 'Pieces in a package.';

create table price_current (
    store_key integer not null,
    product_key integer not null,
    price numeric(14, 4) not null,
    unit_price numeric(14, 4),
    priced_at timestamptz,
    valid_from timestamptz not null,
    file_id bigint not null,
    constraint price_current_pkey primary key (store_key, product_key)
) with (fillfactor = 85);
create index price_current_product_key_idx on price_current (product_key);
comment on table price_current is 'What each product costs in each store now: the open rows of price_history.';
comment on column price_current.store_key is 'The store.';
comment on column price_current.product_key is 'The product.';
comment on column price_current.price is 'Shelf price in ILS with VAT.';
comment on column price_current.unit_price is 'Price in ILS of one unit of measure.';
comment on column price_current.priced_at is 'When the chain says it set this price.';
comment on column price_current.valid_from is 'Since when it holds: first published so.';
comment on column price_current.file_id is 'The file that first said so.';

create table price_history (
    store_key integer not null,
    product_key integer not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    price numeric(14, 4) not null,
    unit_price numeric(14, 4),
    priced_at timestamptz,
    file_id bigint not null,
    ended_file_id bigint,
    constraint price_history_pkey primary key (store_key, product_key, valid_from),
    constraint price_history_period_check check (valid_to > valid_from),
    constraint price_history_end_check check ((valid_to is null) = (ended_file_id is null))
) partition by range (valid_from);
create index price_history_valid_from_idx on price_history using brin (valid_from);
comment on table price_history is 'One row for every period in which a price did not change; a partition a month of valid_from.';
comment on column price_history.store_key is 'The store.';
comment on column price_history.product_key is 'The product.';
comment on column price_history.valid_from is 'First published so.';
comment on column price_history.valid_to is 'First published otherwise, or absent from a full file; null: it still holds.';
comment on column price_history.price is 'Shelf price in ILS with VAT.';
comment on column price_history.unit_price is 'Price in ILS of one unit of measure.';
comment on column price_history.priced_at is 'When the chain says it set this price.';
comment on column price_history.file_id is 'The file that first said so.';
comment on column price_history.ended_file_id is 'The file that first said otherwise.';

