"""Publishes a folder of real files. The bytes are served exactly as they are.

`<folder>/<feed key>/<published name>` belongs to that feed whatever its name; any other file goes
to the feed whose chain id its name prints.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import UnknownFileName
from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.files.names import FileName
from gogobe_dagster.replica.publication import Publication, Publications


def fill_from_folder(
    publications_by_feed: Mapping[str, Publications], folder: Path, feeds: Iterable[Feed]
) -> list[Path]:
    """Publish every file below the folder at its feed; return the files that belong to no feed.

    Only `feeds` get files. Of several files with one name the last in alphabetical order counts.
    """
    by_key = {feed.key: feed for feed in feeds}
    unassigned = []
    for path in sorted(
        path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")
    ):
        feed = by_key.get(path.relative_to(folder).parts[0]) or _owner(path, by_key.values())
        if feed is None:
            unassigned.append(path)
        else:
            publications_by_feed[feed.key].put(publication(path, feed))
    return unassigned


def publication(path: Path, feed: Feed) -> Publication:
    """Describe a file by its name; if that has no timestamp, by the time of the file."""
    name = _parse_name(path.name)
    written = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC).astimezone(ISRAEL)
    if name is None:
        return Publication(name=path.name, content=path, published_at=written)
    return Publication(
        name=path.name,
        content=path,
        published_at=name.published_at,
        kind=name.kind,
        store_id=name.store_id,
        store_label=_label(feed, name),
    )


def _owner(path: Path, feeds: Iterable[Feed]) -> Feed | None:
    name = _parse_name(path.name)
    return next((feed for feed in feeds if name and feed.owns(name.chain_id)), None)


def _parse_name(text: str) -> FileName | None:
    try:
        return FileName.parse(text)
    except UnknownFileName:
        return None


def _label(feed: Feed, name: FileName) -> str:
    if name.store_id is None or feed.family is Family.CERBERUS:
        return ""
    return (
        f"{name.store_id} - {name.store_id}" if feed.family is Family.SHUFERSAL else f"{name.store_id} סניף"
    )
