"""Files that failed in a step of an import: how many of a partition, whether too many, and what to do.

A file counts as failed if the step tried it, or it has a code, and it did not come through. A file that a
listing showed after the step had begun is only pending, and one that is left out on purpose does not count.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from gogobe_dagster.errors import find_code
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.warehouse.ledger.model import LedgerFile


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionOutcome:
    """How many files of one feed and publication day came through a step, by kind, and which failed."""

    feed: str
    day: date
    came_through: Counter[FileKind | None]
    failed: Sequence[LedgerFile]

    @property
    def _failed_by_kind(self) -> Counter[FileKind | None]:
        return Counter(file.kind for file in self.failed)

    def is_too_little(self, min_percent: float) -> bool:
        """Whether files failed and none came through, or fewer than this share.

        Full files of a kind are judged for themselves as well: deltas do not replace them.
        """
        return is_too_little(self.came_through.total(), len(self.failed), min_percent) or bool(
            self._lost_kinds(min_percent)
        )

    def _lost_kinds(self, min_percent: float) -> list[FileKind]:
        return [
            kind
            for kind, failed in self._failed_by_kind.items()
            if kind and kind.is_full and is_too_little(self.came_through[kind], failed, min_percent)
        ]

    def describe(self, verb: str, min_percent: float) -> str:
        """Say how many files were not `verb` (such as "downloaded"), why, and what to type."""
        total = self.came_through.total() + len(self.failed)
        where = f"--feed {self.feed} --day {self.day}"
        failed = self._failed_by_kind
        kinds = "".join(
            f", among them {failed[kind]} of {self.came_through[kind] + failed[kind]} {kind.in_words}"
            for kind in self._lost_kinds(min_percent)
        )
        return (
            f"{self.feed} {self.day}: {len(self.failed)} of {total} files were not {verb} "
            f"({codes_of(self.failed)}){kinds}. To try them again at once: `gogobe retry {where}`, then "
            f"`gogobe import {where}`; docs/codes.md explains the codes"
        )


def is_too_little(came_through: int, failed: int, min_percent: float) -> bool:
    """Whether files failed and none came through, or fewer than this share."""
    total = came_through + failed
    return bool(failed) and (not came_through or came_through * 100 < total * min_percent)


def partition_outcomes(
    files: Iterable[LedgerFile],
    *,
    has_come_through: Callable[[LedgerFile], bool],
    tried: Collection[int] = (),
    not_selected: Collection[int] = (),
) -> list[PartitionOutcome]:
    """Judge each feed and day.

    `tried`: ids of files that this run tried. `not_selected`: of those that a partial run does not take.
    """
    ordered = sorted(files, key=_partition_of)
    outcomes = []
    for (feed, day), group in groupby(ordered, key=_partition_of):
        of_day = list(group)
        failed = [
            file
            for file in of_day
            if not (has_come_through(file) or file.is_left_out or file.id in not_selected)
            and (file.code or file.id in tried)
        ]
        came_through = Counter(file.kind for file in of_day if has_come_through(file))
        outcomes.append(PartitionOutcome(feed=feed, day=day, came_through=came_through, failed=failed))
    return outcomes


def _partition_of(file: LedgerFile) -> tuple[str, date]:
    return file.feed, file.publication_day


def codes_of(files: Iterable[LedgerFile]) -> str:
    """Count files by code, the most frequent first: `not_found 17, zero_byte 2`."""
    return frequency(Counter(file.code or "pending" for file in files))


def frequency(codes: Counter[str]) -> str:
    """Show counted codes, the most frequent first, equally frequent ones by name."""
    ordered = sorted(codes.items(), key=lambda counted: (-counted[1], counted[0]))
    return ", ".join(f"{code} {count}" for code, count in ordered)


def explain(file: LedgerFile) -> str:
    """Say in one line what is wrong with a file, and what to do."""
    if file.code is None:
        return f"{file.name}: {file.state}"
    again = f" Tried again from {file.retry_at:%Y-%m-%d %H:%M} UTC on." if file.retry_at else ""
    return f"{file.name}: {file.state}, {file.code}: {file.reason}. {find_code(file.code).action}{again}"
