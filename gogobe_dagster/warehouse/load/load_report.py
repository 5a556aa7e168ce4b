"""What a load did, as plain values: naming the type loads no Polars."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What a load did; a second one finds nothing to do and reports zeros."""

    files: int = 0
    rows: int = 0
    """Rows of these files that the tables took."""
    inserted: int = 0
    """Products or promotions new in a store, or stores new in a list."""
    changed: int = 0
    """Products at another price, promotions with another content, or stores described otherwise."""
    ended: int = 0
    """Products or promotions that a store has no longer, or stores that left their list."""
    new_products: int = 0
    new_stores: int = 0
    new_promotions: int = 0
    """Contents of promotions that are new in their chain."""
    seconds: float = 0.0
