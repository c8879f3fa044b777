"""The commit of a data set: queries, runs and releases state it, a run keeps it, and the cache of `datasets` tells it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.chat_server import ChatServer, serving
from tests.helpers.collecting_desk import write_llms
from tests.helpers.hub import LocalHub, run_client
from tests.helpers.task_rows import hub_files

QUERIES = """
import json
from llmfusionbench.builders.tasks.chosen import chosen
from llmfusionbench.errors import LLMFusionBenchError
notes = []
try:
    found = list(chosen({names!r}, note=notes.append, **{options!r}))
    print(json.dumps([sorted({{tuple(query.origin.stated().items()) for query in found}}), len(found), notes]))
except LLMFusionBenchError as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""
COMMAND = "import sys; from llmfusionbench.cli.main import run; sys.exit(run({words!r}))"
GSM8K = "openai/gsm8k"


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as running:
        running.put(GSM8K, hub_files("gsm8k", 12, 3))
        yield running


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(lambda body, tries: "#### 7") as running:
        yield running


def read(hub: LocalHub, home: Path, *names: str, env: dict[str, str] | None = None, **options: Any) -> tuple[Any, str]:
    """(what the queries state of their origin, their number and the notes, or the error; what was printed beside it)."""
    result = run_client(QUERIES.format(names=list(names), options=options), hub.env(home, **(env or {})), home)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), result.stderr


def command(hub: LocalHub, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run_client(COMMAND.format(words=list(words)), hub.env(home), home)


def stated(commit: str, dataset: str = GSM8K) -> list[list[list[str]]]:
    return [[["dataset", dataset], ["revision", commit]]]


def test_queries_state_the_commit(hub: LocalHub, tmp_path: Path) -> None:
    first = hub.repos[GSM8K].refs["main"]
    assert read(hub, tmp_path, "gsm8k")[0] == [stated(first), 15, []]
    second = hub.put(GSM8K, hub_files("gsm8k", 13, 3))
    assert read(hub, tmp_path, "gsm8k")[0] == [stated(second), 16, []]
    assert read(hub, tmp_path, "gsm8k", commits={GSM8K: first})[0] == [stated(first), 15, []]


def test_a_commit_that_is_gone(hub: LocalHub, tmp_path: Path) -> None:
    assert read(hub, tmp_path, "gsm8k", commits={GSM8K: "0" * 40})[0] == [
        "NoRevisionError",
        f"{GSM8K}: the Hub has no commit {'0' * 40} any more, from which the run was read. "
        "Remedy: choose another --out to read the latest one, or give the rows as a file with --task-file",
    ]


def test_a_data_set_whose_files_are_refused(hub: LocalHub, tmp_path: Path) -> None:
    hub.fail("/resolve/", 403, 0)
    (kind, words), printed = read(hub, tmp_path, "gsm8k")
    assert kind == "HubError"
    assert words.startswith(f"{GSM8K}/main/train: cannot be loaded (")
    assert words.endswith("). Remedy: check the network and HF_TOKEN, or give the rows as a file with --task-file")
    assert "Retry" not in printed


def test_all_configurations_are_of_one_commit(hub: LocalHub, tmp_path: Path) -> None:
    """Also if the data set changes while it is read."""
    dataset = "EleutherAI/hendrycks_math"
    commit = hub.put(dataset, hub_files("math", 2, 1))
    hub.before("geometry/train", lambda: hub.put(dataset, hub_files("math", 3, 1)))
    assert read(hub, tmp_path, "math")[0] == [stated(commit, dataset), 7 * 3, []]
    assert len(hub.repos[dataset].commits) == 2


def test_a_file_is_stated_with_its_hash(hub: LocalHub, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"question": "How many?", "answer": "#### 1"}\n')
    code = QUERIES.replace("**{options!r}", "files={{'gsm8k': Path('rows.jsonl')}}").format(names=["gsm8k"])
    result = run_client(f"from pathlib import Path\n{code}", hub.env(tmp_path), tmp_path)
    ((entry,), count, notes) = json.loads(result.stdout)
    assert (entry[0], entry[1][0], len(entry[1][1]), count, notes) == (["file", "rows.jsonl"], "sha256", 64, 1, [])


def test_a_run_and_its_release_state_the_commit(hub: LocalHub, server: ChatServer, tmp_path: Path) -> None:
    write_llms(tmp_path, server.url, "a", key_variable=None)
    commit = hub.repos[GSM8K].refs["main"]
    asked = ("collect", "--tasks", "gsm8k", "--llms", "llms.yaml", "--out", "run")
    result = command(hub, tmp_path, *asked, "--limit", "2")
    assert result.returncode == 0, result.stderr
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["tasks"] == {"gsm8k": {"seed": 0, "queries": 4, "data": [{"dataset": GSM8K, "revision": commit}]}}
    hub.put(GSM8K, hub_files("gsm8k", 40, 9))
    hub.clear_log()
    assert command(hub, tmp_path, "collect", "run").returncode == 0
    assert command(hub, tmp_path, "collect", "--replicates", "2", "run").returncode == 0
    assert hub.log() == []
    result = command(hub, tmp_path, *asked, "--limit", "9")
    assert result.returncode == 0, result.stderr
    assert {commit in request.path for request in hub.log()} == {True}
    again = json.loads((tmp_path / "run" / "run.json").read_text())["tasks"]
    assert again == {"gsm8k": {"seed": 0, "queries": 12, "data": [{"dataset": GSM8K, "revision": commit}]}}
    result = command(hub, tmp_path, "build", "collected", "run", "--out", "release", "--workers", "1")
    assert result.returncode == 0, result.stderr
    manifest = json.loads((tmp_path / "release" / "manifest.json").read_text())
    assert manifest["source"]["data"] == [{"task": "gsm8k", "dataset": GSM8K, "revision": commit}]
    card = (tmp_path / "release" / "README.md").read_text()
    assert f"- Queries of `gsm8k`: read from `{GSM8K}` at commit `{commit}`" in card


def test_without_an_answer_the_cache_is_read_at_once(hub: LocalHub, tmp_path: Path) -> None:
    commit = hub.repos[GSM8K].refs["main"]
    assert read(hub, tmp_path, "gsm8k")[0] == [stated(commit), 15, []]
    with hub.down():
        (found, count, notes), printed = read(hub, tmp_path, "gsm8k")
        pinned, _ = read(hub, tmp_path, "gsm8k", commits={GSM8K: "0" * 40})
    assert (found, count) == (stated(commit), 15)
    assert re.fullmatch(
        rf"{GSM8K} at main: no answer from http.*\. The rows are those of the cache, of commit {commit}\.", *notes
    )
    assert "Retrying" not in printed
    assert "latest cached" not in printed
    assert pinned == [
        "HubError",
        f"{GSM8K}: the Hub does not answer, and the cache has commit {commit}, not {'0' * 40}. "
        "Remedy: check the network and HF_ENDPOINT, or give the rows as a file with --task-file",
    ]
    latest = hub.put(GSM8K, hub_files("gsm8k", 13, 3))
    assert read(hub, tmp_path, "gsm8k")[0][0] == stated(latest)
    offline, _ = read(hub, tmp_path, "gsm8k", env={"HF_HUB_OFFLINE": "1"}, commits={GSM8K: commit})
    assert offline[:2] == [stated(commit), 15]
    offline, _ = read(hub, tmp_path, "gsm8k", env={"HF_HUB_OFFLINE": "1"})
    assert offline[:2] == [stated(latest), 16]
    assert "HF_HUB_OFFLINE switches the Hub off. The rows are those of the cache" in offline[2][0]


def test_without_an_answer_and_a_cache_there_is_one_line(hub: LocalHub, server: ChatServer, tmp_path: Path) -> None:
    write_llms(tmp_path, server.url, "a", key_variable=None)
    asked = ("collect", "--tasks", "gsm8k", "--llms", "llms.yaml", "--out", "run")
    with hub.down():
        result = command(hub, tmp_path, *asked)
    assert result.returncode == 1
    assert re.fullmatch(
        rf"llmfusionbench: error: {GSM8K} at main: no answer from http://127\.0\.0\.1:\d+ \(.*\)\. Remedy: check the network "
        r"and HF_ENDPOINT, then try again, or give the rows as a file with --task-file\n",
        result.stderr,
    )
    assert not (tmp_path / "run").exists()


def test_a_retry_of_the_client_is_not_printed(hub: LocalHub, tmp_path: Path) -> None:
    hub.fail("README.md", 503)
    (found, count, _), printed = read(hub, tmp_path, "gsm8k")
    assert (found, count) == (stated(hub.repos[GSM8K].refs["main"]), 15)
    assert [request.status for request in hub.log(fragment="README.md")][:2] == [503, 200]
    assert "503" not in printed
    assert "Retry" not in printed
