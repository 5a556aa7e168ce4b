"""Codes are used, consistent, and kept by errors on their way."""

import re
from pathlib import Path

import pytest

import gogobe_dagster
from gogobe_dagster.errors import Code, Trait
from gogobe_dagster.files.notes import Note

PACKAGE = Path(gogobe_dagster.__file__).parent
SOURCE = "".join(file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py"))
USED = set(re.findall(r"\b(?:Code|Note)\.([A-Z_]+)", SOURCE))


@pytest.mark.parametrize("code", Code)
def test_every_code_is_used(code: Code) -> None:
    assert code.name in USED


@pytest.mark.parametrize("note", Note)
def test_every_note_is_used(note: Note) -> None:
    assert note.name in USED


@pytest.mark.parametrize("code", Code)
def test_a_request_is_sent_again_only_where_trying_again_can_help(code: Code) -> None:
    assert code.retry or Trait.RESEND not in code.traits


@pytest.mark.parametrize("code", Code)
def test_a_file_that_is_left_out_on_purpose_is_not_tried_again(code: Code) -> None:
    assert not (code.retry and Trait.EXPECTED in code.traits)
