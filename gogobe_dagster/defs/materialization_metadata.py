"""What a materialization says: numbers, and a table of files with state and code.

Everything comes from the ledger, so a materialization that had nothing to do still says where its
feed and day stand. Problems come first; a table is cut at `SHOWN` lines and says so.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from gogobe_dagster.defs.plots import bars
from gogobe_dagster.errors import Code
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.monitoring.statistics import files_by_hour, rows_by_day
from gogobe_dagster.resources import Resources
from gogobe_dagster.warehouse.ledger.model import LedgerFile

if TYPE_CHECKING:
    import sqlalchemy as sa

    from gogobe_dagster.pipeline import Downloads
    from gogobe_dagster.warehouse.load.loader import LoadReport

    Materialized = dg.MaterializeResult[None]
else:
    # Dagster 1.13 takes only the bare class as the annotation of an asset that declares checks
    Materialized = dg.MaterializeResult

SHOWN = 40
ONLY_TODAY = "this portal shows only today"
Days = Mapping[Feed, Collection[date]]


def files_in(resources: Resources, days: Days, document: Document | None = None) -> list[LedgerFile]:
    """Return the ledger's files of these cells, of one document if given."""
    files = [file for feed, some in days.items() for file in resources.ledger.of_days(feed.key, some)]
    return [file for file in files if document is None or (file.kind and file.kind.document is document)]


def about(files: Sequence[LedgerFile], unknown: Sequence[str]) -> dict[str, Any]:
    """Say how many files there are, in which states, and which. `unknown`: what `days_not_offered` found."""
    states = Counter(file.state.value for file in files)
    codes = Counter(file.code for file in files if file.code)
    rows = sum(file.rows or 0 for file in files)
    numbers: dict[str, Any] = {"files": len(files), **{f"files {state}": n for state, n in states.items()}}
    if rows:
        numbers |= {
            "dagster/partition_row_count": rows,
            "rejected": sum(file.rejected or 0 for file in files),
        }
    if size := sum(file.size or 0 for file in files):
        numbers["bytes"] = size
    if codes:
        numbers["codes"] = dg.MetadataValue.json(dict(codes))
    if not files:
        numbers["note"] = "nothing was published for this feed and day, as far as its portal shows"
    numbers |= about_days(unknown)
    if files:
        numbers[f"the first {SHOWN} files" if len(files) > SHOWN else "all files"] = _table(files)
    return numbers


def days_not_offered(resources: Resources, days: Days) -> list[str]:
    """Name the cells of the grid of which nobody can know any more what was published."""
    from gogobe_dagster.pipeline import not_offered

    return [f"{feed.key} {day}" for feed, some in days.items() for day in not_offered(feed, some, resources)]


def about_days(cells: Sequence[str]) -> dict[str, Any]:
    """Say which cells are empty only because their portal does not show them any more; {} if none."""
    if not cells:
        return {}
    words = f"{ONLY_TODAY}; not known and not to be had any more: {', '.join(cells)}"
    return {"code": Code.PAST_DAY_NOT_OFFERED.value, "note": words}


def check_days(cells: Sequence[str]) -> dg.AssetCheckResult:
    """Make a check that fails, without blocking, for every cell that its portal does not show any more."""
    return dg.AssetCheckResult(
        check_name="all_days_available",
        passed=not cells,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=about_days(cells),
        description=f"{ONLY_TODAY}: {', '.join(cells)}" if cells else "every day could be asked for",
    )


FILE_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("file", "string", description="Name on the portal"),
        dg.TableColumn("state", "string", description="Where it is in its life"),
        dg.TableColumn("code", "string", description="Stable code of what is wrong with it"),
        dg.TableColumn("rows", "int", description="Rows read from it"),
        dg.TableColumn("rejected", "int", description="Rows that could not be read"),
        dg.TableColumn("bytes", "int", description="Size as served"),
    ]
)


def _table(files: Sequence[LedgerFile]) -> dg.TableMetadataValue:
    """List files, those with a code first, as many as `SHOWN`."""
    shown = sorted(files, key=lambda file: (file.code is None, file.name))[:SHOWN]
    records = [
        dg.TableRecord(
            {
                "file": file.name,
                "state": file.state.value,
                "code": file.code or "",
                "rows": file.rows,
                "rejected": file.rejected,
                "bytes": file.size,
            }
        )
        for file in shown
    ]
    return dg.TableMetadataValue(records, FILE_COLUMNS)


def about_hours(files: Sequence[LedgerFile]) -> dict[str, Any]:
    """Draw when the files were published; {} if there are none."""
    numbers = {f"{hour:02}:00": number for hour, number in files_by_hour(files).items()}
    return {"published by the hour": bars(numbers, "files by the hour")} if any(numbers.values()) else {}


def about_trend(resources: Resources, document: Document, days: Days) -> dict[str, Any]:
    """Draw the rows of the last days of a feed; {} where several feeds share a run."""
    if len(days) != 1:
        return {}
    ((feed, some),) = days.items()
    rows = rows_by_day(resources.engine, feed, document, until=max(some))
    numbers = {f"{day:%d.%m.}": number for day, number in rows.items()}
    return {f"rows of the last {len(numbers)} days": bars(numbers, "rows by day")}


def speed(what: str, number: int, seconds: float) -> dict[str, Any]:
    """Say how long it took, and how much a second that was."""
    return {"seconds": round(seconds, 2), f"{what} a second": round(number / seconds) if seconds else 0}


def told(file: LedgerFile) -> str:
    """Say in a line of a log what became of a file."""
    if file.code:
        return f"{file.name}: {file.state.value}, {file.code}: {file.reason}"
    if file.rows is None:
        return f"{file.name}: {file.state.value}"
    return f"{file.name}: {file.rows:,} rows, {file.rejected or 0:,} rejected"


def about_rejects(resources: Resources, days: Days) -> dict[str, Any]:
    """Say why rows were refused, the most frequent reason first."""
    from gogobe_dagster.warehouse.ledger.summaries import rejects_by_reason

    reasons = Counter[str]()
    for feed, some in days.items():
        reasons.update(rejects_by_reason(resources.engine, feed.key, some))
    return {"rejects by reason": dg.MetadataValue.json(dict(reasons.most_common()))} if reasons else {}


def about_table(resources: Resources, document: Document) -> dict[str, Any]:
    """Say how large the table is that a document ends in."""
    from gogobe_dagster.warehouse.ledger.summaries import table_rows

    return {"dagster/row_count": table_rows(resources.engine, _table_of(document))}


def about_downloads(done: "Sequence[Downloads]", seconds: float) -> dict[str, Any]:
    """Say what a round of downloads did, and which portals went away in the middle of it."""
    size = sum(one.bytes for one in done)
    stopped = [f"{one.stopped_by.code}: {one.stopped_by.reason}" for one in done if one.stopped_by]
    numbers: dict[str, Any] = {
        "fetched now": sum(one.fetched for one in done),
        "failed now": sum(one.failed for one in done),
        "bytes fetched now": size,
        **speed("bytes", size, seconds),
    }
    return numbers | ({"portal went away": "; ".join(stopped)} if stopped else {})


def about_load(reports: "Sequence[LoadReport]") -> dict[str, Any]:
    """Say what a load changed in the tables."""
    seconds = sum(report.seconds for report in reports)
    rows = sum(report.rows for report in reports)
    new = {
        "stores": sum(report.new_stores for report in reports),
        "products": sum(report.new_products for report in reports),
        "promotions": sum(report.new_promotions for report in reports),
    }
    return {
        "files loaded now": sum(report.files for report in reports),
        "rows read now": rows,
        "rows new": sum(report.inserted for report in reports),
        "rows changed": sum(report.changed for report in reports),
        "rows ended": sum(report.ended for report in reports),
        **{f"new {what}": number for what, number in new.items() if number},
        **speed("rows", rows, seconds),
    }


def check(name: str, bad: Sequence[LedgerFile], *, of: int) -> dg.AssetCheckResult:
    """Make a check that fails, without blocking, for every file that did not come through."""
    metadata: dict[str, Any] = {"files": of, "files that failed": len(bad)}
    if bad:
        metadata["which"] = _table(bad)
    return dg.AssetCheckResult(
        check_name=name,
        passed=not bad,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
        description=f"{len(bad)} of {of} files did not come through" if bad else f"all {of} files",
    )


def column_schema(document: Document) -> dg.TableSchema:
    """Describe the table that a document ends in, from the comments of the warehouse's own definition."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.type),
                description=column.comment,
                constraints=dg.TableColumnConstraints(nullable=bool(column.nullable)),
            )
            for column in _table_of(document).columns
        ]
    )


def _table_of(document: Document) -> "sa.Table":
    from gogobe_dagster.warehouse.schema.promotion_tables import promotion_store
    from gogobe_dagster.warehouse.schema.tables import price_current, store

    tables = {Document.STORES: store, Document.PRICES: price_current, Document.PROMOTIONS: promotion_store}
    return tables[document]
