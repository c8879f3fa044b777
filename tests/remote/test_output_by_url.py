"""Releases that are written to a store: the files of a local run, all or none, and a rerun that writes what is missing."""

from __future__ import annotations

import pickle
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench
from llmfusionbench.builders import build
from llmfusionbench.builders.making import spill
from llmfusionbench.builders.merging.merge import merge
from llmfusionbench.builders.revising.recount import recount
from llmfusionbench.builders.revising.rescore import rescore
from llmfusionbench.engines import Engine
from llmfusionbench.errors import InputError
from llmfusionbench.manifest import MANIFEST
from llmfusionbench.release import Release
from llmfusionbench.release.far_writer import FarReleaseWriter
from llmfusionbench.release.targets import STATE, StoreTarget
from tests.helpers.command import Command
from tests.helpers.importable import importable
from tests.helpers.sample_part import write_part
from tests.helpers.store_proxy import Fault
from tests.remote.conftest import SECRET, Bucket, needs_s3

pytestmark = needs_s3
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")


@pytest.fixture(scope="session")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of three shards."""
    made = write_part(tmp_path_factory.mktemp("part") / "part", tasks=("math", "gsm8k"), queries=4, llms=3, shards=3)
    return made.directory


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build makes several shards of a few answers."""
    monkeypatch.setattr(spill, "SHARD_BYTES", 6_000)


def digests(release: Release) -> dict[str, str]:
    return {name: entry["sha256"] for name, entry in release.manifest["files"].items()}


def shards(bucket: Bucket, folder: str) -> list[str]:
    """The shards that were written, in order."""
    start = f"/{bucket.name}/{folder}/"
    return [path.removeprefix(start) for path in bucket.proxy.written() if path.startswith(start) and f"/{STATE}/" not in path]


def check_complete(bucket: Bucket, folder: str, near: Release) -> None:
    far = llmfusionbench.open_release(f"{bucket.url}/{folder}")
    assert far.manifest_sha256 == near.manifest_sha256
    assert bucket.names(folder) == {MANIFEST, *near.manifest["files"]}
    assert digests(far.local()) == digests(near)
    assert shards(bucket, folder)[-1] == MANIFEST


def test_build(bucket_at_proxy: Bucket, part: Path, tmp_path: Path) -> None:
    near = build("release", [part], tmp_path / "near", workers=2)
    far = build("release", [part], f"{bucket_at_proxy.url}/v1", workers=2)
    assert str(far.path) == f"{bucket_at_proxy.url}/v1"
    check_complete(bucket_at_proxy, "v1", near)


class Blind:
    """An engine whose workers see no file of the run: the directories of the command are away while a unit runs."""

    here = 1

    def __init__(self, *away: Path) -> None:
        self.away, self.ran = away, 0

    def spare(self, units: int) -> int:
        return 1

    def run(self, function: Any, units: Iterable[Any], *, threads: bool = False, sees: Sequence[Path] = ()) -> Iterator[Any]:
        assert not sees
        for place, unit in enumerate(units):
            sent = pickle.dumps((function, unit))
            with ExitStack() as stack:
                for folder in (folder for pattern in self.away for folder in pattern.parent.glob(pattern.name)):
                    hidden = folder.with_name(f"hidden-{folder.name}")
                    folder.rename(hidden)
                    stack.callback(hidden.rename, folder)
                work, own = pickle.loads(sent)
                result = pickle.dumps(work(own))
            self.ran += 1
            yield place, pickle.loads(result)


@pytest.mark.parametrize("how", ["build", "rescore"])
def test_workers_that_see_no_file_of_the_command(
    bucket_at_proxy: Bucket, part: Path, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "own"))
    source = tmp_path / "source"
    shutil.copytree(part, source)

    def make(out: str | Path, engine: str | Engine) -> Release:
        if how == "build":
            return build("release", [source], out, engine=engine)
        made = rescore(source, out, engine=engine).release
        assert made is not None
        return made

    near, blind = make(tmp_path / "near", "local"), Blind(source, tmp_path / "own" / "release-*")
    make(f"{bucket_at_proxy.url}/v1", blind)
    assert blind.ran >= 2
    check_complete(bucket_at_proxy, "v1", near)
    assert list((tmp_path / "own").iterdir()) == []


@needs_ray
def test_workers_of_ray(bucket_at_proxy: Bucket, part: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**importable(), "RAY_AUTH_MODE": "disabled"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    near = build("release", [part], tmp_path / "near")
    build("release", [part], f"{bucket_at_proxy.url}/v1", engine="ray", workers=2)
    check_complete(bucket_at_proxy, "v1", near)


def test_rescore_from_one_place_of_a_store_to_another(bucket_at_proxy: Bucket, part: Path, tmp_path: Path) -> None:
    for path in part.rglob("*.*"):
        if path.is_file():
            name = path.relative_to(part).as_posix()
            bucket_at_proxy.files.pipe_file(f"{bucket_at_proxy.name}/v1/{name}", path.read_bytes())
    near = rescore(part, tmp_path / "near", workers=1).release
    far = rescore(f"{bucket_at_proxy.url}/v1", f"{bucket_at_proxy.url}/v2", workers=2)
    assert near is not None
    assert far.resumed == 0
    check_complete(bucket_at_proxy, "v2", near)


@pytest.mark.parametrize("how", ["rescore", "tokens", "merge"])
def test_the_same_bytes_as_here(bucket_at_proxy: Bucket, part: Path, tmp_path: Path, how: str) -> None:
    def make(out: str | Path) -> Release:
        if how == "merge":
            return merge(["sample", "smol"], out).release
        made = rescore(part, out, workers=1) if how == "rescore" else recount(part, out, tokenizer="cl100k_base", workers=1)
        assert made.release is not None
        return made.release

    near = make(tmp_path / "near")
    assert digests(make(f"{bucket_at_proxy.url}/v1")) == digests(near)
    check_complete(bucket_at_proxy, "v1", near)


@pytest.mark.parametrize("fault", [503, "cut"])
def test_a_store_that_fails_for_a_while(bucket_at_proxy: Bucket, tmp_path: Path, part: Path, fault: Fault) -> None:
    """Every third request to write fails, among them those of the worker processes."""
    near = rescore(part, tmp_path / "near", workers=1).release
    numbers = count()
    bucket_at_proxy.proxy.fault = lambda method, path: fault if method == "PUT" and next(numbers) % 3 == 1 else None
    rescore(part, f"{bucket_at_proxy.url}/v1", workers=2)
    bucket_at_proxy.proxy.fault = lambda method, path: None
    assert near is not None
    check_complete(bucket_at_proxy, "v1", near)


@pytest.mark.parametrize("stops_at", ["/responses/", "/routing/", "README.md", MANIFEST])
def test_a_store_that_stays_down_and_a_rerun(
    bucket_at_proxy: Bucket, tmp_path: Path, part: Path, stops_at: str, lfb: Command
) -> None:
    near = rescore(part, tmp_path / "near", workers=1).release
    url, seen = f"{bucket_at_proxy.url}/v1", count()

    def down(method: str, path: str) -> Fault:
        is_it = method == "PUT" and stops_at in path and f"/{STATE}/" not in path
        return 503 if is_it and (next(seen) > 0 or stops_at in (MANIFEST, "README.md")) else None

    bucket_at_proxy.proxy.fault = down
    code, _, errors = lfb("rescore", part, "--out", url, "--workers", "1")
    assert code == 1
    line = (
        rf"llmfusionbench: error: {url}/\S*{stops_at.strip('/')}\S*: the store is busy or fails \(.*\)\. Remedy: run the same"
    )
    assert re.match(line, errors), errors
    assert errors.count("\n") == 1
    assert SECRET not in errors
    assert MANIFEST not in bucket_at_proxy.names("v1")
    done = set(shards(bucket_at_proxy, "v1"))
    assert done
    bucket_at_proxy.proxy.fault = lambda method, path: None
    bucket_at_proxy.proxy.log.clear()
    assert lfb("rescore", part, "--out", url, "--workers", "1")[0] == 0
    assert near is not None
    assert sorted(shards(bucket_at_proxy, "v1")) == sorted({MANIFEST, *near.manifest["files"]} - done)
    bucket_at_proxy.proxy.log.append(("PUT", f"/{bucket_at_proxy.name}/v1/{MANIFEST}", 200))
    check_complete(bucket_at_proxy, "v1", near)


def test_a_build_that_is_broken_off_and_again(bucket_at_proxy: Bucket, tmp_path: Path, part: Path) -> None:
    near, url = build("release", [part], tmp_path / "near"), f"{bucket_at_proxy.url}/v1"
    bucket_at_proxy.proxy.fault = lambda method, path: "cut" if method == "PUT" and "/v1/logs/test-00001" in path else None
    with pytest.raises(InputError, match=r"/logs/test-00001-of-\d+\.parquet: no answer \(.*\)\. Remedy: check the address and"):
        build("release", [part], url, workers=1)
    bucket_at_proxy.proxy.fault = lambda method, path: None
    done = set(shards(bucket_at_proxy, "v1"))
    assert any(name.startswith("queries/test-00000") for name in done)
    bucket_at_proxy.proxy.log.clear()
    build("release", [part], url, workers=1)
    assert sorted(shards(bucket_at_proxy, "v1")) == sorted({MANIFEST, *near.manifest["files"]} - done)
    check_complete(bucket_at_proxy, "v1", near)


def test_other_settings_after_a_break(bucket_at_proxy: Bucket, tmp_path: Path, part: Path) -> None:
    """What is stale is written again, and what only the first run would have is removed."""
    url = f"{bucket_at_proxy.url}/v1"
    bucket_at_proxy.proxy.fault = lambda method, path: 403 if method == "PUT" and path.endswith(MANIFEST) else None
    with pytest.raises(InputError, match=r"manifest\.json: the store denies access"):
        rescore(part, url, workers=1)
    bucket_at_proxy.proxy.fault = lambda method, path: None
    assert "rescore_changes.parquet" in bucket_at_proxy.names("v1")
    near = recount(part, tmp_path / "near", tokenizer="cl100k_base", workers=1).release
    recount(part, url, tokenizer="cl100k_base", workers=1)
    assert near is not None
    check_complete(bucket_at_proxy, "v1", near)


def test_a_file_that_another_run_replaces(bucket_at_proxy: Bucket, part: Path) -> None:
    """It is seen before the manifest is written."""
    name = f"{bucket_at_proxy.name}/v1/llms/train-00000-of-00001.parquet"
    put: list[str] = []

    def meddle(method: str, path: str) -> Fault:
        if method == "PUT" and path.endswith("/README.md") and not put:
            put.append(path)
            bucket_at_proxy.files.pipe_file(name, b"other")
        return None

    bucket_at_proxy.proxy.fault = meddle
    with pytest.raises(InputError, match=r"/llms/train-00000-of-00001\.parquet: is not as this run has written it\. Remedy: "):
        rescore(part, f"{bucket_at_proxy.url}/v1", workers=1)
    assert MANIFEST not in bucket_at_proxy.names("v1")
    rescore(part, f"{bucket_at_proxy.url}/v1", workers=1)
    assert llmfusionbench.open_release(f"{bucket_at_proxy.url}/v1").local()


@pytest.mark.parametrize("at", ["a shard", "the end"])
def test_another_run_that_completes_meanwhile(
    bucket_at_proxy: Bucket, part: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """Its release stays as it is: neither its files nor its manifest are replaced."""
    url = f"{bucket_at_proxy.url}/v1"
    near = rescore(part, tmp_path / "near", workers=1).release
    where: type = StoreTarget if at == "a shard" else FarReleaseWriter
    name = "take" if at == "a shard" else "finish"
    step = getattr(where, name)

    def meanwhile(self: Any, *arguments: Any) -> Any:
        monkeypatch.setattr(where, name, step)
        rescore(part, url, workers=1)
        return step(self, *arguments)

    monkeypatch.setattr(where, name, meanwhile)
    with pytest.raises(InputError) as caught:
        recount(part, url, tokenizer="cl100k_base", workers=1)
    assert str(caught.value) == f"{url}: another run has completed a release there. Remedy: choose another --out"
    assert near is not None
    far = llmfusionbench.open_release(url)
    assert far.manifest_sha256 == near.manifest_sha256
    assert digests(far.local()) == digests(near)
    assert bucket_at_proxy.names("v1") == {MANIFEST, *near.manifest["files"]}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_release_that_is_there_stays(bucket_at_proxy: Bucket, part: Path, overwrite: bool) -> None:
    url = f"{bucket_at_proxy.url}/v1"
    near = rescore(part, url, workers=1).release
    bucket_at_proxy.proxy.log.clear()
    why = " and is not replaced, because others may be reading it" if overwrite else ""
    with pytest.raises(InputError) as caught:
        rescore(part, url, overwrite=overwrite, workers=1)
    assert str(caught.value) == f"{url}: a release is there already{why}. Remedy: choose another --out, or remove it first"
    assert bucket_at_proxy.proxy.written() == []
    assert near is not None


def test_other_files_that_are_there_stay(bucket_at_proxy: Bucket, part: Path) -> None:
    bucket_at_proxy.files.pipe_file(f"{bucket_at_proxy.name}/v1/notes.txt", b"mine")
    with pytest.raises(InputError, match=r"/v1: holds notes\.txt, which is not part of an unfinished release\. Remedy: choose"):
        rescore(part, f"{bucket_at_proxy.url}/v1", workers=1)
    assert bucket_at_proxy.names("v1") == {"notes.txt"}


def test_places_that_cannot_be_written(
    bucket_at_proxy: Bucket, part: Path, tmp_path: Path, lfb: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = {
        "s3://no-such-bucket-9/v1": r"s3://no-such-bucket-9/v1/\.state/run: no such bucket or folder \(.*\)\. Remedy: check",
        "hf://datasets/org/name": r"hf://datasets/org/name: no release is written there, because every file would be a "
        r"commit\. Remedy: write to a directory, then run llmfusionbench publish\n",
        "https://x.org/v1?sig=open-sesame-9": r"https://x\.org/v1: no release is written there, because a web server cannot be",
        "memory://v1": r"memory://v1: no release is written there, because the memory of a process ends with it\. Remedy: ",
        "nowhere://v1": r"nowhere://v1: cannot be opened \(Protocol not known: nowhere\)\. Remedy: check the address\n",
    }
    for place, message in said.items():
        code, _, errors = lfb("rescore", part, "--workers", "1", "--out", place)
        assert (code, bool(re.match(f"llmfusionbench: error: {message}", errors))) == (1, True), errors
        assert SECRET not in errors
    bucket_at_proxy.proxy.fault = lambda method, path: 403
    code, _, errors = lfb("rescore", part, "--workers", "1", "--out", f"{bucket_at_proxy.url}/v1")
    assert (code, SECRET in errors) == (1, False)
    assert re.match(rf"llmfusionbench: error: {bucket_at_proxy.url}/v1: the store denies access \(.*\)\. Remedy: ", errors), (
        errors
    )
    code, _, errors = lfb("evaluate", "sample", "--router", "random", "--out", f"{bucket_at_proxy.url}/report")
    expected = f"{bucket_at_proxy.url}/report: is a URL, expected a place on this machine. Remedy: name a path"
    assert errors == f"llmfusionbench: error: {expected}\n"
    assert list(tmp_path.glob("*:*")) == []


def test_a_state_that_cannot_be_removed(bucket_at_proxy: Bucket, part: Path) -> None:
    bucket_at_proxy.proxy.fault = lambda method, path: 403 if method in ("DELETE", "POST") else None
    with pytest.warns(UserWarning, match=r"the release is complete, but \.state could not be removed: .*denies access"):
        made = rescore(part, f"{bucket_at_proxy.url}/v1", workers=1)
    assert made.release is not None
    assert llmfusionbench.open_release(f"{bucket_at_proxy.url}/v1").local()


def test_a_url_of_this_machine(part: Path, tmp_path: Path, lfb: Command) -> None:
    code, output, errors = lfb("rescore", part, "--workers", "1", "--out", f"file://{tmp_path}/a%20b")
    assert code == 0, errors
    near = rescore(part, tmp_path / "near", workers=1).release
    assert near is not None
    assert Release(tmp_path / "a b").manifest_sha256 == near.manifest_sha256
    assert f"Wrote {tmp_path}/a b. The answers that changed" in output
