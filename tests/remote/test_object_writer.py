"""Writing to stores: S3 by its own client over HTTP from moto's server, through a proxy that fails."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from llmfusionbench.errors import InputError, MissingExtraError
from llmfusionbench.remote.object_writer import ObjectWriter
from tests.helpers.store_proxy import Fault
from tests.remote.conftest import SECRET, Bucket, needs_s3

pytestmark = needs_s3


def first(times: int, fault: Fault, method: str = "PUT") -> Callable[[str, str], Fault]:
    """This fault for the first requests of a method."""
    left = iter(range(times))
    return lambda sent, path: fault if sent == method and next(left, None) is not None else None


def writer_of(bucket: Bucket, pauses: list[float] | None = None) -> ObjectWriter:
    waits = (1.0, 4.0, 15.0)
    return ObjectWriter(f"{bucket.url}/v1", waits=waits, pause=([] if pauses is None else pauses).append)


def test_files_are_written_listed_read_and_removed(bucket_at_proxy: Bucket, tmp_path: Path) -> None:
    writer = pickle.loads(pickle.dumps(ObjectWriter(f"{bucket_at_proxy.url}/v1/")))
    assert writer.stored() == {}
    (tmp_path / "file").write_bytes(b"abc" * 1000)
    put = writer.put("a/b.parquet", tmp_path / "file")
    assert put.size == 3000
    writer.put("c.json", b"{}")
    assert writer.stored() == {"a/b.parquet": put, "c.json": writer.put("c.json", b"{}")}
    assert set(writer.stored("a")) == {"a/b.parquet"}
    assert writer.load("c.json") == b"{}"
    assert writer.load("none.json") is None
    again = writer.put("a/b.parquet", b"abd" * 1000)
    assert again.tag != put.tag, "other bytes of the same size are seen"
    writer.remove(["c.json", "none.json"])
    assert set(writer.stored()) == {"a/b.parquet"}


@pytest.mark.parametrize("fault", [429, 500, 502, 503, "cut"])
def test_a_fault_that_passes(bucket_at_proxy: Bucket, fault: Fault, tmp_path: Path) -> None:
    pauses: list[float] = []
    writer = writer_of(bucket_at_proxy, pauses)
    bucket_at_proxy.proxy.fault = first(2, fault)
    (tmp_path / "file").write_bytes(bytes(2**20))
    assert writer.put("file", tmp_path / "file").size == 2**20
    assert pauses == [1.0, 4.0] or (fault == "cut" and pauses == [1.0]), "the client itself tries once more on a new connection"
    assert bucket_at_proxy.files.cat_file(f"{bucket_at_proxy.name}/v1/file") == bytes(2**20)
    bucket_at_proxy.proxy.fault = first(1, fault, "GET")
    assert set(writer.stored()) == {"file"}
    bucket_at_proxy.proxy.fault = first(1, fault, "DELETE")
    writer.remove(["file"])
    assert writer.stored() == {}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (503, r"the store is busy or fails \(.*\)\. Remedy: run the same command again, which writes only what is missing$"),
        ("cut", r"no answer \(.*\)\. Remedy: check the address and the network, then run the same command again"),
        (403, r"the store denies access \(.*\)\. Remedy: check your credentials and rights$"),
    ],
)
def test_a_fault_that_stays(bucket_at_proxy: Bucket, fault: Fault, message: str) -> None:
    pauses: list[float] = []
    writer = writer_of(bucket_at_proxy, pauses)
    bucket_at_proxy.proxy.fault = lambda method, path: fault if method == "PUT" else None
    with pytest.raises(InputError, match=rf"^{bucket_at_proxy.url}/v1/file: {message}") as caught:
        writer.put("file", bytes(1000))
    assert SECRET not in repr((caught.value, caught.value.__cause__))
    assert pauses == ([] if fault == 403 else [1.0, 4.0, 15.0])
    assert writer.stored() == {}


def test_a_large_file_goes_up_in_parts_which_are_dropped_after_a_fault(bucket_at_proxy: Bucket, tmp_path: Path) -> None:
    with open(tmp_path / "large", "wb") as file:
        file.truncate(120 * 2**20)
    parts = count()
    bucket_at_proxy.proxy.fault = lambda method, path: (
        503 if method == "PUT" and "partNumber=2" in path and next(parts) < 1 else None
    )
    writer = writer_of(bucket_at_proxy)
    assert writer.put("large", tmp_path / "large").size == 120 * 2**20
    assert bucket_at_proxy.files.list_multipart_uploads(bucket_at_proxy.name) == []
    assert [path for method, path, _ in bucket_at_proxy.proxy.log if method == "DELETE"], "the first attempt was aborted"


def test_no_such_bucket(bucket_at_proxy: Bucket) -> None:
    writer = ObjectWriter("s3://no-such-bucket-9/v1")
    assert writer.stored() == {}
    with pytest.raises(InputError, match=r"^s3://no-such-bucket-9/v1/file: no such bucket or folder \(.*\)\. Remedy: check"):
        writer.put("file", b"abc")


def test_another_size_than_was_written(bucket_at_proxy: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = ObjectWriter(f"{bucket_at_proxy.url}/v1")
    files = writer.files()[0]
    pipe = files.pipe_file
    monkeypatch.setattr(files, "pipe_file", lambda path, data: pipe(path, data[:-1]))
    with pytest.raises(InputError, match=r"has 2 bytes after it was written, expected 3\. Remedy: "):
        writer.put("file", b"abc")


def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(MissingExtraError, match=r"^gcsfs is not installed\. Remedy: pip install 'llmfusionbench\[gcs\]'$"):
        ObjectWriter("gs://bucket/v1")
