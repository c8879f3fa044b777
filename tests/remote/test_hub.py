"""A release of 256,000 rows on a local Hub, over HTTP: what is moved, offline, and what goes wrong.

Clients run in processes of their own, since huggingface_hub reads its settings once. Bytes are those of the server's log.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.errors import InputError
from llmfusionbench.hub.remote import named
from llmfusionbench.release import Release
from tests.helpers import warm
from tests.helpers.hub import LocalHub, run_client
from tests.helpers.large_release import CELLS, QUERIES, write_large_release

REPO = "org/large"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_large_release(tmp_path_factory.mktemp("large") / "release")


@pytest.fixture(scope="module")
def served(large: Path) -> Iterator[tuple[LocalHub, int]]:
    files = contents(large)
    with LocalHub() as hub:
        hub.put(REPO, files, tag="v1")
        hub.put("org/folder", {f"data/v1/{name}": data for name, data in files.items()} | {"README.md": b"# Two\n"})
        yield hub, sum(len(data) for data in files.values())


@pytest.fixture
def hub(served: tuple[LocalHub, int]) -> Iterator[LocalHub]:
    served[0].heal()
    served[0].clear_log()
    yield served[0]
    served[0].heal()


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def client(hub: LocalHub, home: Path, *calls: str, **env: str) -> list[Any]:
    """Evaluate expressions, in which `open` opens a release; an error becomes its class and message, after its warnings."""
    code = f"""
import json, warnings
from llmfusionbench import open_release as open
from llmfusionbench.remote import http_store
from llmfusionbench.errors import LLMFusionBenchError
http_store.WAITS_S = (0.0, 0.0)
def scores(release):
    return sum(release.table("responses").to_table(columns=["performance"])["performance"].to_pylist())
answers = []
for call in {list(calls)!r}:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer = eval(call)
        except LLMFusionBenchError as error:
            answer = [type(error).__name__, str(error)]
    answers.append([answer, [w.category.__name__ for w in caught if "llmfusionbench" in w.category.__module__]])
print(json.dumps(answers, default=str))
"""
    home.mkdir(exist_ok=True)
    done = run_client(code, hub.env(home, **env), home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def sent(hub: LocalHub) -> int:
    return sum(request.sent for request in hub.log())


def tables(hub: LocalHub) -> set[str]:
    """The tables of which anything was read."""
    return {match[1] for r in hub.log("GET", "/resolve/") if (match := re.search("/resolve/[^/]+/([a-z_]+)/", r.path))}


def total(served: tuple[LocalHub, int]) -> int:
    return served[1]


def near_scores(large: Path) -> float:
    return sum(Release(large).table("responses").to_table(columns=["performance"])["performance"].to_pylist())


def test_one_column_moves_less_than_2_percent(hub: LocalHub, served: tuple[LocalHub, int], large: Path, tmp_path: Path) -> None:
    [[answer, warned]] = client(hub, tmp_path / "home", f"scores(open({REPO!r}))")
    assert answer == pytest.approx(near_scores(large), rel=1e-12)
    assert warned == []
    assert CELLS == 256_000
    assert sent(hub) < 0.02 * total(served)
    assert tables(hub) == {"responses"}
    assert len(hub.log()) < 60
    assert {r.status for r in hub.log("GET", "responses/")} == {206}


def test_opening_takes_three_requests_and_no_footer(hub: LocalHub, served: tuple[LocalHub, int], tmp_path: Path) -> None:
    client(hub, tmp_path / "home", f"open({REPO!r}).splits")
    assert [(r.method, r.path.rsplit("/", 1)[-1]) for r in hub.log()] == [
        ("GET", "main"), ("HEAD", "manifest.json"), ("GET", "manifest.json"),
    ]  # fmt: skip
    assert sent(hub) < 0.001 * total(served)


def test_routing_moves_less_than_5_percent(hub: LocalHub, served: tuple[LocalHub, int], large: Path, tmp_path: Path) -> None:
    call = f"open({REPO!r}).routing().performance.sum().item()"
    [[answer, _]] = client(hub, tmp_path / "home", call)
    assert answer == pytest.approx(float(Release(large).routing().performance.sum()))
    assert sent(hub) < 0.05 * total(served)
    assert tables(hub) == {"routing", "queries", "llms"}


def test_a_command_reads_no_texts_of_answers(hub: LocalHub, served: tuple[LocalHub, int], tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "class Mine:\n"
        "    name = 'mine'\n"
        "    def fit(self, train):\n        self.count = len(train.candidates)\n        return self\n"
        "    def score(self, prompts, tasks):\n        import numpy\n        return numpy.zeros((len(prompts), self.count))\n"
    )
    words = ["evaluate", REPO, "--router", "mine.py:Mine", "--baseline", "random", "--resamples", "10", "--json"]
    env = hub.env(tmp_path)
    done = warm.run("-m", "llmfusionbench", *words, env=env, cwd=tmp_path, libraries=warm.LEARNING)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["routers"]
    assert tables(hub) == {"routing", "queries", "llms", "responses"}
    answers = [r for r in hub.log("GET", "/responses/") if r.sent]
    assert {r.path.rsplit("/", 1)[-1] for r in answers} == {"test-00000-of-00001.parquet"}
    assert sum(r.sent for r in answers) < 0.002 * total(served), "the counts of tokens alone"
    assert sent(hub) < 0.05 * total(served)


def test_again_and_offline(hub: LocalHub, large: Path, tmp_path: Path) -> None:
    home, calls = tmp_path / "home", [f"scores(open({REPO!r}))", f"len(open({REPO!r}, revision='v1').routing().query_ids)"]
    first = client(hub, home, *calls)
    hub.clear_log()
    assert client(hub, home, *calls) == first
    assert {r.path.rsplit("/", 1)[-1] for r in hub.log()} == {"main", "v1"}, "the branch and the tag are looked up, no more"
    warned = [[answer, ["CachedReleaseWarning"]] for answer, _ in first]
    new = f"open({REPO!r}).rows('responses', columns=['response'])"
    with hub.down():
        *again, [problem, _] = client(hub, home, *calls, new)
    assert again == warned
    assert problem[0] == "HubUnreachableError"
    assert re.fullmatch(rf"hf://datasets/{REPO}@[0-9a-f]{{12}}/responses/.*\.parquet: no answer from .*", problem[1])
    hub.clear_log()
    *again, [problem, _] = client(hub, home, *calls, new, HF_HUB_OFFLINE="1")
    assert again == warned
    assert "HF_HUB_OFFLINE switches the Hub off. Remedy: unset it" in problem[1]
    assert hub.log() == []
    assert first[1][0] == QUERIES
    assert first[0][0] == pytest.approx(near_scores(large), rel=1e-12)


def test_the_same_files_of_another_revision_and_repository_are_not_fetched_again(
    hub: LocalHub, large: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    client(hub, home, f"scores(open({REPO!r}))")
    hub.clear_log()
    url = "hf://datasets/org/folder@main/data/v1"
    [[answer, _], [place, _]] = client(hub, home, f"scores(open({url!r}))", f"str(open({url!r}).path)")
    assert answer == pytest.approx(near_scores(large), rel=1e-12)
    assert place == "hf://datasets/org/folder@" + hub.repos["org/folder"].refs["main"][:12] + "/data/v1"
    assert hub.log(fragment=".parquet") == []


def test_two_processes_at_once_and_a_small_bound(hub: LocalHub, large: Path, tmp_path: Path) -> None:
    bound = 400_000
    env = hub.env(tmp_path, LLMFUSIONBENCH_CACHE_BYTES=str(bound))
    code = f"""
import llmfusionbench
release = llmfusionbench.open_release({REPO!r})
for _ in range(3):
    print(release.routing().performance.sum())
"""
    run = [sys.executable, "-c", code]
    running = [subprocess.Popen(run, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate() for process in running]
    assert [errors for _, errors in outputs] == ["", ""]
    assert {line for out, _ in outputs for line in out.split()} == {str(Release(large).routing().performance.sum())}
    kept = [p.stat().st_size for p in (tmp_path / "llmfusionbench" / "remote").rglob("*") if p.is_file()]
    assert 0 < sum(kept) <= bound * 1.25


def test_streaming_reads_row_groups(hub: LocalHub, served: tuple[LocalHub, int], large: Path, tmp_path: Path) -> None:
    code = f"""
import json
import llmfusionbench
from itertools import islice
from datasets import load_dataset
rows = load_dataset("llmfusionbench", "queries", release={REPO!r}, split="test", streaming=True)
some = load_dataset("llmfusionbench", "logs", release={REPO!r}, split="test", columns=["llm", "performance"], streaming=True)
print(json.dumps([[row["query_id"] for row in rows], [row["performance"] for row in islice(some, 100)]]))
"""
    done = run_client(code, hub.env(tmp_path), tmp_path)
    assert done.returncode == 0, done.stderr
    ids, performance = json.loads(done.stdout.splitlines()[-1])
    near = Release(large)
    assert ids == near.table("queries", "test").to_table(columns=["query_id"])["query_id"].to_pylist()
    assert performance == near.table("logs", "test").head(100, columns=["performance"])["performance"].to_pylist()
    assert sent(hub) < 0.02 * total(served)
    assert tables(hub) == {"queries", "logs"}


def test_a_process_may_end_as_soon_as_it_has_its_rows(hub: LocalHub, tmp_path: Path) -> None:
    """Arrow's threads must not need Python after its end."""
    code = f"""
import os, sys
import llmfusionbench
release = llmfusionbench.open_release({REPO!r})
codes = []
for _ in range(20):
    pid = os.fork()
    if not pid:
        release.table("responses").to_table(columns=["performance", "cost_usd"])
        sys.exit(0)
    codes.append(os.waitpid(pid, 0)[1])
print(codes)
"""
    done = run_client(code, hub.env(tmp_path), tmp_path)
    assert (done.stdout, done.stderr) == (f"{[0] * 20}\n", "")


FIRST = "responses/train-00000-of-00014.parquet"


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (lambda hub: hub.fail(FIRST, 500, 0), "HubError", "the Hub answered with HTTP status 500"),
        (lambda hub: hub.fail(FIRST, 403, 0), "HubError", "no such dataset at .*, or it is private"),
        (lambda hub: hub.fail(FIRST, 401, 0), "NoRepositoryError", "no such dataset at .*, or it is private"),
        (lambda hub: hub.vanish(FIRST), "HubError", "listed, but the Hub no longer has it"),
        (lambda hub: hub.truncate(FIRST, 1_000), "HubError", "the transfer broke off"),
        (lambda hub: hub.shorten(FIRST, 70_000), "ReleaseError", "differs from the release's manifest .* bytes, expected"),
    ],
)
def test_faults_are_one_line_and_leave_nothing(
    fault: Any, kind: str, said: str, hub: LocalHub, large: Path, tmp_path: Path
) -> None:
    fault(hub)
    [[answer, _]] = client(hub, tmp_path / "home", f"scores(open({REPO!r}))")
    assert answer[0] == kind
    assert re.fullmatch(rf"hf://datasets/{REPO}@[0-9a-f]{{12}}/{FIRST}: {said}.*Remedy: .*", answer[1])
    assert "hf_local" not in answer[1]
    hub.heal()
    [[answer, _]] = client(hub, tmp_path / "home", f"scores(open({REPO!r}))")
    assert answer == pytest.approx(near_scores(large), rel=1e-12)


def test_faults_that_pass(hub: LocalHub, large: Path, tmp_path: Path) -> None:
    hub.fail(FIRST, 500, 503)
    [[answer, _]] = client(hub, tmp_path / "home", f"scores(open({REPO!r}))")
    assert answer == pytest.approx(near_scores(large), rel=1e-12)
    assert [r.status for r in hub.log("GET", FIRST)][:3] == [500, 503, 206]


def test_a_listing_that_disagrees_with_the_manifest(hub: LocalHub, large: Path, tmp_path: Path) -> None:
    files = contents(large)
    changed = bytearray(files[FIRST])
    changed[1_000] ^= 1
    hub.put("org/changed", files | {FIRST: bytes(changed)})
    hub.put("org/gone", {name: data for name, data in files.items() if name != FIRST})
    hub.put("org/card", files | {"README.md": b"# Written by people\n"})
    hub.put("org/climbs", files | {"../up.parquet": b"x"})
    calls = [f"open({name!r})" for name in ("org/changed", "org/gone", "org/climbs", "org/nothing", f"hf://datasets/{REPO}@v9")]
    answers = client(hub, tmp_path / "home", *calls)
    assert [kind for [kind, _], _ in answers] == ["HubError"] * 3 + ["NoRepositoryError", "NoRevisionError"]
    said = [message for [_, message], _ in answers]
    assert all("Remedy: " in message for message in said)
    assert f"{FIRST} is not there as its manifest has it" in said[0]
    assert f"{FIRST} is not there as its manifest has it" in said[1]
    assert "lies outside of it" in said[2]
    assert "no such dataset" in said[3]
    assert "no such revision" in said[4]
    assert hub.log("GET", FIRST) == []
    [[count, _]] = client(hub, tmp_path / "home", "open('org/card').rows('llms').num_rows")
    assert count == 20


def test_local_downloads_everything(hub: LocalHub, tmp_path: Path, large: Path) -> None:
    calls = [f"open({REPO!r}).local().path", f"open({REPO!r}).path", f"len(open({REPO!r}).differences())"]
    [[path, _], [again, _], [count, _]] = client(hub, tmp_path / "home", *calls)
    assert again == path
    assert count == 0
    assert {os.path.relpath(p, path) for p in map(str, Path(path).rglob("*.parquet"))} == {
        str(p.relative_to(large)) for p in large.rglob("*.parquet")
    }


@pytest.mark.parametrize(
    ("where", "revision", "found"),
    [
        ("org/name", "v1", ("org/name", "v1", "")),
        ("hf://datasets/org/name", None, ("org/name", None, "")),
        ("hf://datasets/org/name/", "v1", ("org/name", "v1", "")),
        ("hf://datasets/org/name@refs%2Fpr%2F1/a/b/", None, ("org/name", "refs/pr/1", "a/b/")),
        ("hf://datasets/org/name@v1", "v1", ("org/name", "v1", "")),
    ],
)
def test_names(where: str, revision: str | None, found: tuple[Any, ...]) -> None:
    assert named(where, revision) == found


@pytest.mark.parametrize(
    "where", ["hf://org/name", "hf://datasets/name", "hf://datasets/org/name/../x", "hf://", "hf://datasets/org/name@v1"]
)
def test_names_that_are_refused(where: str) -> None:
    with pytest.raises(InputError, match="Remedy: "):
        named(where, "v2")
