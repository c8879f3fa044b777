"""The full release over HTTP, from a local Hub: both layouts, revisions, faults on the way, and published releases.

Clients run in processes of their own, since huggingface_hub reads its settings once. Each prints one JSON object.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from llmfusionbench.builders.reading.file_names import split_of_published
from llmfusionbench.errors import HubError, InputError
from llmfusionbench.hub.client import HubFile, Listing, endpoint_key
from llmfusionbench.hub.releases import FULL_REPO, cached_full, ensure_full, select_inputs
from tests.helpers.hub import LocalHub, run_client
from tests.helpers.small_release import TEST, TRAIN, write_small_release

LLMS = ("qwen2-7b-instruct", "deepseek-r1")
NAME = "llmfusionbench"
COLUMNS = (
    "task_name task_id task_description task_description_embedding query query_embedding ground_truth metric llm "
    "input_price output_price input_tokens_num output_tokens_num performance cost response llm_description"
)


def official_csv(first: int, queries: int) -> bytes:
    """Made-up logs in the official format: arithmetic asked of two LLMs in both modes."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS.split())
    for n in range(first, first + queries):
        for llm in LLMS:
            for suffix, think in (("", ""), ("_think", " Let's think step by step.")):
                query = f"A box holds {n} pens. How many pens do {n} boxes hold?{think}"
                row = ["gsm8k", "", "Arithmetic.", "", query, "", f"#### {n * n}", "GSM8K", llm + suffix, 0.2, 0.2, 20, 10]
                writer.writerow([*row, 1.0, 6.0, f"They hold {n * n} pens.", "An LLM."])
    return text.getvalue().encode()


def as_parquet(data: bytes) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pacsv.read_csv(io.BytesIO(data)), sink)
    return sink.getvalue()


def splits_layout() -> dict[str, bytes]:
    return {"README.md": b"# FusionBench\n", "train.csv": official_csv(1, 6), "partial_test.csv": official_csv(100, 2)}


def configs_layout() -> dict[str, bytes]:
    half = [as_parquet(official_csv(1, 2)), as_parquet(official_csv(3, 2))]
    return {
        "README.md": b"---\nconfigs:\n- config_name: train\n  data_files:\n  - split: data\n    path: train/data-*\n---\n",
        "train/data-00000-of-00002.parquet": half[0],
        "train/data-00001-of-00002.parquet": half[1],
        "test/data-00000-of-00001.parquet": as_parquet(official_csv(200, 3)),
        "notes/test.txt": b"not a log",
    }


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as server:
        yield server


def client(hub: LocalHub, home: Path, *calls: str, **env: str) -> list[Any]:
    """Evaluate expressions one after the other in a process whose Hub is `hub`; an error becomes its class and message."""
    code = f"""
import json, warnings
from pathlib import Path
import llmfusionbench
from llmfusionbench.hub import client
from llmfusionbench.errors import LLMFusionBenchError
from llmfusionbench.hub.releases import ensure_full, fetch_logs, fetch_release
def rows(path):
    tables = json.loads((Path(path) / "manifest.json").read_text())["tables"]
    return {{split: entry["rows"] for split, entry in tables["queries"]["splits"].items()}}
def load(*args, **kwargs):
    from datasets import load_dataset
    return load_dataset({NAME!r}, *args, **kwargs).num_rows
answers = []
for call in {list(calls)!r}:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer = eval(call)
        except Exception as error:
            answer = {{"error": type(error).__name__, "message": str(error), "known": isinstance(error, LLMFusionBenchError)}}
        ours = [w for w in caught if w.category.__module__.startswith("llmfusionbench")]
    answers.append([answer, [[w.category.__name__, str(w.message), w.filename] for w in ours]])
print(json.dumps(answers, default=str))
"""
    home.mkdir(exist_ok=True)
    done = run_client(code, hub.env(home, **env), home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def kept(home: Path) -> list[str]:
    """What lies in our cache, less locks and pins."""
    root = home / "llmfusionbench" / "full"
    return sorted(p.name for p in root.iterdir() if not p.name.endswith(".lock")) if root.is_dir() else []


def fragments(home: Path) -> list[str]:
    """What is left of downloads that did not finish."""
    return [str(p) for p in (home / "hf").rglob("*") if p.is_file() and (p.suffix == ".incomplete" or "tmp" in p.name)]


# -- which files ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("train.csv", "train"),
        ("partial_test.csv", "partial_test"),
        ("data/test.parquet", "test"),
        ("data/train-00000-of-00002.parquet", "train"),
        ("train/data.csv", "train"),
        ("test/data-00000-of-00001.parquet", "test"),
        ("fusion/train/00000.parquet", "train"),
        ("train.csv.gz", "train"),
        ("train/README.md", None),
        ("train_templates.csv", None),
        ("data/latest.csv", None),
        ("data.csv", None),
    ],
)
def test_split_of(path: str, split: str | None) -> None:
    assert split_of_published(PurePosixPath(path)) == split


def listing(*paths: str) -> Listing:
    return Listing(FULL_REPO, "0" * 40, {path: HubFile(path, 1, None, None) for path in paths})


def test_a_split_in_two_formats_is_taken_once() -> None:
    files = listing("train.csv", "data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "test.csv")
    assert select_inputs(files) == {
        "test": ["test.csv"],
        "train": ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"],
    }


def test_no_logs_at_all() -> None:
    with pytest.raises(HubError, match=r"no file for train, test or partial_test.*notes.txt"):
        select_inputs(listing("notes.txt"))


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no directory")
    monkeypatch.setenv("LLMFUSIONBENCH_CACHE", str(tmp_path / "file"))
    assert cached_full() is None
    with pytest.raises(InputError, match=r"file/full: cannot keep a release there \(.*Remedy: set LLMFUSIONBENCH_CACHE to"):
        ensure_full(listing=listing("train.csv"))
    monkeypatch.setenv("LLMFUSIONBENCH_CACHE", "~nobody-of-this-name/cache")
    with pytest.raises(InputError, match=r'LLMFUSIONBENCH_CACHE is "~nobody-of-this-name/cache": .*Remedy: set it to a dir'):
        cached_full()


def test_a_cache_that_is_only_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMFUSIONBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr("llmfusionbench.hub.releases.whole_file", lambda path: (_ for _ in ()).throw(PermissionError(13, "no")))
    built = tmp_path / "full" / ("0" * 40)
    built.mkdir(parents=True)
    (built / "manifest.json").write_text("{}")
    assert ensure_full(listing=listing("train.csv")) == built
    assert [p.name for p in tmp_path.rglob("*")] == ["full", "0" * 40, "manifest.json"], "neither a lock nor a pin"
    pin = tmp_path / "pins" / endpoint_key() / "ulab-ai%2FFusionBench" / "main"
    pin.parent.mkdir(parents=True)
    for damaged in (b"\xff\xfe", b"main"):
        pin.write_bytes(damaged)
        assert cached_full() is None
    pin.write_bytes(b"0" * 40)
    assert cached_full() == built


# -- the full release -------------------------------------------------------------------------------------------------
def test_the_split_layout_is_built_once(hub: LocalHub, tmp_path: Path) -> None:
    sha = hub.put(FULL_REPO, splits_layout())
    [[loaded, warned]] = client(hub, tmp_path, 'load(release="full")')
    assert loaded == {"train": 24, "partial_test": 8}
    assert warned == []
    assert kept(tmp_path) == [sha]
    manifest = json.loads((tmp_path / "llmfusionbench" / "full" / sha / "manifest.json").read_text())
    assert manifest["source"]["revision"] == sha
    assert len(hub.log("GET", "resolve")) == 2, "one request a log, none for anything else"

    # Unnamed, and named again, and at its commit: from the cache, and nobody is asked. Not even a Hub that moved on.
    hub.put(FULL_REPO, {"train.csv": official_csv(1, 1)})
    hub.clear_log()
    with hub.down():
        answers = client(hub, tmp_path, "load()", 'load(release="full")', f"load('queries', revision='{sha}')")
    assert [answer for answer, _ in answers] == [loaded, loaded, {"train": 6, "partial_test": 2}]
    assert [warned for _, warned in answers] == [[], [], []]
    assert hub.log() == []


def test_the_config_layout_at_a_pinned_revision(hub: LocalHub, tmp_path: Path) -> None:
    old = hub.put(FULL_REPO, configs_layout(), tag="v1")
    new = hub.put(FULL_REPO, splits_layout())
    calls = [f'rows(ensure_full("{old}"))', 'rows(ensure_full("v1"))', "rows(ensure_full())", 'rows(ensure_full("main"))']
    answers = client(hub, tmp_path, *calls)
    assert [answer for answer, _ in answers] == [{"train": 4, "test": 3}] * 2 + [{"train": 6, "partial_test": 2}] * 2
    assert kept(tmp_path) == sorted([old, new])
    assert not hub.log("GET", "notes")

    # A branch that is named is asked for each time; where nobody answers, the last answer stands, and it is said.
    newest = hub.put(FULL_REPO, {"train.csv": official_csv(1, 1)})
    [[moved, _], [stayed, _]] = client(hub, tmp_path, 'str(ensure_full("main"))', 'str(ensure_full("v1"))')
    assert (Path(moved).name, Path(stayed).name) == (newest, old)
    with hub.down():
        [[place, warned]] = client(hub, tmp_path, 'str(ensure_full("v1"))')
    assert Path(place).name == old
    assert warned[0][0] == "CachedReleaseWarning"
    assert old in warned[0][1]


def test_unnamed_takes_the_full_release_where_the_hub_answers(hub: LocalHub, tmp_path: Path) -> None:
    hub.put(FULL_REPO, splits_layout())
    [[loaded, warned]] = client(hub, tmp_path, 'load("queries")')
    assert (loaded, warned) == ({"train": 6, "partial_test": 2}, [])


def test_unnamed_without_the_hub_is_the_sample_and_says_so(hub: LocalHub, tmp_path: Path) -> None:
    hub.stop()
    calls = ['load("queries")', 'load("queries", release="full")', 'load("queries", release="sample")']
    [unnamed, full, sample] = client(hub, tmp_path, *calls)
    assert unnamed[0] == sample[0]
    [[category, message, file]] = unnamed[1]
    assert category == "SampleReleaseWarning"
    assert file == "<string>", "the warning points at the user's own line"
    assert "NOT the full LLMFusionBench" in message
    assert 'load_dataset("llmfusionbench", release="full")' in message
    assert 'release="sample"' in message
    assert sample[1] == []
    assert full[0]["known"]
    assert "check the network" in full[0]["message"]
    assert 'release="sample"' in full[0]["message"]
    assert kept(tmp_path) == []


def test_switched_off_and_unknown(hub: LocalHub, tmp_path: Path) -> None:
    [[offline, _]] = client(hub, tmp_path / "a", "ensure_full()", HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE" in offline["message"]
    [[repository, _]] = client(hub, tmp_path / "b", "ensure_full()")
    assert f"{FULL_REPO} at main: no such dataset" in repository["message"]
    hub.put(FULL_REPO, splits_layout())
    [[revision, _]] = client(hub, tmp_path / "b", 'ensure_full("v9")')
    assert f"{FULL_REPO} at v9: the repository has no such revision" in revision["message"]
    assert all(answer["known"] for answer in (offline, repository, revision))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda hub: hub.truncate("train.csv", 500), "train.csv of .* the transfer broke off"),
        (lambda hub: hub.shorten("train.csv", 500), "train.csv of .* arrived with 500 bytes, expected"),
        (lambda hub: hub.vanish("partial_test.csv"), "partial_test.csv of .* no longer has it"),
    ],
    ids=["truncated", "shortened", "vanished"],
)
def test_a_file_that_does_not_arrive(fault: Any, message: str, hub: LocalHub, tmp_path: Path) -> None:
    sha = hub.put(FULL_REPO, splits_layout())
    fault(hub)
    [[answer, _]] = client(hub, tmp_path, "ensure_full()")
    assert answer["known"], answer
    assert re.search(message, answer["message"]), answer
    assert kept(tmp_path) == []
    assert fragments(tmp_path) == []
    hub.heal()
    [[answer, _]] = client(hub, tmp_path, "rows(ensure_full())")
    assert answer == {"train": 6, "partial_test": 2}
    assert kept(tmp_path) == [sha]


def test_a_hub_that_stumbles(hub: LocalHub, tmp_path: Path) -> None:
    hub.put(FULL_REPO, splits_layout())
    hub.fail("/api/datasets", 503, 429)
    short = 'setattr(client, "WAITS_S", (0.1, 0.2))'  # as long as the real ones would only make the test slow
    [_, [answer, _]] = client(hub, tmp_path, short, "rows(ensure_full())")
    assert answer == {"train": 6, "partial_test": 2}
    hub.fail("/api/datasets", 500, 0)
    hub.clear_log()
    [_, [answer, _]] = client(hub, tmp_path, short, 'ensure_full("main")')
    assert "HTTP status 500" in answer["message"]
    assert len(hub.log("GET", "/api/datasets")) == 3, "asked three times and no more"


@pytest.mark.parametrize("path", ["../train.csv", "/etc/train.csv", "a/../../train.csv"])
def test_paths_that_climb_out_are_refused(path: str, hub: LocalHub, tmp_path: Path) -> None:
    hub.put(FULL_REPO, {path: official_csv(1, 1)})
    [[answer, _]] = client(hub, tmp_path, "ensure_full()")
    assert "lies outside" in answer["message"]
    assert hub.log("GET", "resolve") == []


def test_logs_that_cannot_be_read_leave_nothing(hub: LocalHub, tmp_path: Path) -> None:
    hub.put(FULL_REPO, {"train.csv": b"a,b\n1,2\n"})
    [[answer, _]] = client(hub, tmp_path, "ensure_full()")
    assert "train.csv" in answer["message"]
    assert kept(tmp_path) == []


def test_the_logs_alone_for_a_build_of_ones_own(hub: LocalHub, tmp_path: Path) -> None:
    sha = hub.put("some/logs", configs_layout(), tag="v1")
    hub.put("some/logs", splits_layout())
    calls = ['fetch_logs("some/logs", "v1")', 'fetch_logs("some/logs")']
    [[[old, commit], _], [[new, _], _]] = client(hub, tmp_path, *calls)
    assert commit == sha
    shards = ["data-00000-of-00001.parquet", "data-00000-of-00002.parquet", "data-00001-of-00002.parquet"]
    assert [Path(p).name for p in old] == shards
    assert [Path(p).read_bytes() for p in new] == [splits_layout()[name] for name in ("partial_test.csv", "train.csv")]
    assert kept(tmp_path) == []


def test_two_processes_build_once(hub: LocalHub, tmp_path: Path) -> None:
    hub.put(FULL_REPO, splits_layout())
    with ThreadPoolExecutor(2) as pool:
        [[[one, _]], [[two, _]]] = pool.map(lambda _: client(hub, tmp_path, "str(ensure_full())"), range(2))
    assert one == two
    assert len(hub.log("GET", "resolve")) == 2


# -- published releases -----------------------------------------------------------------------------------------------
@pytest.fixture
def published(hub: LocalHub, tmp_path: Path) -> dict[str, bytes]:
    place = write_small_release(tmp_path / "small")
    files = {p.relative_to(place).as_posix(): p.read_bytes() for p in place.rglob("*") if p.is_file()}
    hub.put("org/release", files, tag="v1")
    return files


def test_a_published_release(hub: LocalHub, tmp_path: Path, published: dict[str, bytes]) -> None:
    both = {"train": TRAIN, "test": TEST}
    calls = ['load("queries", release="org/release")', 'load("queries", release="org/release", revision="v1")']
    answers = client(hub, tmp_path / "home", *calls)
    assert answers == [[both, []], [both, []]]
    read = [request.path.split("/", 6)[-1] for request in hub.log("GET", "resolve")]
    assert sorted(read) == ["manifest.json", *sorted(n for n in published if n.startswith("queries/"))], "each once, no other"
    hub.put("org/release", published | {"manifest.json": b"{}"})
    [[answer, _], pinned] = client(hub, tmp_path / "home", *calls)
    assert answer["known"]
    assert "manifest.json" in answer["message"]
    assert pinned == [both, []]
    with hub.down():
        [[answer, warned]] = client(hub, tmp_path / "home", calls[1])
    assert answer == both
    assert warned[0][0] == "CachedReleaseWarning"


def test_a_published_release_that_is_not_whole(hub: LocalHub, tmp_path: Path, published: dict[str, bytes]) -> None:
    gone = {path: data for path, data in published.items() if path != "queries/test-00000-of-00001.parquet"}
    hub.put("org/gone", gone)
    hub.put("org/other", {"README.md": b"# something else\n"})
    calls = ['fetch_release("org/gone")', 'fetch_release("org/other")', 'fetch_release("org/none")']
    messages = [answer["message"] for answer, _ in client(hub, tmp_path / "home", *calls)]
    assert "queries/test-00000-of-00001.parquet is not there" in messages[0]
    assert "no release here, it has no manifest.json" in messages[1]
    assert "org/none at main: no such dataset" in messages[2]

    hub.vanish("logs/train-00000-of-00002.parquet")
    [[answer, _]] = client(hub, tmp_path / "home", 'fetch_release("org/release")')
    assert "logs/train-00000-of-00002.parquet" in answer["message"]
    hub.heal()
    hub.clear_log()
    [[answer, _]] = client(hub, tmp_path / "home", 'rows(fetch_release("org/release"))')
    assert answer == {"train": TRAIN, "test": TEST}


def test_plain_datasets_load_a_published_release(hub: LocalHub, tmp_path: Path, published: dict[str, bytes]) -> None:
    """Nothing of ours takes part: that is what the card is for."""
    code = """
import json
from datasets import load_dataset, get_dataset_config_names
names = get_dataset_config_names("org/release")
print(json.dumps([names, load_dataset("org/release").num_rows, load_dataset("org/release", "judge_scores").num_rows]))
"""
    home = tmp_path / "home"
    home.mkdir()
    done = run_client(code, hub.env(home), home)
    assert done.returncode == 0, done.stderr
    names, logs, judged = json.loads(done.stdout.splitlines()[-1])
    assert names[0] == "logs"
    assert logs == {"train": TRAIN, "test": TEST}
    assert judged == {"train": TRAIN}


def test_the_local_hub_takes_uploads(hub: LocalHub, tmp_path: Path) -> None:
    """What publishing needs: create, upload, tag, and 412 where somebody else was faster."""
    code = """
from pathlib import Path
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError
api = HfApi()
api.create_repo("org/new", repo_type="dataset")
api.create_repo("org/new", repo_type="dataset", exist_ok=True)
first = api.upload_folder(repo_id="org/new", repo_type="dataset", folder_path="up").oid
api.create_tag("org/new", repo_type="dataset", tag="v1")
api.upload_file(path_or_fileobj=b"# two", path_in_repo="README.md", repo_id="org/new", repo_type="dataset")
try:
    late = [CommitOperationAdd("x.txt", b"x")]
    api.create_commit("org/new", late, commit_message="late", repo_type="dataset", parent_commit=first)
except HfHubHTTPError as error:
    print(error.response.status_code)
print(sorted(api.list_repo_files("org/new", repo_type="dataset", revision="v1")))
"""
    (tmp_path / "up" / "logs").mkdir(parents=True)
    (tmp_path / "up" / "README.md").write_text("# one")
    (tmp_path / "up" / "logs" / "train.parquet").write_bytes(b"PAR1" * 100)
    done = run_client(code, hub.env(tmp_path), tmp_path)
    assert done.stdout.splitlines() == ["412", "['README.md', 'logs/train.parquet']"], done.stderr
    repo = hub.repos["org/new"]
    assert repo.commits[repo.refs["v1"]]["logs/train.parquet"].data == b"PAR1" * 100
    assert repo.commits[repo.refs["main"]]["README.md"].data == b"# two"


def test_killed_while_building_leaves_nothing_usable_behind(hub: LocalHub, tmp_path: Path) -> None:
    """kill -9 in the middle of the build: the next run builds as if nothing had been."""
    sha = hub.put(FULL_REPO, splits_layout())
    code = """
import os, signal
import llmfusionbench.builders
from llmfusionbench.release import ReleaseWriter
ReleaseWriter.finish = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
from llmfusionbench.hub.releases import ensure_full
ensure_full()
"""
    done = subprocess.run([sys.executable, "-c", code], env=hub.env(tmp_path), capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    [[answer, _]] = client(hub, tmp_path, "rows(ensure_full())")
    assert answer == {"train": 6, "partial_test": 2}
    assert kept(tmp_path) == [sha]
