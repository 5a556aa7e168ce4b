"""The five kinds of published files, and the three documents that they contain."""

from enum import StrEnum


class Document(StrEnum):
    """What a file contains; each document has one model, one lake table and one loader."""

    STORES = "stores"
    PRICES = "prices"
    PROMOTIONS = "promotions"


class FileKind(StrEnum):
    """The kind of a file by its name; the ledger keeps these values."""

    STORES = "stores"
    PRICES = "prices"
    FULL_PRICES = "full_prices"
    PROMOTIONS = "promotions"
    FULL_PROMOTIONS = "full_promotions"

    @property
    def is_full(self) -> bool:
        """Whether the file is complete: what it does not list has been removed."""
        return self in {FileKind.STORES, FileKind.FULL_PRICES, FileKind.FULL_PROMOTIONS}

    @property
    def in_words(self) -> str:
        """What people call files of this kind."""
        return f"{self.value.removesuffix('s').replace('_', ' ')} files"

    @property
    def document(self) -> Document:
        """The document inside a file of this kind."""
        return Document(self.value.removeprefix("full_"))


FULL_KINDS = [kind for kind in FileKind if kind.is_full]
