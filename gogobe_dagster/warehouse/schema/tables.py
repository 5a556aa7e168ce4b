"""The warehouse's tables, as SQLAlchemy Core: one definition for queries, loads and the schema test.

Migrations create them (a test compares both); views for people are SQL in the migration. Promotions are
`promotion_tables`. No queries here.

A surrogate is called `…_key` and a published number `…_id`, so that `join … using (store_key)` is right
and nobody joins on the store's own number by accident.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from gogobe_dagster.warehouse.schema.columns import Exact, Moment, Money, metadata
from gogobe_dagster.warehouse.schema.columns import column as _column
from gogobe_dagster.warehouse.schema.columns import one_of as _one_of

STATES = ("discovered", "downloaded", "parsed", "loaded", "superseded", "quarantined")
KINDS = ("stores", "prices", "full_prices", "promotions", "full_promotions")
CODE_LIMIT = 64
"""Longest item code kept; the longest real one has 14 characters, and an index row holds 2,704 bytes."""


_PLACED = """
        state not in ('parsed', 'loaded')
        or (kind is not null and published_at is not null and lake_path is not null and chain_id is not null
            and sub_chain_id is not null and (store_id is not null or kind = 'stores'))
    """

file = sa.Table(
    "file",
    metadata,
    _column("file_id", sa.BigInteger(), "Surrogate key.", sa.Identity(always=True), key=True),
    _column("feed", Exact, "Key of the feed that listed it.", null=False),
    _column("name", Exact, "Remote name, exactly as listed.", null=False),
    _column("revision", sa.Integer(), "1, and one more for each time it came back changed.", null=False),
    _column("publication_day", sa.Date(), "Day in Israel on which it was published.", null=False),
    _column("kind", sa.Text(), "What the name says it is; null: the name is not understood."),
    _column("chain_id", sa.Text(), "Chain id: the name's, once parsed the content's."),
    _column("sub_chain_id", sa.Integer(), "Sub-chain id: the name's, once parsed the content's."),
    _column("store_id", sa.Integer(), "Store id: the name's, once parsed the content's."),
    _column("published_at", Moment, "The stamp in the name."),
    _column("link", sa.Text(), "How to fetch it, as listed last; it may expire.", null=False),
    _column("listed_size", sa.BigInteger(), "Bytes as the listing says."),
    _column("size_tolerance", sa.Integer(), "How far the listing rounds its size.", null=False, default="0"),
    _column("modified_at", Moment, "When the portal says it was written."),
    _column("state", sa.Text(), "Where it is in its life.", null=False),
    _column("code", sa.Text(), "Stable code of its last failure."),
    _column("reason", sa.Text(), "Its last failure in words."),
    _column("attempts", sa.Integer(), "Failed tries so far.", null=False, default="0"),
    _column("sha256", sa.Text(), "Hash of the bytes as served: their name in the raw store."),
    _column("size", sa.BigInteger(), "Bytes as served."),
    _column("container", sa.Text(), "gzip, zip or plain, by its first bytes."),
    _column("encoding", sa.Text(), "Real encoding of the document."),
    _column("reader", sa.Text(), "Which reader read it: fast or lxml."),
    _column("dialect", sa.Text(), "Dialect of the document."),
    _column("is_damaged", sa.Boolean(), "Whether only a part could be read.", null=False, default="false"),
    _column("is_complete", sa.Boolean(),
            "Whether it is a complete statement, so that what it does not list is gone.",
            null=False, default="false"),
    _column("lake_path", sa.Text(), "The lake's file with its rows, relative to the lake."),
    _column("rows", sa.Integer(), "Rows read from it."),
    _column("rejected", sa.Integer(), "Rows that could not be read."),
    _column("duplicates", sa.Integer(), "Rows that repeat another row of it."),
    _column("rows_skipped", sa.Integer(), "Rows that the tables could not take or that repeat a product."),
    _column("reject_reasons", JSONB(), "Rejected rows by reason, of reading and of loading."),
    _column("unknown_elements", JSONB(), "Unknown elements, and how often they occur."),
    _column("notes", JSONB(), "Stable words on what was odd about it."),
    _column("first_seen_at", Moment, "When a listing first showed it.", null=False),
    _column("last_seen_at", Moment, "When a listing last showed it.", null=False),
    _column("downloaded_at", Moment, "When its bytes were stored."),
    _column("parsed_at", Moment, "When its rows reached the lake."),
    _column("loaded_at", Moment, "When its rows were committed to the tables."),
    sa.UniqueConstraint("feed", "name", "revision"),
    sa.CheckConstraint(_one_of("state", STATES), name="state"),
    sa.CheckConstraint(_one_of("kind", KINDS), name="kind"),
    sa.CheckConstraint("revision >= 1 and attempts >= 0", name="counts"),
    sa.CheckConstraint("state <> 'quarantined' or code is not null", name="quarantine_says_why"),
    sa.CheckConstraint(_PLACED, name="parsed_is_placed"),
    sa.Index("file_publication_day_idx", "publication_day", "feed"),
    sa.Index("file_pending_idx", "feed", "state", "publication_day",
             postgresql_where=sa.text("state in ('discovered', 'downloaded', 'parsed')")),
    sa.Index("file_store_idx", "chain_id", "sub_chain_id", "store_id", "published_at",
             postgresql_where=sa.text("state = 'loaded'")),
    comment="The ledger: one row for every file a listing ever showed and what became of it. Never deleted.",
    postgresql_with={"fillfactor": "80"},  # last_seen_at changes with every look at a portal
)  # fmt: skip

file_event = sa.Table(
    "file_event",
    metadata,
    _column("event_id", sa.BigInteger(), "Surrogate key.", sa.Identity(always=True), key=True),
    _column("file_id", sa.BigInteger(), "The file.", sa.ForeignKey("file.file_id"), null=False),
    _column("occurred_at", Moment, "When it happened.", null=False),
    _column("state", sa.Text(), "The state it had from then on.", null=False),
    _column("code", sa.Text(), "Stable code, if something was wrong."),
    _column("detail", sa.Text(), "What happened, in words."),
    sa.Index(None, "file_id"),
    comment="The life of every file, step by step.",
)

reject = sa.Table(
    "reject",
    metadata,
    _column("reject_id", sa.BigInteger(), "Surrogate key.", sa.Identity(always=True), key=True),
    _column("file_id", sa.BigInteger(), "The file.", sa.ForeignKey("file.file_id"), null=False),
    _column("row_number", sa.Integer(), "StoreIdentity of the row in its document, from 1.", null=False),
    _column("reason", sa.Text(), "Stable word for why.", null=False),
    _column("sample", sa.Text(), "The beginning of the row as published.", null=False),
    _column("stage", sa.Text(), "Who refused it: parse or load.", null=False),
    sa.CheckConstraint(_one_of("stage", ("parse", "load")), name="stage"),
    sa.Index(None, "file_id"),
    comment="Samples of the rows that were refused; the counts of all are in file.reject_reasons.",
)

listing = sa.Table(
    "listing",
    metadata,
    _column("feed", Exact, "Key of the feed.", key=True),
    _column("listed_at", Moment, "When its portal was last listed."),
    _column("listed", sa.Integer(), "Files that the last listing showed."),
    _column("failed_at", Moment, "When listing last failed."),
    _column("code", sa.Text(), "Stable code of the last failure; null: the last listing succeeded."),
    _column("reason", sa.Text(), "The last failure in words."),
    comment="How the last look at each portal went.",
)

retention_watermark = sa.Table(
    "retention_watermark",
    metadata,
    _column(
        "kind", sa.Text(), "What went: lake, by stamp of its files; history, by end of its periods.", key=True
    ),
    _column("removed_until", Moment, "Newest moment of what went; a late file must be newer.", null=False),
    sa.CheckConstraint(_one_of("kind", ("lake", "history")), name="kind"),
    comment="How far back the past can still be changed, as retention has removed what was before.",
)

chain = sa.Table(
    "chain",
    metadata,
    _column("chain_id", sa.Text(), "Chain id as published, mostly GS1 with 13 digits.", key=True),
    _column("name", sa.Text(), "Name by the newest store list that says it."),
    _column("list_file_id", sa.BigInteger(), "The store list that named it.", sa.ForeignKey("file.file_id")),
    comment="Chains that publish.",
)

sub_chain = sa.Table(
    "sub_chain",
    metadata,
    _column("chain_id", sa.Text(), "The chain.", sa.ForeignKey("chain.chain_id"), key=True),
    _column("sub_chain_id", sa.Integer(), "Sub-chain id as an integer; 0: none.", key=True),
    _column("name", sa.Text(), "Name by the newest store list that says it."),
    _column("list_file_id", sa.BigInteger(), "The store list that named it.", sa.ForeignKey("file.file_id")),
    comment="Brands inside a chain.",
)

store = sa.Table(
    "store",
    metadata,
    _column("store_key", sa.Integer(), "Surrogate key.", sa.Identity(always=True), key=True),
    _column("chain_id", sa.Text(), "Natural key, part 1: the chain.", null=False),
    _column("sub_chain_id", sa.Integer(), "Natural key, part 2: the sub-chain.", null=False),
    _column("store_id", sa.Integer(), "Natural key, part 3: the store's number.", null=False),
    _column("check_digit", sa.SmallInteger(), "BikoretNo."),
    _column("store_type", sa.SmallInteger(), "1 a shop, 2 online, 3 both."),
    _column("name", sa.Text(), "Name by the newest store list."),
    _column("address", sa.Text(), "Street address by the newest store list."),
    _column("city", sa.Text(), "City by the newest store list: a name, or a CBS locality code."),
    _column("zip_code", sa.Text(), "Postal code by the newest store list."),
    _column("is_listed", sa.Boolean(),
            "Whether the newest store list shows it; false: it left the list, or only price files know it.",
            null=False, default="false"),
    _column("list_file_id", sa.BigInteger(), "Newest store list to show it.", sa.ForeignKey("file.file_id")),
    _column("first_seen_at", Moment, "Oldest published_at of a file about it.", null=False),
    _column("last_seen_at", Moment, "Newest published_at of a file about it.", null=False),
    _column("last_price_at", Moment, "Newest published_at of a loaded price file; older files are late."),
    _column("last_full_price_at", Moment, "Newest published_at of a loaded complete price file."),
    _column("last_promotion_at", Moment, "Newest published_at of a loaded promotion file; older are late."),
    _column("last_full_promotion_at", Moment, "Newest published_at of a loaded complete promotion file."),
    sa.UniqueConstraint("chain_id", "sub_chain_id", "store_id"),
    sa.ForeignKeyConstraint(["chain_id", "sub_chain_id"], ["sub_chain.chain_id", "sub_chain.sub_chain_id"]),
    comment="Stores, from store lists and price files; the natural key is chain, sub-chain and store id.",
)  # fmt: skip

product = sa.Table(
    "product",
    metadata,
    _column("product_key", sa.Integer(), "Surrogate key.", sa.Identity(always=True), key=True),
    _column(
        "gtin", sa.Text(), "GTIN, one product in all chains: 13 digits, or 14 with a packaging indicator."
    ),
    _column(
        "chain_id", sa.Text(), "For a code of a chain's own: the chain.", sa.ForeignKey("chain.chain_id")
    ),
    _column("code", sa.Text(), "For a code of a chain's own: the code as published."),
    sa.UniqueConstraint("gtin"),
    sa.UniqueConstraint("chain_id", "code"),
    sa.CheckConstraint(
        "(gtin is not null and chain_id is null and code is null)"
        " or (gtin is null and chain_id is not null and code is not null)",
        name="one_identity",
    ),
    sa.CheckConstraint("gtin ~ '^([0-9]{13}|[1-9][0-9]{13})$'", name="gtin"),
    sa.CheckConstraint(f"char_length(code) between 1 and {CODE_LIMIT}", name="code"),
    comment="What is sold: a GTIN across chains, or a chain's own code. Nothing is matched by name.",
)

chain_product = sa.Table(
    "chain_product",
    metadata,
    _column("chain_id", sa.Text(), "The chain.", sa.ForeignKey("chain.chain_id"), key=True),
    _column("product_key", sa.Integer(), "The product.", sa.ForeignKey("product.product_key"), key=True),
    _column("attributes_as_of", sa.Date(), "Day (Israel) of the newest statement: all else is of that day.",
            null=False),
    _column("code", sa.Text(), "Item code as published.", null=False),
    _column("name", sa.Text(), "The chain's name of it."),
    _column("manufacturer", sa.Text(), "Manufacturer as published."),
    _column("country", sa.Text(), "Country of manufacture as published."),
    _column("description", sa.Text(), "The manufacturer's description."),
    _column("unit_quantity", sa.Text(), "Unit of `quantity` in words."),
    _column("quantity", Money, "Content of the package in `unit_quantity`."),
    _column("unit_of_measure", sa.Text(), "What a unit price is for."),
    _column("is_weighted", sa.Boolean(), "Sold by weight."),
    _column("quantity_in_package", Money, "Pieces in a package."),
    _column("attributes_hash", sa.BigInteger(),
            "Hash of the attributes; lets a load skip unchanged ones. Null: not known."),
    sa.Index(None, "product_key"),
    sa.Index(None, "code"),
    comment="What a chain says about a product on its newest day; where its stores differ, the fullest.",
    postgresql_with={"fillfactor": "50"},  # every row has a new day every day, on its own page
)  # fmt: skip

product_name = sa.Table(
    "product_name",
    metadata,
    _column("chain_id", sa.Text(), "The chain.", key=True),
    _column("product_key", sa.Integer(), "The product.", key=True),
    _column("normalized_name", sa.Text(), "The chain's name of it, in one spelling.", null=False),
    sa.ForeignKeyConstraint(["chain_id", "product_key"],
                            ["chain_product.chain_id", "chain_product.product_key"], ondelete="CASCADE"),
    sa.Index("product_name_normalized_name_idx", "normalized_name", postgresql_using="gin",
             postgresql_ops={"normalized_name": "gin_trgm_ops"}),
    comment="The names of chain_product in the spelling of search_text; triggers keep them.",
)  # fmt: skip

# Prices have no foreign keys: four checks a row would halve the load; loading.py makes the keys in the same
# transaction, nothing is ever deleted from the tables they name, and a test looks for orphans.
price_current = sa.Table(
    "price_current",
    metadata,
    _column("store_key", sa.Integer(), "The store.", key=True),
    _column("product_key", sa.Integer(), "The product.", key=True),
    _column("price", Money, "Shelf price in ILS with VAT.", null=False),
    _column("unit_price", Money, "Price in ILS of one unit of measure."),
    _column("price_set_at", Moment, "When the chain says it set this price."),
    _column("valid_from", Moment, "Since when it holds: first published so.", null=False),
    _column("file_id", sa.BigInteger(), "The file that first said so.", null=False),
    sa.PrimaryKeyConstraint("store_key", "product_key"),
    sa.Index(None, "product_key"),
    comment="What each product costs in each store now: the periods of price_history that hold.",
    postgresql_with={"fillfactor": "85"},  # room for a changed price on its own page
)

price_past = sa.Table(
    "price_past",
    metadata,
    _column("store_key", sa.Integer(), "The store.", key=True),
    _column("product_key", sa.Integer(), "The product.", key=True),
    _column("valid_from", Moment, "First published so.", null=False),
    _column("valid_to", Moment, "First published otherwise, or absent from a full file.", key=True),
    _column("price", Money, "Shelf price in ILS with VAT.", null=False),
    _column("unit_price", Money, "Price in ILS of one unit of measure."),
    _column("price_set_at", Moment, "When the chain says it set this price."),
    _column("file_id", sa.BigInteger(), "The file that first said so.", null=False),
    _column("closed_by_file_id", sa.BigInteger(), "The file that first said otherwise.", null=False),
    sa.CheckConstraint("valid_to > valid_from", name="period"),
    sa.Index(None, "valid_to", postgresql_using="brin"),
    comment="The periods of price_history that have ended; a partition a month of valid_to.",
    postgresql_partition_by="range (valid_to)",
)

schema_fingerprint = sa.Table(
    "schema_fingerprint",
    metadata,
    _column("only_row", sa.Boolean(), "Always true: there is one row.", key=True),
    _column("sha256", sa.Text(), "Hash of their text.", null=False),
    sa.CheckConstraint("only_row", name="only_row"),
    comment="Which functions, views and comments this database has; `gogobe` replaces them when they differ.",
)
