"""What people are told, when, and how it is sent: once when a thing goes wrong, once when it is well again.

What goes wrong is found elsewhere. The state is a few words of JSON that the caller keeps.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gogobe_dagster.errors import AlertNotSent, Code
from gogobe_dagster.feeds.publishing_calendar import why_empty
from gogobe_dagster.feeds.registry import known_feed
from gogobe_dagster.warehouse.ledger.listing_status import LastListing

if TYPE_CHECKING:
    import apprise


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One message."""

    title: str
    body: str
    is_good: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the watch remembers from one look to the next."""

    failures: Mapping[str, int] = field(default_factory=dict)
    """Failed looks in a row, by feed."""
    failed_at: Mapping[str, str] = field(default_factory=dict)
    """The last failed look that was counted, by feed."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """What people were told is wrong, in words, by a stable name."""

    @classmethod
    def read(cls, text: str | None) -> "Watched":
        """Read what `text` wrote; nothing was watched before the first time."""
        return cls(**json.loads(text)) if text else cls()

    @property
    def text(self) -> str:
        """The state as JSON."""
        return json.dumps(
            {"failures": self.failures, "failed_at": self.failed_at, "problems": self.problems},
            ensure_ascii=False,
            sort_keys=True,
        )


def count_failures(
    before: Watched, listings: Mapping[str, LastListing]
) -> tuple[dict[str, int], dict[str, str]]:
    """Count the looks that failed one after another: each once, however often we come by.

    An empty list at a time when one is to be expected is no failure.
    """
    failures, failed_at = dict[str, int](), dict[str, str]()
    for feed, last in listings.items():
        if last.code is None or last.failed_at is None or _is_expected(last):
            continue
        failed_at[feed] = last.failed_at.isoformat()
        is_new = before.failed_at.get(feed) != failed_at[feed]
        failures[feed] = before.failures.get(feed, 0) + is_new
    return failures, failed_at


def _is_expected(last: LastListing) -> bool:
    if last.code != Code.LISTING_EMPTY_UNEXPECTED or last.failed_at is None:
        return False
    feed = known_feed(last.feed)
    return bool(feed and why_empty(feed, last.failed_at))


def news(before: Mapping[str, str], now: Mapping[str, str]) -> list[Alert]:
    """Say what became wrong and what is well again; nothing while nothing changes."""
    wrong = [words for name, words in sorted(now.items()) if name not in before]
    well = [words for name, words in sorted(before.items()) if name not in now]
    alerts = []
    if wrong:
        alerts.append(Alert(title=f"gogobe: {len(wrong)} new problems", body="\n".join(wrong)))
    if well:
        alerts.append(
            Alert(title=f"gogobe: {len(well)} problems are over", body="\n".join(well), is_good=True)
        )
    return alerts


def send(alert: Alert, url: str) -> None:
    """Send a message to where an Apprise URL says; no URL: nowhere. Raises `AlertNotSent`."""
    if not url:
        return
    import apprise

    notifier = notifier_of(url)
    kind = apprise.NotifyType.SUCCESS if alert.is_good else apprise.NotifyType.FAILURE
    if not notifier.notify(title=alert.title, body=alert.body, notify_type=kind):
        raise AlertNotSent(f"the alert {alert.title!r} was not taken by where GOGOBE_ALERT_URL points")


def notifier_of(url: str) -> "apprise.Apprise":
    """Open what an Apprise URL means. Raises `AlertNotSent` when it means nothing."""
    import apprise

    notifier = apprise.Apprise()
    if not notifier.add(url):
        raise AlertNotSent(
            "GOGOBE_ALERT_URL is no URL that Apprise knows, such as mailto://, slack:// or json://"
        )
    return notifier
