"""Reads one file: opens it, detects its layout, reads it fast or with lxml, normalizes it, and reports.

Bytes go in, typed rows and a report come out, and no other error than `ContentError` is raised.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

import polars as pl
from lxml import etree

from gogobe_dagster.errors import Code, ContentError, UnknownFileName
from gogobe_dagster.files.content import OpenedFile, open_content
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.files.names import FileName
from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.dialects import ALL, CONTAINERS, find_dialects_by_list, local
from gogobe_dagster.parsing.document_chunks import (
    NotStreamable,
    close_open_tags,
    split_document,
    stream_document,
)
from gogobe_dagster.parsing.fast.entry import FastReader, NormalizedDocument, NotRegular
from gogobe_dagster.parsing.layout_detection import Layout, detect_layout
from gogobe_dagster.parsing.lxml.reader import read_with_lxml, replace_bad_references
from gogobe_dagster.parsing.malloc_tuning import keep_freed_memory
from gogobe_dagster.parsing.normalization import NormalizedRows, normalize
from gogobe_dagster.parsing.promotions.reader import (
    NO_ELEMENTS,
    PromotionsResult,
    no_promotions,
    read_promotions,
)
from gogobe_dagster.parsing.reader_errors import only_content_errors
from gogobe_dagster.parsing.reject import MAX_SAMPLES, Reject, RejectReason
from gogobe_dagster.parsing.report import ROW_NUMBER, Header, ParseReport, RawRows, Reader

MAX_DIGITS: Final = 9
MAX_EMPTY_DOCUMENT: Final = 1 << 16
"""Bytes; the longest real document without rows has 300."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """The rows of a file, and the report about them."""

    document: Document
    header: Header
    rows: pl.DataFrame
    """The columns of the document's model without `file_id`."""
    report: ParseReport
    listed_only: pl.DataFrame = field(default_factory=pl.DataFrame)
    """What the document lists although it cannot be read: codes without a price, promotions without content.

    The same columns as `rows`. They are among the rejected rows of the report.
    """

    @property
    def lake_rows(self) -> pl.DataFrame:
        """What the lake keeps. A load must not take for gone what the document only lists."""
        if self.listed_only.is_empty():
            return self.rows
        return pl.concat([self.rows, self.listed_only.select(self.rows.columns)]).sort(ROW_NUMBER)


def read_file(data: bytes, *, name: str, limit: int, use_fast_reader: bool = True) -> ParsedFile:
    """Read a file as served. The content decides what document it is, not the name.

    `limit` is the size in bytes that it may unpack to. Without `use_fast_reader` lxml reads everything.
    Raises `ContentError`, and nothing else, for any bytes.
    """
    keep_freed_memory()
    fast = FastReader() if use_fast_reader else None
    with only_content_errors(name):
        if (large := read_large(data, name=name, limit=limit, fast=fast)) is not None:
            return large
        return read_opened(open_content(data, name=name, limit=limit), name=name, fast=fast)


def read_opened(opened: OpenedFile, *, name: str, fast: FastReader | None) -> ParsedFile:
    """Read a file that is open. Raises `ContentError`."""
    file_name = _parse_name(name)
    layout = detect_layout(opened.view)
    if layout is not None and layout.dialects.document is Document.PROMOTIONS:
        return _read_promotions(opened, layout, [opened.xml], fast)
    raw = _read_empty(opened.xml, file_name) if layout is None else _read_rows(opened, layout, fast)
    if isinstance(raw, NormalizedDocument):
        return build_parsed_file(opened, raw.raw, raw.normalized)
    document = raw.dialects.document
    if file_name and document is Document.STORES and "chain_id" not in raw.header:
        raw = _with_chain(raw, file_name.chain_id)
    if document is Document.PROMOTIONS:
        nothing = NormalizedRows(rows=no_promotions(), duplicates=0, reasons={}, samples=[], notes=())
        report = replace(_report(opened, raw, nothing), promotions=NO_ELEMENTS, items=NO_ELEMENTS)
        header = _parse_header(raw.header)
        return ParsedFile(document=document, header=header, rows=nothing.rows, report=report)
    return build_parsed_file(opened, raw, normalize(raw.rows, document))


def read_irregular(opened: OpenedFile, layout: Layout, error: NotRegular) -> ParsedFile:
    """Read prices that the fast reader could not take. Raises `ContentError`."""
    raw = _read_with_lxml(opened, layout, error)
    return build_parsed_file(opened, raw, normalize(raw.rows, raw.dialects.document))


def build_parsed_file(opened: OpenedFile, raw: RawRows, normalized: NormalizedRows) -> ParsedFile:
    """Put together what each step found."""
    return ParsedFile(
        document=raw.dialects.document,
        header=_header(raw, normalized),
        rows=normalized.rows,
        report=_report(opened, raw, normalized),
        listed_only=normalized.listed_only,
    )


def read_large(data: bytes, *, name: str, limit: int, fast: FastReader | None) -> ParsedFile | None:
    """Read large promotions while unpacking them, with the memory of one chunk; None for any other file.

    Raises `ContentError`.
    """
    try:
        stream = stream_document(data, name=name, limit=limit)
        layout = detect_layout(close_open_tags(stream.opened.xml))
        if layout is None or layout.dialects.document is not Document.PROMOTIONS:
            return None
        return _read_promotions(stream.opened, layout, chain([stream.opened.xml], stream.rest), fast)
    except NotStreamable:
        return None


def _read_promotions(
    opened: OpenedFile, layout: Layout, blocks: Iterable[bytes], fast: FastReader | None
) -> ParsedFile:
    chunks = split_document(blocks, layout)
    return build_promotions_file(opened, read_promotions(chunks, layout, None if opened.damaged else fast))


def build_promotions_file(opened: OpenedFile, read: PromotionsResult) -> ParsedFile:
    """Put together what each step found about promotions."""
    is_miscounted = read.declared is not None and read.declared != read.promotions.elements
    report = ParseReport(
        reader=read.reader,
        dialect=read.layout.dialect,
        container=opened.container,
        encoding=opened.encoding,
        rows=len(read.rows),
        rejected=read.reasons.total(),
        duplicates=read.duplicates,
        reasons=dict(sorted(read.reasons.items())),
        samples=read.samples,
        unknown=dict(read.unknown),
        unreadable=dict(sorted(read.unreadable.items())),
        damaged=opened.damaged or read.damaged,
        notes=(*opened.notes, *read.notes, *([Note.COUNT_MISMATCH] if is_miscounted else [])),
        promotions=read.promotions,
        items=read.items,
    )
    header = _parse_header(read.header)
    return ParsedFile(
        document=Document.PROMOTIONS,
        header=header,
        rows=read.rows,
        report=report,
        listed_only=read.listed_only,
    )


def _parse_name(name: str) -> FileName | None:
    try:
        return FileName.parse(name)
    except UnknownFileName:
        return None


def _read_rows(opened: OpenedFile, layout: Layout, fast: FastReader | None) -> RawRows | NormalizedDocument:
    """Read prices or stores, fast if possible; for a damaged document it is not tried."""
    if opened.damaged or fast is None:
        return read_with_lxml(opened.xml, layout)
    (outcome,) = fast.read([opened.view], layout)
    if isinstance(outcome, ContentError):
        raise outcome
    if isinstance(outcome, NotRegular):
        return _read_with_lxml(opened, layout, outcome)
    return outcome


def _read_with_lxml(opened: OpenedFile, layout: Layout, error: NotRegular) -> RawRows:
    raw = read_with_lxml(opened.xml, layout)
    return replace(raw, notes=(error.note, *raw.notes))


def _with_chain(raw: RawRows, chain_id: str) -> RawRows:
    """Take the chain of stores from the file name, where the document has none (Coop, 2015)."""
    column = pl.col("chain_id") if "chain_id" in raw.rows.columns else pl.lit(None, pl.String)
    filled = pl.when(column.str.strip_chars() != "").then(column).otherwise(pl.lit(chain_id))
    return replace(raw, rows=raw.rows.with_columns(filled.alias("chain_id")))


# ---------------------------------------------------------------- documents without rows


def _read_empty(xml: bytes, file_name: FileName | None) -> RawRows:
    """Accept a header without rows as an empty document. Anything else is an unknown schema."""
    root = _tree(replace_bad_references(xml)[0])
    elements = [(local(element.tag), element) for element in root.iter(etree.Element)]
    lists = {dialects for tag, _ in elements if (dialects := find_dialects_by_list(tag.lower()))}
    by_name = next(
        (dialects for dialects in ALL if file_name and dialects.document is file_name.kind.document), None
    )
    dialects = lists.pop() if len(lists) == 1 else by_name
    unknown = sorted({tag for tag, element in elements if _is_unknown(tag.lower(), element)})
    texts = {tag.lower(): element.text or "" for tag, element in elements if not len(element)}
    if dialects is None or unknown or len(elements) == 1:
        content = ", ".join(unknown[:5]) or "nothing else"
        raise ContentError(
            Code.SCHEMA_UNKNOWN, f"no row of a known kind; <{elements[0][0]}> contains {content}"
        )
    header = {name: texts[tag] for name, tags in dialects.header.items() for tag in tags if texts.get(tag)}
    return RawRows(
        reader=Reader.LXML,
        dialects=dialects,
        dialect=elements[0][0],
        rows=pl.DataFrame(schema={ROW_NUMBER: pl.Int32}),
        header=header,
        declared=_declared(root),
        notes=(Note.EMPTY_DOCUMENT,),
    )


def _tree(xml: bytes) -> etree._Element:
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser) if len(xml) <= MAX_EMPTY_DOCUMENT else None
    except etree.XMLSyntaxError:
        root = None
    if root is None or not isinstance(root.tag, str):
        raise ContentError(Code.SCHEMA_UNKNOWN, "no row of a known kind in the whole document")
    return root


def _is_unknown(tag: str, element: etree._Element) -> bool:
    """Whether the element is neither part of a header nor around rows."""
    if tag in CONTAINERS:
        return not len(element) and bool((element.text or "").strip())
    return not any(tag in tags for dialects in ALL for tags in (*dialects.header.values(), dialects.ignored))


def _declared(root: etree._Element) -> int | None:
    counts = [value for element in root.iter() for key, value in element.items() if key.lower() == "count"]
    return next((count for text in counts if (count := _number(str(text))) is not None), None)


# ---------------------------------------------------------------- header and report


def _header(raw: RawRows, normalized: NormalizedRows) -> Header:
    header = _parse_header(raw.header)
    if header.chain_id is None and "chain_id" in normalized.rows.columns:
        chains = normalized.rows["chain_id"].unique()
        return replace(header, chain_id=chains[0] if len(chains) == 1 else None)
    return header


def _parse_header(texts: Mapping[str, str]) -> Header:
    values = {name: value.strip() for name, value in texts.items()}
    return Header(
        chain_id=values.get("chain_id"),
        chain_name=values.get("chain_name"),
        sub_chain_id=_number(values.get("sub_chain_id")),
        store_id=_number(values.get("store_id")),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None


def _report(opened: OpenedFile, raw: RawRows, normalized: NormalizedRows) -> ParseReport:
    broken: dict[str, int] = {RejectReason.DAMAGED_ROW: raw.broken} if raw.broken else {}
    reasons = normalized.reasons | broken
    rejected = sum(reasons.values())
    items = len(normalized.rows) + rejected + normalized.duplicates
    samples = normalized.samples
    if raw.broken:
        sample = f"{raw.broken} rows begin and do not end"
        last = Reject(row_number=items, reason=RejectReason.DAMAGED_ROW, sample=sample)
        samples = [*samples[: MAX_SAMPLES - 1], last]
    is_miscounted = raw.declared is not None and raw.declared != items
    notes = (*opened.notes, *raw.notes, *normalized.notes)
    return ParseReport(
        reader=raw.reader,
        dialect=raw.dialect,
        container=opened.container,
        encoding=opened.encoding,
        rows=len(normalized.rows),
        rejected=rejected,
        duplicates=normalized.duplicates,
        reasons=reasons,
        samples=samples,
        unknown=dict(raw.unknown),
        unreadable=dict(normalized.unreadable),
        damaged=opened.damaged or raw.damaged,
        notes=(*notes, *([Note.COUNT_MISMATCH] if is_miscounted else [])),
    )
