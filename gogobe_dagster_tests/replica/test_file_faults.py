"""Faults of files and downloads do what their names say."""

import gzip
import io
import zipfile

import pytest
import requests

from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.portal_clients import CerberusVisitor, file_url, get, listing


def spoiled(replica: Replica, king_store: str, fault: str) -> tuple[bytes, bytes]:
    """The first file as it was, and as it is served under the fault."""
    original = replica.publications("king_store").all()[0].read()
    replica.faults.switch_on(fault, feed="king_store")
    return original, get(file_url(king_store, replica)).content


def test_zero_byte(replica: Replica, king_store: str) -> None:
    assert spoiled(replica, king_store, "zero_byte")[1] == b""


def test_zip_in_gz_holds_one_xml_with_the_same_document(replica: Replica, king_store: str) -> None:
    original, served = spoiled(replica, king_store, "zip_in_gz")

    with zipfile.ZipFile(io.BytesIO(served)) as archive:
        (member,) = archive.namelist()
        assert member.startswith("PriceFull")
        assert member.endswith(".xml")
        assert archive.read(member) == gzip.decompress(original)


def test_plain_in_gz(replica: Replica, king_store: str) -> None:
    original, served = spoiled(replica, king_store, "plain_in_gz")

    assert served == gzip.decompress(original)


def test_truncated_gzip_ends_too_soon(replica: Replica, king_store: str) -> None:
    _, served = spoiled(replica, king_store, "truncated_gzip")

    with pytest.raises(EOFError):
        gzip.decompress(served)


def test_wrong_crc_has_the_right_length(replica: Replica, king_store: str) -> None:
    original, served = spoiled(replica, king_store, "wrong_crc")

    assert len(served) == len(original)
    with pytest.raises(gzip.BadGzipFile, match="CRC"):
        gzip.decompress(served)


def test_html_instead_of_file_is_200(replica: Replica, king_store: str) -> None:
    _, served = spoiled(replica, king_store, "html_instead_of_file")

    assert served.startswith(b"<!DOCTYPE html>")


def test_missing_file_is_listed_but_404(replica: Replica, king_store: str) -> None:
    replica.faults.switch_on("missing_file", feed="king_store")

    assert len(listing(king_store).json()) == 30
    assert get(file_url(king_store, replica)).status_code == 404


def test_a_truncated_download_promises_more_than_it_sends(replica: Replica, king_store: str) -> None:
    replica.faults.switch_on("truncated_download", times=1)

    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        get(file_url(king_store, replica))
    assert gzip.decompress(get(file_url(king_store, replica)).content)


def test_a_spoiled_file_has_its_spoiled_size_in_the_listing(
    replica: Replica, rami_levy: CerberusVisitor
) -> None:
    before = rami_levy.rows()[0]
    replica.faults.switch_on("truncated_gzip", feed="rami_levy")

    row = rami_levy.rows()[0]

    assert row["size"] < before["size"]
    assert len(rami_levy.download(row["fname"]).content) == row["size"]


def test_republished_same_name_has_other_bytes_and_a_later_time(
    replica: Replica, rami_levy: CerberusVisitor
) -> None:
    before = rami_levy.rows()[0]
    old = rami_levy.download(before["fname"]).content

    replica.faults.switch_on("republished_same_name", feed="rami_levy", names=before["fname"])
    after = rami_levy.rows()[0]
    new = rami_levy.download(before["fname"]).content

    assert after["fname"] == before["fname"]
    assert (before["ftime"][-5:], after["ftime"][-5:]) == ("12:01", "12:11")
    assert new != old
    assert len(new) == after["size"] != before["size"]
