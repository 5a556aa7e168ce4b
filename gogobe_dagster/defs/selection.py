"""The Dagster resource `selection`: which files a partial run takes, from the configuration of the run.

Everything, unless the run says otherwise. One resource for all steps, so that they agree.
"""

from typing import Any

import dagster as dg

from gogobe_dagster.files.selection import KIND_WORDS, FileSelection

RESOURCE = "selection"
_KIND = dg.Enum("FileKind", [dg.EnumValue(word) for word in KIND_WORDS])
_FIELDS = {
    "kinds": dg.Field([_KIND], is_required=False, description="Only files of these kinds."),
    "stores": dg.Field(
        [int],
        is_required=False,
        description="Only files of stores with these numbers, and store lists of the whole chain.",
    ),
    "name": dg.Field(
        str, is_required=False, description="Only files whose whole name matches this pattern: * ? […]."
    ),
    "newest": dg.Field(bool, is_required=False, description="Only the newest file of each store and kind."),
    "limit": dg.Field(
        int,
        is_required=False,
        description="At most this number of files: store lists and full files first, the newest first.",
    ),
}


@dg.resource(
    config_schema=_FIELDS,
    description="Restricts a run to some files of its feed and day. The other files stay pending.",
)
def selection_resource(context: dg.InitResourceContext) -> FileSelection:
    """Make the selection that the run's configuration describes. Raises `ValueError`."""
    return FileSelection.of_values(context.resource_config or {})


def selection_config(selection: FileSelection) -> dict[str, Any]:
    """Return the run configuration of a selection; empty if it takes everything."""
    return {"resources": {RESOURCE: {"config": selection.values}}} if selection.is_partial else {}
