"""Advisory locks exclude each other exactly where they should."""

import pytest
import sqlalchemy as sa

from gogobe_dagster.warehouse.locks import AdvisoryLock, lock, share

IMPATIENT = sa.text("set local lock_timeout = '200ms'")


def can_lock(engine: sa.Engine, what: AdvisoryLock, key: str | None = None) -> bool:
    with engine.begin() as other:
        other.execute(IMPATIENT)
        try:
            lock(other, what, key)
        except sa.exc.OperationalError:
            return False
    return True


@pytest.mark.parametrize("what", AdvisoryLock)
def test_a_lock_keeps_out_others_until_its_transaction_ends(engine: sa.Engine, what: AdvisoryLock) -> None:
    with engine.begin() as connection:
        lock(connection, what)
        assert not can_lock(engine, what)
        assert all(can_lock(engine, other) for other in AdvisoryLock if other is not what)
    assert can_lock(engine, what)


def test_locks_of_different_keys_are_different(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        lock(connection, AdvisoryLock.LISTING, "keshet")
        assert not can_lock(engine, AdvisoryLock.LISTING, "keshet")
        assert can_lock(engine, AdvisoryLock.LISTING, "rami_levy")
        assert can_lock(engine, AdvisoryLock.PRODUCT_ATTRIBUTES, "keshet")


def test_a_shared_lock_keeps_out_only_who_wants_it_alone(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        share(connection, AdvisoryLock.HISTORY)
        with engine.begin() as other:
            other.execute(IMPATIENT)
            share(other, AdvisoryLock.HISTORY)
        assert not can_lock(engine, AdvisoryLock.HISTORY)
