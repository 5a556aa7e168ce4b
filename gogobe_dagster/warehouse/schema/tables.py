"""The warehouse's tables, as SQLAlchemy Core: one definition for queries, loads and the schema test.

Migrations create them (a test compares both); views for people are SQL in the migration. Promotions are
`promotion_tables`. No queries here.

A surrogate is called `…_key` and a published number `…_id`, so that `join … using (store_key)` is right
and nobody joins on the store's own number by accident.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.parsing import meanings
from gogobe_dagster.units.reasons import ContentSource, NoContentReason
from gogobe_dagster.units.table import BaseUnit
from gogobe_dagster.warehouse.schema.columns import Exact, Money, Timestamp, metadata
from gogobe_dagster.warehouse.schema.columns import column as _column
from gogobe_dagster.warehouse.schema.columns import one_of as _one_of
from gogobe_dagster.warehouse.schema.enums import FileState, ProductConflict, Reach, Replaced

CODE_LIMIT = 64
"""Longest item code kept; the longest real one has 14 characters, and an index row holds 2,704 bytes."""


# In the store lists of 2015 to 2025, the six online stores that are not of type 2 have one of these words in
# their names. The chains are Wolt Market and Quik, which have no shop. Written as PostgreSQL prints it, since
# Alembic compares the texts.
_IS_ONLINE = """
        not store_type is distinct from 2
        or chain_id = '7290058249350'::text or chain_id = '7291029710008'::text
        or store_type is distinct from 3 and (name ~* 'אינטרנט|אונליין|און[ -]?ליין|on-?line'::text) is true
    """
DISAGREES = "state = 'loaded' and (is_sub_chain_inferred or notes @> '\"store_mismatch\"')"
"""Files whose name, header and store list disagree about the store; `store_coverage` counts them."""

_CONTENT = f"""
        {_one_of("base_unit", BaseUnit)} and base_quantity > 0
        and {_one_of("content_source", ContentSource)} and no_content_reason is null
        or coalesce(base_unit, content_source, base_quantity::text) is null
    """
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
    _column("name", Exact,
                "File name, exactly as listed; the start and a hash of one that is too long.", null=False),
    _column("revision", sa.Integer(),
                "1; one more each time the portal published another file under this name.", null=False),
    _column("publication_day", sa.Date(), "Day in Israel on which it was published.", null=False),
    _column("kind", sa.Text(), "Kind of file by its name; null: the name is not understood."),
    _column("chain_id", sa.Text(),
                "Chain id from the file name, replaced by the document's value after parsing."),
    _column("sub_chain_id", sa.Integer(),
                "Sub-chain id from the file name, replaced by the document's value after parsing, and by that"
                " of its store after loading."),
    _column("is_sub_chain_inferred", sa.Boolean(),
                "Whether the file states no sub-chain: sub_chain_id is the only one in which the chain has"
                " this store number.", null=False, default="false"),
    _column("store_id", sa.Integer(),
                "Store id from the file name, replaced by the document's value after parsing."),
    _column("published_at", Timestamp, "Timestamp in the file name."),
    _column("link", sa.Text(), "Where to download it, as last listed; it may expire.", null=False),
    _column("listed_size", sa.BigInteger(), "Size in bytes as listed."),
    _column("size_tolerance", sa.Integer(),
                "By how many bytes the listed size may be rounded.", null=False, default="0"),
    _column("modified_at", Timestamp, "Modification time as the portal states it."),
    _column("state", sa.Text(), "State of its processing.", null=False),
    _column("code", sa.Text(), "Code of its last failure; docs/codes.md has all of them."),
    _column("reason", sa.Text(), "Its last failure as a message."),
    _column("attempts", sa.Integer(),
                "Number of failed attempts; failures of the portal or the network do not count.",
                null=False, default="0"),
    _column("failing_since", Timestamp,
                "When the portal first failed to deliver it, if it has not delivered it since."),
    _column("retry_at", Timestamp,
                "When it is tried again by itself, if the portal still lists it;"
                " null: at once, or, if quarantined, never."),
    _column("sha256", sa.Text(), "Hash of the bytes as downloaded: their name in the raw store."),
    _column("size", sa.BigInteger(), "Size in bytes as downloaded."),
    _column("container", sa.Text(), "gzip, zip or plain, by its first bytes."),
    _column("encoding", sa.Text(), "Actual encoding of the document."),
    _column("reader", sa.Text(), "Reader that parsed it."),
    _column("dialect", sa.Text(), "Layout of the document."),
    _column("is_damaged", sa.Boolean(),
                "Whether only a part of it could be read.", null=False, default="false"),
    _column("is_complete", sa.Boolean(),
            "Whether it lists everything, so that what it does not list is gone.",
            null=False, default="false"),
    _column("lake_path", sa.Text(), "The lake file with its rows, relative to the lake."),
    _column("rows", sa.Integer(), "Number of rows read from it."),
    _column("rejected", sa.Integer(), "Number of rows that could not be read."),
    _column("duplicates", sa.Integer(), "Number of rows that repeat another row of it."),
    _column("rows_skipped", sa.Integer(),
                "Number of rows that were rejected by the load or repeat a product."),
    _column("reject_reasons", JSONB(), "Number of rejected rows by reason, from parsing and loading."),
    _column("unknown_elements", JSONB(), "Unknown elements, and how often they occur."),
    _column("unreadable_fields", JSONB(),
            "Optional fields that could not be read and are null, and how often; their rows are loaded."),
    _column("notes", JSONB(), "Codes of oddities that parsing found."),
    _column("first_seen_at", Timestamp, "When a listing first contained it.", null=False),
    _column("last_seen_at", Timestamp, "When a listing last contained it.", null=False),
    _column("downloaded_at", Timestamp, "When its bytes were stored."),
    _column("parsed_at", Timestamp, "When its rows were written to the lake."),
    _column("loaded_at", Timestamp, "When its rows were committed to the tables."),
    sa.UniqueConstraint("feed", "name", "revision"),
    sa.CheckConstraint(_one_of("state", FileState), name="state"),
    sa.CheckConstraint(_one_of("kind", FileKind), name="kind"),
    sa.CheckConstraint("revision >= 1 and attempts >= 0", name="counts"),
    sa.CheckConstraint("state <> 'quarantined' or code is not null", name="quarantine_says_why"),
    sa.CheckConstraint(_PLACED, name="parsed_is_placed"),
    sa.Index("file_publication_day_idx", "publication_day", "feed"),
    sa.Index("file_pending_idx", "feed", "state", "publication_day",
             postgresql_where=sa.text("state in ('discovered', 'downloaded', 'parsed')")),
    sa.Index("file_store_idx", "chain_id", "sub_chain_id", "store_id", "published_at",
             postgresql_where=sa.text("state = 'loaded'")),
    sa.Index("file_disagreement_idx", "chain_id", "sub_chain_id", "store_id",
             postgresql_where=sa.text(DISAGREES)),
    comment="The ledger: one row per file that a listing ever contained, and what became of"
    " it. Loaded ones whose details are not needed any more are in archived_file.",
    postgresql_with={"fillfactor": "80"},  # last_seen_at changes with every look at a portal
)  # fmt: skip

file_event = sa.Table(
    "file_event",
    metadata,
    _column("event_id", sa.BigInteger(), "Surrogate key.", sa.Identity(always=True), key=True),
    _column("file_id", sa.BigInteger(), "The file.", sa.ForeignKey("file.file_id"), null=False),
    _column("occurred_at", Timestamp, "When it happened.", null=False),
    _column("state", sa.Text(), "The state of the file from then on.", null=False),
    _column("code", sa.Text(), "Code of the failure, if there was one."),
    _column("detail", sa.Text(), "What happened, as a message."),
    sa.Index(None, "file_id"),
    comment="What happened to each file, step by step.",
)

archived_file = sa.Table(
    "archived_file",
    metadata,
    # fixed widths first, from wide to narrow: no byte is lost to alignment
    _column("file_id", sa.BigInteger(), "The file's key in `file`, to which prices refer.", key=True,
            autoincrement=False),
    _column("published_at", Timestamp, "Timestamp in the file name.", null=False),
    _column("loaded_at", Timestamp, "When its rows were committed to the tables.", null=False),
    _column("size", sa.BigInteger(), "Size in bytes as downloaded."),
    _column("publication_day", sa.Date(), "Day in Israel on which it was published.", null=False),
    _column("revision", sa.Integer(), "As in `file`.", null=False),
    _column("rows", sa.Integer(), "Number of rows that were loaded.", null=False),
    _column("rejected", sa.Integer(), "Number of rows that were not loaded.", null=False),
    _column("sub_chain_id", sa.Integer(), "Sub-chain id.", null=False),
    _column("store_id", sa.Integer(), "Store id.", null=False),
    _column("sha256", sa.LargeBinary(), "Hash of the bytes as downloaded.", null=False),
    _column("feed", Exact, "Key of the feed that listed it.", null=False),
    _column("name", Exact, "File name, exactly as listed.", null=False),
    _column("kind", sa.Text(), "Kind of file.", null=False),
    _column("chain_id", sa.Text(), "Chain id.", null=False),
    sa.Index("archived_file_name_idx", "name", postgresql_using="hash"),
    sa.Index("archived_file_publication_day_idx", "publication_day", "feed"),
    comment="What became of loaded files whose details are past GOGOBE_KEEP_FILE_DETAILS_DAYS.",
)  # fmt: skip

reject = sa.Table(
    "reject",
    metadata,
    _column("reject_id", sa.BigInteger(), "Surrogate key.", sa.Identity(always=True), key=True),
    _column("file_id", sa.BigInteger(), "The file.", sa.ForeignKey("file.file_id"), null=False),
    _column("row_number", sa.Integer(), "Position of the row in its document, from 1.", null=False),
    _column("reason", sa.Text(), "Code of the reason.", null=False),
    _column("sample", sa.Text(), "The beginning of the row as published.", null=False),
    _column("stage", sa.Text(), "Which step rejected it: parse or load.", null=False),
    sa.CheckConstraint(_one_of("stage", ("parse", "load")), name="stage"),
    sa.Index(None, "file_id"),
    comment="Samples of rejected rows, which file.reject_reasons counts, and of rows kept without a field"
    " (unreadable_field), which file.unreadable_fields counts.",
)

listing = sa.Table(
    "listing",
    metadata,
    _column("feed", Exact, "Key of the feed.", key=True),
    _column("listed_at", Timestamp, "When its portal was last listed."),
    _column("listed", sa.Integer(), "Number of files in the last listing."),
    _column("failed_at", Timestamp, "When listing last failed."),
    _column("code", sa.Text(), "Code of the last failure; null: the last listing succeeded."),
    _column("reason", sa.Text(), "The last failure as a message."),
    comment="Result of the last poll of each portal.",
)

portal_probe = sa.Table(
    "portal_probe",
    metadata,
    _column("feed", Exact, "Key of the feed.", key=True),
    _column("probed_at", Timestamp, "When its portal was asked.", key=True),
    _column(
        "reach", sa.Text(), "answers; refused (it answers others); no_answer (nobody gets one).", null=False
    ),
    _column("code", sa.Text(), "Code of the failure; null: it answered as usual."),
    _column("reason", sa.Text(), "The failure as a message."),
    _column("seconds", sa.Numeric(8, 2), "How long it took.", null=False),
    sa.CheckConstraint(_one_of("reach", Reach), name="reach"),
    comment="The last twenty probes of each portal from this machine: `gogobe scan --probe`.",
)

portal_pause = sa.Table(
    "portal_pause",
    metadata,
    _column("portal", Exact, "Address of the portal.", key=True),
    _column("account", Exact, "The account that it refuses; empty: it refuses all of them.", key=True),
    _column("until", Timestamp, "Until when nothing is requested from it.", null=False),
    _column("refused_at", Timestamp, "When it last refused.", null=False),
    _column("refusals", sa.Integer(), "How many times in a row it refused.", null=False),
    _column("code", sa.Text(), "Code of the last refusal.", null=False),
    _column("reason", sa.Text(), "The last refusal as a message.", null=False),
    comment="Portals that refused and are left alone for a while, by every process;"
    " a row is deleted when the portal delivers a file again.",
)

retention_watermark = sa.Table(
    "retention_watermark",
    metadata,
    _column(
        "kind",
        sa.Text(),
        "What was removed: lake and ledger (details), by timestamp of files; history, by end of periods.",
        key=True,
    ),
    _column(
        "removed_until",
        Timestamp,
        "Newest timestamp of what was removed; a late file must be newer.",
        null=False,
    ),
    sa.CheckConstraint(_one_of("kind", ("lake", "history", "ledger")), name="kind"),
    comment="How far back history can still be changed: what retention has removed.",
)

chain = sa.Table(
    "chain",
    metadata,
    _column("chain_id", sa.Text(), "Chain id as published, mostly a GS1 number of 13 digits.", key=True),
    _column("name", sa.Text(), "Name in the newest store list that has one."),
    _column(
        "list_file_id",
        sa.BigInteger(),
        "The store list that the name is from.",
        sa.ForeignKey("file.file_id"),
    ),
    comment="Chains that publish.",
)

sub_chain = sa.Table(
    "sub_chain",
    metadata,
    _column("chain_id", sa.Text(), "The chain.", sa.ForeignKey("chain.chain_id"), key=True),
    _column("sub_chain_id", sa.Integer(), "Sub-chain id as an integer; 0: none.", key=True),
    _column("name", sa.Text(), "Name in the newest store list that has one."),
    _column(
        "list_file_id",
        sa.BigInteger(),
        "The store list that the name is from.",
        sa.ForeignKey("file.file_id"),
    ),
    comment="Brands within a chain.",
)

locality = sa.Table(
    "locality",
    metadata,
    _column("locality_code", sa.Integer(), "Its code at the Central Bureau of Statistics (CBS).", key=True,
            autoincrement=False),
    _column("name", sa.Text(), "Its name in Hebrew, as the CBS writes it.", null=False),
    _column("english_name", sa.Text(), "The CBS's transliteration of the name: Petah Tiqwa.", null=False),
    _column("district", sa.Text(), "District, in Hebrew.", null=False),
    _column("sub_district", sa.Text(), "Sub-district, in Hebrew.", null=False),
    _column("latitude", sa.Numeric(9, 6), "Degrees (WGS84) of a point in the middle of the locality.",
            null=False),
    _column("longitude", sa.Numeric(9, 6), "Degrees (WGS84) of the same point.", null=False),
    _column("population", sa.Integer(), "Inhabitants at the end of 2021; null: none published."),
    comment="Towns and villages of Israel with a code of the CBS, from the table in the package:"
    " `migrate` replaces it when that changes.",
)  # fmt: skip

store = sa.Table(
    "store",
    metadata,
    _column("store_key", sa.Integer(), "Surrogate key.", sa.Identity(always=True), key=True),
    _column("chain_id", sa.Text(), "Natural key, part 1: the chain.", null=False),
    _column("sub_chain_id", sa.Integer(), "Natural key, part 2: the sub-chain.", null=False),
    _column("store_id", sa.Integer(), "Natural key, part 3: the store's number.", null=False),
    _column("check_digit", sa.SmallInteger(), meanings.STORE["check_digit"]),
    _column("store_type", sa.SmallInteger(), meanings.STORE["store_type"]),
    _column("name", sa.Text(), meanings.STORE["name"]),
    _column("address", sa.Text(), meanings.STORE["address"]),
    _column("city", sa.Text(), meanings.STORE["city"]),
    _column("zip_code", sa.Text(), meanings.STORE["zip_code"]),
    _column("locality_code", sa.Integer(),
            "CBS code of the store's locality, found from its city, address and name; null: they name none"
            " for certain.",
            sa.ForeignKey("locality.locality_code")),
    _column("is_online", sa.Boolean(),
            "Whether it sells online only: store_type 2, an online word in its name, or a chain without"
            " shops. False for one that also has a shop (store_type 3).",
            sa.Computed(_IS_ONLINE, persisted=True), null=False),
    _column("is_listed", sa.Boolean(),
            "Whether the newest store list contains it; false: it left the list, or only price files"
            " name it.",
            null=False, default="false"),
    _column("list_file_id", sa.BigInteger(),
                "Newest store list that contains it.", sa.ForeignKey("file.file_id")),
    _column("first_seen_at", Timestamp, "Oldest published_at of a file about it.", null=False),
    _column("last_seen_at", Timestamp, "Newest published_at of a file about it.", null=False),
    _column("last_price_at", Timestamp, "Newest published_at of a loaded price file; an older file is late."),
    _column("last_full_price_at", Timestamp, "Newest published_at of a loaded complete price file."),
    _column("last_promotion_at", Timestamp,
                "Newest published_at of a loaded promotion file; an older file is late."),
    _column("last_full_promotion_at", Timestamp, "Newest published_at of a loaded complete promotion file."),
    sa.UniqueConstraint("chain_id", "sub_chain_id", "store_id"),
    sa.ForeignKeyConstraint(["chain_id", "sub_chain_id"], ["sub_chain.chain_id", "sub_chain.sub_chain_id"]),
    comment="Stores, from store lists and price files; the natural key is chain, sub-chain and store id.",
)  # fmt: skip

store_number = sa.Table(
    "store_number",
    metadata,
    _column("chain_id", sa.Text(), "The chain.", sa.ForeignKey("chain.chain_id"), key=True),
    _column("store_id", sa.Integer(), "The store's number.", key=True),
    _column("sub_chain_id", sa.Integer(),
            "The only sub-chain in which the chain's files and lists show it; 0: none, or several.",
            null=False, default="0"),
    _column("is_ambiguous", sa.Boolean(),
            "Whether it stands in several sub-chains: then files that state none have a store of their own,"
            " in sub-chain 0.", null=False, default="false"),
    _column("is_settled", sa.Boolean(),
            "False until files that state no sub-chain have left the sub-chain that turned out not to be the"
            " only one.", null=False, default="true"),
    sa.Index("store_number_unsettled_idx", "chain_id", postgresql_where=sa.text("not is_settled")),
    comment="One row per chain and store number: where files that state no sub-chain belong.",
)  # fmt: skip

product = sa.Table(
    "product",
    metadata,
    _column("product_key", sa.Integer(), "Surrogate key.", sa.Identity(always=True), key=True),
    _column("gtin", sa.Text(), "GTIN, the same in all chains: 13 digits, or 14 with a packaging indicator."),
    _column(
        "chain_id", sa.Text(), "The chain, if the code is a chain's own.", sa.ForeignKey("chain.chain_id")
    ),
    _column("code", sa.Text(), "The code as published, if it is a chain's own."),
    _column("name", sa.Text(), "One name, chosen from those of all chains."),
    _column("brand", sa.Text(), "The manufacturer or importer that most chains name; null: none does."),
    _column(
        "base_unit",
        sa.Text(),
        "kg, l, m or piece: what most chains' contents are stated in; null: none is known.",
    ),
    _column("base_quantity", sa.Numeric(14, 6), "The content that most chains state, in base_unit."),
    _column("is_weighted", sa.Boolean(), "Sold by weight, as most chains say; null: none says."),
    _column(
        "gs1_country",
        sa.Text(),
        "The country in which the GTIN was assigned, which need not be the one"
        " of production; null: in none, or not a GTIN.",
    ),
    _column(
        "conflict",
        sa.Text(),
        "names or contents: what the chains say about it cannot be the same product; null: it can.",
    ),
    _column("chains", sa.Integer(), "Chains that sell it, as of the last statistics; null: not counted yet."),
    _column("stores", sa.Integer(), "Stores that sell it, as of the last statistics; null: not counted yet."),
    sa.UniqueConstraint("gtin"),
    sa.UniqueConstraint("chain_id", "code"),
    sa.CheckConstraint(
        "(gtin is not null and chain_id is null and code is null)"
        " or (gtin is null and chain_id is not null and code is not null)",
        name="one_identity",
    ),
    sa.CheckConstraint("gtin ~ '^([0-9]{13}|[1-9][0-9]{13})$'", name="gtin"),
    sa.CheckConstraint(f"char_length(code) between 1 and {CODE_LIMIT}", name="code"),
    sa.CheckConstraint(_one_of("base_unit", BaseUnit), name="base_unit"),
    sa.CheckConstraint(_one_of("conflict", ProductConflict), name="conflict"),
    comment="One row per product: a GTIN in all chains, or a chain's own code. Names are never matched. From"
    " name on, what `warehouse.statistics` finds.",
)

chain_product = sa.Table(
    "chain_product",
    metadata,
    _column("chain_id", sa.Text(), "The chain.", sa.ForeignKey("chain.chain_id"), key=True),
    _column("product_key", sa.Integer(), "The product.", sa.ForeignKey("product.product_key"), key=True),
    _column("attributes_as_of", sa.Date(),
                "Day in Israel of the newest file with the product; the attributes are of that day.",
            null=False),
    _column("code", sa.Text(), meanings.PRICE["code"], null=False),
    _column("name", sa.Text(), meanings.PRICE["name"]),
    _column("manufacturer", sa.Text(), meanings.PRICE["manufacturer"]),
    _column("country", sa.Text(), meanings.PRICE["country"]),
    _column("description", sa.Text(), meanings.PRICE["description"]),
    _column("unit_quantity", sa.Text(), meanings.PRICE["unit_quantity"]),
    _column("quantity", Money, meanings.PRICE["quantity"]),
    _column("unit_of_measure", sa.Text(), meanings.PRICE["unit_of_measure"]),
    _column("is_weighted", sa.Boolean(), meanings.PRICE["is_weighted"]),
    _column("quantity_in_package", Money, meanings.PRICE["quantity_in_package"]),
    _column("attributes_hash", sa.BigInteger(),
            "Hash of the attributes; lets a load skip unchanged ones. Null: not known."),
    _column("base_unit", sa.Text(),
            "What its content is stated in, found from the attributes: kg, l, m or piece; null: see"
            " no_content_reason."),
    _column("base_quantity", sa.Numeric(14, 6),
            "Content that its price is for, in base_unit; 1 kg for goods by weight. Null: see"
            " no_content_reason."),
    _column("content_source", sa.Text(), "Where the content was read: fields or name; null: nowhere."),
    _column("no_content_reason", sa.Text(),
            "Why the content is not known; the reasons are in docs/units.md. Null: it is known."),
    sa.CheckConstraint(_CONTENT, name="content"),
    sa.CheckConstraint(_one_of("no_content_reason", NoContentReason), name="no_content_reason"),
    sa.Index(None, "product_key"),
    sa.Index(None, "code"),
    comment="One row per chain and product: its attributes on the newest day with the"
    " product. Where stores of the chain differ, the row with the most attributes counts.",
    postgresql_with={"fillfactor": "50"},  # every row has a new day every day, on its own page
)  # fmt: skip

product_name = sa.Table(
    "product_name",
    metadata,
    _column("chain_id", sa.Text(), "The chain.", key=True),
    _column("product_key", sa.Integer(), "The product.", key=True),
    _column("normalized_name", sa.Text(),
                "The chain's name of the product, normalized by search_text.", null=False),
    sa.ForeignKeyConstraint(["chain_id", "product_key"],
                            ["chain_product.chain_id", "chain_product.product_key"], ondelete="CASCADE"),
    sa.Index("product_name_normalized_name_idx", "normalized_name", postgresql_using="gin",
             postgresql_ops={"normalized_name": "gin_trgm_ops"}),
    comment="The names in chain_product, normalized for search; triggers keep them up to date.",
)  # fmt: skip

# Prices have no foreign keys: four checks a row would halve the load; loading.py makes the keys in the same
# transaction, nothing is ever deleted from the tables they name, and a test looks for orphans.
price_current = sa.Table(
    "price_current",
    metadata,
    _column("store_key", sa.Integer(), "The store.", key=True),
    _column("product_key", sa.Integer(), "The product.", key=True),
    _column("price", Money, meanings.PRICE["price"], null=False),
    _column("published_unit_price", Money, meanings.PRICE["published_unit_price"]),
    _column("price_set_at", Timestamp, meanings.PRICE["price_set_at"]),
    _column("valid_from", Timestamp, "Timestamp of the first file with this price.", null=False),
    _column("file_id", sa.BigInteger(), "The first file with this price.", null=False),
    sa.PrimaryKeyConstraint("store_key", "product_key"),
    sa.Index(None, "product_key"),
    comment="One row per store and product: the price that is valid now, the open periods of price_history.",
    postgresql_with={"fillfactor": "85"},  # room for a changed price on its own page
)

price_past = sa.Table(
    "price_past",
    metadata,
    _column("store_key", sa.Integer(), "The store.", key=True),
    _column("product_key", sa.Integer(), "The product.", key=True),
    _column("valid_from", Timestamp, "Timestamp of the first file with this price.", null=False),
    _column(
        "valid_to",
        Timestamp,
        "Timestamp of the first file with another price, or of the first full file without the product.",
        key=True,
    ),
    _column("price", Money, meanings.PRICE["price"], null=False),
    _column("published_unit_price", Money, meanings.PRICE["published_unit_price"]),
    _column("price_set_at", Timestamp, meanings.PRICE["price_set_at"]),
    _column("file_id", sa.BigInteger(), "The first file with this price.", null=False),
    _column("closed_by_file_id", sa.BigInteger(), "The file that ended the period.", null=False),
    sa.CheckConstraint("valid_to > valid_from", name="period"),
    sa.Index(None, "valid_to", postgresql_using="brin"),
    comment="The periods of price_history that have ended, partitioned by the month of valid_to.",
    postgresql_partition_by="range (valid_to)",
)

schema_fingerprint = sa.Table(
    "schema_fingerprint",
    metadata,
    _column("part", sa.Text(),
            "What was replaced: definitions (functions, views, comments), localities or contents.", key=True),
    _column("sha256", sa.Text(), "Hash of its version in the package.", null=False),
    sa.CheckConstraint(_one_of("part", Replaced), name="part"),
    comment="Which version this database has of what `migrate` replaces as a whole.",
)  # fmt: skip
