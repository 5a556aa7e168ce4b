"""Reads dates and times in every form that chains write, as UTC.

A time without a zone is Israel's. One with a zone (`Z`, `+02:00`) is converted, so that all of them are the
same instants. `24:00` is the midnight that ends its day: 00:00 of the next one. A text in no known form is
null here; whether its row stays is decided in `normalization`.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

NDArray = np.ndarray[Any, np.dtype[Any]]

ZONE: Final = "Asia/Jerusalem"
DATE_FORMATS: Final = {
    "0000-00-00 00:00:00": "%Y-%m-%d %H:%M:%S",
    "0000-00-00 00:00": "%Y-%m-%d %H:%M",
    "0000/00/00 00:00": "%Y/%m/%d %H:%M",
    "0000-00-00T00:00:00": "%Y-%m-%dT%H:%M:%S",
    "0000-00-00T00:00:00.000": "%Y-%m-%dT%H:%M:%S%.f",
    "0000-00-00": "%Y-%m-%d",
    "0000/00/00": "%Y/%m/%d",
    "0000/00/00 00:00:00": "%Y/%m/%d %H:%M:%S",
    "0000-00-00T00:00": "%Y-%m-%dT%H:%M",
    "0000-00-00 00:00:00.000": "%Y-%m-%d %H:%M:%S%.f",
    "00/00/0000 00:00:00": "%d/%m/%Y %H:%M:%S",
    "00/00/0000 00:00": "%d/%m/%Y %H:%M",
    "00/00/0000": "%d/%m/%Y",
    "00000000000000": "%Y%m%d%H%M%S",
    "00000000": "%Y%m%d",
    "Dec 00 0000 00:0": "%b %d %Y %H:%M",  # SQL Server's own, as in `Dec 29 2014 12:0`
}
"""The usual date formats by their shape, with 0 for each digit."""
OTHER_FORM: Final = (
    r"^(?:(?<year>[0-9]{4})(?:[-/.](?<month>[0-9]{1,2})[-/.](?<day>[0-9]{1,2})"
    r"|(?<month_digits>[0-9]{2})(?<day_digits>[0-9]{2}))"
    r"|(?<day_first>[0-9]{1,2})[-/.](?<month_second>[0-9]{1,2})[-/.](?<year_last>[0-9]{4}))"
    r"(?:[T ]+(?<hour>[0-9]{1,2}):(?<minute>[0-9]{2})"
    r"(?::(?<second>[0-9]{2})(?:[.,](?<fraction>[0-9]{1,9}))?)?)?"
    r" ?(?<zone>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?$"
)
"""All other forms: days with dots, hours up to 24:00, seconds with any fraction, zones."""
ISO_LENGTHS: Final = {len("2026-11-23 07:00"), len("2026-11-23 07:00:05"), len("2026-11-23T07:00:05.123")}
DIGIT: Final = re.compile("[0-9]")
PLACEHOLDER: Final = r"^(?:0001|1753|1899|1900)[-/.]|^[0-9]{2}[-/.][0-9]{2}[-/.](?:0001|1753|1899|1900)"
"""Placeholders that programs write for no date, such as 1899-12-30."""
FIRST_CHANGE, LAST_CHANGE = datetime(1900, 1, 1), datetime(2101, 1, 1)  # noqa: DTZ001 - UTC where used
YEAR_1901: Final = int(datetime(1901, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
"""In microseconds."""
DAY: Final = 24 * HOUR
FRACTION_DIGITS: Final = 6


def parse_timestamps(text: pl.Series) -> pl.Series:
    """Parse with the format of the first value, then what is left in every other form."""
    naive = _parse_dates(text, _format_of(text.drop_nulls()[0] if text.null_count() else text[0]))
    if naive.null_count() == text.null_count():
        return israel_to_utc(naive)
    other = _parse_other_forms(text.set(naive.is_not_null(), None))
    for format_ in DATE_FORMATS.values():
        if naive.null_count() + other.null_count() == len(text) + text.null_count():
            break
        left = text.set(naive.is_not_null() | other.is_not_null(), None)
        naive = naive.zip_with(naive.is_not_null(), _parse_dates(left, format_))
    return other.zip_with(other.is_not_null(), israel_to_utc(naive))


def has_placeholder(typed: pl.Series) -> bool:
    """Whether a column of timestamps may have placeholders for no date."""
    earliest = typed.to_physical().min() if typed.dtype.is_temporal() else None
    return isinstance(earliest, int) and earliest < YEAR_1901


def _format_of(date: str) -> str:
    return DATE_FORMATS.get(DIGIT.sub("0", date.strip()), "%Y-%m-%d %H:%M:%S")


def _parse_dates(text: pl.Series, format_: str) -> pl.Series:
    if format_.startswith("%Y-") and (fast := _parse_iso_dates(text)) is not None:
        return fast
    return text.str.to_datetime(format_, time_unit="us", strict=False)


def _parse_iso_dates(text: pl.Series) -> pl.Series | None:
    """Parse ISO dates of one length with Arrow, in a third of the time; None if one is different."""
    length = text.str.len_bytes()
    # Arrow also accepts hours without minutes, which no known program writes.
    if length.min() != length.max() or length.min() not in ISO_LENGTHS:
        return None
    try:
        timestamps = pc.cast(text.to_arrow(), pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    return pl.Series(text.name, timestamps)


# ---------------------------------------------------------------- other forms


def _parse_other_forms(text: pl.Series) -> pl.Series:
    """Parse texts as OTHER_FORM; the result is UTC."""
    parts = text.str.strip_chars().str.extract_groups(OTHER_FORM).struct.unnest()
    since_midnight, is_time = _time_of_day()
    day = pl.concat_str(
        pl.coalesce("year", "year_last"),
        pl.coalesce("month", "month_second", "month_digits").str.zfill(2),
        pl.coalesce("day", "day_first", "day_digits").str.zfill(2),
    )
    naive = day.str.to_date("%Y%m%d", strict=False).cast(pl.Datetime("us")) + since_midnight.cast(
        pl.Duration("us")
    )
    read = parts.select(pl.when(is_time).then(naive).alias("naive"), _offset_of("zone").alias("offset"))
    with_zone = (read["naive"] - read["offset"]).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return israel_to_utc(read["naive"]).zip_with(read["offset"].is_null(), with_zone).alias(text.name)


def _time_of_day() -> tuple[pl.Expr, pl.Expr]:
    """Return the microseconds since midnight, and whether that is a time of the day or its end."""
    hour, minute, second = (
        pl.col(name).cast(pl.Int64, strict=False).fill_null(0) for name in ("hour", "minute", "second")
    )
    fraction = pl.col("fraction").str.pad_end(FRACTION_DIGITS, "0").str.slice(0, FRACTION_DIGITS)
    microseconds = fraction.cast(pl.Int64, strict=False).fill_null(0)
    since_midnight = hour * HOUR + minute * MINUTE + second * SECOND + microseconds
    return since_midnight, (minute * MINUTE < HOUR) & (second * SECOND < MINUTE) & (since_midnight <= DAY)


def _offset_of(zone: str) -> pl.Expr:
    """Return the offset from UTC; null without a zone. `Z` has no digits, which is none."""
    digits = pl.col(zone).str.replace_all(r"[^0-9]", "")
    hours, minutes = (
        digits.str.slice(start, 2).cast(pl.Int64, strict=False).fill_null(0) for start in (0, 2)
    )
    sign = pl.when(pl.col(zone).str.starts_with("-")).then(-1).otherwise(1)
    offset = sign * (hours * HOUR + minutes * MINUTE)
    return pl.when(pl.col(zone).is_not_null()).then(offset).cast(pl.Duration("us"))


# ---------------------------------------------------------------- Israel's clock


def israel_to_utc(naive: pl.Series) -> pl.Series:
    """Convert Israel's local time to UTC. In the hour that autumn repeats, it is the first one.

    The hour that spring skips is converted with the winter offset, as by a program that missed the change.
    """
    from_then_on, offsets = _clock_changes()
    physical = naive.to_physical()
    local = (physical.fill_null(0) if naive.null_count() else physical).to_numpy()
    if len(local):  # a file covers a year or two, and the table two centuries
        first, last = np.searchsorted(from_then_on, [local.min(), local.max()], side="right").tolist()
        from_then_on, offsets = from_then_on[first:last], offsets[first:]
    timestamps = pl.Series(naive.name, local - offsets[np.searchsorted(from_then_on, local, side="right")])
    utc = timestamps.cast(pl.Datetime("us", "UTC"))
    return utc.set(naive.is_null(), None) if naive.null_count() else utc


@cache
def _clock_changes() -> tuple[NDArray, NDArray]:
    """Return the local times of Israel's clock changes, and the offsets between them, in microseconds.

    From a table of what Polars knows: five times as fast as converting every timestamp with Polars.
    """
    days = pl.datetime_range(FIRST_CHANGE, LAST_CHANGE, "1d", time_unit="us", time_zone="UTC", eager=True)
    changed = days.filter(_offset(days) != _offset(days).shift(-1))
    hours = pl.concat([changed + timedelta(hours=hour) for hour in range(25)]).unique().sort()
    offsets = _offset(hours).to_numpy()
    at = np.flatnonzero(np.diff(offsets)) + 1
    before, after = offsets[at - 1], offsets[at]
    timestamps = hours.to_physical().to_numpy()[at] + np.maximum(before, after)
    return timestamps, np.concatenate((before[:1], after))


def _offset(utc: pl.Series) -> pl.Series:
    here = utc.dt.convert_time_zone(ZONE).dt.replace_time_zone(None)
    return here.to_physical() - utc.to_physical()
