"""Read one file: open it, sniff its layout, read it fast or else carefully, bring it to the model, report.

This is the door of `parsing`: bytes in, typed rows and a report out, and no other error than `ContentError`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import polars as pl
from lxml import etree

from gogobe_dagster.errors import Code, ContentError, UnknownFileName
from gogobe_dagster.files.content import Opened, open_content
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.files.names import FileName
from gogobe_dagster.parsing.chunking import CannotStream, closed, cut, stream
from gogobe_dagster.parsing.dialects import ALL, CONTAINERS, dialects_of_list, local
from gogobe_dagster.parsing.fast.byte_views import CannotRead
from gogobe_dagster.parsing.fast.reader import read_fast
from gogobe_dagster.parsing.layout_detection import Layout, sniff
from gogobe_dagster.parsing.lxml.reader import read_carefully
from gogobe_dagster.parsing.malloc_tuning import keep_freed_memory
from gogobe_dagster.parsing.normalization import Normalised, normalise
from gogobe_dagster.parsing.promotions.reader import NOTHING, no_promotions, read_promotions
from gogobe_dagster.parsing.reject import Reject
from gogobe_dagster.parsing.report import ROW_NUMBER, Header, ParseReport, RawRows

DAMAGED_ROW: Final = "damaged_row"
LONGEST_NUMBER: Final = 9
LONGEST_EMPTY: Final = 1 << 16  # the longest real document without rows has 0.3 kB


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """A file, read."""

    document: Document
    header: Header
    rows: pl.DataFrame
    """The columns of the document's model without `file_id`."""
    report: ParseReport


def read_file(data: bytes, *, name: str, limit: int) -> ParsedFile:
    """Read a file as served. The document is what the content says, whatever the name says.

    `limit` is the most bytes it may unpack to. Raises `ContentError`, and nothing else, for any bytes.
    """
    keep_freed_memory()
    if (large := read_large(data, name=name, limit=limit)) is not None:
        return large
    return read_opened(open_content(data, name=name, limit=limit), name=name)


def read_opened(opened: Opened, *, name: str) -> ParsedFile:
    """Read a file that is open. Raises `ContentError`."""
    promised = _promised(name)
    layout = sniff(opened.view)
    if layout is not None and layout.dialects.document is Document.PROMOTIONS:
        return _promotions(opened, layout, [opened.xml])
    raw = _without_rows(opened.xml, promised) if layout is None else _read(opened, layout)
    document = raw.dialects.document
    if promised and document is Document.STORES and "chain_id" not in raw.header:
        raw = _with_chain(raw, promised.chain_id)
    if document is Document.PROMOTIONS:
        nothing = Normalised(rows=no_promotions(), duplicates=0, reasons={}, samples=[], notes=())
        report = replace(_report(opened, raw, nothing), promotions=NOTHING, items=NOTHING)
        return ParsedFile(document=document, header=_header_of(raw.header), rows=nothing.rows, report=report)
    return as_parsed(opened, raw, normalise(raw.rows, document))


def as_parsed(opened: Opened, raw: RawRows, normalised: Normalised) -> ParsedFile:
    """Put together what each step found."""
    return ParsedFile(
        document=raw.dialects.document,
        header=_header(raw, normalised),
        rows=normalised.rows,
        report=_report(opened, raw, normalised),
    )


def read_large(data: bytes, *, name: str, limit: int) -> ParsedFile | None:
    """Read large promotions while they are unpacked, in the memory of a piece; None for any other file.

    Raises `ContentError`.
    """
    try:
        streamed = stream(data, name=name, limit=limit)
        layout = sniff(closed(streamed.opened.xml))
        if layout is None or layout.dialects.document is not Document.PROMOTIONS:
            return None
        return _promotions(streamed.opened, layout, chain([streamed.opened.xml], streamed.rest))
    except CannotStream:
        return None


def _promotions(opened: Opened, layout: Layout, parts: Iterable[bytes]) -> ParsedFile:
    read = read_promotions(cut(parts, layout), layout, carefully=opened.damaged)
    is_miscounted = read.declared is not None and read.declared != read.promotions.elements
    report = ParseReport(
        reader=read.reader,
        dialect=layout.dialect,
        container=opened.container,
        encoding=opened.encoding,
        rows=len(read.rows),
        rejected=read.reasons.total(),
        duplicates=read.repeated,
        reasons=dict(sorted(read.reasons.items())),
        samples=read.samples,
        unknown=dict(read.unknown),
        damaged=opened.damaged or read.damaged,
        notes=(*opened.notes, *read.notes, *(["count_mismatch"] if is_miscounted else [])),
        promotions=read.promotions,
        items=read.items,
    )
    return ParsedFile(
        document=Document.PROMOTIONS, header=_header_of(read.header), rows=read.rows, report=report
    )


def _promised(name: str) -> FileName | None:
    try:
        return FileName.parse(name)
    except UnknownFileName:
        return None


def _read(opened: Opened, layout: Layout) -> RawRows:
    """Read fast if it can be done; what is known to be damaged is not even tried."""
    if opened.damaged:
        return read_carefully(opened.xml, layout)
    try:
        return read_fast(opened.view, layout)
    except CannotRead as why:
        raw = read_carefully(opened.xml, layout)
        return replace(raw, notes=(str(why), *raw.notes))


def _with_chain(raw: RawRows, chain_id: str) -> RawRows:
    """Let the name say whose stores they are, where the document does not (Coop, 2015)."""
    said = pl.col("chain_id") if "chain_id" in raw.rows.columns else pl.lit(None, pl.String)
    filled = pl.when(said.str.strip_chars() != "").then(said).otherwise(pl.lit(chain_id))
    return replace(raw, rows=raw.rows.with_columns(filled.alias("chain_id")))


# ---------------------------------------------------------------- documents without rows


def _without_rows(xml: bytes, promised: FileName | None) -> RawRows:
    """Accept a header without rows as a document that says nothing. Anything else is not understood."""
    root = _tree(xml)
    elements = [(local(element.tag), element) for element in root.iter(etree.Element)]
    lists = {one for tag, _ in elements if (one := dialects_of_list(tag.lower()))}
    by_name = next((one for one in ALL if promised and one.document is promised.kind.document), None)
    dialects = lists.pop() if len(lists) == 1 else by_name
    strange = sorted({tag for tag, element in elements if _is_strange(tag.lower(), element)})
    said = {tag.lower(): element.text or "" for tag, element in elements if not len(element)}
    if dialects is None or strange or len(elements) == 1:
        what = ", ".join(strange[:5]) or "nothing else"
        raise ContentError(Code.SCHEMA_UNKNOWN, f"no row of a known kind; <{elements[0][0]}> holds {what}")
    return RawRows(
        reader="careful",
        dialects=dialects,
        dialect=elements[0][0],
        rows=pl.DataFrame(schema={ROW_NUMBER: pl.Int32}),
        header={name: said[tag] for name, tags in dialects.header.items() for tag in tags if said.get(tag)},
        declared=_declared(root),
        notes=("empty_document",),
    )


def _tree(xml: bytes) -> etree._Element:
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser) if len(xml) <= LONGEST_EMPTY else None
    except etree.XMLSyntaxError:
        root = None
    if root is None or not isinstance(root.tag, str):
        raise ContentError(Code.SCHEMA_UNKNOWN, "no row of a known kind in the whole document")
    return root


def _is_strange(tag: str, element: etree._Element) -> bool:
    """Say whether the element is neither a header's nor around rows."""
    if tag in CONTAINERS:
        return not len(element) and bool((element.text or "").strip())
    return not any(tag in tags for one in ALL for tags in (*one.header.values(), one.ignored))


def _declared(root: etree._Element) -> int | None:
    counts = [value for element in root.iter() for key, value in element.items() if key.lower() == "count"]
    return next((count for text in counts if (count := _number(str(text))) is not None), None)


# ---------------------------------------------------------------- header and report


def _header(raw: RawRows, normalised: Normalised) -> Header:
    header = _header_of(raw.header)
    if header.chain_id is None and "chain_id" in normalised.rows.columns:
        chains = normalised.rows["chain_id"].unique()
        return replace(header, chain_id=chains[0] if len(chains) == 1 else None)
    return header


def _header_of(texts: Mapping[str, str]) -> Header:
    said = {name: value.strip() for name, value in texts.items()}
    return Header(
        chain_id=said.get("chain_id"),
        chain_name=said.get("chain_name"),
        sub_chain_id=_number(said.get("sub_chain_id")),
        store_id=_number(said.get("store_id")),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else None


def _report(opened: Opened, raw: RawRows, normalised: Normalised) -> ParseReport:
    broken = {DAMAGED_ROW: raw.broken} if raw.broken else {}
    reasons = normalised.reasons | broken
    rejected = sum(reasons.values())
    items = len(normalised.rows) + rejected + normalised.duplicates
    samples = normalised.samples
    if raw.broken:
        last = Reject(row_number=items, reason=DAMAGED_ROW, sample=f"{raw.broken} rows begin and do not end")
        samples = [*samples[:19], last]
    is_miscounted = raw.declared is not None and raw.declared != items
    return ParseReport(
        reader=raw.reader,
        dialect=raw.dialect,
        container=opened.container,
        encoding=opened.encoding,
        rows=len(normalised.rows),
        rejected=rejected,
        duplicates=normalised.duplicates,
        reasons=reasons,
        samples=samples,
        unknown=dict(raw.unknown),
        damaged=opened.damaged or raw.damaged,
        notes=(*opened.notes, *raw.notes, *normalised.notes, *(["count_mismatch"] if is_miscounted else [])),
    )
