"""Text of others as it may be printed: without control characters, and without secrets.

Names, reasons and messages come from portals, from files and from settings. A terminal obeys the escape
sequences in them, and readers of logs need no passwords.
"""

import re
from typing import Final

# C0 and C1 but the end of a line; marks that turn the direction of the text around them; separators of lines
_COMMANDS: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_HALVES: Final = re.compile("[\ud800-\udfff]")
HIDDEN: Final = "…"
"""In place of a whole value."""
MASK: Final = "***"
"""In place of a password, as SQLAlchemy writes it."""
FORMULA_START: Final = r"^[=+@\t\r\n-]"
"""How a text begins that a spreadsheet takes for a formula; in Python, Rust and PostgreSQL."""
TEXT_MARK: Final = "'"
"""Before such a text in CSV: spreadsheets then take it for a text."""
# A password may hold any character, also those that end the host of a well-formed URL.
_IN_URL: Final = re.compile(r"(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*://[^\s:@/]*)(\S*@)", re.IGNORECASE)
_KEY: Final = r"((?:\b|_)(?:(?:ssl)?password|passwd|pwd|secret|token)[\"']?\s*[=:]\s*)"
_VALUE: Final = r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s&,;}]+)"
_IN_KEYWORDS: Final = re.compile(_KEY + _VALUE, re.IGNORECASE)


def printable(text: str) -> str:
    r"""Show control characters, also those of bidirectional text, as escapes such as `\x1b`; keep lines."""
    return _HALVES.sub("\N{REPLACEMENT CHARACTER}", _COMMANDS.sub(_escape, text))


def without_secrets(text: str) -> str:
    """Hide passwords of URLs, and what follows `password=` and the like, also in libpq's form."""
    return _IN_KEYWORDS.sub(rf"\1{MASK}", _IN_URL.sub(_hide, text))


def _hide(found: re.Match[str]) -> str:
    """Keep a user without a password."""
    return found[0] if found[2] == "@" else f"{found[1]}:{MASK}@"


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
