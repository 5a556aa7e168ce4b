"""Products of a chain's own codes that may be products of other chains: candidates, with the evidence.

Nothing is matched here. People accept or reject what is proposed: `gogobe matching`. A candidate is found in
two ways, which may both be true of it:

code   the code is the end of a GTIN that other chains sell, and the names share a word: chains shorten
       7290012226076 to 12226076. The code has its own check digit then, so chance finds one code in ten
words  the names have the same words in any order, and the contents are the same; no other code of the same
       chain has these words and this content. Words that only say "by weight" and sizes do not count: the
       content says them

GTINs are never candidates for each other: two GTINs are two products.
"""

from typing import Final

import polars as pl

from gogobe_dagster.warehouse.statistics.product_choice import normalized

PRODUCTS: Final = pl.Schema(
    {
        "product_key": pl.Int32(),
        "chain_id": pl.String(),
        "code": pl.String(),
        "gtin": pl.String(),
        "name": pl.String(),
        "brand": pl.String(),
        "base_unit": pl.String(),
        "base_quantity": pl.Decimal(14, 6),
    }
)
"""One row per product with a name: `gtin`, or `chain_id` and the chain's own `code`."""
CANDIDATES: Final = (
    *("product_key", "other_key", "is_end_of_gtin", "shared_words"),
    *("base_unit", "base_quantity", "brand"),
)
SHORTENED: Final = r"^[1-9]\d{4,9}$"
"""Codes of five digits or more; shorter ones are a chain's own numbers for vegetables."""
PREFIX: Final = "729"
"""GS1 Israel's; codes of other countries' GTINs are not shortened."""
_SIZE: Final = r"\b\d+(?:\.\d+)?\s*(?:קג|קילו|גרמ|גר|ג|מל|מ ל|ליטר|לי|ל|יח|יחידות|kg|gr|g|ml|l)\b"
_BY_WEIGHT: Final = ("במשקל", "משקל", "שקיל", "מחיר", "לפי", "לקג", "קג", "לקילו")
_WORD_LETTERS: Final = 3
_CONTENT: Final = ("base_unit", "base_quantity")


def find_candidates(products: pl.DataFrame) -> pl.DataFrame:
    """Return CANDIDATES among PRODUCTS: `product_key` has a chain's own code, `other_key` is what it may be.

    Evidence that is not there is null. A product may have several candidates.
    """
    known = products.with_columns(_words().alias("words"))
    own, gtins = known.filter(pl.col("gtin").is_null()), known.filter(pl.col("gtin").is_not_null())
    pairs = pl.concat([_by_code(own, gtins), _by_words(own, gtins)])
    found = pairs.group_by("product_key", "other_key").agg(pl.col("is_end_of_gtin").any())
    return _with_evidence(found, known).sort("product_key", "other_key")


def _words() -> pl.Expr:
    plain = normalized(pl.col("name")).str.replace_all(_SIZE, " ")
    some = plain.str.extract_all(r"[\w.]+%?").list.unique()
    return some.list.set_difference(pl.lit(list(_BY_WEIGHT), dtype=pl.List(pl.String()))).list.sort()


def _by_code(own: pl.DataFrame, gtins: pl.DataFrame) -> pl.DataFrame:
    shortened = own.filter(pl.col("code").str.contains(SHORTENED)).with_columns(
        gtin=pl.lit(PREFIX) + pl.col("code").str.zfill(13 - len(PREFIX))
    )
    pairs = shortened.join(gtins, on="gtin", suffix="_other")
    shared = pl.col("words").list.set_intersection("words_other")
    is_alike = shared.list.eval(pl.element().str.len_chars() >= _WORD_LETTERS).list.any()
    return pairs.filter(is_alike).select(
        "product_key", other_key="product_key_other", is_end_of_gtin=pl.lit(value=True)
    )


def _by_words(own: pl.DataFrame, gtins: pl.DataFrame) -> pl.DataFrame:
    key = ("text", *_CONTENT)
    mine, theirs = (
        some.filter(pl.col("base_quantity").is_not_null(), pl.col("words").list.len() > 0).with_columns(
            pl.col("words").list.join(" ").alias("text")
        )
        for some in (own, gtins)
    )
    mine = mine.filter(pl.len().over("chain_id", *key) == 1)
    without_gtin = mine.join(theirs, on=key, how="anti")
    # one stands for all: the first, whatever was loaded first
    first = without_gtin.sort("chain_id", "code").unique(key, keep="first", maintain_order=True)
    others = pl.concat([theirs, first]).select(*key, other_key="product_key")
    pairs = mine.join(others, on=key).filter(pl.col("product_key") != pl.col("other_key"))
    return pairs.select("product_key", "other_key", is_end_of_gtin=pl.lit(value=False))


def _with_evidence(pairs: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    other = known.select(pl.all().name.suffix("_other")).rename({"product_key_other": "other_key"})
    both = pairs.join(known, on="product_key").join(other, on="other_key")
    same_content = pl.all_horizontal(pl.col(name) == pl.col(f"{name}_other") for name in _CONTENT)
    same_brand = normalized(pl.col("brand")) == normalized(pl.col("brand_other"))
    shared = pl.col("words").list.set_intersection("words_other").list.sort().list.join(" ")
    return both.with_columns(
        pl.when(shared != "").then(shared).alias("shared_words"),
        *(pl.when(same_content).then(name).alias(name) for name in _CONTENT),
        pl.when(same_brand).then("brand").alias("brand"),
    ).select(CANDIDATES)
