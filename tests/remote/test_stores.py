"""Stores that fsspec knows: memory and a directory here, and S3 by its own client over HTTP from moto's server."""

from __future__ import annotations

import json
import re
import secrets
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

import llmfusionbench as lfb
from llmfusionbench.errors import InputError, MissingExtraError, ReleaseError
from llmfusionbench.release import Release
from llmfusionbench.remote.store import CachedReleaseWarning, UnreachableError
from tests.remote.conftest import TRAIN, entries, needs_s3


@pytest.fixture
def memory(whole: Path) -> Iterator[str]:
    files = fsspec.filesystem("memory")
    for path in whole.rglob("*"):
        if path.is_file():
            files.pipe_file(f"/place/{path.relative_to(whole).as_posix()}", path.read_bytes())
    yield "memory://place"
    files.rm("/place", recursive=True)


def check_reading(url: str, whole: Path) -> Release:
    far, near = lfb.open_release(url), Release(whole)
    columns = ["query_id", "performance"]
    assert far.table("responses").to_table(columns=columns) == near.table("responses").to_table(columns=columns)
    assert far.routing().performance.tolist() == near.routing().performance.tolist()
    assert str(far.path) == url
    return far


def test_memory(memory: str, whole: Path, tmp_path: Path) -> None:
    far = check_reading(memory, whole)
    read = sum(entry.stat().st_size for entry in entries(tmp_path))
    assert read < 0.25 * sum(entry["bytes"] for entry in far.manifest["files"].values())
    assert isinstance(far.local().path, Path)


def test_a_directory_by_its_url(whole: Path) -> None:
    release = lfb.open_release(f"file://{whole}")
    assert release.path == whole
    with pytest.raises(ReleaseError, match="no release here"):
        lfb.open_release(f"file://{whole}/logs")


def test_a_file_that_changed_or_is_gone(memory: str) -> None:
    files = fsspec.filesystem("memory")
    release, data = lfb.open_release(memory), files.cat_file(f"/place/{TRAIN}")
    for other in (data + b"x", data[:-1], data[:100]):
        files.pipe_file(f"/place/{TRAIN}", other)
        with pytest.raises(ReleaseError, match=rf"^memory://place/{TRAIN}: differs from the release's manifest .* bytes, "):
            release.table("responses")
    files.rm(f"/place/{TRAIN}")
    with pytest.raises(ReleaseError, match=rf"^memory://place/{TRAIN}: no such file\. Remedy: check the address"):
        release.table("responses")
    files.pipe_file(f"/place/{TRAIN}", data)
    assert release.table("responses").count_rows() == 3_600


def test_no_release_there() -> None:
    with pytest.raises(ReleaseError, match=r"^memory://nothing/manifest.json: no such file"):
        lfb.open_release("memory://nothing")


def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    for protocol in ("s3", "abfs"):  # a test before this one may have opened such a store
        monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, protocol, raising=False)
    with pytest.raises(MissingExtraError, match=r"^s3fs is not installed\. Remedy: pip install 'llmfusionbench\[s3\]'$"):
        lfb.open_release("s3://bucket/release")
    monkeypatch.setitem(sys.modules, "adlfs", None)
    with pytest.raises(InputError, match=r"^abfs://c/x: a package for abfs:// is missing \(.*\)\. Remedy: install it$"):
        lfb.open_release("abfs://c/x")


def test_a_store_that_connects_when_it_is_opened() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UnreachableError, match=rf"^ftp://{host}/x: no answer \(.*\)\. Remedy: check the address") as caught:
            lfb.open_release(f"ftp://reader:open-sesame-9@{host}/x")
    assert "open-sesame-9" not in repr((caught.value, caught.value.__cause__))


@pytest.fixture
def bucket(whole: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket on moto's server, with a log of the requests for objects."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "open-sesame-9", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    name = f"logs-{secrets.token_hex(4)}"
    files.mkdir(name)
    for path in whole.rglob("*"):
        if path.is_file():
            files.pipe_file(f"{name}/v1/{path.relative_to(whole).as_posix()}", path.read_bytes())
    yield server, files, name
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def requests(log: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    """(method, path, status) of the requests that the server has logged."""
    lines = (re.search(r'([A-Z]+) (\S+) HTTP/1.1\S*" ([0-9]+)', record.getMessage()) for record in log.records)
    return [(line[1], line[2], line[3]) for line in lines if line is not None]


@needs_s3
def test_s3(bucket: Any, whole: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, files, name = bucket
    caplog.set_level("INFO", "werkzeug")
    caplog.clear()
    far = check_reading(f"s3://{name}/v1", whole)
    assert {entry[::2] for entry in requests(caplog)} == {("GET", "206")}, "ranges of objects, and no listing"
    read = sum(entry.stat().st_size for entry in entries(tmp_path))
    assert read < 0.25 * sum(entry["bytes"] for entry in far.manifest["files"].values())
    caplog.clear()
    check_reading(f"s3://{name}/v1", whole)
    assert [path for _, path, _ in requests(caplog)] == [f"/{name}/v1/manifest.json"]
    data = files.cat_file(f"{name}/v1/{TRAIN}")
    for other in (data + b"x", data[:-1], data[:100]):
        files.pipe_file(f"{name}/v1/{TRAIN}", other)
        with pytest.raises(ReleaseError, match=f"{TRAIN}: differs from the release's manifest"):
            lfb.open_release(f"s3://{name}/v1").table("responses").to_table(columns=["response"])


@needs_s3
def test_s3_that_is_down_or_denies(bucket: Any, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    server, _, name = bucket
    with pytest.raises(ReleaseError, match=f"^s3://{name}/v2/manifest.json: no such file"):
        lfb.open_release(f"s3://{name}/v2")
    with pytest.raises(ReleaseError, match=r"^s3://no-such-bucket-9/v2/manifest.json: no such file"):
        lfb.open_release("s3://no-such-bucket-9/v2")
    check_reading(f"s3://{name}/v1", whole)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", "/nonexistent")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(ReleaseError, match=rf"^s3://{name}/v1/manifest.json: the store denies access \(.*\)\. Remedy: "):
        lfb.open_release(f"s3://{name}/v1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "open-sesame-9")
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()
    with pytest.warns(CachedReleaseWarning, match="using the manifest fetched earlier"):
        far = lfb.open_release(f"s3://{name}/v1")
    assert far.routing().performance.tolist() == Release(whole).routing().performance.tolist()
    with pytest.raises(ReleaseError, match=r"\.parquet: no answer \(.*\)\. Remedy: check the address") as caught:
        far.rows("responses", columns=["response"])
    assert "open-sesame-9" not in json.dumps(str(caught.value))
    server.start()
