"""Plain HTTP requests to each portal, step by step as in docs/portals.md, without our connectors."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import requests

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.generator.documents import gzipped
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.server import Replica

NOON = datetime(2026, 8, 11, 12, 0, tzinfo=ISRAEL)
TOKEN = re.compile(r'<meta name="csrftoken" content="([^"]+)"')
LINK = re.compile(r'<tr[^>]*>\s*<td><a href="([^"]+)"')


def full_prices(chain_id: str, stores: Iterable[int], *, at: datetime = NOON) -> list[Publication]:
    """A small PriceFull of each store, a minute apart; the later store is the newer file."""
    return [
        Publication(
            name=f"PriceFull{chain_id}-001-{store:03}-{at:%Y%m%d-%H%M}{store % 60:02}.gz",
            content=gzipped(f"<Root><StoreID>{store}</StoreID><Items/></Root>".encode()),
            published_at=at + timedelta(minutes=store),
            kind=FileKind.FULL_PRICES,
            store_id=store,
            store_label=f"{store} - דיל רחובות",
        )
        for store in stores
    ]


class CerberusVisitor:
    """One browser at the Cerberus portal."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/cerberus"
        self.session = requests.Session()
        self.token = ""

    def log_in(self, user: str, password: str = "") -> requests.Response:
        self.token = TOKEN.findall(self.session.get(f"{self.url}/login").text)[0]
        answer = self.session.post(
            f"{self.url}/login/user",
            data={
                "r": "",
                "username": user,
                "password": password,
                "Submit": "Sign in",
                "csrftoken": self.token,
            },
        )
        self.token = TOKEN.findall(answer.text)[0]
        return answer

    def ask(self, **changes: Any) -> requests.Response:
        form = {
            "sEcho": 1,
            "iColumns": 5,
            "sColumns": ",,,,",
            "iDisplayStart": 0,
            "iDisplayLength": 100_000,
            "mDataProp_0": "fname",
            "sSearch": "",
            "cd": "/",
            "csrftoken": self.token,
        } | changes
        return self.session.post(f"{self.url}/file/json/dir", data=form)

    def rows(self, **changes: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.ask(**changes).json()["aaData"]
        return rows

    def download(self, path: str) -> requests.Response:
        return self.session.get(f"{self.url}/file/d/{path}")

    def close(self) -> None:
        self.session.close()


class ShufersalVisitor:
    """A client that reads Shufersal's grid."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/shufersal"

    def page(self, number: int = 1, *, category: int = 2, store: int = 0) -> str:
        asked = {"catID": category, "storeId": store, "page": number}
        return requests.get(f"{self.url}/FileObject/UpdateCategory", params=asked, timeout=10).text

    def links(self, number: int = 1, *, category: int = 2, store: int = 0) -> list[str]:
        return [unescape(link) for link in LINK.findall(self.page(number, category=category, store=store))]

    def fetch(self, link: str) -> requests.Response:
        return requests.get(link, timeout=10)


def name_in(link: str) -> str:
    """The file name in a signed link."""
    return link.partition("?")[0].rpartition("/")[2]


def get(url: str) -> requests.Response:
    return requests.get(url, timeout=10)


def listing(king_store: str) -> requests.Response:
    """King Store's list of full price files."""
    return get(f"{king_store}/MainIO_Hok.aspx?WFileType=4")


def file_url(king_store: str, replica: Replica) -> str:
    """Where King Store's first file lies."""
    return f"{king_store}/Download/{replica.publications('king_store').all()[0].name}"
