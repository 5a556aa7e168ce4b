"""Waiting goes on while something moves and fails when nothing does."""

from itertools import count

import pytest

from gogobe_dagster_tests.waiting import wait_for_progress


def test_waiting_ends_when_it_is_done() -> None:
    polls = count()

    wait_for_progress(lambda: next(polls) == 3, what="the bread", idle_seconds=0.5, poll_seconds=0)

    assert next(polls) == 4


def test_waiting_lasts_longer_than_the_limit_while_something_moves() -> None:
    polls, loaves = count(), count()

    wait_for_progress(
        lambda: next(polls) == 10,
        what="the bread",
        progress=lambda: next(loaves),
        idle_seconds=0.01,
        poll_seconds=0.02,
    )


def test_waiting_fails_when_nothing_moves_and_names_what_was_seen_last() -> None:
    with pytest.raises(AssertionError, match=r"the bread: nothing has changed for 0\.05 s since 7 loaves"):
        wait_for_progress(
            lambda: False,
            what="the bread",
            progress=lambda: "7 loaves",
            idle_seconds=0.05,
            poll_seconds=0.01,
        )
