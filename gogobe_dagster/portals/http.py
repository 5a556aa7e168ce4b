"""The only HTTP client: whole pages with retries, and files as a stream of checked chunks.

Every request has time limits and a browser's user agent. A file is not tried again here: what was streamed
cannot be taken back, so the caller starts again from the beginning.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from math import inf
from time import monotonic
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import requests
import stamina
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar

from gogobe_dagster.errors import Code, CodedError, PortalError, Trait
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.download_stream import CHUNK, START, check_start, counted, gather
from gogobe_dagster.portals.http_errors import (
    Answer,
    Meaning,
    file_failure,
    file_failures,
    no_special_meaning,
    page_failures,
    place,
    refusal,
)
from gogobe_dagster.portals.transport import Way
from gogobe_dagster.sizes import MEGABYTE

T = TypeVar("T")
# Netiv HaHesed's Cloudflare refuses the default user agents of HTTP libraries (docs/portals.md, Requests).
USER_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
LONGEST_PAGE: Final = 64 * MEGABYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a portal is treated (docs/portals.md, Requests), and how it is reached. Times are in seconds."""

    connect: float = 30
    listing: float = 60
    """How long a page may stay silent."""
    download: float = 120
    """How long a file may stay silent."""
    whole: float = 900
    """How long an answer may take in all: a portal that drips must not hold a worker for ever."""
    budget: float = inf
    """How long all pages of one client may take together: a look at a portal has to end in time."""
    parallel: int = 4
    tries: int = 4
    first_wait: float = 2
    longest_wait: float = 30
    way: Way = field(default_factory=Way)


class DirectToLoopback(requests.Session):
    """A session that takes no proxy of the environment to this machine: it would not know our loopback."""

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Leave the environment out for a loopback address, and where we were told what to trust."""
        before = self.trust_env
        self.trust_env = before and urlsplit(str(url)).hostname not in LOOPBACK
        verify = self.verify if verify is None and self.verify is not True else verify
        try:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        finally:
            self.trust_env = before


class Client:
    """Requests to one portal. Thread-safe: its session keeps no cookies, so threads share only sockets."""

    def __init__(self, manners: Manners) -> None:
        """Open nothing yet."""
        self.manners = manners
        self._until = monotonic() + manners.budget
        self._pages = 0
        self._session = self.new_session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))

    def new_session(self) -> requests.Session:
        """Return a session with a cookie jar of its own, for one login and one thread."""
        session = DirectToLoopback()
        session.headers["User-Agent"] = USER_AGENT
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=self.manners.parallel))
        self.manners.way.prepare(session)
        return session

    def close(self) -> None:
        """Give back the sockets. Idempotent."""
        self._session.close()

    def patiently(self, work: Callable[[], T]) -> T:
        """Do `work` again, with growing waits, after errors that waiting cures and while there is time."""
        return patiently(self.manners, work, until=self._until)

    def ask(
        self,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        session: requests.Session | None = None,
        meaning: Meaning = no_special_meaning,
    ) -> Answer:
        """Return a page or a list; a form is posted. Raises `PortalError`, also for every status but 200."""
        with self._in_time(url), page_failures(url):
            response = (session or self._session).request(
                "GET" if form is None else "POST",
                url,
                params=query,
                data=form,
                headers=headers,
                # a host may have several addresses, and each is given the time to connect
                timeout=(min(self.manners.connect, self._left / 4), min(self.manners.listing, self._left)),
                stream=True,
            )
            with closing(response):
                body = gather(self._pieces(response, decode=True), LONGEST_PAGE)
        if len(body) >= LONGEST_PAGE:
            raise PortalError(Code.TOO_LARGE, f"{place(url)}: a page of {LONGEST_PAGE} bytes and more")
        answer = _answer(response, body)
        if refused := refusal(answer, meaning):
            raise PortalError(refused[0], f"{place(url)}: {refused[1]}")
        self._pages += 1
        return answer

    def stream(
        self,
        url: str,
        *,
        file: RemoteFile,
        limit: int,
        cookies: RequestsCookieJar | None = None,
        meaning: Meaning = no_special_meaning,
    ) -> Iterator[bytes]:
        """Stream a file's bytes as served. Raises `DownloadError` or `PortalError`, also in the midst.

        An answer that is no file, an empty one, and all that `meaning` knows raise before the first
        chunk; a file that ends too soon or grows over `limit` raises at its end.
        """
        with file_failures(url), closing(self._open(url, cookies)) as response:
            chunks = self._pieces(response, decode=False)
            start = gather(chunks, START)
            _check_answer(url, _answer(response, start), meaning, limit)
            check_start(url, start, came_from=response.url)
            yield from counted(url, start, chunks, file=file, limit=limit)

    def _open(self, url: str, cookies: RequestsCookieJar | None) -> requests.Response:
        # Identity: a client that unpacks by itself would change the bytes that we hash and keep.
        return self._session.get(
            url,
            headers={"Accept-Encoding": "identity"},
            cookies=cookies,
            timeout=(self.manners.connect, self.manners.download),
            stream=True,
        )

    def _pieces(self, response: requests.Response, *, decode: bool) -> Iterator[bytes]:
        """Read what is there as it comes, so that also a portal that drips meets the time limit."""
        until = min(monotonic() + self.manners.whole, self._until)
        while piece := response.raw.read1(CHUNK, decode_content=decode):
            if monotonic() > until:
                raise TimeoutError(
                    f"not whole after {min(self.manners.whole, self.manners.budget):g} seconds"
                )
            yield piece

    @property
    def _left(self) -> float:
        return self._until - monotonic()

    @contextmanager
    def _in_time(self, url: str) -> Iterator[None]:
        """Tell a portal that answers too slowly for our budget from one that does not answer."""
        if self._left <= 0:
            raise self._too_slow(url)
        try:
            yield
        except PortalError as error:
            if self._pages and error.retry and self._left < 1:
                raise self._too_slow(url) from error
            raise

    def _too_slow(self, url: str) -> PortalError:
        pages = f"{self._pages} pages in {self.manners.budget:g} seconds, and there are more"
        return PortalError(Code.LISTING_TOO_SLOW, f"{place(url)}: {pages}")


def patiently(manners: Manners, work: Callable[[], T], *, until: float = inf) -> T:
    """Do `work` again, with growing waits, after errors that waiting cures and while there is time."""
    wait, longest = manners.first_wait, min(manners.longest_wait, manners.budget / 6)
    caller = stamina.RetryingCaller(
        attempts=manners.tries,
        timeout=None,
        wait_initial=wait,
        wait_max=longest,
        wait_jitter=wait / 2,
    )
    return caller(lambda error: _is_cured_by_waiting(error) and until - monotonic() > longest, work)


def _check_answer(url: str, answer: Answer, meaning: Meaning, limit: int) -> None:
    """Raise when the answer says by itself that it is not the file."""
    if refused := refusal(answer, meaning):
        raise file_failure(url, *refused)
    promised = answer.headers.get("Content-Length", "")
    if promised.isdecimal() and int(promised) > limit:
        raise file_failure(url, Code.TOO_LARGE, f"{promised} bytes, the limit is {limit}")


def _answer(response: requests.Response, body: bytes) -> Answer:
    return Answer(url=response.url, status=response.status_code, headers=response.headers, body=body)


def _is_cured_by_waiting(error: Exception) -> bool:
    return isinstance(error, CodedError) and Trait.RESEND in error.code.traits
