"""A release on a web server: what is read, what goes wrong, and that nothing wrong is kept."""

from __future__ import annotations

import base64
import json
import pickle
import re
import warnings
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import close_session

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from llmfusionbench.errors import InputError, ReleaseError
from llmfusionbench.release import Release, diff_releases
from llmfusionbench.remote.store import CachedReleaseWarning
from llmfusionbench.storage.files import sha256
from tests.helpers.range_server import RangeServer
from tests.remote.conftest import TRAIN, entries


def scores(release: Release) -> list[float]:
    return release.table("responses").to_table(columns=["performance"])["performance"].to_pylist()


def test_every_table_is_that_of_the_directory(web: RangeServer, whole: Path) -> None:
    far, near = lfb.open_release(f"{web.url}/"), Release(whole)
    assert [entry[0] for entry in web.log] == ["/data/manifest.json"]
    for name in near.tables:
        assert far.table(name).to_table() == near.table(name).to_table()
    assert far.routing().performance.tolist() == near.routing().performance.tolist()
    assert far.info() == near.info()
    assert sum(batch.num_rows for batch in far.batches("logs", "test")) == near.table("logs", "test").count_rows()
    assert far.manifest_sha256 == sha256(whole / "manifest.json")
    assert str(far.path / "x") == f"{web.url}/x"
    assert far.differences() == []
    assert not any(diff_releases(far, near))


def test_only_the_column_is_read_and_only_once(web: RangeServer, whole: Path) -> None:
    total = sum(len(data) for data in web.files.values())
    expected = scores(Release(whole))
    release = lfb.open_release(web.url)
    assert scores(release) == expected
    assert {entry[0].split("/")[2] for entry in web.log} == {"manifest.json", "responses"}
    assert web.sent() < 0.1 * total
    assert all(entry[2] == 206 for entry in web.log[1:])
    web.log.clear()
    assert scores(lfb.open_release(web.url)) == expected
    assert scores(pickle.loads(pickle.dumps(release))) == expected
    assert [entry[0] for entry in web.log] == ["/data/manifest.json"]


def test_offline_afterwards(web: RangeServer, whole: Path) -> None:
    scores(lfb.open_release(web.url))
    web.stop()
    close_session()
    with pytest.warns(CachedReleaseWarning, match="using the manifest fetched earlier, because .*: no answer"):
        release = lfb.open_release(web.url)
    assert scores(release) == scores(Release(whole))
    with pytest.raises(ReleaseError, match=r"^http://.*/data/responses/.*\.parquet: no answer \(.*\)\. Remedy: .*$"):
        release.table("responses").to_table(columns=["response"])
    with pytest.raises(ReleaseError, match=r"/data/llms/train-00000-of-00001.parquet: no answer"):
        release.rows("llms")
    web.start(web.port)
    assert release.table("responses").to_table(columns=["response"]).num_rows == 3_600


def test_a_release_that_was_never_read(web: RangeServer) -> None:
    web.stop()
    close_session()
    with pytest.raises(ReleaseError, match=r"/data/manifest.json: no answer"):
        lfb.open_release(web.url)
    web.start(web.port)


@pytest.mark.parametrize(
    ("faults", "line"),
    [
        (["500"] * 3, r"{}: the server answered with HTTP status 500\. Remedy: try again later"),
        (["404"], r"{}: no such file \(HTTP status 404\)\. Remedy: check the address of the release"),
        (["401"], r"{}: the server denies access \(HTTP status 401\)\. Remedy: check your rights to it"),
        (["403"], r"{}: the server denies access \(HTTP status 403\)\. Remedy: check your rights to it"),
        (["cut"] * 3, r"{}: the transfer broke off \(.*\)\. Remedy: try again"),
        (["drop"] * 3, r"{}: the transfer broke off \(.*\)\. Remedy: try again"),
        (["shift"], r"{}: the server answered with other bytes \(bytes .*\) than bytes .*\. Remedy: use a server that .*"),
        (["redirect"] * 40, r"{}: .*redirects.*\. Remedy: check the address of the release"),
        (["416"], r"{}: differs from the release's manifest \(.* bytes, expected .* bytes\)\. Remedy: .*"),
    ],
)
def test_faults_are_one_line_and_leave_nothing(
    faults: list[str], line: str, web: RangeServer, whole: Path, tmp_path: Path
) -> None:
    release = lfb.open_release(web.url)
    web.faults[TRAIN] = list(faults)
    with pytest.raises(ReleaseError) as caught:
        release.table("responses", "train")
    place = f"{web.url}/{TRAIN}"
    assert re.fullmatch(line.format(re.escape(place)), str(caught.value))
    digest = release.manifest["files"][TRAIN]["sha256"]
    assert [e for e in entries(tmp_path) if e.parent.name.startswith(digest)] == []
    web.faults.clear()
    assert scores(release) == scores(Release(whole))
    assert [e for e in entries(tmp_path) if e.parent.name.startswith(digest)] != []


@pytest.mark.parametrize("faults", [["500"], ["503", "cut"], ["drop", "429"]])
def test_faults_that_pass(faults: list[str], web: RangeServer, whole: Path) -> None:
    release = lfb.open_release(web.url)
    web.faults[TRAIN] = list(faults)
    assert scores(release) == scores(Release(whole))
    assert web.faults[TRAIN] == []


def test_a_fault_while_rows_are_read(web: RangeServer, whole: Path) -> None:
    release = lfb.open_release(web.url)
    table = release.table("responses")
    web.faults[TRAIN] = ["403"]
    with pytest.raises(ReleaseError, match=f"{TRAIN}: the server denies access"):
        table.to_table(columns=["llm"])
    assert table.to_table(columns=["llm"]).num_rows == 3_600


def test_a_server_without_ranges(whole: Path, tmp_path: Path) -> None:
    with RangeServer.of(whole, ranges=False) as web:
        release = lfb.open_release(web.url)
        assert release.rows("llms").num_rows == 20, "small files come whole"
        with pytest.raises(ReleaseError, match=r"\.parquet: the server sends the whole file when asked for .* bytes of it"):
            release.table("responses")
        assert max(e.stat().st_size for e in entries(tmp_path)) < 2**16, "nothing large was kept"


def test_a_file_that_changed(web: RangeServer, whole: Path) -> None:
    name, longer = f"/data/{TRAIN}", pq.read_table(whole / TRAIN)
    data = web.files[name]
    for other, said in (
        (data + b"x", "more than"),
        (data[:-1], "bytes, expected"),
        (data[:-8] + b"12345678", "Parquet magic bytes"),
        (rewritten(longer.slice(60), len(data)), "rows, expected"),
        (rewritten(longer.slice(60).rename_columns(["q", *longer.column_names[1:]]), len(data)), "query_id is missing"),
    ):
        web.files[name] = other
        release = lfb.open_release(web.url)
        with pytest.raises(ReleaseError, match=f"{TRAIN}: differs from the release's manifest .*{said}"):
            release.table("responses")
    web.files[name] = data
    assert len(scores(lfb.open_release(web.url))) == 3_600


def test_a_file_that_changes_between_two_processes(web: RangeServer, whole: Path) -> None:
    """Columns of one file are never put beside those of another."""
    scores(lfb.open_release(web.url))
    data = web.files[f"/data/{TRAIN}"]
    web.files[f"/data/{TRAIN}"] = rewritten(pq.read_table(whole / TRAIN).slice(60), len(data))
    release = lfb.open_release(web.url)
    with pytest.raises(ReleaseError, match=f"{TRAIN}: differs .* \\(another file than before, expected the same file\\)"):
        release.table("responses").to_table(columns=["llm"])
    web.files[f"/data/{TRAIN}"] = data
    assert lfb.open_release(web.url).rows("responses").num_rows == 3_600


def rewritten(table: pa.Table, size: int) -> bytes:
    """A Parquet file of these rows of exactly this size."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    short = sink.getvalue().to_pybytes()
    assert len(short) < size
    tail = int.from_bytes(short[-8:-4], "little") + 8
    return short[:-tail] + bytes(size - len(short)) + short[-tail:]


def test_a_small_file_that_changed(web: RangeServer) -> None:
    name = "llms/train-00000-of-00001.parquet"
    data = bytearray(web.files[f"/data/{name}"])
    data[30] ^= 1
    web.files[f"/data/{name}"] = bytes(data)
    with pytest.raises(ReleaseError, match=f"{name}: differs from the release's manifest \\(sha256 "):
        lfb.open_release(web.url).rows("llms")


def test_pages_with_checksums_are_verified(web: RangeServer, whole: Path, tmp_path: Path) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pq.read_table(whole / TRAIN), sink, compression="none", write_page_checksum=True, use_dictionary=False)
    good = sink.getvalue().to_pybytes()
    data = bytearray(good)
    manifest = json.loads(web.files["/data/manifest.json"])
    manifest["files"][TRAIN] |= {"bytes": len(data), "sha256": "0" * 64}
    web.files |= {"/data/manifest.json": json.dumps(manifest).encode(), f"/data/{TRAIN}": bytes(data)}
    assert lfb.open_release(web.url).rows("responses").num_rows == 3_600
    data[len(data) // 2] ^= 1  # in the texts; the footer is as it was
    web.files[f"/data/{TRAIN}"] = bytes(data)
    for entry in entries(tmp_path):
        entry.unlink()
    release = lfb.open_release(web.url)
    with pytest.raises(ReleaseError, match=r"table responses cannot be read \(.*CRC.*\)\. Remedy: try again"):
        release.rows("responses")
    web.files[f"/data/{TRAIN}"] = good
    assert release.rows("responses").num_rows == 3_600, "what was damaged is not kept"


def test_two_addresses_do_not_share_what_is_not_verified(web: RangeServer, whole: Path) -> None:
    """Else one server could put false rows into a release of another."""
    scores(lfb.open_release(web.url))
    web.files |= {name.replace("/data/", "/other/", 1): data for name, data in web.files.items()}
    web.log.clear()
    scores(lfb.open_release(web.url.replace("/data", "/other")))
    assert {path for path, *_ in web.log} >= {f"/other/{TRAIN}"}


def test_local_downloads_and_checks_everything(web: RangeServer, whole: Path) -> None:
    local = lfb.open_release(web.url).local()
    assert isinstance(local.path, Path)
    assert lfb.validate(local.path) == []
    assert {p.name for p in local.path.rglob("*.parquet")} == {p.name for p in whole.rglob("*.parquet")}
    assert run(["validate", web.url]) == 0
    web.log.clear()
    assert lfb.open_release(web.url).local().path == local.path
    assert [entry[0] for entry in web.log] == ["/data/manifest.json"]
    assert local.local() is local


def test_local_refuses_a_file_that_changed(web: RangeServer) -> None:
    data = bytearray(web.files[f"/data/{TRAIN}"])
    data[1_000] ^= 1
    web.files[f"/data/{TRAIN}"] = bytes(data)
    with pytest.raises(ReleaseError, match=f"{TRAIN}: differs from the release's manifest \\(sha256 "):
        lfb.open_release(web.url).local()


def test_what_is_not_a_release(web: RangeServer) -> None:
    with pytest.raises(ReleaseError, match=r"/nothing/manifest.json: no such file \(HTTP status 404\)"):
        lfb.open_release(web.url.replace("/data", "/nothing"))
    web.files["/data/manifest.json"] = b"<html>"
    with pytest.raises(ReleaseError, match=r"/data/manifest.json: not readable as JSON"):
        lfb.open_release(web.url)
    web.files["/data/manifest.json"] = json.dumps({"schema_version": "1.0", "tables": {}, "files": {"../x": {}}}).encode()
    with pytest.raises(ReleaseError, match=r"file '../x' lies outside the release"):
        lfb.open_release(web.url)
    for wrong in ("https://", "s4://bucket/x", "http://[::1/x"):
        with pytest.raises(InputError, match="Remedy: "):
            lfb.open_release(wrong)
    with pytest.raises(InputError, match="has no revisions"):
        lfb.open_release(web.url, revision="v1")


def test_secrets_in_an_address(web: RangeServer, whole: Path, tmp_path: Path) -> None:
    web.password = "Basic " + base64.b64encode(b"reader:open-sesame-9").decode()
    with pytest.raises(ReleaseError, match=r"denies access \(HTTP status 401\)"):
        lfb.open_release(web.url)
    address = web.url.replace("http://", "http://reader:open-sesame-9@") + "?signature=abcdef123456"
    release = lfb.open_release(address)
    assert scores(release) == scores(Release(whole))
    assert str(release.path) == web.url
    web.faults["llms"] = ["404"]
    with pytest.raises(ReleaseError) as caught:
        release.rows("llms")
    kept = b"".join(p.read_bytes() for p in (tmp_path / "cache").rglob("*") if p.is_file())
    for secret in ("open-sesame-9", "abcdef123456"):
        assert secret not in f"{caught.value} {release!r}"
        assert secret.encode() not in kept
        assert not [p for p in (tmp_path / "cache").rglob("*") if secret in p.name]


def test_a_redirect_to_another_server_has_no_password(web: RangeServer, whole: Path) -> None:
    web.password = "Basic " + base64.b64encode(b"reader:open-sesame-9").decode()
    with RangeServer.of(whole) as other:
        web.faults["parquet"] = [f"redirect http://127.0.0.1:{other.port}"] * 100
        release = lfb.open_release(web.url.replace("http://", "http://reader:open-sesame-9@"))
        assert scores(release) == scores(Release(whole))
        assert set(web.authorizations) == {web.password}
        files = {path for path, *_ in other.log}
        assert len(other.log) > len(files)
        assert sorted(path for path, *_ in web.log if path.endswith(".parquet")) == sorted(files), "led there once per file"
        assert set(other.authorizations) == {None}
        web.log.clear()
        other.faults[TRAIN] = ["403"]  # an address that was signed for an hour
        assert release.table("responses").to_table(columns=["llm"]).num_rows == 3_600
        assert [path for path, *_ in web.log] == [f"/data/{TRAIN}"]


def test_files_must_be_fetched_first_where_paths_are_needed(web: RangeServer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        release = lfb.open_release(web.url)
        with pytest.raises(InputError, match=r"its files are not on this machine\. Remedy: use release.local\(\)"):
            release.files("llms")
        assert release.inputs == []
        assert release.local().files("llms")[0].is_file()


def test_a_file_that_is_replaced_while_it_is_read(web: RangeServer, whole: Path) -> None:
    """The ETag shows it, also where the end is the same."""
    release = lfb.open_release(web.url)
    scores(release)
    data = bytearray(web.files[f"/data/{TRAIN}"])
    data[1_000] ^= 1
    web.files[f"/data/{TRAIN}"] = bytes(data)
    with pytest.raises(ReleaseError, match=f"{TRAIN}: changed while it was read. Remedy: open the release again"):
        release.rows("responses", columns=["response"])
    with pytest.raises(ReleaseError, match="changed while it was read"):
        pickle.loads(pickle.dumps(release)).rows("responses", columns=["response"])
