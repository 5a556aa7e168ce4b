"""A small market for the tests of loading: files are written into a real lake, recorded, and loaded."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.parsing.model import PRICES, PROMOTIONS, STORES
from gogobe_dagster.warehouse.ledger.ledger import Ledger
from gogobe_dagster.warehouse.ledger.model import LedgerFile, ListedFile
from gogobe_dagster.warehouse.load.load_report import LoadReport
from gogobe_dagster.warehouse.load.loader import load_prices, load_promotions, load_stores
from gogobe_dagster.warehouse.schema.columns import metadata
from gogobe_dagster.warehouse.schema.tables import file, locality, schema_fingerprint
from gogobe_dagster_tests.warehouse.making import CHAIN, FEED, NOON, TODAY, StoreFileOfTest, parsed, sighting
from gogobe_dagster_tests.warehouse.promotions import PromotionFile

MILK, BREAD, EGGS = "7290000000015", "7290000000022", "7290000000039"
TOMATO = "120"  # a chain's own code

PLACE = "s.chain_id, s.sub_chain_id, s.store_id"
PRODUCT = "coalesce(p.gtin, p.chain_id || ':' || p.code)"
PRICES_NOW = f"""
select {PLACE}, {PRODUCT}, c.price, c.published_unit_price, c.price_set_at, c.valid_from, f.name
from price_current c join store s using (store_key) join product p using (product_key)
join file f using (file_id) order by 1, 2, 3, 4
"""
HISTORY = f"""
select {PLACE}, {PRODUCT}, h.price, h.published_unit_price, h.price_set_at, h.valid_from, h.valid_to,
    f.name, e.name
from price_history h join store s using (store_key) join product p using (product_key)
join file f using (file_id) left join file e on e.file_id = h.closed_by_file_id
order by 1, 2, 3, 4, h.valid_from
"""
STORES_NOW = f"""
select {PLACE}, s.name, s.address, s.city, s.is_listed, l.name, s.first_seen_at, s.last_seen_at,
    s.last_price_at, s.last_full_price_at, c.name, b.name, s.last_promotion_at, s.last_full_promotion_at,
    s.locality_code
from store s left join file l on l.file_id = s.list_file_id join chain c on c.chain_id = s.chain_id
join sub_chain b on b.chain_id = s.chain_id and b.sub_chain_id = s.sub_chain_id order by 1, 2, 3
"""
ATTRIBUTES = f"""
select d.chain_id, {PRODUCT}, d.attributes_as_of, d.code, d.name, d.manufacturer, d.unit_quantity, d.quantity,
    d.is_weighted, d.base_unit, d.base_quantity, d.content_source, d.no_content_reason
from chain_product d join product p using (product_key) order by 1, 2
"""
PROMOTION_PERIODS = f"""
select {PLACE}, h.promotion_id, replace(p.content_hash::text, '-', ''), h.valid_from, h.valid_to,
    f.name, e.name
from promotion_store h join store s using (store_key) join promotion p using (promotion_key)
join file f using (file_id) left join file e on e.file_id = h.closed_by_file_id
order by 1, 2, 3, 4, h.valid_from
"""
OFFERED = f"""
select r.chain_id, r.promotion_id, r.content_hash, r.description, r.starts_at, r.ends_at,
    r.invalid_item_codes, o.offer_number, o.group_id, o.description, o.discounted_price, o.min_quantity,
    i.is_gift, {PRODUCT}
from promotion r left join promotion_offer o using (promotion_key)
left join promotion_item i using (promotion_key, offer_number) left join product p using (product_key)
order by 1, 2, 3, 8, 13, 14
"""
PRODUCTS = f"select {PRODUCT} from product p order by 1"
FILE_STATES = "select name, revision, state, rows_skipped, reject_reasons from file order by name, revision"
EVERYTHING = (PRICES_NOW, HISTORY, STORES_NOW, ATTRIBUTES, FILE_STATES, PROMOTION_PERIODS, OFFERED, PRODUCTS)


@dataclass(frozen=True)
class PriceRow:
    """One row of a price file."""

    code: str
    price: str | None
    """None: the file lists the code, and its price could not be read."""
    published_unit_price: str | None = None
    is_barcode: bool | None = None
    name: str | None = None
    manufacturer: str | None = None
    price_set_at: datetime | None = None
    article: str | None = None
    is_weighted: bool | None = None
    unit_quantity: str | None = None
    quantity: Decimal | None = None
    unit_of_measure: str | None = None


@dataclass(frozen=True)
class PriceFile(StoreFileOfTest):
    """A price file as a test writes it."""

    delta_kind, full_kind = FileKind.PRICES, FileKind.FULL_PRICES

    hours: float
    price_rows: Sequence[PriceRow] | Mapping[str, str]
    is_full: bool = False
    store: int = 1
    sub_chain: int = 1
    """As header and name state it; 0 means unknown."""
    chain: str = CHAIN
    is_damaged: bool = False
    revision_size: int = 1000
    variant: str = ""

    @property
    def rows(self) -> list[PriceRow]:
        if isinstance(self.price_rows, Mapping):
            return [
                PriceRow(code, price, is_barcode=len(code) > 8) for code, price in self.price_rows.items()
            ]
        return list(self.price_rows)


@dataclass(frozen=True)
class StoreList:
    """A store list as a test writes it: names by sub-chain and store id."""

    hours: float
    names: Mapping[tuple[int, int], str]
    chain_name: str = "רמי לוי"
    is_damaged: bool = False
    other: Mapping[str, Any] = field(default_factory=dict)
    chain: str = CHAIN
    store: int | None = None
    """The only store of the list; None: all stores."""
    sub_chain: int = 0
    """The sub-chain in the file's name."""
    addresses: Mapping[tuple[int, int], Mapping[str, str | None]] = field(default_factory=dict)
    """City and address of stores that have them, by sub-chain and store id."""

    @property
    def sighting(self) -> ListedFile:
        about = {} if self.store is None else {"store": self.store}
        return sighting(FileKind.STORES, hours=self.hours, **about, **self.other)

    @property
    def name(self) -> str:
        return self.sighting.name


One = TypeVar("One")
AnyFile = PriceFile | PromotionFile | StoreList


@dataclass
class Market:
    """The ledger, the lake and the tables, and how files get into them."""

    engine: sa.Engine
    lake: Lake
    batches: int = 0

    @classmethod
    def at(cls, engine: sa.Engine, folder: Path) -> "Market":
        return cls(engine, Lake(str(folder)))

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.engine)

    def publish(self, *files: AnyFile, feed: str = FEED) -> list[LedgerFile]:
        """Bring files of different names to the state parsed, one batch of the lake each document."""
        ids = self._download(files, feed)
        entries = []
        for document, some in _by_document((given.sighting.kind, given) for given in files).items():
            self.batches += 1
            with self.lake.batch(document, feed=feed, day=TODAY, key=f"{self.batches}") as batch:
                for item in some:
                    frame = frame_of(item)
                    batch.add(ids[item.name], frame)
                    about: dict[str, Any] = {
                        "lake_path": batch.path,
                        "rows": frame["price"].count() if isinstance(item, PriceFile) else len(frame),
                        "is_damaged": item.is_damaged,
                        "sub_chain_id": item.sub_chain,
                    }
                    entries.append(parsed(ids[item.name], chain_id=item.chain, store=item.store, **about))
        self.ledger.mark_parsed(entries, now=NOON)
        return self.ledger.files([entry.file_id for entry in entries])

    def _download(self, files: Sequence[AnyFile], feed: str) -> dict[str, int]:
        """Record and fetch; return the newest revision of each name."""
        self.ledger.record(feed, [file.sighting for file in files], now=NOON)
        ids = {known.name: known.id for known in self.ledger.pending(feed) if not known.sha256}
        fetched = sa.update(file).where(file.c.file_id.in_(ids.values()))
        with self.engine.begin() as connection:
            connection.execute(fetched.values(state="downloaded", sha256="ab", size=1))
        assert ids.keys() == {file.name for file in files}
        return ids

    def load(self, files: Sequence[LedgerFile], *, rows_at_once: int = 1000) -> LoadReport:
        """Load price files."""
        return load_prices(self.engine, files, self.lake, now=NOON, rows_at_once=rows_at_once)

    def load_lists(self, files: Sequence[LedgerFile]) -> LoadReport:
        """Load store lists."""
        return load_stores(self.engine, files, self.lake, now=NOON)

    def load_promotions(self, files: Sequence[LedgerFile], *, rows_at_once: int = 1000) -> LoadReport:
        """Load promotion files."""
        return load_promotions(self.engine, files, self.lake, now=NOON, rows_at_once=rows_at_once)

    def load_all(self, files: Sequence[LedgerFile], *, rows_at_once: int = 1000) -> int:
        """Load files of any document; return how many were loaded."""
        documents = _by_document((file.kind, file) for file in files)
        reports = (
            self.load_lists(documents[Document.STORES]),
            self.load(documents[Document.PRICES], rows_at_once=rows_at_once),
            self.load_promotions(documents[Document.PROMOTIONS], rows_at_once=rows_at_once),
        )
        return sum(report.files for report in reports)

    def open(self, *files: PriceFile, feed: str = FEED) -> LoadReport:
        """Publish price files and load them together."""
        return self.load(self.publish(*files, feed=feed))

    def offer(self, *files: PromotionFile, feed: str = FEED) -> LoadReport:
        """Publish promotion files and load them together."""
        return self.load_promotions(self.publish(*files, feed=feed))

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def forget(self) -> None:
        """Empty all tables."""
        forget(self.engine)

    def everything(self) -> list[list[tuple[Any, ...]]]:
        """All that the tables say, by natural keys."""
        return [self.ask(query) for query in EVERYTHING]

    def all_but_products(self) -> list[list[tuple[Any, ...]]]:
        """All tables but products: a load that fails may leave products that nothing refers to."""
        return self.everything()[: EVERYTHING.index(PRODUCTS)]

    def prices(self, store: int = 1) -> dict[str, Decimal]:
        """What the store sells, by code or GTIN."""
        return {row[3].removeprefix(f"{CHAIN}:"): row[4] for row in self.ask(PRICES_NOW) if row[2] == store}

    def history(self, code: str, store: int = 1) -> list[tuple[str, float, float | None]]:
        """Price, and the hours after midnight from and to of each period of a product."""
        midnight = NOON.replace(hour=0)
        return [
            (str(row[4].normalize()), _hours(row[7] - midnight), row[8] and _hours(row[8] - midnight))
            for row in self.ask(HISTORY)
            if row[2] == store and row[3].removeprefix(f"{CHAIN}:") == code
        ]

    def promotion_periods(self, promotion_id: str, store: int = 1) -> list[tuple[str, float, float | None]]:
        """Content hash, and the hours after midnight from and to of each period of a promotion."""
        midnight = NOON.replace(hour=0)
        return [
            (row[4], _hours(row[5] - midnight), row[6] and _hours(row[6] - midnight))
            for row in self.ask(PROMOTION_PERIODS)
            if row[2] == store and row[3] == promotion_id
        ]


def forget(engine: sa.Engine) -> None:
    """Empty all tables but those that `migrate` fills."""
    kept = {schema_fingerprint.name, locality.name}
    with engine.begin() as connection:
        connection.execute(sa.text(f"truncate {', '.join(metadata.tables.keys() - kept)} restart identity"))


def _hours(span: timedelta) -> float:
    return span / timedelta(hours=1)


def _by_document(files: Iterable[tuple[FileKind | None, One]]) -> dict[Document, list[One]]:
    documents: dict[Document, list[One]] = defaultdict(list)
    for kind, entry in files:
        assert kind
        documents[kind.document].append(entry)
    return documents


def frame_of(published: AnyFile) -> pl.DataFrame:
    """Make the rows that reading gives."""
    rows: Sequence[Mapping[str, Any]]
    if isinstance(published, PromotionFile):
        rows, schema = published.rows, PROMOTIONS
    elif isinstance(published, PriceFile):
        rows = [
            {
                **vars(price_row),
                "price": price_row.price and Decimal(price_row.price),
                "published_unit_price": price_row.published_unit_price
                and Decimal(price_row.published_unit_price),
            }
            for price_row in published.rows
        ]
        schema = PRICES
    else:
        rows = [
            {
                "chain_id": published.chain,
                "chain_name": published.chain_name,
                "sub_chain_id": sub,
                "store_id": store,
                "name": name,
                **published.addresses.get((sub, store), {}),
            }
            for (sub, store), name in published.names.items()
        ]
        schema = STORES
    columns = pl.from_arrow(schema.empty_table())
    assert isinstance(columns, pl.DataFrame)
    numbered = [{**row, "row_number": number} for number, row in enumerate(rows, 1)]
    return pl.DataFrame(numbered, schema=columns.drop("file_id").schema)
