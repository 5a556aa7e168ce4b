"""The tools, their limits and what they say about prices. All of them only read."""

import functools
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from gogobe_dagster.mcp_server.wording import plain, plain_rows, with_conditions, with_confirmation
from gogobe_dagster.questions import chains, imports, products, stores
from gogobe_dagster.questions.answer_code import QuestionError
from gogobe_dagster.questions.filters import Stores
from gogobe_dagster.questions.pages import Paging
from gogobe_dagster.questions.reader import Reader
from gogobe_dagster.warehouse.schema.enums import IndexPeriod

READ_ONLY = ToolAnnotations(
    readOnlyHint=True, destructiveHint=False, idempotentHint=True, openWorldHint=False
)
TEXT = r"^[^\x00-\x1f]*$"
Answer = dict[str, Any]
Gtin = Annotated[str, Field(pattern="^[0-9]{7,14}$", description="GTIN: the number under the barcode.")]
Product = Annotated[
    str,
    Field(
        pattern=r"^([0-9]{7,14}|[0-9]{1,20}:[^\x00-\x1f:]{1,60})$",
        description="A GTIN, or CHAIN_ID:CODE for a code of one chain; search_products finds it.",
    ),
]
Locality = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=60,
        pattern=TEXT,
        description="Only stores in this town, in Hebrew or English, such as ירושלים.",
    ),
]
ChainId = Annotated[str, Field(pattern="^[0-9]{1,20}$", description="Chain id; list_chains has all.")]
StoreKey = Annotated[int, Field(ge=1, le=2**31 - 1)]
Limit = Annotated[int, Field(ge=1, le=50, description="Most rows of the answer.")]


class Line(BaseModel):
    """A product of a basket."""

    gtin: Gtin
    quantity: Annotated[Decimal, Field(ge=Decimal("0.001"), le=10_000, max_digits=8)] = Decimal(1)


class Tools:
    """Methods that are the tools; their docstrings are what a model reads."""

    def __init__(self, reader: Reader, now: Callable[[], datetime]) -> None:
        """Ask this reader; `now` tells how old a price is."""
        self._reader, self._now = reader, now

    def search_products(
        self, words: Annotated[str, Field(min_length=1, max_length=100, pattern=TEXT)], limit: Limit = 10
    ) -> Answer:
        """Find supermarket products by words of their Hebrew names, parts of words, or GTIN."""
        return {"products": plain_rows(products.search(self._reader, words, limit))}

    def product(self, product: Product) -> Answer:
        """Return a product's names in each chain, and where it is cheapest now, in shops and online."""
        found = products.product(self._reader, product)
        for where in ("cheapest", "cheapest_online"):
            found[where] = found[where] and with_confirmation(found[where], self._now())
        return plain(found)

    def prices(self, product: Product, locality: Locality = None, limit: Limit = 10) -> Answer:
        """Return what a product costs in each store now, the cheapest first. Promotions are another tool."""
        page = products.prices(self._reader, product, Stores(locality=locality), paging=Paging(limit))
        return {
            "prices": [with_confirmation(row, self._now()) for row in page.rows],
            "there_are_more": page.next is not None,
        }

    def price_history(self, product: Product, store_key: StoreKey, limit: Limit = 50) -> Answer:
        """Return the periods of a product's shelf price in one store; `prices` names the store_key."""
        page = products.history(self._reader, product, [store_key], paging=Paging(limit))
        return {"periods": plain_rows(page.rows), "there_are_more": page.next is not None}

    def promotions(self, product: Product, locality: Locality = None, limit: Limit = 20) -> Answer:
        """Return the offers on a product now: what a unit costs, and under which conditions that holds."""
        page = products.promotions(self._reader, product, Stores(locality=locality), paging=Paging(limit))
        return {
            "offers": [with_conditions(row) for row in page.rows],
            "there_are_more": page.next is not None,
        }

    def compare_products(
        self,
        gtins: Annotated[list[Gtin], Field(min_length=1, max_length=products.MAX_COMPARED)],
        locality: Locality = None,
    ) -> Answer:
        """Return the lowest, median and highest shelf price of products in each chain's shops."""
        rows = products.compare(self._reader, gtins, Stores(locality=locality))
        return {"chains": [with_confirmation(row, self._now()) for row in rows]}

    def basket(
        self,
        items: Annotated[list[Line], Field(min_length=1, max_length=products.MAX_BASKET)],
        locality: Locality = None,
        with_club: bool = False,  # noqa: FBT001, FBT002
        with_coupon: bool = False,  # noqa: FBT001, FBT002
        limit: Limit = 10,
    ) -> Answer:
        """Return in which stores a list of products costs the least, promotions applied.

        `total` is what the store sells of it; `missing` counts the products that it does not sell.
        """
        lines = [line.model_dump() for line in items]
        rows = products.basket(
            self._reader, lines, locality=locality, with_club=with_club, with_coupon=with_coupon, limit=limit
        )
        club, coupon = ("with" if flag else "without" for flag in (with_club, with_coupon))
        holds = f"Promotions applied, {club} those for club members, {coupon} those that need a coupon."
        return {"stores": plain_rows(rows), "holds": holds}

    def stores_near(
        self,
        latitude: Annotated[Decimal, Field(ge=-90, le=90, max_digits=12)],
        longitude: Annotated[Decimal, Field(ge=-180, le=180, max_digits=12)],
        radius_km: Annotated[Decimal, Field(gt=0, le=stores.MAX_RADIUS_KM, max_digits=12)] = Decimal(10),
        limit: Limit = 20,
    ) -> Answer:
        """Return shops near a point. A shop counts as being in the middle of its town."""
        page = stores.stores_near(
            self._reader, latitude, longitude, radius_km=radius_km, paging=Paging(limit)
        )
        return {"stores": plain_rows(page.rows), "there_are_more": page.next is not None}

    def freshness(self) -> Answer:
        """Return when each chain's feed last published a complete price list that was loaded."""
        return {"feeds": plain_rows(imports.freshness(self._reader))}

    def discounts(self, product: Product, locality: Locality = None, limit: Limit = 20) -> Answer:
        """Return whether offers on a product are special: beside its price in the same store for 90 days."""
        page = products.discounts(self._reader, product, Stores(locality=locality), paging=Paging(limit))
        return {"offers": plain_rows(page.rows), "there_are_more": page.next is not None}

    def usual_prices(
        self,
        product: Product,
        store_keys: Annotated[list[StoreKey], Field(min_length=1, max_length=products.MAX_HISTORY_STORES)],
    ) -> Answer:
        """Return the lowest and median shelf price of a product in stores in the last 30 and 90 days."""
        return {"stores": plain_rows(products.usual_prices(self._reader, product, store_keys))}

    def price_statistics(
        self, product: Product, chain_id: ChainId | None = None, since: date | None = None, limit: Limit = 50
    ) -> Answer:
        """Return the lowest, median and highest price of a product in each chain, day by day."""
        page = products.statistics(
            self._reader, product, chain_id=chain_id, since=since, paging=Paging(limit)
        )
        return {"days": plain_rows(page.rows), "there_are_more": page.next is not None}

    def list_chains(self) -> Answer:
        """Return the chains with their ids, which other tools ask for."""
        return {"chains": plain_rows(chains.chains(self._reader))}

    def price_changes(self, chain_id: ChainId, day: date, limit: Limit = 20) -> Answer:
        """Return the products whose median price in a chain changed on a day, the most reduced first."""
        page = chains.price_changes(self._reader, chain_id, day, paging=Paging(limit))
        return {"products": plain_rows(page.rows), "there_are_more": page.next is not None}

    def price_index(
        self,
        period: IndexPeriod,
        chain_id: ChainId | None = None,
        since: date | None = None,
        limit: Limit = 50,
    ) -> Answer:
        """Return how dear chains were by week or month; 100 is the country in the base month."""
        page = chains.price_index(self._reader, period, chain_id=chain_id, since=since, paging=Paging(limit))
        return {"periods": plain_rows(page.rows), "there_are_more": page.next is not None}

    def only_products(self, chain_id: ChainId, other_chain_id: ChainId, limit: Limit = 20) -> Answer:
        """Return products that one chain sells and another one does not."""
        page = chains.only_products(self._reader, chain_id, other_chain_id, paging=Paging(limit))
        return {"products": plain_rows(page.rows), "there_are_more": page.next is not None}

    @property
    def all(self) -> Sequence[Callable[..., Answer]]:
        """The tools, in the order in which they are listed."""
        return (
            *(self.search_products, self.product, self.prices, self.price_history, self.promotions),
            *(self.compare_products, self.basket, self.stores_near, self.freshness),
            *(self.discounts, self.usual_prices, self.price_statistics, self.list_chains),
            *(self.price_changes, self.price_index, self.only_products),
        )


def add_tools(server: MCPServer, tools: Tools) -> None:
    """Offer the tools."""
    for tool in tools.all:
        server.add_tool(_with_codes(tool), annotations=READ_ONLY)


def _with_codes(tool: Callable[..., Answer]) -> Callable[..., Answer]:
    """Let a question that has no answer be an error of the tool, with its code."""

    @functools.wraps(tool)
    def answer(*arguments: Any, **named: Any) -> Answer:
        try:
            return tool(*arguments, **named)
        except QuestionError as error:
            raise ToolError(f"{error.code}: {error.reason}") from None

    return answer
