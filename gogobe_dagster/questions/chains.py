"""Questions about whole chains: what became dearer, how dear each is, what only one sells."""

from datetime import date

from gogobe_dagster.questions.answer_code import AnswerCode, QuestionError
from gogobe_dagster.questions.pages import FIRST_PAGE, Page, Paging, page
from gogobe_dagster.questions.reader import Reader, Row

_CHAINS = """
select c.chain_id, c.name as chain_name, count(s.store_key) as stores from chain c
left join store s using (chain_id) group by c.chain_id, c.name order by c.chain_id
"""
CHANGE_COLUMNS = (
    *("day", "chain_id", "chain_name", "gtin", "code", "product_name", "common_name", "brand"),
    *("old_median", "new_median", "difference", "percent", "lowest_price", "highest_price", "stores"),
    "product_key",
)
_CHANGES = f"""
select {", ".join(CHANGE_COLUMNS)} from chain_price_changes where chain_id = :chain_id and day = :day
and (cast(:after_percent as numeric) is null
    or (percent, product_key) > (cast(:after_percent as numeric), cast(:after_product_key as integer)))
order by percent, product_key limit :rows
"""
INDEX_COLUMNS = (
    *("period", "starts_on", "chain_id", "chain_name", "price_index", "products", "base_month"),
    "basket_products",
)
_INDEX = f"""
select {", ".join(INDEX_COLUMNS)} from chain_price_index
where period = :period and (cast(:chain_id as text) is null or chain_id = :chain_id)
and (cast(:since as date) is null or starts_on >= :since)
and (cast(:after_starts_on as date) is null
    or (starts_on, chain_id) > (cast(:after_starts_on as date), :after_chain_id))
order by starts_on, chain_id limit :rows
"""
ONLY_COLUMNS = (
    *("chain_id", "chain_name", "other_chain_id", "other_chain_name", "gtin", "product_name", "common_name"),
    *("brand", "manufacturer", "lowest_price", "median_price", "highest_price", "stores", "product_key"),
)
_ONLY = f"""
select {", ".join(ONLY_COLUMNS)} from chain_only_products
where chain_id = :chain_id and other_chain_id = :other_chain_id
and (cast(:after_product_key as integer) is null or product_key > cast(:after_product_key as integer))
order by product_key limit :rows
"""


def chains(reader: Reader) -> list[Row]:
    """Return all chains, with the number of their stores."""
    return reader.ask_once(_CHAINS)


def price_changes(reader: Reader, chain_id: str, day: date, *, paging: Paging = FIRST_PAGE) -> Page:
    """Return whose median price in a chain changed on a day, the most reduced first."""
    _check(reader, chain_id)
    key = ("percent", "product_key")
    rows = reader.ask(_CHANGES, chain_id=chain_id, day=day, **paging.parameters(key))
    return page(rows, paging, key)


def price_index(
    reader: Reader,
    period: str,
    *,
    chain_id: str | None = None,
    since: date | None = None,
    paging: Paging = FIRST_PAGE,
) -> Page:
    """Return how dear chains were, week by week or month by month, the oldest first."""
    key = ("starts_on", "chain_id")
    rows = reader.ask(_INDEX, period=period, chain_id=chain_id, since=since, **paging.parameters(key))
    return page(rows, paging, key)


def only_products(reader: Reader, chain_id: str, other_chain_id: str, *, paging: Paging = FIRST_PAGE) -> Page:
    """Return the GTINs that one chain sells and another one does not."""
    _check(reader, chain_id, other_chain_id)
    key = ("product_key",)
    chosen = {"chain_id": chain_id, "other_chain_id": other_chain_id}
    return page(reader.ask(_ONLY, **chosen, **paging.parameters(key)), paging, key)


def _check(reader: Reader, *chain_ids: str) -> None:
    """Raise `QuestionError` for a chain that nobody has published."""
    known = {row["chain_id"] for row in chains(reader)}
    for chain_id in chain_ids:
        if chain_id not in known:
            raise QuestionError(AnswerCode.UNKNOWN_CHAIN, f"no feed has published the chain {chain_id}")
