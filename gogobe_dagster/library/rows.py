"""The columns that a reader of files wants beside those of the document: file, store, what a unit costs."""

import polars as pl

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.file_reader import ParsedFile
from gogobe_dagster.parsing.promotions.pricing.legs import with_pricing
from gogobe_dagster.parsing.promotions.pricing.rules import PRICES
from gogobe_dagster.parsing.promotions.pricing.shopper_price import with_shopper_prices
from gogobe_dagster.units.comparable import with_comparable_prices

IDS = ("chain_id", "sub_chain_id", "store_id")


def complete_rows(name: str, file: ParsedFile) -> pl.DataFrame:
    """Return the rows of a file with its name, the store's ids, and what a unit costs."""
    rows = with_file_and_store(name, file)
    return with_unit_prices(with_pricing(rows) if file.document is Document.PROMOTIONS else rows)


def with_file_and_store(name: str, file: ParsedFile) -> pl.DataFrame:
    """Add columns for the file and, where the rows lack them, for the ids of the store."""
    ids = [
        pl.lit(getattr(file.header, column), pl.String if column == "chain_id" else pl.Int32).alias(column)
        for column in IDS
        if column not in file.rows.columns
    ]
    return file.rows.select(pl.lit(name).alias("file"), *ids, pl.all())


def with_unit_prices(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what a unit costs: by content, or under an offer that has any item that is not a gift.

    Offers must have the columns of `with_pricing`.
    """
    if "no_price_reason" not in frame.columns:
        return _with_content_prices(frame)
    items = pl.col("items").list
    only_gifts = (items.len() > 0) & items.eval(pl.element().struct.field("is_gift")).list.all()
    return _with_offer_prices(frame, only_gifts)


def with_item_prices(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what a unit costs: by content, or of each item under an offer."""
    if "no_price_reason" not in frame.columns:
        return _with_content_prices(frame)
    return _with_offer_prices(frame, pl.col("items.is_gift"))


def _with_content_prices(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what a kilogram, litre, metre or piece costs, to rows of prices."""
    return with_comparable_prices(frame) if "published_unit_price" in frame.columns else frame


def _with_offer_prices(frame: pl.DataFrame, is_gift: pl.Expr) -> pl.DataFrame:
    """Add the columns of the view promotions_now; the file alone does not know the product."""
    known = frame.with_columns(
        is_gift.alias("is_gift"),
        pl.lit(None, pl.Decimal(14, 4)).alias("regular_price"),
        pl.lit(None, pl.Boolean).alias("product_is_weighted"),
    )
    computed = [name for name in PRICES if name not in {"min_total_quantity", "no_price_reason"}]
    return with_shopper_prices(known).drop("is_gift", "regular_price", "product_is_weighted", *computed)
