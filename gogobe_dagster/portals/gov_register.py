"""The official register on gov.il, read through its content API (docs/portals.md, Official register).

How it differs from our own register is decided in `feeds.official_register`.
"""

import re
from collections.abc import Iterator
from contextlib import closing
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
from gogobe_dagster.portals.http import Client, Manners
from gogobe_dagster.portals.http_errors import Answer
from gogobe_dagster.portals.listing import LINE_OF_SAMPLE, json_of, schema_changed
from gogobe_dagster.portals.response_detection import tree_of
from gogobe_dagster.settings import Settings

HOST = "https://openapi-gc.digital.gov.il"
PATH = "/pub/cio/govil/rest/contentpage/v1/api/content-pages/cpfta_prices_regulations"
REFUSED = {401, 403}
UPDATED = "תאריך עדכון"
COLUMNS = 3
USER = re.compile(r"(?:שם\s*משתמש|user(?:name)?)[\s:–-]*([a-z0-9_.@]+)", re.IGNORECASE)
# Without a password the page says in Hebrew, at times in brackets, that the field stays empty.
PASSWORD = re.compile(r"(?:סיסמ[אה]|ססמ[אה]|password)[\s:–-]*([a-z0-9][a-z0-9_.@!#$%*-]*)", re.IGNORECASE)


def read_official_register(settings: Settings, *, manners: Manners | None = None) -> OfficialPage:
    """Ask gov.il, or the replica, for the page as it is now. Raises `PortalError`."""
    if not settings.gov_il_client_id:
        raise PortalError(Code.AUTH_FAILED, "GOGOBE_GOV_IL_CLIENT_ID is empty: gov.il answers nobody without")
    place = f"{settings.replica_url.rstrip('/')}/gov_il" if settings.replica_url else HOST
    headers = {
        "Accept": "application/json",
        "Origin": "https://www.gov.il",
        "Referer": "https://www.gov.il/he/pages/cpfta_prices_regulations",
        "x-client-id": settings.gov_il_client_id,
    }
    with closing(Client(manners or Manners())) as client:
        url, query = f"{place}{PATH}", {"culture": "he"}
        answer = client.patiently(
            lambda: client.ask(url, query=query, headers=headers, meaning=_refused_client)
        )
    return _page(answer)


def _refused_client(answer: Answer) -> Code | None:
    return Code.AUTH_FAILED if answer.status in REFUSED else None


def _page(answer: Answer) -> OfficialPage:
    content = json_of(answer)
    try:
        section = content["contentMain"]["htmlContents"][0]["sectionData"]
        updated = str(content["contentHead"]["metaData"][UPDATED][0]["title"])
    except (KeyError, IndexError, TypeError) as error:
        raise schema_changed(answer.url, f"a page without {error}", content) from None
    return OfficialPage(updated=updated, rows=rows_of_table(str(section), answer.url))


def rows_of_table(section: str, where: str) -> tuple[OfficialRow, ...]:
    """Read the page's table. Raises `PortalError` when it has no row, or one that is not understood."""
    tree = tree_of(section.encode())
    lines = [] if tree is None else tree.findall(".//table//tr")
    rows = tuple(_row(line.findall("td"), where) for line in lines if line.find("td") is not None)
    if not rows:
        raise schema_changed(where, "no table of companies", section[:LINE_OF_SAMPLE])
    return rows


def _row(cells: list[Any], where: str) -> OfficialRow:
    name = _text(cells[0])
    accounts = tuple(_doors(cells[1], _text(cells[2]))) if len(cells) == COLUMNS else ()
    if not name or not accounts:
        raise schema_changed(where, "a row without a name or a door", " | ".join(map(_text, cells)))
    return OfficialRow(legal_name=name, accounts=accounts)


def _text(cell: html.HtmlElement) -> str:
    return " ".join(" ".join(cell.itertext()).split())


def _doors(links: html.HtmlElement, remarks: str) -> Iterator[PortalAccount]:
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
