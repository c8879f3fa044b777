"""Builds that are interrupted: what is done stays, and the next run writes only what is missing or stale."""

from __future__ import annotations

import errno
import json
import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders import build
from llmfusionbench.builders.making import shard as shards
from llmfusionbench.engines import Local
from llmfusionbench.errors import EngineError, InputError, RejectedError
from llmfusionbench.release.shard_store import ShardStore
from tests.helpers.engine_units import Wrapped
from tests.helpers.many_shards import counted_build, fails_at, killed_build, small_shards, write_log
from tests.helpers.sample_part import bytes_of


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    small_shards(monkeypatch)
    return write_log(tmp_path / "log.csv")


def interrupt(monkeypatch: pytest.MonkeyPatch, log: Path, out: Path, *, after: int = 3, **options: Any) -> Path:
    """Interrupt a build when some shards are done; the hidden directory."""
    with monkeypatch.context() as patched:
        patched.setattr(ShardStore, "finish", fails_at(after, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            build("table", [log], out, workers=1, **options)
    (work,) = out.parent.glob(f".{out.name}.*.work")
    return work


def whole(log: Path, folder: Path, **options: Any) -> dict[str, bytes]:
    """The files of a build that was never interrupted."""
    return bytes_of(build("table", [log], folder / "whole", workers=1, overwrite=True, **options).directory)


@pytest.mark.parametrize(
    ("workers", "tokenizer"), [(1, ""), (2, ""), (2, "cl100k_base")], ids=["alone", "threads", "processes"]
)
def test_a_killed_build_does_only_what_is_missing(log: Path, tmp_path: Path, workers: int, tokenizer: str) -> None:
    out = tmp_path / "here" / "out"
    killed_build(log, out, workers, tokenizer)
    (work,) = out.parent.glob(".out.*.work")
    finished = len(list(work.glob("state/receipt-*")))
    assert finished >= 2
    assert not out.exists()
    resumed, total = counted_build(log, out, workers=2, tokenizer=tokenizer or None)
    assert (resumed, total > 2 * finished) == (finished, True)
    assert bytes_of(out) == whole(log, tmp_path, tokenizer=tokenizer or None)
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_records_are_gone_and_shards_stay(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = interrupt(monkeypatch, log, tmp_path / "here" / "out")
    assert sorted(path.name for path in work.iterdir()) == [".lock", "failure.log", "release", "run.json", "state"]
    assert len(list(work.glob("state/receipt-*"))) == 3
    assert list(work.glob("state/scratch-*")) == []


def test_a_changed_log_makes_exactly_its_shards_stale(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "here" / "out"
    total = counted_build(log, out, workers=1)[1]
    interrupt(monkeypatch, log, out, after=total - 1, overwrite=True)
    write_log(log, changed=30)
    written: list[str] = []
    assembled = shards.assemble

    def noted(*arguments: Any, **named: Any) -> Any:
        written.append(arguments[0]["query_id"][0].as_py())
        return assembled(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(shards, "assemble", noted)
        resumed, all_of_them = counted_build(log, out, workers=1, overwrite=True)
    assert all_of_them == total
    assert len(written) in (1, 2), "the one with the change, and the one that had no receipt"
    assert resumed == total - len(written)
    assert bytes_of(out) == whole(log, tmp_path)


def test_what_comes_before_shifts_no_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    """A further record in another file changes the reading order of all records behind it, and one shard."""
    first = tmp_path / "a.jsonl"
    row = {"prompt": "What is 7 + 7?", "split": "test", "task": "sums", "llm": "tiny", "response": "14", "metric": "em"}
    first.write_text(json.dumps(row) + "\n")
    out = tmp_path / "here" / "out"
    seen: dict[str, int] = {}

    def tell(stage: str, done: int, total: int | None) -> None:
        seen[stage] = done

    with monkeypatch.context() as patched:
        patched.setattr(ShardStore, "finish", fails_at(4, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            build("table", [first, log], out, workers=1)
    second = row | {"llm": "big", "response": "13"}
    first.write_text("".join(json.dumps(one) + "\n" for one in (row, second)))
    build("table", [first, log], out, workers=1, progress=tell)
    assert seen["shards resumed"] == 4


@pytest.mark.parametrize("change", [{"tokenizer": "cl100k_base"}, {"test_share": 0.5}, {"compression_level": 9}])
def test_other_settings_reuse_nothing(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    out = tmp_path / "here" / "out"
    interrupt(monkeypatch, log, out)
    assert counted_build(log, out, workers=1, **change)[0] == 0
    assert bytes_of(out) == whole(log, tmp_path, **change)
    assert [path.name for path in out.parent.iterdir()] == ["out"], "what the other build has left is gone"


def test_prices_are_settings(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another file of prices under the same name: the hidden directory is the same, and no receipt fits."""
    llms, out = tmp_path / "llms.csv", tmp_path / "here" / "out"
    llms.write_text("llm,input_price,output_price\ntiny,1,2\n")
    work = interrupt(monkeypatch, log, out, llms=llms)
    llms.write_text("llm,input_price,output_price\ntiny,1,3\n")
    assert interrupt(monkeypatch, log, out, llms=llms) == work
    assert len(list(work.glob("state/receipt-*"))) == 3
    assert counted_build(log, out, workers=1, llms=llms)[0] == 3


@pytest.mark.parametrize("kind", ["table", "cut receipt", "odd receipt", "note", "gone"])
def test_what_is_damaged_is_written_again(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    out = tmp_path / "here" / "out"
    work = interrupt(monkeypatch, log, out)
    receipt = sorted(work.glob("state/receipt-*"))[0]
    name = receipt.stem.removeprefix("receipt-")
    victim = {"note": work / "state" / f"taken-{name}.arrow", "table": work / "release" / "logs" / f"{name}.parquet"}
    if kind == "gone":
        (work / "release" / "queries" / f"{name}.parquet").unlink()
    elif kind == "odd receipt":
        receipt.write_text(json.dumps(json.loads(receipt.read_text()) | {"files": {"x": 1}}))
    else:
        place = victim.get(kind, receipt)
        place.write_bytes(place.read_bytes()[:-1])
    assert counted_build(log, out, workers=1)[0] == 2
    assert bytes_of(out) == whole(log, tmp_path)


def killed(_unit: object, function: Any) -> None:
    """Write the shard, and end the worker."""
    function(_unit)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_leaves_what_is_done(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "here" / "out"
    engine = Wrapped(Local(2), killed)
    with pytest.raises(EngineError, match=r"a worker process was killed"):
        build("table", [log], out, engine=engine, tokenizer="cl100k_base")
    (work,) = out.parent.glob(".out.*.work")
    finished = len(list(work.glob("state/receipt-*")))
    assert finished >= 1
    assert counted_build(log, out, workers=2, tokenizer="cl100k_base")[0] == finished


@pytest.mark.parametrize(
    ("error", "stays"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (MemoryError(), True),
        (ZeroDivisionError("a bug"), True),
        (EngineError("node 10.0.0.2: has other versions"), True),
        (InputError("the log is odd"), False),
        (RejectedError("the records are odd"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_stays_after_an_error(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, stays: bool
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(ShardStore, "finish", fails_at(3, error))
        with pytest.raises(type(error)):
            build("table", [log], tmp_path / "here" / "out", workers=1)
    assert (tmp_path / "here").exists() == stays
    assert counted_build(log, tmp_path / "here" / "out", workers=1)[0] == 3 * stays


def test_without_a_shard_there_is_nothing_to_keep(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ShardStore, "finish", fails_at(0, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        build("table", [log], tmp_path / "here" / "out", workers=1)
    assert not (tmp_path / "here").exists()


def test_rejected_records_of_finished_shards_are_listed(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And counted; those that say the same as an earlier one, too."""
    lines = log.read_text().splitlines()
    again = [line.replace("Answer of", "Another of") for line in lines[1:40]]
    log.write_text("\n".join([*lines, *again, *lines[50:60]]) + "\n")
    out = tmp_path / "here" / "out"
    interrupt(monkeypatch, log, out, after=5)
    assert counted_build(log, out, workers=1)[0] == 5
    assert bytes_of(out) == whole(log, tmp_path)
    records = json.loads((out / "manifest.json").read_text())["records"]
    assert records["folded"] + records["rejected"] > 0


def test_two_at_once_do_not_share_a_directory(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second build of the same finds the directory in use, and writes beside it."""
    out = tmp_path / "here" / "out"
    finish = ShardStore.finish
    inner: list[tuple[int, int]] = []

    def meanwhile(store: ShardStore, *arguments: Any) -> None:
        finish(store, *arguments)
        if not inner:
            inner.append((-1, -1))
            inner[0] = counted_build(log, out, workers=1)

    monkeypatch.setattr(ShardStore, "finish", meanwhile)
    build("table", [log], out, workers=1, overwrite=True)
    assert inner[0][0] == 0
    assert inner[0][1] > 2
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_the_second_of_two_at_once_leaves_nothing_after_an_error(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No later run could resume what it has done."""
    out = tmp_path / "here" / "out"
    finish, seen = ShardStore.finish, []

    def meanwhile(store: ShardStore, *arguments: Any) -> None:
        finish(store, *arguments)
        if not seen:
            seen.append(None)
            with monkeypatch.context() as patched:
                patched.setattr(ShardStore, "finish", finish)
                patched.setattr(ShardStore, "finish", fails_at(3, OSError(errno.ENOSPC, "No space left on device")))
                with pytest.raises(OSError, match="No space left"):
                    build("table", [log], out, workers=1)
            seen[0] = [path.suffix for path in out.parent.iterdir()]

    monkeypatch.setattr(ShardStore, "finish", meanwhile)
    build("table", [log], out, workers=1)
    assert seen == [[".work"]]


def test_any_engine_resumes(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "here" / "out"
    interrupt(monkeypatch, log, out)
    around = Wrapped(Local(1), partial(passed))
    assert counted_build(log, out, engine=around)[0] == 3


def passed(unit: Any, function: Any) -> Any:
    """Run the function."""
    return function(unit)
