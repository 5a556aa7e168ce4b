"""Imports a feed's day stage by stage, without Dagster, in a process that may be killed: FEED DAY."""

import sys
from contextlib import closing
from datetime import date

from gogobe_dagster import pipeline
from gogobe_dagster.feeds.registry import Feed, find_feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings

STAGES = ("download", "parse", "load")


def run_stage(name: str, feed: Feed, day: date, resources: Resources) -> None:
    """Run one of `STAGES` for all files of the feed's day."""
    if name == "download":
        pipeline.discover(feed, [day], resources)
        pipeline.download(feed, [day], resources)
    elif name == "parse":
        for batch in pipeline.plan(feed, [day], resources):
            pipeline.parse(batch, feed, resources)
    else:
        for document in Document:
            pipeline.load(document, feed, [day], resources)


if __name__ == "__main__":
    with closing(Resources(Settings.read())) as opened:
        for stage in STAGES:
            run_stage(stage, find_feed(sys.argv[1]), date.fromisoformat(sys.argv[2]), opened)
