"""Where the fuzzer begins: one small input of every kind that a target knows."""

import gzip
import io
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import Any

from gogobe_dagster.clock import ISRAEL, now
from gogobe_dagster.errors import CodedError
from gogobe_dagster.feeds.registry import Family
from gogobe_dagster.portals.connector import ConnectorOptions
from gogobe_dagster.portals.factory import CONNECTORS, base_url
from gogobe_dagster.portals.http_client import HttpClient
from gogobe_dagster.portals.http_errors import HttpResponse
from gogobe_dagster.portals.request_policy import RequestPolicy
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.fuzz.targets import (
    AT_ONCE,
    CONTENT_TYPES,
    LIMIT,
    LISTINGS,
    NAMES,
    NEXT_PAGE,
    first_feed,
)
from gogobe_dagster_tests.parsing import promotion_documents
from gogobe_dagster_tests.parsing.documents import PRICE_DIALECTS, STORE_DIALECTS
from gogobe_dagster_tests.portals.conftest import publication

CELLS = "</td><td>".join([f'<a href="/a/{NAMES[0]}">{NAMES[0]}</a>', "23/11/2026 05:00:00", "1 KB"])
TABLE = (
    '<html><body><meta name="csrftoken" content="x"><table><tr><th>1</th></tr>'
    f"<tr><td>{CELLS}</td></tr></table></body></html>"
)


def seeds(target: str) -> Iterator[bytes]:
    """Yield the seeds of a target."""
    if target == "names":
        yield from (name.encode() for name in NAMES)
        yield b"Price7290027600007-001-20261123-050012.gz"
    elif target == "containers":
        yield from _packed(b"<Root/>")
    elif target.endswith("-reader"):
        yield from _documents()
    elif target == "register":
        yield TABLE.encode()
    else:
        yield from (bytes([kind]) + _pages(LISTINGS[target]) for kind in range(len(CONTENT_TYPES)))
        yield b"\1" + TABLE.encode()


def _packed(document: bytes) -> Iterator[bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.xml", document)
    yield from (document, gzip.compress(document), gzip.compress(document) * 2, archive.getvalue())
    yield from (document.decode().encode("utf-16"), b"\xef\xbb\xbf" + document)


def _documents() -> Iterator[bytes]:
    yield from (b"\0" + text.encode() for text in PRICE_DIALECTS.values())
    yield from (b"\2" + text.encode() for text in STORE_DIALECTS.values())
    offer = promotion_documents.flat(*promotion_documents.BOUGHT)
    yield b"\1" + promotion_documents.promotions(offer).encode()


class Recording(HttpClient):
    """Keeps every page that it returns."""

    def __init__(self, policy: RequestPolicy) -> None:
        super().__init__(policy)
        self.pages: list[bytes] = []

    def request(self, *arguments: Any, **options: Any) -> HttpResponse:
        """Return a page as the client of a portal does."""
        page = super().request(*arguments, **options)
        self.pages.append(page.body)
        return page


@cache
def _pages(family: Family) -> bytes:
    """Return what the replica of a portal answers while it is listed."""
    feed, at = first_feed(family), now().astimezone(ISRAEL) - timedelta(minutes=10)
    with Replica() as replica:
        names = [f"{kind}{feed.chain_id}-001-{at:%Y%m%d-%H%M%S}.gz" for kind in ("PriceFull", "Promo")]
        replica.publications(feed.key).put(*map(publication, names))
        settings = Settings(replica_url=replica.url)
        options = ConnectorOptions(
            feed=feed,
            base_url=base_url(feed, settings),
            max_file_bytes=LIMIT,
            policy=AT_ONCE,
        )
        portal = CONNECTORS[family](options)
        portal._client = client = Recording(AT_ONCE)  # noqa: SLF001
        with suppress(CodedError):
            portal.list_files()
        portal.close()
    return NEXT_PAGE.join(client.pages)
