"""Two places are never taken for one: neither what the cache has of them, nor the copy of one that does not answer."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pyarrow as pa
import pytest
from huggingface_hub import close_session

import llmfusionbench as lfb
from llmfusionbench.errors import ReleaseError
from llmfusionbench.release import Release
from llmfusionbench.release.writer import write_shard
from llmfusionbench.remote.object_store import ObjectStore
from llmfusionbench.remote.store import CachedReleaseWarning, origin_of
from tests.helpers.hub import LocalHub, run_client
from tests.helpers.hub_store import Blob
from tests.helpers.range_server import RangeServer
from tests.remote.conftest import TRAIN, needs_s3

SCORES = """
from llmfusionbench import open_release
table = open_release({name!r}).table("responses", "train").to_table(columns=["performance"])
print(sum(table["performance"].to_pylist()))
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class Lie(Blob):
    """A blob of which the Hub states the digest of another."""

    stated = ""

    @property
    def sha256(self) -> str:
        return self.stated


def false_rows(whole: Path, scratch: Path) -> bytes:
    """A shard of the same size with other scores."""
    table = Release(whole).place.dataset([TRAIN], "responses").to_table()
    at = table.schema.get_field_index("performance")
    write_shard(scratch, TRAIN, table.set_column(at, table.schema.field(at), pa.array([0.125] * table.num_rows)))
    data, size = (scratch / TRAIN).read_bytes(), (whole / TRAIN).stat().st_size
    tail = int.from_bytes(data[-8:-4], "little") + 8
    assert len(data) <= size
    return data[:-tail] + bytes(size - len(data)) + data[-tail:]


def test_a_hub_that_lies_does_not_harm_the_release_of_another(whole: Path, tmp_path: Path) -> None:
    files = contents(whole)
    truth = sum(Release(whole).table("responses", "train").to_table(columns=["performance"])["performance"].to_pylist())
    with LocalHub() as liar, LocalHub() as honest:
        liar.put("org/other", files)
        honest.put("org/name", files)
        repo = liar.repos["org/other"]
        lie = Lie(false_rows(whole, tmp_path / "false"), True)
        Lie.stated = Blob(files[TRAIN], True).sha256
        repo.commits[repo.refs["main"]][TRAIN] = lie
        found = [
            run_client(SCORES.format(name=name), hub.env(tmp_path), tmp_path)
            for hub, name in ((liar, "org/other"), (honest, "org/name"))
        ]
    assert [done.stderr for done in found] == ["", ""]
    assert float(found[0].stdout) != pytest.approx(truth)
    assert float(found[1].stdout) == pytest.approx(truth)


def test_the_copy_of_another_address_is_not_opened(web: RangeServer) -> None:
    """The server may answer each query and each user otherwise."""
    opened = lfb.open_release(f"{web.url}?version=1")
    web.stop()
    close_session()
    bob = web.url.replace("http://", "http://bob:hunter22@")
    for other in (f"{web.url}?version=2", web.url, bob, f"{bob}?version=1"):
        with pytest.raises(ReleaseError, match="no answer"):
            lfb.open_release(other)
    with pytest.warns(CachedReleaseWarning):
        assert lfb.open_release(f"{web.url}?version=1").manifest == opened.manifest
    web.start(web.port)


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("", "?v=1", False),
        ("?v=1", "?v=2", False),
        ("?token=abcdef1", "?token=abcdef2", False),
        ("?v=1&Policy=a&Signature=b&Key-Pair-Id=c", "?v=1&Policy=d&Signature=e&Key-Pair-Id=f", True),
        ("?v=1&Policy=a&Signature=b&Key-Pair-Id=c", "?v=2&Policy=a&Signature=b&Key-Pair-Id=c", False),
        ("?X-Amz-Date=1&X-Amz-Signature=2&X-Amz-Credential=3", "?X-Amz-Date=4&X-Amz-Signature=5&X-Amz-Credential=6", True),
        ("?sv=2024&se=today&sr=c&sig=abc", "?sv=2024&se=tomorrow&sr=c&sig=def", True),
        ("?se=today", "?se=tomorrow", False),
    ],
)
def test_a_signature_makes_no_other_place(one: str, two: str, same: bool) -> None:
    address = "https://user:word@example.org/releases/v1"
    assert (origin_of(f"{address}{one}") == origin_of(f"{address}{two}")) is same
    assert origin_of(address) != origin_of(address.replace("user:word", "user:other"))
    assert origin_of(f"{address}/") == origin_of(address)


@needs_s3
@pytest.mark.parametrize("how", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "FSSPEC_S3_ENDPOINT_URL", "AWS_CONFIG_FILE"])
def test_the_same_bucket_at_another_endpoint_is_another_place(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for port in (9, 10):
        endpoint = f"http://127.0.0.1:{port}"
        if how == "AWS_CONFIG_FILE":
            (tmp_path / "settings").write_text(f"[default]\nendpoint_url = {endpoint}\n")
            monkeypatch.setenv(how, str(tmp_path / "settings"))
        elif how.startswith("FSSPEC"):
            monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": endpoint})
        else:
            monkeypatch.setenv(how, endpoint)
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        found.append(ObjectStore("s3://logs/v1").origin)
        monkeypatch.setenv("FSSPEC_S3_SECRET", "another-time")
        assert ObjectStore("s3://logs/v1").origin == found[-1], "a key is no place"
    assert found[0] != found[1]


def test_the_branch_of_another_hub_is_not_opened(whole: Path, tmp_path: Path) -> None:
    code = "from llmfusionbench import open_release\nprint(open_release('org/name').path)"
    with LocalHub() as one, LocalHub() as two:
        one.put("org/name", contents(whole))
        found = run_client(code, one.env(tmp_path), tmp_path)
        with two.down():
            other = run_client(code, two.env(tmp_path), tmp_path)
        with one.down():
            again = run_client(code, one.env(tmp_path), tmp_path)
    assert found.stdout == again.stdout != ""
    assert "CachedReleaseWarning" in again.stderr
    assert other.stdout == ""
    assert "HubUnreachableError" in other.stderr


def test_a_file_that_was_damaged_after_its_download_is_downloaded_again(whole: Path, tmp_path: Path) -> None:
    code = "from llmfusionbench import open_release\nprint(open_release('org/name').local().path)"
    check = "from llmfusionbench import open_release\nprint(open_release('org/name').local().rows('responses').num_rows)"
    with LocalHub() as hub:
        hub.put("org/name", contents(whole))
        place = Path(run_client(code, hub.env(tmp_path), tmp_path).stdout.strip())
        for name in (TRAIN, "llms/train-00000-of-00001.parquet"):
            blob = (place / name).resolve()
            data = bytearray(blob.read_bytes())
            data[20] ^= 1
            blob.write_bytes(data)
        hub.clear_log()
        assert run_client(check, hub.env(tmp_path), tmp_path).stdout == "3600\n"
        again = {r.path.partition("/resolve/")[2].partition("/")[2] for r in hub.log("GET", ".parquet")}
    assert again == {TRAIN, "llms/train-00000-of-00001.parquet"}
    assert contents(place) == contents(whole)
