"""The official list of localities as data.gov.il's CKAN gives it, made from the table of this package.

Texts are padded with spaces, as they are there, and the first row is no locality.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gogobe_dagster.localities.table import Locality, localities
from gogobe_dagster.replica.serving import apply_faults
from gogobe_dagster.replica.state import ReplicaState

PATH = "/data_gov_il/api/3/action/datastore_search"
RESOURCE = "5c78e9fa-c2e2-4771-93ff-7f400a12f7ba"
DEFAULT_LIMIT = "100"
UNREGISTERED = {"סמל_ישוב": 0, "שם_ישוב": "לא רשום             ", "שם_ישוב_לועזי": " ", "שם_נפה": "לא ידוע"}


def routes(state: ReplicaState) -> list[BaseRoute]:
    """Return the API's path."""

    async def datastore_search(request: Request) -> Response:
        await apply_faults(state, request, None)
        asked = request.query_params
        if asked.get("resource_id") != RESOURCE:
            return JSONResponse({"success": False, "error": {"__type": "Not Found Error"}}, 404)
        first = int(asked.get("offset", "0"))
        records = [UNREGISTERED, *map(_record, localities().values())]
        page = records[first : first + int(asked.get("limit", DEFAULT_LIMIT))]
        return JSONResponse({"success": True, "result": {"records": page, "total": len(records)}})

    return [Route(PATH, datastore_search)]


def _record(place: Locality) -> dict[str, str | int]:
    return {
        "סמל_ישוב": place.code,
        "שם_ישוב": f"{place.name:<20}",
        "שם_ישוב_לועזי": f"{place.english_name.upper():<30}",
        "שם_נפה": f"{place.sub_district:<20}",
    }
