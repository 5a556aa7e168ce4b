"""Mishnat Yosef's own list: a JSON array of direct links (docs/portals.md, Mishnat Yosef)."""

from datetime import date
from typing import Any

from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.connector import Connector
from gogobe_dagster.portals.listing import field, named_once, rows_of, schema_changed


class MishnatYosef(Connector):
    """The list."""

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """List everything, in one question. See `Portal.list_files`."""
        self._refuse(day)
        answer = self._client.patiently(lambda: self._client.ask(f"{self._url}/"))
        return named_once(_file(row, answer.url) for row in rows_of(answer))


def _file(row: dict[str, Any], where: str) -> RemoteFile:
    # `date` is a day and `type` a word of the name: neither says more than the name does.
    link = field(row, "url", where)
    if not link.startswith(("https://", "http://")):
        raise schema_changed(where, "a link without a host", link)
    return RemoteFile(name=field(row, "name", where), link=link)
