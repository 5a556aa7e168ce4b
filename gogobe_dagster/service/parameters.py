"""What requests may say: types with limits, examples and meanings. PostgreSQL's text has no NUL.

Functions are `async`, because FastAPI calls others in a thread.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gogobe_dagster.questions.filters import Stores
from gogobe_dagster.questions.pages import DEFAULT_ROWS, MAX_ROWS, Paging
from gogobe_dagster.questions.products import MAX_BASKET, MAX_BASKET_STORES, MAX_COMPARED, MAX_HISTORY_STORES
from gogobe_dagster.questions.stores import MAX_RADIUS_KM
from gogobe_dagster.warehouse.schema.enums import IndexPeriod

MAX_KEY = 2**31 - 1
MAX_FILE_ID = 2**63 - 1
ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TEXT = r"^[^\x00-\x1f]*$"
MILK = "7290000000015"
DEFAULT_RADIUS = Decimal(10)


def _aware(at: datetime) -> datetime:
    """Return the time; without a zone it is in UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _written_out(text: object) -> object:
    """Refuse numbers, which pydantic takes for seconds since 1970: nobody means a day by 20261123."""
    if not (isinstance(text, str) and ISO_DAY.match(text)):
        raise ValueError("not a day such as 2026-11-23")
    return text


def _writable(text: str) -> str:
    """Refuse halves of surrogate pairs, which JSON can escape and UTF-8 cannot hold."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("half of a surrogate pair")
    return text


Text = Annotated[str, AfterValidator(_writable)]
Product = Annotated[
    Text,
    Path(
        pattern=r"^([0-9]{7,14}|[0-9]{1,20}:[^\x00-\x1f:]{1,60})$",
        description="A GTIN, or CHAIN_ID:CODE for a code that only one chain knows.",
        openapi_examples={"milk": {"value": MILK}},
    ),
]
Limit = Annotated[int, Query(ge=1, le=MAX_ROWS, description="Most rows of the answer.")]
Cursor = Annotated[
    Text | None,
    Query(max_length=400, pattern=TEXT, description="`next` of the page before; without it the first page."),
]
Locality = Annotated[
    Text | None,
    Query(
        min_length=1,
        max_length=60,
        pattern=TEXT,
        description="Only stores there: its name in any spelling, or its CBS code.",
        openapi_examples={"by name": {"value": "ירושלים"}, "by code": {"value": "3000"}},
    ),
]
District = Annotated[
    Text | None, Query(min_length=1, max_length=60, pattern=TEXT, description="Only stores of this district.")
]
ChainId = Annotated[str | None, Query(pattern="^[0-9]{1,20}$", description="Only stores of this chain.")]
OfChain = Annotated[str, Path(pattern="^[0-9]{1,20}$", description="Chain id; /v1/chains has all.")]
OtherChain = Annotated[str, Query(pattern="^[0-9]{1,20}$", description="The chain that does not sell it.")]
Period = Annotated[IndexPeriod, Query(description="week, from Sunday, or month.")]
IsOnline = Annotated[
    bool | None, Query(description="true: only online stores; false: only shops; without it both.")
]
Search = Annotated[
    Text,
    Query(
        min_length=1,
        max_length=100,
        pattern=TEXT,
        description="Words of the name in any order, parts of words, a GTIN or a code.",
        openapi_examples={"milk": {"value": "חלב תנובה"}},
    ),
]
Few = Annotated[int, Query(ge=1, le=100, description="Most rows of the answer.")]
Products = Annotated[
    list[Annotated[str, Field(pattern="^[0-9]{7,14}$")]],
    Query(min_length=1, max_length=MAX_COMPARED, description="GTINs; repeat the parameter for each."),
]
StoreKeys = Annotated[
    list[Annotated[int, Field(ge=1, le=MAX_KEY)]],
    Query(min_length=1, max_length=MAX_HISTORY_STORES, description="Keys of stores; repeat it for each."),
]
StoreKey = Annotated[int, Path(ge=1, le=MAX_KEY, description="Key of the store.")]
FileId = Annotated[int, Path(ge=1, le=MAX_FILE_ID, description="Key of the file.")]
Time = Annotated[
    Annotated[datetime, BeforeValidator(_written_out), AfterValidator(_aware)] | None,
    Query(openapi_examples={"a day in Israel": {"value": "2026-11-23T00:00:00+02:00"}}),
]
WrittenDay = Annotated[date, BeforeValidator(_written_out)]
Day = Annotated[WrittenDay | None, Query(openapi_examples={"a day": {"value": "2026-11-23"}})]
OneDay = Annotated[
    WrittenDay, Query(description="Day in Israel.", openapi_examples={"a day": {"value": "2026-11-23"}})
]
Latitude = Annotated[Decimal, Query(ge=-90, le=90, max_digits=12, description="Degrees (WGS84).")]
Longitude = Annotated[Decimal, Query(ge=-180, le=180, max_digits=12, description="Degrees (WGS84).")]
Radius = Annotated[Decimal, Query(gt=0, le=MAX_RADIUS_KM, max_digits=12, description="Kilometres.")]
Feed = Annotated[str, Query(pattern="^[a-z0-9_]{1,40}$", openapi_examples={"a feed": {"value": "rami_levy"}})]
State = Annotated[str | None, Query(pattern="^[a-z]{1,20}$", description="Only files in this state.")]


async def chosen_stores(
    locality: Locality = None,
    district: District = None,
    chain_id: ChainId = None,
    *,
    is_online: IsOnline = None,
) -> Stores:
    """Return which stores are asked for."""
    return Stores(locality=locality, district=district, chain_id=chain_id, is_online=is_online)


async def paging(limit: Limit = DEFAULT_ROWS, cursor: Cursor = None) -> Paging:
    """Return which page is asked for."""
    return Paging(limit, cursor)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BasketLine(_Strict):
    """One product of a basket."""

    gtin: str = Field(pattern="^[0-9]{7,14}$", description="GTIN.", examples=[MILK])
    quantity: Decimal = Field(
        default=Decimal(1),
        ge=Decimal("0.001"),
        le=10_000,
        max_digits=8,
        decimal_places=3,
        description="Pieces, or kilograms of goods by weight.",
    )


class Basket(_Strict):
    """A list of products, and the stores that are asked."""

    items: list[BasketLine] = Field(min_length=1, max_length=MAX_BASKET, description="What is bought.")
    locality: Text | None = Field(
        default=None, min_length=1, max_length=60, pattern=TEXT, description="Only stores there."
    )
    district: Text | None = Field(
        default=None, min_length=1, max_length=60, pattern=TEXT, description="Only stores of this district."
    )
    latitude: Decimal | None = Field(
        default=None, ge=-90, le=90, max_digits=12, description="Only stores around this point, in degrees."
    )
    longitude: Decimal | None = Field(
        default=None, ge=-180, le=180, max_digits=12, description="Its longitude (WGS84)."
    )
    radius_km: Decimal = Field(
        default=DEFAULT_RADIUS, gt=0, le=MAX_RADIUS_KM, max_digits=12, description="Kilometres around it."
    )
    with_club: bool = Field(default=False, description="Use offers for club members.")
    with_coupon: bool = Field(default=False, description="Use offers that need a coupon.")
    with_online: bool = Field(default=False, description="Include all online stores.")
    limit: int = Field(default=20, ge=1, le=MAX_BASKET_STORES, description="Most stores of the answer.")
