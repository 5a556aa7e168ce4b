"""Mishnat Yosef's own list: a JSON array of direct links (docs/portals.md, Mishnat Yosef)."""

from collections.abc import Iterator
from typing import Any

from gogobe_dagster.portals.connector import Connector
from gogobe_dagster.portals.listing_fields import is_absolute, parse_json_rows, schema_changed, text_field
from gogobe_dagster.portals.portal import RemoteFile


class MishnatYosef(Connector):
    """The list."""

    def _list_current(self) -> Iterator[RemoteFile]:
        response = self._client.request(f"{self._url}/")
        return (_parse_row(row, response.url) for row in parse_json_rows(response))


def _parse_row(row: dict[str, Any], url: str) -> RemoteFile:
    # `date` and `type` are not read: the name says both.
    link = text_field(row, "url", url)
    if not is_absolute(link):
        raise schema_changed(url, "a link without a host", link)
    return RemoteFile(name=text_field(row, "name", url), link=link)
