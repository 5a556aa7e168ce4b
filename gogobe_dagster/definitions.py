"""The entry point that Dagster loads: everything in the folder `defs`, with resources and executor.

Each file in `defs` that defines something has a function decorated with `@dg.definitions`, or defines it at
module level as `dg scaffold defs` writes it. There is no list of files to maintain.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster.components.core.component_tree import ComponentTreeException

import gogobe_dagster.defs as defs_folder
from gogobe_dagster.defs.jobs import executor
from gogobe_dagster.defs.resources import import_resources
from gogobe_dagster.defs.selection import RESOURCE, selection_resource
from gogobe_dagster.settings import Settings


def build_definitions(resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Load the folder `defs` with the settings in the environment; a test may replace the resources.

    Raises `SettingsError` if a setting is wrong.
    """
    settings = Settings.read()  # first: an error inside the folder would be reported as that of a file
    defaults = {"resources": import_resources(settings), RESOURCE: selection_resource}
    shared = dg.Definitions(resources={**defaults, **(resources or {})}, executor=executor(settings))
    return dg.Definitions.merge(_load_folder(), shared)


def _load_folder() -> dg.Definitions:
    """Load every file and component of the folder.

    `dg.load_from_defs_folder` does the same, but needs pyproject.toml, which an installed wheel lacks. The
    path leaves out the schemas of all installed component types, which cost each process 0.1 CPU s.
    """
    folder = Path(defs_folder.__path__[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # of the loader itself, not of our code
        tree = dg.ComponentTree.from_module(defs_module=defs_folder, project_root=folder.parents[1])
        try:
            return tree.build_defs(folder)
        except ComponentTreeException as error:
            # its message ends with the whole tree: what a log ends with must be the reason
            problem = f"{str(error).splitlines()[0]} {error.__cause__}"
            raise dg.DagsterInvalidDefinitionError(problem) from error


defs = build_definitions()
