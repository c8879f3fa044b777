"""Logs at URLs: the release is that of the same files here, and the copies do not stay."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from llmfusionbench.builders import build
from llmfusionbench.builders.reading.fetched import fetched, origin
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from llmfusionbench.remote.fetch import fetch
from tests.helpers import warm
from tests.helpers.command import Command
from tests.helpers.hub import LocalHub
from tests.helpers.range_server import RangeServer
from tests.remote.conftest import SECRET, Bucket, needs_s3

LLMS = ("small", "large")
MAPPING = {"map": {"prompt": "question", "response": "answer", "performance": "right", "task": "=trivia", "llm": "{parent}"}}


def logs() -> dict[str, bytes]:
    """Two files of answers; the LLM is the folder's name."""
    rows = {llm: [{"question": f"What is {n}?", "answer": f"{n}", "right": n % 2} for n in range(5)] for llm in LLMS}
    return {f"{llm}/answers.jsonl": "".join(json.dumps(row) + "\n" for row in rows[llm]).encode() for llm in LLMS}


@pytest.fixture
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of temporary files."""
    place = tmp_path / "own_tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name, data in logs().items():
        (tmp_path / "logs" / name).parent.mkdir(parents=True)
        (tmp_path / "logs" / name).write_bytes(data)
    return tmp_path / "logs"


@pytest.fixture
def there(bucket_at_proxy: Bucket) -> str:
    for name, data in logs().items():
        bucket_at_proxy.files.pipe_file(f"{bucket_at_proxy.name}/logs/{name}", data)
    bucket_at_proxy.files.pipe_file(f"{bucket_at_proxy.name}/logs/", b"")  # some tools keep an object for a folder
    return f"{bucket_at_proxy.url}/logs"


def without_urls(release: Release) -> dict[str, Any]:
    manifest = json.loads(json.dumps(release.manifest))
    for entry in manifest["source"]["inputs"]:
        entry.pop("url", None)
    return {key: value for key, value in manifest.items() if key != "files"}


@needs_s3
@pytest.mark.parametrize("end", ["/*/answers.jsonl", "/**", "/*"])
def test_files_in_a_bucket(there: str, here: Path, own_tmp: Path, tmp_path: Path, end: str) -> None:
    near = build("table", sorted(here.glob("*/*.jsonl")), tmp_path / "near", options=MAPPING)
    told: list[tuple[str, int, int | None]] = []
    pattern = there + end if end != "/*" else f"{there}/*/*"
    far = build("table", [pattern], tmp_path / "far", options=MAPPING, progress=lambda *step: told.append(step))
    assert without_urls(far) == without_urls(near)
    files = {name: entry["sha256"] for name, entry in near.manifest["files"].items()}
    assert {name: entry["sha256"] for name, entry in far.manifest["files"].items()} == files
    assert [entry["url"] for entry in far.manifest["source"]["inputs"]] == [f"{there}/{name}" for name in sorted(logs())]
    assert told[:2] == [("files fetched", 1, 2), ("files fetched", 2, 2)]
    assert list(own_tmp.iterdir()) == []


@needs_s3
def test_commands(there: str, own_tmp: Path, tmp_path: Path, lfb: Command) -> None:
    words = ["--map", "prompt=question", "--map", "response=answer", "--map", "performance=right", "--map", "task==trivia"]
    words += ["--map", "llm={parent}"]
    code, built, errors = lfb("build", "table", f"{there}/*/*.jsonl", *words, "--out", str(tmp_path / "far"))
    assert code == 0, errors
    assert "5 queries, 2 candidates, 10 responses" in built
    code, shown, errors = lfb("inspect-log", f"{there}/small/answers.jsonl")
    assert code == 0, errors
    assert f"llmfusionbench build table {there}/small/answers.jsonl" in shown
    assert str(own_tmp) not in built + shown
    code, _, errors = lfb("inspect-log", f"{there}/*/answers.jsonl")
    assert (code, errors) == (
        1,
        f"llmfusionbench: error: {there}/*/answers.jsonl: 2 files, expected one. Remedy: name one of them\n",
    )
    assert list(own_tmp.iterdir()) == []


@needs_s3
def test_faults(bucket_at_proxy: Bucket, there: str, own_tmp: Path, tmp_path: Path) -> None:
    for url in (f"{there}/none.jsonl", f"{there}/none/*.jsonl"):
        with pytest.raises(InputError, match=r"/logs/none.*: no such file\. Remedy: check the address$"):
            build("table", [url], tmp_path / "out", options=MAPPING)
    bucket_at_proxy.proxy.fault = lambda method, path: 403
    with pytest.raises(InputError, match=rf"^{there}: the store denies access \(.*\)\. Remedy: ") as caught:
        build("table", [there], tmp_path / "out", options=MAPPING)
    assert SECRET not in repr((caught.value, caught.value.__cause__))
    left = iter([503, "cut", 503])
    bucket_at_proxy.proxy.fault = lambda method, path: next(left, None)
    build("table", [f"{there}/*/*"], tmp_path / "out", options=MAPPING)
    assert next(left, None) is None, "each fault was met and passed"
    bucket_at_proxy.files.pipe_file(f"{bucket_at_proxy.name}/logs/small/answers.jsonl", b"{")
    with pytest.raises(InputError) as damaged:
        build("zeroeval", [there], tmp_path / "out2")
    assert str(own_tmp) not in str(damaged.value)
    assert there in str(damaged.value)
    assert list(own_tmp.iterdir()) == []


@pytest.mark.parametrize("name", ["../up.jsonl", "a/../../up.jsonl", "a\\b.jsonl", "a\0b.jsonl", "n" * 256, "./dot"])
def test_names_that_lead_elsewhere(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = fsspec.filesystem("memory")
    listing = {f"/hostile/{name}": {"name": f"/hostile/{name}", "size": 1, "type": "file"}}
    monkeypatch.setattr(type(files), "find", lambda self, path, detail=False: listing)
    monkeypatch.setattr(type(files), "get_file", lambda *_: pytest.fail("nothing is copied"))
    with pytest.raises(InputError, match=r"cannot be the name of a file\. Remedy: name other files$"):
        fetch("memory://hostile", tmp_path, lambda *_: None)
    assert list(tmp_path.iterdir()) == []


def test_more_than_the_disk_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = fsspec.filesystem("memory")
    listing = {"/vast/a": {"name": "/vast/a", "size": 2**60, "type": "file"}}
    monkeypatch.setattr(type(files), "find", lambda self, path, detail=False: listing)
    with pytest.raises(InputError, match=r"^memory://vast: 1,152,921,504,606,846,976 bytes, and [\d,]+ are free in "):
        fetch("memory://vast", tmp_path, lambda *_: None)


def test_a_file_and_a_folder_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = fsspec.filesystem("memory")
    listing = {name: {"name": name, "size": 1, "type": "file"} for name in ("/both/a/b", "/both/a")}
    monkeypatch.setattr(type(files), "find", lambda self, path, detail=False: listing)
    with pytest.raises(InputError, match=r"^memory://both: has a file and a folder of one name \(a\)\. Remedy: name files$"):
        fetch("memory://both", tmp_path, lambda *_: None)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("403", r"the store denies access \(403, .*\)\. Remedy: check your credentials and rights"),
        ("503", r"cannot be read \(503, .*\)\. Remedy: try again later"),
        ("400", r"cannot be read \(400, .*\)\. Remedy: try again later"),
        ("404", r"no such file\. Remedy: check the address"),
        ("drop", r"no answer \(.*\)\. Remedy: check the address and the network, then try again"),
    ],
)
def test_faults_of_a_web_server(own_tmp: Path, fault: str, message: str) -> None:
    """Each is named as what it is, and one that may pass is tried again. No part of the query is shown."""
    secret, place = "b4rely-" * 20, f"/{'n' * 60}/log.jsonl"
    with RangeServer({f"/data{place}": b"a"}, faults={"/data/": [fault] * 99}) as web:
        url = f"{web.url}{place}?id={secret}"
        with pytest.raises(InputError, match=f"^{web.url}{place}: {message}$") as caught, fetched([url]):
            pass
        web.faults["/data/"] = [fault] * 3
        if fault in ("503", "drop"):
            with fetched([url]) as paths:
                assert [path.read_bytes() for path in paths] == [b"a"]
    assert "b4rely" not in repr((caught.value, caught.value.__cause__))
    assert list(own_tmp.iterdir()) == []


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            "/log.jsonl?id=number-one",
            "/log.jsonl?id=number-two",
            r"/log\.jsonl: another input has the same address but for its ",
        ),
        ("/log", "/log/more.jsonl", r"/log/more\.jsonl: has a file and a folder of one name \(log\)\. Remedy: name files$"),
    ],
    ids=["queries", "folder"],
)
def test_inputs_whose_copies_would_have_one_place(own_tmp: Path, first: str, second: str, message: str) -> None:
    """Neither replaces the other; the same URL twice is one file."""
    with RangeServer({"/data/log.jsonl": b"a", "/data/log": b"b", "/data/log/more.jsonl": b"c"}) as web:
        with fetched([web.url + first, web.url + first]) as paths:
            assert len(paths) == 1
        with pytest.raises(InputError, match=f"^{web.url}{message}") as caught, fetched([web.url + first, web.url + second]):
            pass
    assert "number-" not in str(caught.value)
    assert list(own_tmp.iterdir()) == []


def test_the_same_path_of_two_hosts(own_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the paths of a file system have no host, as those of FTP, the name of a copy has none either."""

    class Hosts(MemoryFileSystem):
        protocol = "hosts"
        cachable = False

        def __init__(self, host: str) -> None:
            super().__init__()

        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return "/" + path.removeprefix("hosts://").partition("/")[2] if "://" in path else path

        @staticmethod
        def _get_kwargs_from_urls(path: str) -> dict[str, str]:
            return {"host": path.removeprefix("hosts://").partition("/")[0]}

    monkeypatch.setattr(MemoryFileSystem, "store", {})
    fsspec.register_implementation("hosts", Hosts, clobber=True)
    Hosts("any").pipe_file("/log.jsonl", b"a")
    with fetched(["hosts://a/log.jsonl"]) as paths:
        assert [path.read_bytes() for path in paths] == [b"a"]
    with (
        pytest.raises(
            InputError, match=r"^hosts://b/log\.jsonl: another input has the same address but for its query, user or "
        ),
        fetched(["hosts://a/log.jsonl", "hosts://b/log.jsonl"]),
    ):
        pass


def test_a_url_whose_secret_has_no_clear_end(own_tmp: Path) -> None:
    """Its copy would be called as every other such URL."""
    with (
        RangeServer({"/data/log.jsonl": b"a"}) as web,
        pytest.raises(InputError) as caught,
        fetched([f"{web.url}/log.jsonl?user=me@example.org"]),
    ):
        pass
    remedy = "Remedy: write @ in its path and query as %40"
    assert str(caught.value) == f"[hidden URL]: it is not clear which part is secret. {remedy}"


def test_a_file_of_this_machine_by_its_url(here: Path, own_tmp: Path) -> None:
    with fetched([f"file://{here}", here / "small"]) as paths:
        assert paths == [here, here / "small"]
        assert origin(here) is None
        assert list(own_tmp.iterdir()) == []


def test_a_file_on_the_hub(tmp_path: Path) -> None:
    with LocalHub() as hub:
        hub.put("org/logs", logs())
        words = ["inspect-log", "hf://datasets/org/logs/small/answers.jsonl"]
        done = warm.run("-m", "llmfusionbench", *words, env=hub.env(tmp_path), cwd=tmp_path)
        assert "llmfusionbench build table hf://datasets/org/logs/small/answers.jsonl" in done.stdout, done.stderr
        missing = warm.run("-m", "llmfusionbench", *words[:1], f"{words[1]}x", env=hub.env(tmp_path), cwd=tmp_path)
        assert (
            missing.stderr
            == "llmfusionbench: error: hf://datasets/org/logs/small/answers.jsonlx: no such file. Remedy: check the address\n"
        )
