"""Dumps and restores whole databases with PostgreSQL's own programs, several tables at a time."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gogobe_dagster.errors import GogobeError
from gogobe_dagster.postgres.binaries import major_version, program_folders

PARALLEL: Final = 2
PREPARED: Final = ("pg_trgm", "pgstattuple")
"""Extensions that the database that is restored into has already, if it can have them."""
_SKIPPED: Final = re.compile(rf"EXTENSION (- )?({'|'.join(PREPARED)})\b")
_META_COMMAND: Final = re.compile(r"^\\(un)?restrict .*$", re.MULTILINE)


class DumpError(GogobeError):
    """A program of PostgreSQL failed, or there is none that is new enough."""


class Programs:
    """`pg_dump` and `pg_restore`, at least as new as a server."""

    def __init__(self, bin_folder: Path | None, *, major: int) -> None:
        """Find them: in the given folder, in the wheel, in Debian's folders, on the PATH."""
        self._dump = _find("pg_dump", bin_folder, major)
        self._restore = _find("pg_restore", bin_folder, major)

    def dump(self, url: str, folder: Path, *, snapshot: str | None = None) -> None:
        """Dump a database as of a snapshot, without owners and privileges; fsynced at the end."""
        of_snapshot = [f"--snapshot={snapshot}"] if snapshot else []
        options = ["--format=directory", f"--jobs={PARALLEL}", "--no-owner", "--no-privileges", *of_snapshot]
        _run([self._dump, *options, f"--file={folder}"], url)

    def restore(self, connection: sa.Connection, url: str, folder: Path) -> None:
        """Restore a dump into an empty database; `connection` is open to the same one.

        Definitions are created on the connection, because functions with parameters of an extension can
        only be created where that extension is loaded.
        """
        contents = folder.with_name(f"{folder.name}.contents")
        contents.write_text(self._contents(folder), encoding="utf-8")
        try:
            selected = [f"--use-list={contents}", "--no-owner", "--no-privileges"]
            script = _run([self._restore, "--section=pre-data", *selected, "--file=-", folder])
            text = _META_COMMAND.sub("", script)
            connection.exec_driver_sql(text, execution_options={"no_parameters": True})
            connection.commit()
            rest = ["--section=data", "--section=post-data", f"--jobs={PARALLEL}", "--exit-on-error"]
            _run([self._restore, *rest, *selected, folder], url)
        finally:
            contents.unlink()

    def _contents(self, folder: Path) -> str:
        lines = _run([self._restore, "--list", folder]).splitlines(keepends=True)
        return "".join(line for line in lines if not _SKIPPED.search(line))


def _find(name: str, bin_folder: Path | None, major: int) -> Path:
    """Return the program whose version is nearest to the server's: what a newer one writes may be too new."""
    folders = [*program_folders(bin_folder), Path(shutil.which(name) or name).parent]
    programs = [folder / name for folder in folders if (folder / name).is_file()]
    versions = {program: major_version(program) for program in programs}
    fitting = [program for program in programs if versions[program] >= major]
    if fitting:
        return min(fitting, key=versions.__getitem__)
    found = ", ".join(f"{program} is of version {version}" for program, version in versions.items())
    raise DumpError(
        f"a {name} of PostgreSQL {major} or newer is needed ({found or 'there is none'}): install "
        f"PostgreSQL's client programs {major}, or set GOGOBE_PG_BIN to their folder"
    )


def _run(command: Sequence[str | Path], url: str = "") -> str:
    """Run a program to its end and return what it printed. The password is in no list of processes."""
    environment = {**os.environ, "LC_ALL": "C", "PGCLIENTENCODING": "UTF8"}
    if url:
        password = conninfo_to_dict(url).get("password")
        environment |= {"PGPASSWORD": str(password)} if password else {}
        command = [*command[:1], f"--dbname={_without_password(url)}", *command[1:]]
    done = subprocess.run(
        [str(argument) for argument in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        raise DumpError(f"{Path(command[0]).name} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode()  # as bytes: text mode would change the \\r in a function's body


def _without_password(url: str) -> str:
    parameters = {name: str(value) for name, value in conninfo_to_dict(url).items() if name != "password"}
    return make_conninfo("", **parameters)
