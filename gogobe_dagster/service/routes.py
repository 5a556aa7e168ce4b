"""One function for each address. All of them only translate: what is asked is in `questions`."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic_core import to_json

from gogobe_dagster.questions import chains, imports, products, stores
from gogobe_dagster.questions.answer_code import AnswerCode, QuestionError
from gogobe_dagster.questions.filters import Stores
from gogobe_dagster.questions.pages import Page, Paging
from gogobe_dagster.questions.reader import Reader, Row
from gogobe_dagster.service import models
from gogobe_dagster.service import parameters as given
from gogobe_dagster.service.problems import MEDIA_TYPE

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status.value: {
        "description": ", ".join(code.value for code in AnswerCode if code.status is status),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in sorted({code.status for code in AnswerCode} - {HTTPStatus.METHOD_NOT_ALLOWED})
}
router = APIRouter(prefix="/v1", responses=PROBLEMS)


async def _reader(request: Request) -> Reader:
    reader: Reader = request.app.state.reader
    return reader


Asked = Annotated[Reader, Depends(_reader)]
Paged = Annotated[Paging, Depends(given.paging)]
Chosen = Annotated[Stores, Depends(given.chosen_stores)]


def _answer(content: Row) -> Response:
    """Return a response that FastAPI sends as it is.

    The models describe answers and are not made of them: for a page, that would take longer than its query.
    """
    return Response(to_json(content), media_type="application/json")


def _page(page: Page) -> Response:
    return _answer({"rows": page.rows, "next": page.next})


def _rows(rows: Sequence[Row]) -> Response:
    return _answer({"rows": rows})


@router.get("/health", response_model=models.Health, summary="Whether the database answers")
def health(reader: Asked) -> Response:
    """Say whether the database answers, and when a file was last loaded."""
    [row] = reader.ask("select loaded_at from last_load")
    return _answer({"status": "ok", **row})


@router.get("/search", response_model=models.FoundList, summary="Find products by name")
def search(reader: Asked, q: given.Search, limit: given.Few = 20) -> Response:
    """Find products by words of their names, by GTIN or code; the best match first."""
    return _rows(products.search(reader, q, limit))


@router.get("/products/{product}", response_model=models.Product, summary="A product")
def product(reader: Asked, product: given.Product) -> Response:
    """Return a product's names, and where it is cheapest now."""
    return _answer(products.product(reader, product))


@router.get("/products/{product}/prices", response_model=models.Prices, summary="Its prices now")
def prices(
    reader: Asked,
    product: given.Product,
    chosen: Chosen,
    paging: Paged,
) -> Response:
    """Return what it costs in each store now, the cheapest first. A price of 0 is left out."""
    return _page(products.prices(reader, product, chosen, paging=paging))


@router.get("/products/{product}/history", response_model=models.Periods, summary="Its price history")
def history(
    reader: Asked,
    product: given.Product,
    store_key: given.StoreKeys,
    paging: Paged,
    since: given.Time = None,
    until: given.Time = None,
) -> Response:
    """Return the periods of its price in chosen stores, the oldest first; the prices name their stores."""
    page = products.history(reader, product, store_key, since=since, until=until, paging=paging)
    return _page(page)


@router.get("/products/{product}/statistics", response_model=models.Statistics, summary="Its price by day")
def statistics(
    reader: Asked,
    product: given.Product,
    paging: Paged,
    chain_id: given.ChainId = None,
    since: given.Day = None,
    until: given.Day = None,
) -> Response:
    """Return lowest, median and highest price in each chain, day by day, the oldest day first."""
    page = products.statistics(reader, product, chain_id=chain_id, since=since, until=until, paging=paging)
    return _page(page)


@router.get("/products/{product}/promotions", response_model=models.Offers, summary="Offers on it now")
def promotions(
    reader: Asked,
    product: given.Product,
    chosen: Chosen,
    paging: Paged,
) -> Response:
    """Return the offers on it now: what a unit costs, and under which conditions."""
    return _page(products.promotions(reader, product, chosen, paging=paging))


@router.get(
    "/products/{product}/discounts", response_model=models.Discounts, summary="Are its offers special?"
)
def discounts(
    reader: Asked,
    product: given.Product,
    chosen: Chosen,
    paging: Paged,
) -> Response:
    """Return the offers on it now beside what it cost in the same store in the last 30 and 90 days."""
    return _page(products.discounts(reader, product, chosen, paging=paging))


@router.get("/products/{product}/usual", response_model=models.UsualList, summary="What it usually costs")
def usual(reader: Asked, product: given.Product, store_key: given.StoreKeys) -> Response:
    """Return its lowest and median shelf price in chosen stores in the last 30 and 90 days."""
    return _rows(products.usual_prices(reader, product, store_key))


@router.get("/chains", response_model=models.ChainList, summary="Chains")
def all_chains(reader: Asked) -> Response:
    """Return all chains, by their id."""
    return _rows(chains.chains(reader))


@router.get("/chains/{chain_id}/changes", response_model=models.Changes, summary="What changed on a day")
def changes(reader: Asked, chain_id: given.OfChain, day: given.OneDay, paging: Paged) -> Response:
    """Return the products whose median price in a chain changed on a day, the most reduced first."""
    return _page(chains.price_changes(reader, chain_id, day, paging=paging))


@router.get("/chains/{chain_id}/only", response_model=models.OnlyProducts, summary="What only it sells")
def only(reader: Asked, chain_id: given.OfChain, other_chain_id: given.OtherChain, paging: Paged) -> Response:
    """Return the GTINs that a chain sells and another one does not, as of the last statistics."""
    return _page(chains.only_products(reader, chain_id, other_chain_id, paging=paging))


@router.get("/index", response_model=models.Index, summary="How dear each chain is")
def index(
    reader: Asked,
    period: given.Period,
    paging: Paged,
    chain_id: given.ChainId = None,
    since: given.Day = None,
) -> Response:
    """Return how dear chains were, the oldest first: 100 is the country in the base month."""
    return _page(chains.price_index(reader, period, chain_id=chain_id, since=since, paging=paging))


@router.get("/compare", response_model=models.ComparedList, summary="Products by chain")
def compare(reader: Asked, product: given.Products, chosen: Chosen) -> Response:
    """Return what the shops of each chain ask for each product. Online stores are left out."""
    return _rows(products.compare(reader, product, chosen))


@router.post("/basket", response_model=models.BasketList, summary="What a basket costs in each store")
def basket(reader: Asked, basket: given.Basket) -> Response:
    """Return what a list of products costs in each store, promotions applied, the cheapest first."""
    if (basket.latitude is None) != (basket.longitude is None):
        reason = "a point has a latitude and a longitude"
        raise QuestionError(AnswerCode.INVALID_REQUEST, reason, parameter="body.longitude")
    point = (
        None if basket.latitude is None or basket.longitude is None else (basket.latitude, basket.longitude)
    )
    items = [line.model_dump() for line in basket.items]
    options = basket.model_dump(exclude={"items", "latitude", "longitude"})
    return _rows(products.basket(reader, items, point=point, **options))


@router.get("/stores", response_model=models.StorePage, summary="Stores")
def all_stores(reader: Asked, chosen: Chosen, paging: Paged) -> Response:
    """Return stores by their key."""
    return _page(stores.stores(reader, chosen, paging=paging))


@router.get("/stores/near", response_model=models.StorePage, summary="Shops near a point")
def stores_near(
    reader: Asked,
    latitude: given.Latitude,
    longitude: given.Longitude,
    paging: Paged,
    radius_km: given.Radius = given.DEFAULT_RADIUS,
    chain_id: given.ChainId = None,
) -> Response:
    """Return shops, the nearest first. A shop counts as being in the middle of its locality."""
    page = stores.stores_near(
        reader, latitude, longitude, radius_km=radius_km, chain_id=chain_id, paging=paging
    )
    return _page(page)


@router.get("/stores/{store_key}", response_model=models.Coverage, summary="What is known of a store")
def store(reader: Asked, store_key: given.StoreKey) -> Response:
    """Return how fresh and how complete the data of a store are."""
    return _answer(stores.store(reader, store_key))


@router.get("/coverage", response_model=models.CoveragePage, summary="What is known of each store")
def coverage(
    reader: Asked,
    paging: Paged,
    chain_id: given.ChainId = None,
) -> Response:
    """Return how fresh and how complete the data of each store are, by their key."""
    return _page(stores.coverage(reader, chain_id=chain_id, paging=paging))


@router.get("/localities", response_model=models.LocalityList, summary="Towns and villages")
def localities(reader: Asked) -> Response:
    """Return all localities of the Central Bureau of Statistics, by name."""
    return _rows(stores.localities(reader))


@router.get("/freshness", response_model=models.FreshnessList, summary="How fresh each feed is")
def freshness(reader: Asked) -> Response:
    """Return how fresh each feed is, and what became of its files."""
    return _rows(imports.freshness(reader))


@router.get("/files", response_model=models.Files, summary="Files of a feed and day")
def files(
    reader: Asked,
    feed: given.Feed,
    day: Annotated[date, Query(description="Publication day in Israel.")],
    paging: Paged,
    state: given.State = None,
) -> Response:
    """Return the files of a feed and publication day, and what became of each."""
    return _page(imports.files(reader, feed, day, state=state, paging=paging))


@router.get("/files/{file_id}", response_model=models.PublishedFile, summary="The file behind a price")
def file(reader: Asked, file_id: given.FileId) -> Response:
    """Return the file that a price or period names."""
    return _answer(imports.file(reader, file_id))


@router.get("/codes", response_model=models.CodeList, summary="Codes of failures")
def codes() -> Response:
    """Return what the codes of files and portals mean."""
    return _rows(imports.codes())
