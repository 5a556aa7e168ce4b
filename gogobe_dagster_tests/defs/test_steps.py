"""What a step of the multiprocess executor costs, held down by what it must import."""

import pytest

from gogobe_dagster_tests.import_env import ImportEnv

pytestmark = pytest.mark.slow


def test_a_step_starts_cheaply(import_env: ImportEnv) -> None:
    """Each module that is not preloaded is imported again by every step: 490 of them cost 2.5 CPU s."""
    ended = import_env.run("python", "-m", "gogobe_dagster_tests.defs.step_probe")

    assert int(ended.stdout.split()[-1]) < 60
