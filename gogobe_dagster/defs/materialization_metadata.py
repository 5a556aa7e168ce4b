"""Metadata of materializations: counts, and a table of files with state and code.

Everything comes from the ledger, so that a run without pending work still reports the state of its
partition. A table lists files with a code first and is cut at `MAX_TABLE_ROWS`.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect

from gogobe_dagster.defs.metadata_tables import metadata_table, table_schema
from gogobe_dagster.defs.plots import bar_chart
from gogobe_dagster.errors import Code
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.files.selection import FileSelection
from gogobe_dagster.monitoring.failed_files import codes_of
from gogobe_dagster.monitoring.statistics import files_by_hour, rows_by_day
from gogobe_dagster.resources import Resources
from gogobe_dagster.step_results import Downloads
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.load_report import LoadReport

if TYPE_CHECKING:
    Materialized = dg.MaterializeResult[None]
else:
    # Dagster 1.13 accepts only the bare class as the return annotation of an asset that declares checks
    Materialized = dg.MaterializeResult

MAX_TABLE_ROWS = 40
DAY_UNAVAILABLE = "the portal lists only today's files"
FILE_COLUMNS = table_schema(
    {
        "file": "Name on the portal",
        "state": "State in the ledger",
        "code": "Error code, if something is wrong with the file",
        "reason": "What was wrong; docs/codes.md says what each code means and what to do",
        "rows": "Rows read from it",
        "rejected": "Rows that could not be read",
        "bytes": "Size as served",
    },
    integers=["rows", "rejected", "bytes"],
)
Days = Mapping[Feed, Collection[date]]
"""The partitions of a run: days by feed."""


def files_of(resources: Resources, days: Days, document: Document | None = None) -> "list[LedgerFile]":
    """Return the ledger's files of these partitions, of one document type if given."""
    files = [
        file for feed, feed_days in days.items() for file in resources.ledger.of_days(feed.key, feed_days)
    ]
    return [file for file in files if document is None or (file.kind and file.kind.document is document)]


def files_left_out(
    resources: Resources, days: Days, selection: FileSelection, document: Document | None = None
) -> "list[LedgerFile]":
    """Return the pending files that a partial run does not take, of one document type if given."""
    from gogobe_dagster.pipeline import left_out

    files = [
        file for feed, feed_days in days.items() for file in left_out(feed, feed_days, resources, selection)
    ]
    return [file for file in files if document is None or (file.kind and file.kind.document is document)]


def partial_run_metadata(
    resources: Resources, days: Days, selection: FileSelection, document: Document | None = None
) -> dict[str, Any]:
    """Say that the run was partial and how many files it left out; {} for a full run."""
    if not selection.is_partial:
        return {}
    others = len(files_left_out(resources, days, selection, document))
    return {"partial run": f"only {selection}", "files left out": others}


def files_metadata(files: Sequence[LedgerFile], unavailable: Sequence[str]) -> dict[str, Any]:
    """Count the files by state and list them. `unavailable`: the result of `unavailable_days`."""
    states = Counter(file.state.value for file in files)
    codes = Counter(file.code for file in files if file.code)
    rows, size = sum(file.rows or 0 for file in files), sum(file.size or 0 for file in files)
    metadata: dict[str, Any] = {
        "files": len(files),
        **{f"files {state}": count for state, count in states.items()},
    }
    if rows:
        metadata["dagster/partition_row_count"] = rows
        metadata["rows rejected"] = sum(file.rejected or 0 for file in files)
    if size:
        metadata["bytes"] = size
    if codes:
        metadata["codes"] = dg.MetadataValue.json(dict(codes))
    if not files:
        metadata["note"] = "the portal lists no files for this feed and day"
    metadata |= unavailable_days_metadata(unavailable)
    if files:
        is_cut = len(files) > MAX_TABLE_ROWS
        metadata[f"first {MAX_TABLE_ROWS} files" if is_cut else "all files"] = _file_table(files)
    return metadata


def unavailable_days(resources: Resources, days: Days) -> list[str]:
    """Name the partitions whose files the portal does not list any more and the ledger does not know."""
    from gogobe_dagster.pipeline import not_offered

    return [
        f"{feed.key} {day}"
        for feed, feed_days in days.items()
        for day in not_offered(feed, feed_days, resources)
    ]


def unavailable_days_metadata(partitions: Sequence[str]) -> dict[str, Any]:
    """Explain why these partitions are empty; {} if there are none."""
    if not partitions:
        return {}
    note = f"{DAY_UNAVAILABLE}; unknown and unavailable: {', '.join(partitions)}"
    return {"code": Code.PAST_DAY_NOT_OFFERED.value, "note": note}


def available_days_check(unavailable: Sequence[str], days: Days) -> dg.AssetCheckResult:
    """Return a check that warns if a partition of the run cannot be had from its portal any more."""
    return dg.AssetCheckResult(
        check_name="all_days_available",
        passed=not unavailable,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=unavailable_days_metadata(unavailable),
        description=f"{DAY_UNAVAILABLE}: {', '.join(unavailable)}"
        if unavailable
        else f"{names_of(days)}: every day could be listed",
    )


def names_of(days: Days) -> str:
    """Name the partitions of a run: `keshet 2026-11-29, 2026-11-30; osher_ad 2026-11-30`."""
    return "; ".join(f"{feed.key} {', '.join(map(str, sorted(of_feed)))}" for feed, of_feed in days.items())


def _file_table(files: Sequence[LedgerFile]) -> dg.TableMetadataValue:
    """List files, those with a code first, `MAX_TABLE_ROWS` at most."""
    shown = sorted(files, key=lambda file: (file.code is None, file.name))[:MAX_TABLE_ROWS]
    rows = [
        {
            "file": file.name,
            "state": file.state.value,
            "code": file.code or "",
            "reason": file.reason or "",
            "rows": file.rows,
            "rejected": file.rejected,
            "bytes": file.size,
        }
        for file in shown
    ]
    return metadata_table(FILE_COLUMNS, rows)


def publication_hours_metadata(files: Sequence[LedgerFile]) -> dict[str, Any]:
    """Chart at which hours the files were published; {} if none has a publication time."""
    counts = {f"{hour:02}:00": count for hour, count in files_by_hour(files).items()}
    return {"files published per hour": bar_chart(counts, "files per hour")} if any(counts.values()) else {}


def daily_rows_metadata(resources: Resources, document: Document, days: Days) -> dict[str, Any]:
    """Chart a feed's rows of the last days; {} if the run is about several feeds."""
    if len(days) != 1:
        return {}
    ((feed, feed_days),) = days.items()
    rows = rows_by_day(resources.engine, feed, document, until=max(feed_days))
    counts = {f"{day:%d.%m.}": count for day, count in rows.items()}
    return {f"rows per day, last {len(counts)} days": bar_chart(counts, "rows per day")}


def throughput_metadata(unit: str, count: int, seconds: float) -> dict[str, Any]:
    """Return the duration, and the units per second."""
    return {"seconds": round(seconds, 2), f"{unit} per second": round(count / seconds) if seconds else 0}


def file_line(file: LedgerFile) -> str:
    """Describe a file's state in one line of a log."""
    if file.code:
        return f"{file.name}: {file.state.value}, {file.code}: {file.reason}"
    if file.rows is None:
        return f"{file.name}: {file.state.value}"
    return f"{file.name}: {file.rows:,} rows, {file.rejected or 0:,} rejected"


def rejects_metadata(resources: Resources, days: Days) -> dict[str, Any]:
    """Count rejected rows by reason, the most frequent first; {} if there are none."""
    from gogobe_dagster.warehouse.ledger.summaries import rejects_by_reason

    reasons = Counter[str]()
    for feed, feed_days in days.items():
        reasons.update(rejects_by_reason(resources.engine, feed.key, feed_days))
    return {"rejects by reason": dg.MetadataValue.json(dict(reasons.most_common()))} if reasons else {}


def table_metadata(resources: Resources, document: Document) -> dict[str, Any]:
    """Return the number of rows in the table that a document type is loaded into."""
    from gogobe_dagster.warehouse.ledger.summaries import table_rows

    return {"dagster/row_count": table_rows(resources.engine, _table_of(document))}


def download_metadata(downloads: Sequence[Downloads], seconds: float) -> dict[str, Any]:
    """Return what this run downloaded, and which portals are left alone."""
    size = sum(download.bytes for download in downloads)
    lines = [line for download in downloads if (line := waiting_line(download))]
    metadata: dict[str, Any] = {
        "files downloaded in this run": sum(download.fetched for download in downloads),
        "files failed in this run": sum(download.failed for download in downloads),
        "bytes downloaded in this run": size,
        **throughput_metadata("bytes", size, seconds),
    }
    if lines:
        metadata["portal errors"] = "; ".join(lines)
    return metadata


def waiting_line(download: Downloads) -> str:
    """Say how many files wait for a portal that refused, why and until when; empty if it delivered."""
    if download.pause is None:
        return ""
    return f"{download.waiting} files wait: {download.pause.code}: {download.pause.error.reason}"


def load_metadata(reports: Sequence[LoadReport]) -> dict[str, Any]:
    """Return what this run changed in the tables."""
    seconds = sum(report.seconds for report in reports)
    rows = sum(report.rows for report in reports)
    new = {
        "stores": sum(report.new_stores for report in reports),
        "products": sum(report.new_products for report in reports),
        "promotions": sum(report.new_promotions for report in reports),
    }
    return {
        "files loaded in this run": sum(report.files for report in reports),
        "rows read in this run": rows,
        "rows inserted": sum(report.inserted for report in reports),
        "rows changed": sum(report.changed for report in reports),
        "rows ended": sum(report.ended for report in reports),
        **{f"new {entity}": count for entity, count in new.items() if count},
        **throughput_metadata("rows", rows, seconds),
    }


def files_check(
    name: str, files: Sequence[LedgerFile], days: Days, *, total: int, left_out: Sequence[LedgerFile] = ()
) -> dg.AssetCheckResult:
    """Return a check that warns if files of these partitions are missing, with a table of those that failed.

    `left_out`: files that are missing because a partial run did not take them.
    """
    others = {file.id for file in left_out}
    failed = [file for file in files if file.id not in others]
    metadata: dict[str, Any] = {"files": total, "failed files": len(failed)}
    problems = [f"{len(failed)} of {total} files failed ({codes_of(failed)})"] if failed else []
    if failed:
        metadata["which files failed"] = _file_table(failed)
    if others:
        metadata["files left out"] = len(others)
        problems.append(f"the run was partial and left out {len(others)} of {total} files")
    return dg.AssetCheckResult(
        check_name=name,
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
        description=f"{names_of(days)}: {'; '.join(problems) or f'all {total} files'}",
    )


def column_schema(document: Document) -> dg.TableSchema:
    """Describe the table that a document type is loaded into, from the comments on its columns."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=postgresql_type(column),
                description=column.comment,
                constraints=dg.TableColumnConstraints(nullable=bool(column.nullable)),
            )
            for column in _table_of(document).columns
        ]
    )


def postgresql_type(column: sa.Column[Any]) -> str:
    """Return a column's type as PostgreSQL prints it: `timestamp with time zone`, `numeric(18,4)`."""
    dialect = PGDialect()  # type: ignore[no-untyped-call]  # not typed by SQLAlchemy
    name = column.type.compile(dialect=dialect)
    return name.partition(" COLLATE ")[0].lower().replace(", ", ",")


def _table_of(document: Document) -> sa.Table:
    from gogobe_dagster.warehouse.schema.promotion_tables import promotion_store
    from gogobe_dagster.warehouse.schema.tables import price_current, store

    tables = {Document.STORES: store, Document.PRICES: price_current, Document.PROMOTIONS: promotion_store}
    return tables[document]
