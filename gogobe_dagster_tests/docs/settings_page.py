"""The tables of docs/settings.md, from the settings themselves."""

from collections.abc import Mapping

from pydantic.fields import FieldInfo

from gogobe_dagster.feeds.feed_settings import FeedOverride
from gogobe_dagster.settings import PREFIX, Settings
from gogobe_dagster_tests.docs.pages import DOCS, table, write

PAGE = DOCS / "settings.md"


def parts() -> dict[str, str]:
    """Make the tables of all settings and of the fields that can be set per feed."""
    settings = {PREFIX + name.upper(): field for name, field in Settings.model_fields.items()}
    return {
        "settings": _table("variable", settings),
        "feed_settings": _table("field", FeedOverride.model_fields),
    }


def _table(heading: str, fields: Mapping[str, FieldInfo]) -> str:
    rows = [(f"`{name}`", _default(field), str(field.description)) for name, field in fields.items()]
    return table({heading: "---", "default": "---", "meaning": "---"}, rows)


def _default(field: FieldInfo) -> str:
    """Write a default as it would be in the environment; nothing where the default is empty."""
    if field.default_factory or field.default in ("", None):
        return ""
    default = field.default
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


if __name__ == "__main__":
    write(PAGE, parts())
