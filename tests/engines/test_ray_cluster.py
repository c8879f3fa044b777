"""The engine for Ray, on a cluster of this machine: the same files as without it, whatever dies."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from llmfusionbench import audit
from llmfusionbench.auditing import run as audit_run
from llmfusionbench.baselines.exporters import export_sft
from llmfusionbench.baselines.exporters.corpora import answer_texts
from llmfusionbench.builders import build, recount, rescore
from llmfusionbench.builders.making import spill
from llmfusionbench.engines import Engine, Ray
from llmfusionbench.engines.engine import in_order
from llmfusionbench.errors import EngineError, InputError
from llmfusionbench.release import Release
from tests.helpers.chat_server import serving
from tests.helpers.collecting_desk import collect, reply, rows, write_llms, write_prompts
from tests.helpers.collecting_desk import release as collected
from tests.helpers.engine_units import Piece, Wrapped, broken, died, held_on, killed_at, killed_once, lost, refused, squared
from tests.helpers.importable import importable
from tests.helpers.made_up_release import answer
from tests.helpers.many_shards import counted_build
from tests.helpers.sample_part import bytes_of, write_part
from tests.helpers.waiting import wait_for

STORE = {"object_store_memory": 80 * 2**20, "include_dashboard": False}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of one node with two CPUs, whose workers import what this process does."""
    folder = tempfile.mkdtemp(prefix="ray-")  # the names of its sockets must be short
    (Path(folder) / "ray").mkdir()  # Ray writes the address of the newest cluster there
    settings = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "RAY_TMPDIR": folder}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**importable(), **settings}.items():
            patch.setenv(name, value)
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "temp_dir": folder, **STORE})
        yield made
        made.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _joins(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """RAY_ADDRESS leads to the cluster; each test leaves it running, and no connection to it."""
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    yield
    assert not ray.is_initialized()


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return write_part(tmp_path_factory.mktemp("part") / "part", tasks=("math", "gsm8k"), queries=4, llms=3, shards=4)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log that is built in many shards."""
    monkeypatch.setattr(spill, "SHARD_BYTES", 6_000)
    rows = [answer(n, llm, output_tokens=None, cost_usd=None) for n in range(60) for llm in ("tiny", "big")]
    path = tmp_path / "log.csv"
    names = list(rows[0])
    lines = [",".join(names), *(",".join("" if row[n] is None else str(row[n]) for n in names) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def pieces(folder: Path, count: int) -> list[Piece]:
    return [Piece(number, folder) for number in range(count)]


def built(log: Path, out: Path, engine: str | Engine, **options: Any) -> dict[str, bytes]:
    return bytes_of(build("table", [log], out, engine=engine, tokenizer="cl100k_base", **options).directory)


# --- the same files


def test_build(log: Path, tmp_path: Path) -> None:
    alone = built(log, tmp_path / "alone", "local", workers=1)
    assert len([name for name in alone if name.startswith("responses/")]) > 4
    assert built(log, tmp_path / "one", "ray", workers=1) == alone
    assert built(log, tmp_path / "all", "ray") == alone
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all", "alone", "log.csv", "one"]


def test_rescore_and_tokens(part: Release, tmp_path: Path) -> None:
    for name, make in {"scores": rescore, "tokens": partial(recount, tokenizer="cl100k_base")}.items():
        local, cluster = tmp_path / f"{name}-local", tmp_path / f"{name}-ray"
        made = make(part, local, workers=2), make(part, cluster, engine="ray")
        assert bytes_of(local) == bytes_of(cluster)
        assert made[0].answers == made[1].answers > 0
    assert len(list(tmp_path.iterdir())) == 4


def test_audit(part: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_run, "PARALLEL_ROWS", 0)
    monkeypatch.chdir(part.directory.parent)
    assert audit("part", engine="ray").to_json() == audit(part, workers=1).to_json()


@pytest.mark.parametrize("duplicates", ["exact", "keep"])
def test_export(duplicates: str, part: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_texts, "PARALLEL_ROWS", 0)
    monkeypatch.chdir(part.directory.parent)
    made = {
        name: bytes_of(
            export_sft("part", tmp_path / name, include_test=True, duplicates=duplicates, reasoning="strip", **options).path
        )
        for name, options in {"alone": {"workers": 1}, "local": {"workers": 2}, "ray": {"engine": "ray"}}.items()
    }
    assert made["alone"]["data/train-00000-of-00001.jsonl"]
    assert made["alone"] == made["local"] == made["ray"]


# --- what dies


def test_a_worker_that_is_killed_in_mid_shard(log: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    made = built(log, tmp_path / "ray", Wrapped(Ray(), partial(killed_once, mark=mark)))
    assert mark.exists()
    assert made == built(log, tmp_path / "local", "local", workers=1)


def test_a_node_that_is_removed_during_a_build(
    cluster: Cluster, log: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    node = cluster.add_node(num_cpus=1, **STORE)
    held = tmp_path / "held"

    def remove() -> None:
        wait_for(held.exists)
        cluster.remove_node(node, allow_graceful=False)

    remover = threading.Thread(target=remove)
    remover.start()
    engine = Wrapped(Ray(), partial(held_on, node=node.node_id, held=held))
    made = built(log, tmp_path / "ray", engine)
    remover.join()
    assert held.exists()
    assert capfd.readouterr() == ("", "")
    assert made == built(log, tmp_path / "local", "local", workers=1)


def test_a_build_whose_worker_always_dies_is_resumed(log: Path, tmp_path: Path) -> None:
    """Without Ray: what the cluster has finished is taken up as it is."""
    out = tmp_path / "out"
    with pytest.raises(EngineError, match=r"^shard train-00002-of-\d+: no worker of Ray lived long enough"):
        built(log, out, Wrapped(Ray(1), partial(killed_at, name="train-00002")))
    (work,) = tmp_path.glob(".out.*.work")
    assert sorted(path.name[:19] for path in work.glob("state/receipt-*")) == ["receipt-train-00000", "receipt-train-00001"]
    assert counted_build(log, out, workers=1, tokenizer="cl100k_base")[0] == 2
    assert bytes_of(out) == built(log, tmp_path / "local", "local", workers=1)


def test_a_unit_that_kills_each_of_its_workers(tmp_path: Path) -> None:
    message = (
        r"^shard piece-0: no worker of Ray lived long enough to finish it, in 4 attempts \(WorkerCrashedError: .* Remedy: "
    )
    with pytest.raises(InputError, match=message):
        list(Ray(1).run(died, pieces(tmp_path, 1)))


# --- errors of units


def test_the_first_error_is_raised_with_its_unit(tmp_path: Path) -> None:
    """It is not repeated, and units that have not begun are dropped."""
    units = pieces(tmp_path, 60)
    fails = partial(refused, numbers=frozenset(range(3, 60)))
    with pytest.raises(InputError, match=r"^piece 3: cannot be squared\. Remedy: choose another") as raised:
        list(Ray().run(fails, units))
    assert type(raised.value) is InputError
    assert raised.value.__notes__ == ["In shard piece-3."]
    assert not (tmp_path / "50").exists()


def test_a_bug_shows_where_it_is(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        list(Ray().run(broken, pieces(tmp_path, 2)))
    assert type(raised.value) is ZeroDivisionError
    assert "return piece.number // 0" in raised.value.__notes__[0]
    assert raised.value.__notes__[1] == "In shard piece-0."


def test_a_build_that_fails_leaves_nothing(log: Path, tmp_path: Path) -> None:
    engine = Wrapped(Ray(), lost)
    with pytest.raises(InputError, match=r"^this shard is lost\. Remedy: none"):
        built(log, tmp_path / "out", engine)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv"]


# --- the cluster


def test_results_come_as_they_are_done_or_in_order(tmp_path: Path) -> None:
    units = pieces(tmp_path, 20)
    random.Random(0).shuffle(units)
    assert sorted(Ray().run(squared, units)) == [(place, unit.number**2) for place, unit in enumerate(units)]
    assert list(in_order(Ray(2).run(squared, iter(units)))) == [unit.number**2 for unit in units]
    assert list(Ray().run(squared, [])) == []
    assert Ray(8).spare(3) == 1
    assert Ray(8).here == os.cpu_count()


def test_a_connection_of_the_caller_is_kept(cluster: Cluster, tmp_path: Path) -> None:
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        assert len(list(Ray().run(squared, pieces(tmp_path, 3)))) == 3
        assert ray.is_initialized()
    finally:
        ray.shutdown()


@pytest.mark.parametrize("change", [lambda file: file.unlink(), lambda file: file.write_text("other")])
def test_a_worker_that_does_not_see_the_directory(change: Any, tmp_path: Path) -> None:
    """As on a node without the file system, or with another one at the same place."""
    marker = tmp_path / "shared" / "marker"
    marker.parent.mkdir()
    marker.write_text("mine")

    def units() -> Iterator[Piece]:
        change(marker)
        yield from pieces(tmp_path, 3)

    message = rf"^node [\d.]+: does not see {marker.parent} as the command does\. Remedy: .* all nodes mount .*--engine local"
    with pytest.raises(InputError, match=message):
        list(Ray().run(squared, units(), sees=[marker]))
    assert not (tmp_path / "0").exists()


def test_an_address_without_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    with pytest.raises(InputError, match=r"^RAY_ADDRESS ray://head:10001 is for Ray Client, .* RAY_ADDRESS=auto$"):
        list(Ray().run(squared, pieces(tmp_path, 1)))


def test_answers_are_collected_by_tasks_and_their_keys_stay_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_prompts(tmp_path, 20)
    monkeypatch.chdir(tmp_path)
    with serving(reply) as server:
        write_llms(tmp_path, server.url, "good")
        assert collect("--engine", "ray", "--workers", "2") == 0
        assert {*server.tries.values()} == {1}
        assert len(server.tries) == 20
        assert len(rows(collected(), "query_id")) == 20
        capsys.readouterr()
        monkeypatch.setenv("KEY_OF_THE_COMMAND", "hunter2-hunter2")  # the nodes, which began before, do not have it
        write_llms(tmp_path, server.url, "other", key_variable="KEY_OF_THE_COMMAND")
        assert collect("--engine", "ray", "--workers", "2") == 1
        assert len(server.requests) == 20
    assert "KEY_OF_THE_COMMAND" in capsys.readouterr().err
