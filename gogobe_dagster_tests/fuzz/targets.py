"""What is fuzzed. A target takes bytes and returns if the answer is rows, or an error with a code."""

from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO
from typing import Any, Final

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from gogobe_dagster.errors import Code, CodedError
from gogobe_dagster.feeds.registry import FEEDS, Family, Feed
from gogobe_dagster.files.containers import unpack
from gogobe_dagster.files.names import FileName
from gogobe_dagster.parsing.file_reader import read_file
from gogobe_dagster.portals.connector import ConnectorOptions
from gogobe_dagster.portals.factory import CONNECTORS
from gogobe_dagster.portals.gov_register import parse_table
from gogobe_dagster.portals.http_client import HttpClient
from gogobe_dagster.portals.request_policy import RequestPolicy

Target = Callable[[bytes], None]
LIMIT: Final = 1 << 20
NAMES: Final = (
    "PriceFull7290058140886-001-202611230500.xml",
    "PromoFull7290058140886-001-202611230500.xml",
    "Stores7290058140886-202611230500.xml",
)
AT_ONCE: Final = RequestPolicy(attempts=1, first_wait=0.001, longest_wait=0.001, max_pages=20)
CONTENT_TYPES: Final = ("application/json", "text/html; charset=utf-8", "text/xml")
NEXT_PAGE: Final = b"\x1e"
LISTINGS: Final = {f"listing-{family.replace('_', '-')}": family for family in Family}


class NoCode(AssertionError):
    """A reader failed for a reason that nobody has thought of."""


def parse_file_name(data: bytes) -> None:
    """Parse a file name."""
    name = FileName.parse(data.decode("utf-8", "surrogateescape"))
    if FileName.parse(str(name)).kind is not name.kind:
        raise NoCode(f"{name} is of another kind than it was parsed from")


def unpack_container(data: bytes) -> None:
    """Unpack gzip, ZIP or plain text; never more than the limit."""
    if len(unpack(data, limit=LIMIT).data) > LIMIT:
        raise NoCode("more than the limit")


def read_document(data: bytes, *, use_fast_reader: bool) -> None:
    """Read a document; the first byte chooses what its name promises."""
    name = NAMES[data[0] % len(NAMES)] if data else NAMES[0]
    try:
        read_file(data[1:], name=name, limit=LIMIT, use_fast_reader=use_fast_reader)
    except CodedError as error:
        if error.code is Code.READER_FAILED:
            raise NoCode(str(error)) from error
        raise


class Answers(BaseAdapter):
    """Answers the first request with the first page, and so on; the last page answers all others."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        kind, *_ = [*data, 0]
        self._headers = {"Content-Type": CONTENT_TYPES[kind % len(CONTENT_TYPES)]}
        self._pages = data[1:].split(NEXT_PAGE)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Return the next page, with status 200."""
        page = self._pages.pop(0) if len(self._pages) > 1 else self._pages[0]
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, str(request.url)
        response.headers.update(self._headers)
        response.raw = HTTPResponse(BytesIO(page), headers=self._headers, status=200, preload_content=False)
        return response

    def close(self) -> None:
        """Nothing is open."""


class FuzzedClient(HttpClient):
    """The client of a portal that answers with fuzzed bytes: all above the socket is the real one."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        super().__init__(AT_ONCE)

    def new_session(self) -> requests.Session:
        """Return a session that gets these answers, whatever the address is."""
        session = super().new_session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, self._answers)
        return session


def list_portal(data: bytes, *, family: Family) -> None:
    """List a portal. The first byte chooses the content type; `NEXT_PAGE` parts what requests return."""
    options = ConnectorOptions(
        feed=first_feed(family), base_url="http://127.0.0.1:1", max_file_bytes=LIMIT, policy=AT_ONCE
    )
    portal = CONNECTORS[family](options)
    portal._client = FuzzedClient(Answers(data))  # noqa: SLF001 - nothing else opens a socket
    portal.list_files()


def first_feed(family: Family) -> Feed:
    """Return the first feed of a family."""
    return next(feed for feed in FEEDS if feed.family is family)


def parse_register(data: bytes) -> None:
    """Read the table of the official register."""
    parse_table(data.decode("utf-8", "replace"), "gov.il")


TARGETS: Final[Mapping[str, Target]] = {
    "names": parse_file_name,
    "containers": unpack_container,
    "fast-reader": partial(read_document, use_fast_reader=True),
    "lxml-reader": partial(read_document, use_fast_reader=False),
    "register": parse_register,
    **{name: partial(list_portal, family=family) for name, family in LISTINGS.items()},
}


def run(target: str, data: bytes) -> None:
    """Call a target. Raises whatever is neither rows nor an error with a code."""
    try:
        TARGETS[target](data)
    except NoCode:
        raise
    except CodedError:
        pass
