"""For how long a portal that refused is left alone, and by whom."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.warehouse.ledger.portal_pause import (
    PortalAccount,
    active_pause,
    end_pauses,
    find_pause,
    record_refusal,
)
from gogobe_dagster_tests.warehouse.making import NOON

HERE = PortalAccount(portal="https://url.publishedprices.co.il", account="RamiLevi")
OTHER_ACCOUNT = PortalAccount(portal=HERE.portal, account="keshet")
OTHER_PORTAL = PortalAccount(portal="https://kingstore.binaprojects.com", account="RamiLevi")
BUSY = PortalError(Code.PORTAL_UNAVAILABLE, "503")
MINUTE = timedelta(minutes=1)


def test_a_pause_ends_by_itself(engine: sa.Engine) -> None:
    pause = record_refusal(engine, HERE, BUSY, now=NOON)
    assert pause.until == NOON + MINUTE
    assert active_pause(engine, HERE, now=NOON + MINUTE / 2) == pause
    assert active_pause(engine, HERE, now=NOON + MINUTE) is None
    assert find_pause(engine, HERE) == pause


@pytest.mark.parametrize(
    ("code", "others"),
    [(Code.PORTAL_UNAVAILABLE, [True, False]), (Code.AUTH_FAILED, [False, False])],
)
def test_a_refused_login_concerns_one_account_and_everything_else_the_portal(
    engine: sa.Engine, code: Code, others: list[bool]
) -> None:
    record_refusal(engine, HERE, PortalError(code, "no"), now=NOON)
    assert active_pause(engine, HERE, now=NOON)
    assert [bool(active_pause(engine, at, now=NOON)) for at in (OTHER_ACCOUNT, OTHER_PORTAL)] == others


@pytest.mark.parametrize(
    ("wait", "minutes"), [(timedelta(minutes=25), 25), (timedelta(days=400), 12 * 60), (timedelta(), 1)]
)
def test_a_portal_that_says_how_long_is_taken_at_its_word_within_reason(
    engine: sa.Engine, wait: timedelta, minutes: int
) -> None:
    pause = record_refusal(engine, HERE, PortalError(Code.RATE_LIMITED, "429", retry_after=wait), now=NOON)
    assert pause.until == NOON + minutes * MINUTE


@pytest.mark.parametrize(
    ("code", "minutes"),
    [(Code.PORTAL_UNAVAILABLE, [1, 2, 4, 8, 16, 32, 60, 60]), (Code.DNS_DEAD, [1, 2, 4, 5, 5, 5, 5, 5])],
)
def test_pauses_grow_while_it_refuses_again_after_each(
    engine: sa.Engine, code: Code, minutes: list[int]
) -> None:
    now, waits = NOON, []
    for _ in minutes:
        until = record_refusal(engine, HERE, PortalError(code, "no"), now=now).until
        waits.append((until - now) / MINUTE)
        now = until + 5 * MINUTE
    assert waits == minutes


def test_a_refusal_long_after_the_last_one_is_the_first_again(engine: sa.Engine) -> None:
    for _ in range(3):
        now = record_refusal(engine, HERE, BUSY, now=NOON).until
    assert record_refusal(engine, HERE, BUSY, now=now + 61 * MINUTE).refusals == 1


def test_processes_that_are_refused_at_once_count_as_one_and_never_shorten_a_pause(engine: sa.Engine) -> None:
    refusal = PortalError(Code.RATE_LIMITED, "429", retry_after=timedelta(minutes=30))
    record_refusal(engine, HERE, refusal, now=NOON)
    with ThreadPoolExecutor(4) as pool:
        pauses = list(pool.map(lambda _: record_refusal(engine, HERE, BUSY, now=NOON), range(4)))
    assert {(pause.refusals, pause.until) for pause in pauses} == {(1, NOON + 30 * MINUTE)}


def test_a_delivery_ends_only_what_is_over_and_a_hand_ends_all(engine: sa.Engine) -> None:
    record_refusal(engine, HERE, BUSY, now=NOON)
    assert end_pauses(engine, HERE, until=NOON) == 0
    assert end_pauses(engine, OTHER_PORTAL) == 0
    assert end_pauses(engine, HERE) == 1
    assert find_pause(engine, HERE) is None
