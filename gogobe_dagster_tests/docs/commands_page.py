"""The reference in docs/commands.md, from the commands themselves."""

from collections.abc import Iterator

import click

from gogobe_dagster.commands.main import gogobe
from gogobe_dagster_tests.docs.pages import DOCS, table, write

PAGE = DOCS / "commands.md"
Group = click.Group


def parts() -> dict[str, str]:
    """Make a section per command: how it is called, what it does, and its options."""
    context = click.Context(gogobe, info_name="gogobe")
    return {"commands": "\n".join(_sections(gogobe, context))}


def _sections(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield _section(command, inner)
        if isinstance(command, Group):
            yield from _sections(command, inner)


def _section(command: click.Command, context: click.Context) -> str:
    usage = " ".join(context.command_path.split() + command.collect_usage_pieces(context))
    rows = [(f"`{option}`", text) for option, text in _options(command, context)]
    options = "\n" + table({"option": "---", "": "---"}, rows) if rows else ""
    paragraphs = "\n\n".join(_wrapped(text) for text in (command.help or "").split("\n\n"))
    return f"## `{context.command_path}`\n\n```text\n{usage}\n```\n\n{paragraphs}\n{options}"


def _wrapped(text: str) -> str:
    """Wrap a paragraph; one that click is told to leave as it is becomes code."""
    text = text.strip()
    if text.startswith("\b"):
        lines = (line.removeprefix("    ") for line in text.removeprefix("\b").strip("\n").split("\n"))
        return "```text\n{}\n```".format("\n".join(lines))
    return click.wrap_text(" ".join(text.split()), width=100)


def _options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in record[0]:
            option, text = record
            yield option.replace("|", r"\|"), " ".join(text.split()).replace("|", r"\|")


if __name__ == "__main__":
    write(PAGE, parts())
