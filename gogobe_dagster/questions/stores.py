"""Questions about stores: where they are, and how fresh what is known of them is."""

from decimal import Decimal

from gogobe_dagster.questions.answer_code import AnswerCode, QuestionError
from gogobe_dagster.questions.filters import IS_ONLINE, MATCHES, Stores
from gogobe_dagster.questions.pages import FIRST_PAGE, Page, Paging, page
from gogobe_dagster.questions.reader import Reader, Row

MAX_RADIUS_KM = 100
_STORES = """
select s.chain_id, c.name as chain_name, s.sub_chain_id, s.store_id, s.name as store_name, s.address,
    s.locality_code, l.name as locality_name, l.district, l.latitude, l.longitude, s.is_online,
    s.last_full_price_at as newest_full_at, s.store_key{distance}
from store s join chain c using (chain_id) left join locality l using (locality_code)
"""
_DISTANCE = """, distance_km(
        cast(:latitude as numeric), cast(:longitude as numeric), l.latitude, l.longitude
    ) as distance_km"""
_NEAR = f"""
select * from ({_STORES.format(distance=_DISTANCE)}) near
where distance_km <= :radius_km and not is_online
and (cast(:chain_id as text) is null or chain_id = :chain_id)
and (cast(:after_distance_km as numeric) is null
    or (distance_km, store_key)
        > (cast(:after_distance_km as numeric), cast(:after_store_key as integer)))
order by distance_km, store_key limit :rows
"""
_ALL = f"""
select * from ({_STORES.format(distance="")}) every
where {MATCHES} and {IS_ONLINE}
and (cast(:after_store_key as integer) is null or store_key > cast(:after_store_key as integer))
order by store_key limit :rows
"""
COVERAGE_COLUMNS = (
    *("chain_id", "chain_name", "sub_chain_id", "store_id", "store_name", "locality_name", "listing_status"),
    *(
        "prices",
        "newest_full_at",
        "newest_delta_at",
        "first_seen_at",
        "last_seen_at",
        "is_online",
        "store_key",
    ),
)
_COVERAGE = f"""
select {", ".join(COVERAGE_COLUMNS)} from store_coverage
where (cast(:chain_id as text) is null or chain_id = :chain_id)
and (cast(:after_store_key as integer) is null or store_key > cast(:after_store_key as integer))
order by store_key limit :rows
"""
_STORE = f"select {', '.join(COVERAGE_COLUMNS)} from store_coverage where store_key = :store_key"
_LOCALITIES = """
select locality_code, name, english_name, district, latitude, longitude, population
from locality order by name
"""


def stores_near(
    reader: Reader,
    latitude: Decimal,
    longitude: Decimal,
    *,
    radius_km: Decimal = Decimal(10),
    chain_id: str | None = None,
    paging: Paging = FIRST_PAGE,
) -> Page:
    """Return shops around a point, the nearest first. A shop is where the middle of its locality is."""
    key = ("distance_km", "store_key")
    chosen = {"latitude": latitude, "longitude": longitude, "radius_km": radius_km, "chain_id": chain_id}
    return page(reader.ask(_NEAR, **chosen, **paging.parameters(key)), paging, key)


def stores(reader: Reader, which: Stores, *, paging: Paging = FIRST_PAGE) -> Page:
    """Return stores, by their key."""
    key = ("store_key",)
    chosen = {**which.parameters, "is_online": which.is_online, **paging.parameters(key)}
    return page(reader.ask(_ALL, **chosen), paging, key)


def coverage(reader: Reader, *, chain_id: str | None = None, paging: Paging = FIRST_PAGE) -> Page:
    """Return what is known of each store, by its key."""
    key = ("store_key",)
    rows = reader.ask(_COVERAGE, chain_id=chain_id, **paging.parameters(key))
    return page(rows, paging, key)


def store(reader: Reader, store_key: int) -> Row:
    """Return what is known of one store. Raises `QuestionError` if there is none with this key."""
    found = reader.ask(_STORE, store_key=store_key)
    if not found:
        raise QuestionError(AnswerCode.UNKNOWN_STORE, f"there is no store with the key {store_key}")
    return found[0]


def localities(reader: Reader) -> list[Row]:
    """Return all towns and villages, by name."""
    return reader.ask_once(_LOCALITIES)
