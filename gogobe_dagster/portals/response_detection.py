"""What a response is by its bytes: a web page, a login form, a bot challenge, an error message.

Portals answer 200 with any of these instead of a file or a listing. What follows for a feed is decided by the
connector.
"""

import re
from collections.abc import Mapping

from lxml import etree, html

HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*+<(?:!doctype\s+html|html|head|body|script|title)\b",
    re.IGNORECASE | re.DOTALL,
)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
ARCHIVES = (b"\x1f\x8b", b"PK\x03\x04")
BEFORE_MARKUP = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
"""Byte order marks, blanks, and the zero bytes of UTF-16."""
# The root of an XML error: Azure's and S3's `Error`, a SOAP fault, the `Message` of web services.
XML_ERROR = re.compile(
    rb"(?:<[?!][^>]*>\s*)*<(?:\w+:)?(?:(?:errors?|fault|exception|errorresponse|message|problem)\b"
    rb"|envelope\b.{0,2000}?<(?:\w+:)?fault\b)",
    re.IGNORECASE | re.DOTALL,
)
# Cloudflare's interstitial page, widget and refusal; F5's script and refusal. Reblaze has its own status.
CHALLENGE_MARKERS = (
    b"Just a moment", b"cf-chl", b"challenge-platform", b"__cf_chl", b"you have been blocked",
    b"/TSPD/", b'window["bobcmn"]', b"The requested URL was rejected",
)  # fmt: skip
REBLAZE_STATUS = 247


def is_html(start: bytes) -> bool:
    """Whether these first bytes begin a web page; XML documents and archives do not."""
    return HTML.match(start.removeprefix(BYTE_ORDER_MARK)) is not None


def is_message(start: bytes) -> bool:
    """Whether these first bytes are no published file: neither an archive nor XML, or an XML error."""
    if start.startswith(ARCHIVES):
        return False
    text = start.lstrip(BEFORE_MARKUP)
    if text and not text.startswith(b"<"):
        return True
    return XML_ERROR.match(text.replace(b"\0", b"")) is not None


def is_login_form(page: bytes) -> bool:
    """Whether a page asks to log in. A password field proves nothing: Cerberus' file page has one."""
    tree = parse_html(page) if is_html(page) else None
    if tree is None:
        return False
    return any(
        form.get("id") == "login-form" or "/login" in form.get("action", "") for form in tree.iter("form")
    )


def parse_html(page: bytes) -> html.HtmlElement | None:
    """Parse a page or a fragment as UTF-8; None if there is nothing in it."""
    try:
        return html.document_fromstring(page, parser=html.HTMLParser(encoding="utf-8"))
    except etree.ParserError:
        return None


def is_bot_challenge(status: int, headers: Mapping[str, str], start: bytes) -> bool:
    """Whether a bot wall answered instead of the portal, with any status."""
    if status == REBLAZE_STATUS or "cf-mitigated" in headers:
        return True
    return is_html(start) and any(marker in start for marker in CHALLENGE_MARKERS)
