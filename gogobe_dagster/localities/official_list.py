"""Differences between the official list of localities on data.gov.il and the table of this package.

The table is changed by a person, with the program, as the register of feeds is: which locality a store is in
must not hang on the day when a list was last downloaded. `portals.gov_localities` downloads it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gogobe_dagster.localities.index import find
from gogobe_dagster.localities.table import localities


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialLocality:
    """A row of the official list."""

    code: int
    name: str
    english_name: str
    sub_district: str
    """In Hebrew, as is `name`."""


class Change(StrEnum):
    """How a locality differs."""

    NEW = "new"
    """Stores there have no locality yet."""
    GONE = "gone"
    RENAMED = "renamed"
    """Its new name is none that the resolver knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One locality that differs. `ours` is empty for a new one, `official` for one that is gone."""

    change: Change
    code: int
    ours: str
    official: str


def differences(rows: Iterable[OfficialLocality]) -> list[Difference]:
    """Compare the list with the table, by code. A spelling that the resolver knows is no new name."""
    official, ours = {row.code: row for row in rows}, localities()
    new = [
        Difference(change=Change.NEW, code=code, ours="", official=f"{row.name} ({row.sub_district})")
        for code, row in official.items()
        if code not in ours
    ]
    gone = [
        Difference(change=Change.GONE, code=code, ours=ours[code].name, official="")
        for code in ours.keys() - official.keys()
    ]
    renamed = [
        Difference(change=Change.RENAMED, code=code, ours=ours[code].name, official=row.name)
        for code, row in official.items()
        if code in ours and not _is_known(row)
    ]
    return sorted([*new, *gone, *renamed], key=lambda difference: difference.code)


def _is_known(row: OfficialLocality) -> bool:
    meaning = find(row.name)
    return meaning is not None and row.code in meaning.codes
