"""The only HTTP client: whole pages with retries, and files as a stream of checked chunks.

Every request has time limits and a browser's user agent. A file is not tried again here: what was streamed
cannot be taken back, so the caller starts again from the beginning.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import requests
from requests.cookies import RequestsCookieJar

from gogobe_dagster.errors import Code, GogobeError, PortalError
from gogobe_dagster.portals.download_stream import (
    CHUNK_BYTES,
    START_BYTES,
    check_is_file,
    check_size,
    check_start,
    read_at_least,
)
from gogobe_dagster.portals.http_adapter import LimitedAdapter
from gogobe_dagster.portals.http_errors import (
    Classifier,
    HttpResponse,
    download_error,
    download_errors,
    find_refusal,
    page_errors,
    without_query,
)
from gogobe_dagster.portals.pace import Pace
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.request_policy import RequestPolicy, with_retries
from gogobe_dagster.sizes import MEGABYTE

T = TypeVar("T")
# Netiv HaHesed's Cloudflare rejects the default user agents of HTTP libraries (docs/portals.md, Requests).
USER_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_DIGITS: Final = 18
"""Of a number of bytes; longer ones can take long to read."""
MAX_PAGE_BYTES: Final = 64 * MEGABYTE


class PageLimitReached(GogobeError):
    """The client has read as many pages as its policy allows."""


class DirectToLoopback(requests.Session):
    """A session that reaches this machine without the environment's proxy, which has its own loopback."""

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Ignore the environment for a loopback address, and for certificates where an option names them."""
        before = self.trust_env
        self.trust_env = before and urlsplit(str(url)).hostname not in LOOPBACK
        verify = self.verify if verify is None and self.verify is not True else verify
        try:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        finally:
            self.trust_env = before


class HttpClient:
    """Requests to one portal. Thread-safe: its session keeps no cookies, so threads share only sockets."""

    def __init__(self, policy: RequestPolicy) -> None:
        """Open no connection yet; the budget starts now."""
        self.policy = policy
        self._until = monotonic() + policy.budget
        self._pages = 0
        self._session = self.new_session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))

    def new_session(self) -> requests.Session:
        """Return a session with a cookie jar of its own, for one login and one thread."""
        session = DirectToLoopback()
        session.headers["User-Agent"] = USER_AGENT
        for scheme in ("http://", "https://"):
            session.mount(scheme, LimitedAdapter(self.policy))
        self.policy.network.configure(session)
        return session

    def close(self) -> None:
        """Close connections. Idempotent."""
        self._session.close()

    def with_retries(self, work: Callable[[], T]) -> T:
        """Call `work` again, after growing waits, on errors that another try can cure."""
        return with_retries(self.policy, work, until=self._until)

    def request(
        self,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        session: requests.Session | None = None,
        classify: Classifier | None = None,
        retry: bool = True,
    ) -> HttpResponse:
        """Return a page or a listing; a form is posted. Raises `PortalError`, also for any status but 200."""

        def send() -> HttpResponse:
            return self._request(
                url,
                classify,
                session or self._session,
                method="GET" if form is None else "POST",
                params=query,
                data=form,
                headers=headers,
            )

        return self.with_retries(send) if retry else send()

    def stream(
        self,
        url: str,
        *,
        file: RemoteFile,
        max_bytes: int,
        cookies: RequestsCookieJar | None = None,
        classify: Classifier | None = None,
        may_be_message: bool = False,
    ) -> Iterator[bytes]:
        """Stream a file's bytes as served. Raises `DownloadError` or `PortalError`, also after some chunks.

        A response that is not a file, is empty or is known to `classify` raises before the first chunk. A
        file that ends early or exceeds `max_bytes` raises when that is known. With `may_be_message` the
        caller looks for messages in place of the file itself.
        """
        with download_errors(url), closing(self._open(url, cookies)) as response:
            pace = self.policy.file_pace(_size(file, response))
            chunks = _chunks(response, pace, decode=False)
            start = read_at_least(chunks, START_BYTES)
            _check_response(url, _http_response(response, start), classify, max_bytes)
            check_start(url, start, final_url=response.url)
            if not may_be_message:
                check_is_file(url, start)
            yield from check_size(url, start, chunks, file=file, max_bytes=max_bytes)

    def _request(
        self, url: str, classify: Classifier | None, session: requests.Session, **options: Any
    ) -> HttpResponse:
        if self._pages >= self.policy.max_pages:
            raise PageLimitReached(url)
        with self._within_budget(url), page_errors(url):
            # A host may have several addresses, and each of them gets the whole connect timeout.
            connect = min(self.policy.connect_timeout, self._seconds_left / 4)
            read = min(self.policy.listing_timeout, self._seconds_left)
            response = session.request(url=url, timeout=(connect, read), stream=True, **options)
            with closing(response):
                pace = self.policy.page_pace(seconds=min(self.policy.total_timeout, self._seconds_left))
                body = read_at_least(_chunks(response, pace, decode=True), MAX_PAGE_BYTES)
        if len(body) >= MAX_PAGE_BYTES:
            reason = f"{without_query(url)}: a page of {MAX_PAGE_BYTES} bytes and more"
            raise PortalError(Code.TOO_LARGE, reason)
        page = _http_response(response, body)
        if refusal := find_refusal(page, classify):
            reason = f"{without_query(url)}: {refusal.reason}"
            raise PortalError(refusal.code, reason, retry_after=refusal.retry_after)
        self._pages += 1
        return page

    def _open(self, url: str, cookies: RequestsCookieJar | None) -> requests.Response:
        # Identity: a client that decompresses by itself would change the bytes that are hashed and stored.
        return self._session.get(
            url,
            headers={"Accept-Encoding": "identity"},
            cookies=cookies,
            timeout=(self.policy.connect_timeout, self.policy.download_timeout),
            stream=True,
        )

    @property
    def _seconds_left(self) -> float:
        return self._until - monotonic()

    @contextmanager
    def _within_budget(self, url: str) -> Iterator[None]:
        """Tell a portal that answers, but too slowly for the budget, from one that does not answer."""
        if self._seconds_left <= 0:
            raise self._too_slow(url)
        try:
            yield
        except PortalError as error:
            if self._pages and error.retry and self._seconds_left < 1:
                raise self._too_slow(url) from error
            raise

    def _too_slow(self, url: str) -> PortalError:
        pages = f"{self._pages} pages in {self.policy.budget:g} seconds, and there are more"
        return PortalError(Code.LISTING_TOO_SLOW, f"{without_query(url)}: {pages}")


def _chunks(response: requests.Response, pace: Pace, *, decode: bool) -> Iterator[bytes]:
    """Read whatever has arrived, so that a portal that sends byte by byte also meets the limits."""
    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=decode):
        pace.count(len(chunk))
        yield chunk


def _size(file: RemoteFile, response: requests.Response) -> int | None:
    """Return how many bytes a file has by its listing or by the response, whichever are more."""
    known = [size for size in (file.size, _announced(response.headers)) if size is not None]
    return max(known, default=None)


def _announced(headers: Mapping[str, str]) -> int | None:
    """Return a Content-Length; None if there is none that can be one."""
    text = headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and len(text) <= MAX_DIGITS else None


def _check_response(url: str, response: HttpResponse, classify: Classifier | None, max_bytes: int) -> None:
    """Raise if status, headers or first bytes show that this is not the file."""
    if refusal := find_refusal(response, classify):
        raise download_error(url, refusal.code, refusal.reason, retry_after=refusal.retry_after)
    announced = _announced(response.headers)
    if announced is not None and announced > max_bytes:
        raise download_error(url, Code.TOO_LARGE, f"{announced} bytes, the limit is {max_bytes}")


def _http_response(response: requests.Response, body: bytes) -> HttpResponse:
    return HttpResponse(url=response.url, status=response.status_code, headers=response.headers, body=body)
