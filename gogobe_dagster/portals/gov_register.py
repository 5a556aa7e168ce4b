"""The official register on gov.il, read through its content API (docs/portals.md, Official register).

How it differs from our own register is decided in `feeds.official_register`.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from lxml import html

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.official_register import (
    CERBERUS_HOST,
    LAIB_HOST,
    OfficialPage,
    OfficialRow,
    PortalAccount,
)
from gogobe_dagster.portals.http_client import HttpClient
from gogobe_dagster.portals.http_errors import FORBIDDEN, HttpResponse
from gogobe_dagster.portals.listing_fields import SAMPLE_LENGTH, parse_json, schema_changed
from gogobe_dagster.portals.network import NetworkOptions
from gogobe_dagster.portals.reach import Reach, host_and_port
from gogobe_dagster.portals.request_policy import RequestPolicy
from gogobe_dagster.portals.response_detection import parse_html
from gogobe_dagster.settings import Settings

HOST = "https://openapi-gc.digital.gov.il"
PATH = "/pub/cio/govil/rest/contentpage/v1/api/content-pages/cpfta_prices_regulations"
UNAUTHORIZED = 401
UPDATED = "תאריך עדכון"
COLUMNS = 3
USER = re.compile(r"(?:שם\s*משתמש|user(?:name)?)[\s:–-]*([a-z0-9_.@]+)", re.IGNORECASE)
# Without a password the page says in Hebrew, at times in brackets, that the field stays empty.
PASSWORD = re.compile(r"(?:סיסמ[אה]|ססמ[אה]|password)[\s:–-]*([a-z0-9][a-z0-9_.@!#$%*-]*)", re.IGNORECASE)


def read_official_register(settings: Settings, *, policy: RequestPolicy | None = None) -> OfficialPage:
    """Request the page from gov.il or the replica. Raises `PortalError`."""
    if not settings.gov_il_client_id:
        raise PortalError(Code.AUTH_FAILED, "GOGOBE_GOV_IL_CLIENT_ID is empty; gov.il requires it")
    host = f"{settings.replica_url.rstrip('/')}/gov_il" if settings.replica_url else HOST
    headers = {
        "Accept": "application/json",
        "Origin": "https://www.gov.il",
        "Referer": "https://www.gov.il/he/pages/cpfta_prices_regulations",
        "x-client-id": settings.gov_il_client_id,
    }
    with closing(open_gov_client(settings, host, policy)) as client:
        url, query = f"{host}{PATH}", {"culture": "he"}
        response = client.request(url, query=query, headers=headers, classify=_classify_refusal)
    return _parse_page(response)


def open_gov_client(settings: Settings, host: str, policy: RequestPolicy | None) -> HttpClient:
    """Return a client that reaches gov.il, and this host of a replica."""
    network = NetworkOptions(
        reach=Reach(domains=["gov.il"], configured=[host_and_port(host)]),
        user_agent=settings.user_agent,
        contact=settings.contact,
    )
    return HttpClient(replace(policy or RequestPolicy(), network=network))


def _classify_refusal(response: HttpResponse) -> Code | None:
    return Code.AUTH_FAILED if response.status in {UNAUTHORIZED, FORBIDDEN} else None


def _parse_page(response: HttpResponse) -> OfficialPage:
    content = parse_json(response)
    try:
        section = content["contentMain"]["htmlContents"][0]["sectionData"]
        updated = str(content["contentHead"]["metaData"][UPDATED][0]["title"])
    except (KeyError, IndexError, TypeError) as error:
        raise schema_changed(response.url, f"a page without {error}", content) from None
    return OfficialPage(updated=updated, rows=parse_table(str(section), response.url))


def parse_table(section: str, url: str) -> tuple[OfficialRow, ...]:
    """Parse the page's table. Raises `PortalError` if it has no row, or one of an unknown format."""
    tree = parse_html(section.encode())
    rows = [] if tree is None else tree.findall(".//table//tr")
    companies = tuple(_parse_row(row.findall("td"), url) for row in rows if row.find("td") is not None)
    if not companies:
        raise schema_changed(url, "no table of companies", section[:SAMPLE_LENGTH])
    return companies


def _parse_row(cells: list[Any], url: str) -> OfficialRow:
    name = _text(cells[0])
    accounts = tuple(_accounts(cells[1], _text(cells[2]))) if len(cells) == COLUMNS else ()
    if not name or not accounts:
        raise schema_changed(url, "a row without a name or a link", " | ".join(map(_text, cells)))
    return OfficialRow(legal_name=name, accounts=accounts)


def _text(cell: html.HtmlElement) -> str:
    return " ".join(" ".join(cell.itertext()).split())


def _accounts(links: html.HtmlElement, remarks: str) -> Iterator[PortalAccount]:
    addresses = [urlsplit(link.get("href", "").strip()) for link in links.iter("a")]
    hosts = [(address.hostname or "").removeprefix("www.") for address in addresses]
    if any(host == CERBERUS_HOST or host.endswith(f".{CERBERUS_HOST}") for host in hosts):
        yield from _logins(remarks)
    for host, address in zip(hosts, addresses, strict=True):
        page = address.path.strip("/").partition("/")[0]
        if host == LAIB_HOST and page:
            yield PortalAccount(host=host, account=page)
        # Laib's front page stands for no chain: Victory's row has it beside its own page
        elif host and host != LAIB_HOST and not host.endswith(CERBERUS_HOST):
            yield PortalAccount(host=host)


def _logins(remarks: str) -> Iterator[PortalAccount]:
    """Read users, each with the password before the next user, if there is one."""
    users = list(USER.finditer(remarks))
    ends = [user.start() for user in users[1:]] + [len(remarks)]
    for user, end in zip(users, ends, strict=True):
        password = PASSWORD.search(remarks, user.end(), end)
        yield PortalAccount(host=CERBERUS_HOST, account=user[1], password=password[1] if password else "")
