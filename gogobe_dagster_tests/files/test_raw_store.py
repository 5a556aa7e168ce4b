"""The raw store gives back what it was given, in a folder and in a bucket alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from upath import UPath

from gogobe_dagster.errors import Code, ContentError, DownloadError, SettingsError
from gogobe_dagster.files.raw_store import RawStore
from gogobe_dagster_tests.object_store import ObjectStore

PRICES, SHA256 = b"5.90 6.90", "a7724236aceb06631344f6bc4fbc98b0286f623477407c95d15ec3305945d4f7"
"""By `sha256sum`."""


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.slow)])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    found = request.getfixturevalue("bucket") if request.param == "bucket" else tmp_path
    return f"{found}/raw"


@pytest.fixture
def store(root: str) -> RawStore:
    return RawStore(root)


def test_bytes_come_back_under_their_hash_whoever_stored_them(store: RawStore, root: str) -> None:
    assert store.sizes() == {}  # a listing that is remembered would stay empty

    stored = RawStore(root).save([b"5.90", b" 6.90"], limit=9)

    assert (stored.sha256, stored.size) == (SHA256, 9)
    assert store.save([PRICES], limit=9) == stored
    assert store.read(SHA256) == PRICES
    assert store.has(SHA256)
    assert store.sizes() == {SHA256: 9}
    assert [found.modified_at for found in store.files()] == [store.stored_at(SHA256)]
    store.remove(SHA256)
    store.remove(SHA256)
    assert not store.has(SHA256)
    with pytest.raises(FileNotFoundError):
        store.stored_at(SHA256)


def test_a_stream_that_ends_badly_stores_nothing(store: RawStore) -> None:
    def broken() -> Iterator[bytes]:
        yield PRICES
        raise ConnectionError

    with pytest.raises(ConnectionError):
        store.save(broken(), limit=99)
    with pytest.raises(DownloadError, match="larger than the limit"):
        store.save([PRICES, PRICES], limit=10)

    assert store.sizes() == {}
    assert [path for path in store.root.fs.find(store.root.path) if "arriving" in path] == []


@pytest.mark.parametrize("content", [b"", b"5.90", None])
def test_other_bytes_or_none_are_missing(store: RawStore, content: bytes | None) -> None:
    store.save([PRICES], limit=9)
    if content is None:
        store.remove(SHA256)
    else:
        store.path(SHA256).write_bytes(content)

    with pytest.raises(ContentError) as raised:
        store.read(SHA256)
    assert raised.value.code is Code.RAW_FILE_MISSING


@pytest.mark.slow
def test_a_file_is_one_upload_in_a_bucket(object_store: ObjectStore, bucket: str) -> None:
    """With versions the bucket remembers every object that there ever was."""
    name, files = bucket.removeprefix("s3://"), object_store.files
    versioning = {"Status": "Enabled"}
    files.call_s3("put_bucket_versioning", Bucket=name, VersioningConfiguration=versioning)

    RawStore(f"{bucket}/raw").save([PRICES], limit=9)

    listed = files.call_s3("list_object_versions", Bucket=name)
    assert [version["Key"] for version in listed["Versions"]] == [f"raw/a7/{SHA256}"]
    assert listed.get("DeleteMarkers", []) == []
    files.call_s3(
        "delete_object", Bucket=name, Key=f"raw/a7/{SHA256}", VersionId=listed["Versions"][0]["VersionId"]
    )


@pytest.mark.slow
def test_a_bucket_that_nobody_made_is_not_created_and_not_empty(object_store: ObjectStore) -> None:
    store, before = RawStore("s3://nobody-made-this/raw"), object_store.buckets()

    with pytest.raises(FileNotFoundError):
        store.save([PRICES], limit=9)
    with pytest.raises(FileNotFoundError):
        store.sizes()

    assert object_store.buckets() == before


@pytest.mark.slow
def test_a_bucket_that_refuses_still_has_its_files(bucket: str) -> None:
    """The ledger would fetch the file again, and the portal may not have it any more."""
    RawStore(bucket).save([PRICES], limit=9)

    with pytest.raises(PermissionError):
        RawStore(UPath(bucket, key="nobody", secret="wrong")).read(SHA256)


@pytest.mark.parametrize("protocol", ["gs", "s4"])
def test_a_protocol_that_nothing_here_speaks_is_a_sentence(protocol: str) -> None:
    with pytest.raises(SettingsError, match=f"{protocol}:// cannot be used here: "):
        RawStore(f"{protocol}://prices/raw")


def test_a_url_without_a_bucket_is_a_sentence() -> None:
    with pytest.raises(SettingsError, match=r"s3:// names no bucket: s3://BUCKET/FOLDER"):
        RawStore("s3://")
