"""The five kinds of published files, and the three documents that they hold."""

from enum import StrEnum


class Document(StrEnum):
    """What a file is about; each document has one model, one lake table and one loader."""

    STORES = "stores"
    PRICES = "prices"
    PROMOTIONS = "promotions"


class FileKind(StrEnum):
    """What a file claims to be by its name; the values are those of the ledger."""

    STORES = "stores"
    PRICES = "prices"
    FULL_PRICES = "full_prices"
    PROMOTIONS = "promotions"
    FULL_PROMOTIONS = "full_promotions"

    @property
    def is_full(self) -> bool:
        """Whether the file is a complete statement: what it does not list is gone."""
        return self in {FileKind.STORES, FileKind.FULL_PRICES, FileKind.FULL_PROMOTIONS}

    @property
    def document(self) -> Document:
        """The document inside a file of this kind."""
        return Document(self.value.removeprefix("full_"))
