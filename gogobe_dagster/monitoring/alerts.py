"""Alerts: one message when a problem starts, one when it ends.

Problems are found elsewhere. The state between two evaluations is a short JSON text that the caller stores.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from gogobe_dagster.errors import AlertNotSent, Code
from gogobe_dagster.feeds.publishing_calendar import expected_empty_reason
from gogobe_dagster.feeds.registry import known_feed
from gogobe_dagster.warehouse.ledger.listing_status import LastListing

UNKNOWN_URL = "GOGOBE_ALERT_URL is not a URL that Apprise knows, such as mailto://, slack:// or json://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One message."""

    title: str
    body: str
    is_good: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """What has to be remembered from one evaluation to the next."""

    failures: Mapping[str, int] = field(default_factory=dict)
    """Failed polls in a row, by feed."""
    failed_at: Mapping[str, str] = field(default_factory=dict)
    """Timestamp of the last failed poll that was counted, by feed."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """Messages of the problems that were alerted and have not ended, by a stable name."""

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """Restore a state; it is empty before the first evaluation."""
        return cls(**json.loads(text)) if text else cls()

    def to_json(self) -> str:
        """Return the state as JSON, for `from_json`."""
        return json.dumps(
            {"failures": self.failures, "failed_at": self.failed_at, "problems": self.problems},
            ensure_ascii=False,
            sort_keys=True,
        )


def count_failures(
    before: AlertState, listings: Mapping[str, LastListing]
) -> tuple[dict[str, int], dict[str, str]]:
    """Count failed polls in a row; each poll counts once, however often it is evaluated.

    Returns the counts and the timestamps of the last failed poll, by feed. An empty listing is no failure at
    a time when it is expected.
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
    return bool(feed and expected_empty_reason(feed, last.failed_at))


def alert_changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[Alert]:
    """Return alerts for problems that started and for problems that ended; none if nothing changed."""
    started = [text for name, text in sorted(now.items()) if name not in before]
    ended = [text for name, text in sorted(before.items()) if name not in now]
    alerts = []
    if started:
        alerts.append(Alert(title=f"gogobe: {_count(started, 'new problem')}", body="\n".join(started)))
    if ended:
        alerts.append(
            Alert(title=f"gogobe: {_count(ended, 'problem')} solved", body="\n".join(ended), is_good=True)
        )
    return alerts


def _count(items: Sequence[str], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def send(alert: Alert, url: str) -> None:
    """Send a message to an Apprise URL; do nothing if it is empty. Raises `AlertNotSent`."""
    if not url:
        return
    import apprise

    notifier = apprise.Apprise()
    if not notifier.add(url):
        raise AlertNotSent(UNKNOWN_URL)
    kind = apprise.NotifyType.SUCCESS if alert.is_good else apprise.NotifyType.FAILURE
    # names of chains stand in it: where messages are HTML, as in mail, Apprise escapes text
    text = apprise.NotifyFormat.TEXT
    if not notifier.notify(title=alert.title, body=alert.body, notify_type=kind, body_format=text):
        raise AlertNotSent(f"the alert {alert.title!r} could not be delivered to GOGOBE_ALERT_URL")


def check_url(url: str) -> None:
    """Check that Apprise knows an URL, without sending anything. Raises `AlertNotSent`."""
    import apprise

    if not apprise.Apprise().add(url):
        raise AlertNotSent(UNKNOWN_URL)
