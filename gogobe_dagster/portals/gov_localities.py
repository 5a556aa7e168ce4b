"""The official list of localities on data.gov.il, read through the datastore API of its CKAN.

The list is that of the Population Authority with the codes of the Central Bureau of Statistics. What differs
from the table here is decided in `localities.official_list`.
"""

from contextlib import closing
from typing import Any

from gogobe_dagster.localities.official_list import OfficialLocality
from gogobe_dagster.portals.gov_register import open_gov_client
from gogobe_dagster.portals.http_errors import HttpResponse
from gogobe_dagster.portals.listing_fields import parse_json, schema_changed
from gogobe_dagster.portals.request_policy import RequestPolicy
from gogobe_dagster.settings import Settings

HOST = "https://data.gov.il"
PATH = "/api/3/action/datastore_search"
RESOURCE = "5c78e9fa-c2e2-4771-93ff-7f400a12f7ba"
PAGE_ROWS = 1000
MAX_PAGES = 10
UNREGISTERED = 0
"""A row of the list that is no locality."""
CODE, NAME, ENGLISH_NAME, SUB_DISTRICT = "סמל_ישוב", "שם_ישוב", "שם_ישוב_לועזי", "שם_נפה"


def read_official_localities(
    settings: Settings, *, policy: RequestPolicy | None = None
) -> list[OfficialLocality]:
    """Request the list from data.gov.il or the replica, page by page. Raises `PortalError`."""
    host = f"{settings.replica_url.rstrip('/')}/data_gov_il" if settings.replica_url else HOST
    found: list[OfficialLocality] = []
    with closing(open_gov_client(settings, host, policy)) as client:
        for page in range(MAX_PAGES):
            query = {"resource_id": RESOURCE, "limit": f"{PAGE_ROWS}", "offset": f"{page * PAGE_ROWS}"}
            response = client.request(f"{host}{PATH}", query=query, headers={"Accept": "application/json"})
            records = _records(response)
            found += [_locality(record, response.url) for record in records]
            if len(records) < PAGE_ROWS:
                break
    if not found:
        raise schema_changed(f"{host}{PATH}", "no localities")
    return [locality for locality in found if locality.code != UNREGISTERED]


def _records(response: HttpResponse) -> list[dict[str, Any]]:
    content = parse_json(response)
    try:
        records = content["result"]["records"]
    except (KeyError, TypeError) as error:
        raise schema_changed(response.url, f"a list without {error}", content) from None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise schema_changed(response.url, "no list of records", records)
    return records


def _locality(record: dict[str, Any], url: str) -> OfficialLocality:
    """Read a record; its texts are padded with spaces."""
    try:
        return OfficialLocality(
            code=int(record[CODE]),
            name=str(record[NAME]).strip(),
            english_name=str(record.get(ENGLISH_NAME) or "").strip(),
            sub_district=str(record.get(SUB_DISTRICT) or "").strip(),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise schema_changed(url, f"a locality without {error}", record) from None
