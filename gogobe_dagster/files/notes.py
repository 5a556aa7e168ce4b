"""What was unusual about a file that was read all the same: the notes of its report and of the ledger."""

from enum import StrEnum
from typing import Self


class Note(StrEnum):
    """A stable name for something unusual. `docs/codes.md` lists them."""

    meaning: str
    is_reason_for_lxml: bool

    def __new__(cls, value: str, meaning: str, is_reason_for_lxml: bool = False) -> Self:  # noqa: FBT001, FBT002 - reads as a table below
        """Make a member that equals its value and knows what it means."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning, member.is_reason_for_lxml = meaning, is_reason_for_lxml
        return member

    # the file
    CONTAINER_MISMATCH = (
        "container_mismatch",
        "The name ends in .gz, .zip or .xml, and the bytes are another.",
    )
    FALSE_DECLARATION = "false_declaration", "The XML declaration names another encoding than the bytes have."
    BROKEN_CHARACTERS = "broken_characters", "Some characters are damaged; each is a replacement character."
    NUL_PADDING = "nul_padding", "NUL bytes after the end of the document were dropped."
    # the document
    EMPTY_DOCUMENT = "empty_document", "The document has a header and no rows."
    COUNT_MISMATCH = "count_mismatch", "The document's own count of its rows is wrong."
    ROUNDED_NUMBERS = "rounded_numbers", "Numbers with more than four decimals were rounded."
    REPAIRED_MARKUP = "repaired_markup", "Bare `<` or `&` in texts were escaped before reading."
    UNREADABLE_FIELDS = (
        "unreadable_fields",
        "Optional fields that cannot be read are null; `unreadable_fields` of the file counts them.",
    )
    TOO_MANY_REJECTS = (
        "too_many_rejects",
        "More than 10 % of a full file's rows are rejected: what can be read is loaded, and nothing ends.",
    )
    STORE_MISMATCH = "store_mismatch", "Header and file name disagree about the store or sub-chain."
    # why the fast reader left the document, or a chunk of it, to lxml
    MALFORMED = "malformed", "Tags do not match, or something is neither a tag nor an entity.", True
    MIXED_CONTENT = "mixed_content", "Text stands between elements.", True
    NESTED_FIELDS = "nested_fields", "A row of prices or stores holds more than plain fields.", True
    NOT_CLOSED = "not_closed", "Elements do not end: the document is cut off.", True
    REPEATED_FIELD = "repeated_field", "A row has one field twice.", True
    REPEATED_GROUPS = "repeated_groups", "Promotions have groups in several places.", True
    TOO_MANY_TAGS = "too_many_tags", "The document has too many different tags.", True
    UNEXPECTED_LAYOUT = "unexpected_layout", "Rows hold nothing, or are spelled in several ways.", True
    UNSUPPORTED_MARKUP = "unsupported_markup", "The document has comments, CDATA or other markup.", True
