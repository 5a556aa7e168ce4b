"""The S3 server of the tests behaves as what it stands for, and the environment leads to it."""

import subprocess
import sys

import pytest
from upath import UPath

from gogobe_dagster_tests.object_store import ObjectStore

pytestmark = pytest.mark.slow
READ = "import sys; from upath import UPath; print(UPath(sys.argv[1]).read_text())"


def test_processes_of_a_test_find_the_server_by_their_environment(bucket: str) -> None:
    (UPath(bucket) / "folder" / "file").write_text("5.90")

    command = [sys.executable, "-c", READ, f"{bucket}/folder/file"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "5.90\n"


def test_a_bucket_that_does_not_exist_takes_no_file(object_store: ObjectStore) -> None:
    before = object_store.buckets()

    with pytest.raises(FileNotFoundError):
        object_store.files.pipe_file("s3://nobody-made-this/file", b"5.90")

    assert object_store.buckets() == before
