"""One name, brand, content and weighted flag of a product, chosen from what the chains say about it.

Only what the chains say now counts, and ties are decided by the texts themselves: the choice does not depend
on the order in which anything was loaded. The rule, which docs/data.md repeats:

name      the name with the most words that other chains' names have too, each word counted once for each of
          these chains; of equal ones the shortest, then the first in byte order
brand     the manufacturer that most chains name, whatever they add for a company's form; placeholders are
          none; of equal ones the shortest, then the first
content   the content that most chains state; of equal ones the one read in fields, then the first by unit and
          quantity
weighted  what most chains that say anything say; of equal ones: by weight
"""

import polars as pl

STATEMENTS = pl.Schema(
    {
        "product_key": pl.Int32(),
        "chain_id": pl.String(),
        "name": pl.String(),
        "manufacturer": pl.String(),
        "base_unit": pl.String(),
        "base_quantity": pl.Decimal(14, 6),
        "content_source": pl.String(),
        "is_weighted": pl.Boolean(),
    }
)
"""One row per product and chain that has something to say about it."""
CHOSEN = ("name", "brand", "base_unit", "base_quantity", "is_weighted")
QUOTES = "['\"`´״׳’‘”“″′]"
FINAL_LETTERS = {"ך": "כ", "ם": "מ", "ן": "נ", "ף": "פ", "ץ": "צ"}
NO_BRAND = (
    "",
    "כללי",
    "general",
    "לא ידוע",
    "unknown",
    "ללא",
    "אחר",
    "שונות",
    "לא מוגדר",
    "none",
    "null",
    "na",
)
"""What chains write for no manufacturer."""
_COMPANY_FORM = r"\b(?:בעמ|בע מ|בע|ltd|inc|מוגבלת)\b"


def choose(statements: pl.DataFrame) -> pl.DataFrame:
    """Return CHOSEN by `product_key`, for the products of these STATEMENTS."""
    chosen = statements.select("product_key").unique().sort("product_key")
    parts = (_names(statements), _brands(statements), _contents(statements), _weighted(statements))
    for part in parts:
        chosen = chosen.join(part, on="product_key", how="left", maintain_order="left")
    return chosen.select("product_key", *CHOSEN)


def normalized(text: pl.Expr) -> pl.Expr:
    """Return words in lower case, with spaces between them: no quotes, final letters as medial ones."""
    plain = text.str.to_lowercase().str.replace_all(QUOTES, "").str.replace_many(FINAL_LETTERS)
    return plain.str.replace_all(r"[^\w.%]+", " ").str.strip_chars(" .")


def _names(statements: pl.DataFrame) -> pl.DataFrame:
    named = statements.filter(pl.col("name").is_not_null()).select("product_key", "chain_id", "name")
    words = named.with_columns(normalized(pl.col("name")).str.split(" ").list.unique().alias("word"))
    words = words.explode("word").with_columns(pl.len().over("product_key", "word").alias("chains"))
    scores = words.group_by("product_key", "chain_id", "name").agg(
        (pl.col("chains") - 1).sum().alias("score")
    )
    best = scores.sort(
        "product_key", "score", pl.col("name").str.len_chars(), "name", descending=[False, True, False, False]
    )
    return best.unique("product_key", keep="first", maintain_order=True).select("product_key", "name")


def _brands(statements: pl.DataFrame) -> pl.DataFrame:
    spelled = (
        pl.col("manufacturer").str.replace_all(r"\*+", " ").str.replace_all(r"\s+", " ").str.strip_chars()
    )
    key = normalized(pl.col("brand")).str.replace_all(_COMPANY_FORM, "").str.replace_all(r"\s+", " ")
    named = statements.select("product_key", spelled.alias("brand")).with_columns(
        key.str.strip_chars().alias("key")
    )
    named = named.filter(~pl.col("key").is_in(NO_BRAND) & pl.col("key").str.contains(r"[^\W\d]"))
    counted = named.with_columns(
        pl.len().over("product_key", "key").alias("chains"),
        pl.len().over("product_key", "key", "brand").alias("spelled_so"),
    )
    best = counted.sort(
        *("product_key", "chains", pl.col("key").str.len_chars(), "key", "spelled_so"),
        *(pl.col("brand").str.len_chars(), "brand"),
        descending=[False, True, False, False, True, False, False],
    )
    return best.unique("product_key", keep="first", maintain_order=True).select("product_key", "brand")


def _contents(statements: pl.DataFrame) -> pl.DataFrame:
    content = ("product_key", "base_unit", "base_quantity")
    known = statements.filter(pl.col("base_quantity").is_not_null())
    counted = known.group_by(content).agg(
        pl.len().alias("chains"), (pl.col("content_source") == "fields").any().alias("is_in_fields")
    )
    best = counted.sort(
        *("product_key", "chains", "is_in_fields", "base_unit", "base_quantity"),
        descending=[False, True, True, False, False],
    )
    return best.unique("product_key", keep="first", maintain_order=True).select(content)


def _weighted(statements: pl.DataFrame) -> pl.DataFrame:
    said = statements.filter(pl.col("is_weighted").is_not_null())
    return said.group_by("product_key").agg(
        (pl.col("is_weighted").mean() >= pl.lit(0.5)).alias("is_weighted")
    )
