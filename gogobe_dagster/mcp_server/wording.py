"""When a price was confirmed and under which conditions it holds, as sentences that a model can repeat."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from gogobe_dagster.clock import ISRAEL

FRESH_HOURS = 36
"""Within which a chain has published all prices of a store again, except over Shabbat and holidays."""


def with_confirmation(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Add when a shelf price was last stated, and a warning if that was long ago."""
    hours = (now - row["confirmed_at"]).total_seconds() / 3600
    at = f"{row['confirmed_at'].astimezone(ISRAEL):%Y-%m-%d %H:%M}"
    old = "" if hours <= FRESH_HOURS else f"; that is {hours / 24:.0f} days ago, the shelf may differ"
    text = f"Shelf price without promotions, last confirmed by the chain on {at} (Israel){old}."
    return plain({**row, "holds": text})


def with_conditions(row: Mapping[str, Any]) -> dict[str, Any]:
    """Add under which conditions the price of an offer holds, or why it has none."""
    unit = row["price_basis"] or "unit"
    if row["effective_unit_price"] is None:
        text = f"No price of a unit follows from this offer ({row['no_price_reason']})."
    elif row["conditions"]:
        text = f"This price of one {unit} holds {'; '.join(row['conditions'])}."
    else:
        text = f"Everybody pays this price for one {unit}."
    return plain({**row, "holds": text})


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with values of JSON: decimals as text without zeros at their end, times in Israel."""
    return {name: _plain(value) for name, value in row.items()}


def plain_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Do the same for rows."""
    return [plain(row) for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return value.astimezone(ISRAEL).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return plain(value)
    return value
