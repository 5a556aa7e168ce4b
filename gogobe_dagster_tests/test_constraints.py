"""The tested versions are complete, allowed by pyproject.toml, and the same for pip and uv."""

import tomllib

from packaging.requirements import Requirement

from gogobe_dagster_tests.constraints import CLONE, CONSTRAINTS, UV, for_uv, versions


def test_pip_and_uv_take_the_same_versions() -> None:
    assert UV.read_text(encoding="utf-8") == for_uv(CONSTRAINTS.read_text(encoding="utf-8"))


def test_every_direct_dependency_has_a_tested_version_in_its_range() -> None:
    project = tomllib.loads((CLONE / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"].get("optional-dependencies", {})
    wanted = [
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *(requirement for extra in extras.values() for requirement in extra),
    ]
    pins = (Requirement(line) for line in versions(CONSTRAINTS.read_text(encoding="utf-8")))
    pinned = {_normalized(pin.name): next(iter(pin.specifier)).version for pin in pins}

    for requirement in map(Requirement, wanted):
        assert pinned[_normalized(requirement.name)] in requirement.specifier, requirement


def _normalized(name: str) -> str:
    return name.lower().replace("_", "-")
