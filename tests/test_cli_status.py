"""`llmfusionbench status`: runs that go on, were interrupted, failed, are done, and what is none of ours."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.revising.rescore import Rescoring
from llmfusionbench.cli.main import run as command_line
from llmfusionbench.errors import InputError
from llmfusionbench.redaction import keep_secret
from llmfusionbench.release.run_status import check_status
from llmfusionbench.release.shard_store import ShardStore
from tests.helpers.command import Command
from tests.helpers.many_shards import fails_at, killed_build, small_shards, write_log
from tests.helpers.run_folder import answer, llm, made_run, planned, sums, write
from tests.helpers.sample_part import bytes_of, write_part

BUILD = ["build", "table", "log.csv", "--workers", "1", "--out", "out"]


@pytest.fixture
def log(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    small_shards(monkeypatch)
    return write_log(place / "log.csv")


def status(lfb: Command, run: str = "out", wanted: int = 0) -> dict[str, Any]:
    """The status as JSON, which fits its schema; what is there stays as it is."""
    lfb("--version")  # takes what earlier commands have printed
    before = bytes_of(Path.cwd())
    code, printed, err = lfb("status", run, "--json")
    assert (code, err) == (wanted, "")
    assert bytes_of(Path.cwd()) == before
    found: dict[str, Any] = json.loads(printed)
    check_status(found)
    return found


def stop(monkeypatch: pytest.MonkeyPatch, error: BaseException, *, after: int = 3, words: list[str] = BUILD) -> int:
    """Run a command that ends with an error when some shards are done; its exit status."""
    with monkeypatch.context() as patched:
        patched.setattr(ShardStore, "finish", fails_at(after, error))
        return command_line(words)


def test_a_build_that_was_stopped(log: Path, place: Path, lfb: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stop(monkeypatch, KeyboardInterrupt()) == 1
    (work,) = place.glob(".out.*.work")
    found = status(lfb)
    assert found["result"] is None
    (run,) = found["runs"]
    assert (run["command"], run["state"], run["stage"], run["unit"]) == ("build", "stopped", "writing shards", "shards")
    assert (run["done"], run["failed"], run["failures"]) == (3, 0, [])
    assert run["total"] > 3
    assert (run["host"], run["pid"], run["place"]) == (socket.gethostname(), os.getpid(), str(work))
    assert run["resume"] == "llmfusionbench build table log.csv --workers 1 --out out"
    assert run["directory"] == str(place)
    assert run["options"] == {"source": "table", "inputs": ["log.csv"], "tokenizer": None}
    assert run["rate"]["rows_per_minute"] > run["rate"]["per_minute"] > 0
    assert run["rate"]["basis"].startswith("3 shards in ")
    assert run["seconds_left"] is None
    code, printed, _ = lfb("status", "out")
    assert code == 0
    assert f"Shards: 3 of {run['total']} done, 0 failed" in printed
    assert f"Resume it with: cd {place} && {run['resume']}" in printed
    code, printed, err = lfb(*BUILD)
    assert (code, err) == (0, "")
    assert "Resumed an earlier run: 3 shards were done." in printed
    assert status(lfb) == found | {"result": "release", "runs": []}
    assert lfb("status", "out")[1] == "out: a release, which is complete.\n"


def test_a_build_that_runs(log: Path, place: Path, lfb: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    finish = ShardStore.finish

    def looked_at(store: ShardStore, *arguments: Any) -> None:
        finish(store, *arguments)
        if len(list(store.path.glob("receipt-*"))) == 2 and not seen:
            seen.append(status(lfb))

    monkeypatch.setattr(ShardStore, "finish", looked_at)
    assert command_line(BUILD) == 0
    ((run,),) = [found["runs"] for found in seen]
    assert (run["state"], run["stage"], run["done"]) == ("running", "writing shards", 2)
    assert run["total"] > 2
    assert run["seconds_left"] > 0


def test_a_build_that_reads(log: Path, place: Path, lfb: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it reads, the number of shards is not known. Those of an earlier run count when it comes to them."""
    assert stop(monkeypatch, KeyboardInterrupt()) == 1
    from llmfusionbench.builders.making.intake import Intake

    seen: list[dict[str, Any]] = []
    take = Intake.take

    def looked_at(intake: Intake, part: Any) -> None:
        take(intake, part)
        seen.append(status(lfb))

    monkeypatch.setattr(Intake, "take", looked_at)
    assert command_line(BUILD) == 0
    (run,) = seen[-1]["runs"]
    assert (run["state"], run["stage"], run["done"], run["total"], run["rate"]) == ("running", "reading", 0, None, None)


def test_a_build_that_was_killed(log: Path, place: Path, lfb: Command) -> None:
    killed_build(log, place / "out")
    (run,) = status(lfb)["runs"]
    assert (run["state"], run["done"], run["resume"], run["failures"]) == ("killed", 2, None, [])
    assert "Resume it with the same call from Python." in lfb("status", "out")[1]
    assert status(lfb, run["place"])["runs"] == [run], "named by its hidden directory"


def test_a_shard_that_failed(log: Path, place: Path, lfb: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason and a log that has the traceback, both without secrets."""
    secret = "s3cr3t-" + "x" * 20
    keep_secret(secret)
    with pytest.raises(ZeroDivisionError):
        stop(monkeypatch, ZeroDivisionError(f"a bug with {secret}\nand more"))
    (run,) = status(lfb, wanted=1)["runs"]
    assert (run["state"], run["done"], run["failed"]) == ("failed", 3, 1)
    (failure,) = run["failures"]
    assert failure["what"].startswith("train-00003-of-")
    assert failure["reason"] == "a bug with [secret]"
    text = Path(failure["log"]).read_text()
    assert "ZeroDivisionError: a bug with [secret]" in text
    assert "in write" in text
    code, printed, _ = lfb("status", "out")
    assert code == 1
    assert f"Failed: {failure['what']}: a bug with [secret]" in printed
    assert f"Log: {failure['log']}" in printed
    assert command_line(BUILD) == 0
    assert status(lfb)["runs"] == []


def test_secrets_of_a_command_are_not_kept(log: Path, place: Path, lfb: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [*BUILD, "--revision", "https://me:hunter2-hunter2@example.org/x"]
    assert stop(monkeypatch, KeyboardInterrupt(), words=words) == 1
    (run,) = status(lfb)["runs"]
    assert run["resume"].endswith("--revision 'https://[secret]@example.org/x'")
    assert not any(b"hunter2" in content for content in bytes_of(place).values())


def test_a_rescore_that_failed_at_its_end(place: Path, lfb: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk got full when all shards were done: the run has failed, and no shard."""
    write_part(place / "part", queries=2, llms=2, shards=3)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    words = ["rescore", "part", "--metric", "em", "--workers", "1", "--out", "out"]
    with monkeypatch.context() as patched:
        patched.setattr(Rescoring, "conclude", full)
        assert command_line(words) == 1
    (run,) = status(lfb, wanted=1)["runs"]
    assert (run["command"], run["state"], run["stage"]) == ("rescore", "failed", "finishing")
    assert (run["done"], run["total"], run["failed"]) == (4, 4, 0)
    assert run["failures"][0]["what"] is None
    assert "No space left on device" in run["failures"][0]["reason"]
    assert run["options"]["metrics"] == ["em"]
    assert command_line(words) == 0
    assert status(lfb)["result"] == "release"


def test_runs_of_other_options_are_listed(log: Path, place: Path, lfb: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command_line(BUILD) == 0
    for share in ("0.25", "0.5"):
        assert stop(monkeypatch, KeyboardInterrupt(), words=[*BUILD, "--overwrite", "--test-share", share]) == 1
    found = status(lfb)
    assert found["result"] == "release"
    assert {run["resume"].rpartition(" ")[2] for run in found["runs"]} == {"0.25", "0.5"}


def test_a_run_of_calls(place: Path, lfb: Command) -> None:
    run = made_run(place / "run", sums(3), [llm("a"), llm("b")])
    calls = planned(run)
    for call in calls[:3]:
        write(run, answer(call))
    write(run, answer(calls[3], None, status="error", error="status 500"))
    (found,) = status(lfb, "run")["runs"]
    assert (found["command"], found["state"], found["unit"]) == ("collect", "idle", "calls")
    assert (found["done"], found["total"], found["failed"]) == (3, 6, 1)
    assert found["failures"] == [{"what": calls[3].llm, "reason": "status 500", "count": 1, "log": None}]
    assert found["resume"] == "llmfusionbench collect run"
    with RunJournal(place / "run"):
        assert status(lfb, "run")["runs"][0]["state"] == "running"
    for call in calls[3:]:
        write(run, answer(call, number=2))
    (found,) = status(lfb, "run")["runs"]
    assert (found["done"], found["failed"], found["resume"]) == (6, 0, None)
    assert "All calls have an outcome." in lfb("status", "run")[1]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["audit", "part", "--no-near-duplicates"], "report of an audit"),
        (["export", "sft", "sample", "--k", "1"], "corpus"),
        (["export", "routing", "part", "--format", "llmrouter"], "routing export"),
        (["simulate", "--scale", "0.001"], "simulated log"),
    ],
)
def test_what_keeps_nothing_is_named(place: Path, lfb: Command, words: list[str], kind: str) -> None:
    write_part(place / "part", tasks=["boolq"], llms=2)
    assert command_line([*words, "--out", "out"]) == 0
    assert status(lfb)["result"] == kind


@pytest.mark.parametrize("content", [None, {}, {"mine.txt": "x"}, {"run.json": "{}"}])
def test_what_is_none_of_ours(place: Path, lfb: Command, content: dict[str, str] | None) -> None:
    if content is not None:
        (place / "out").mkdir()
        for name, text in content.items():
            (place / "out" / name).write_text(text)
    code, printed, err = lfb("status", "out")
    assert (code, printed) == (1, "")
    assert "Remedy: " in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"ending": null}', '{"ending": 3}', '{"command": 3, "ending": null}'])
def test_a_damaged_record(log: Path, place: Path, lfb: Command, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    assert stop(monkeypatch, KeyboardInterrupt()) == 1
    (work,) = place.glob(".out.*.work")
    (work / "run.json").write_text(damage)
    code, _, err = lfb("status", "out")
    assert code == 1
    assert "no run is there" in err
    assert command_line(BUILD) == 0
    assert [path.name for path in place.glob(".*.work")] == []


def test_the_schema_refuses_what_is_missing() -> None:
    with pytest.raises(InputError, match=r"status: .*'runs' is a required property"):
        check_status({"version": "1.0"})


def test_a_file_is_no_run(place: Path, lfb: Command) -> None:
    (place / "notes.txt").write_text("notes")
    code, printed, err = lfb("status", "notes.txt")
    assert (code, printed) == (1, "")
    assert err.startswith("llmfusionbench: error: notes.txt: no run is there")


FACTS = {
    "command": "build", "options": {"a": 1}, "started": 1.7e9, "host": "h", "pid": 1, "directory": "/x", "line": "build",
    "stage": "writing shards", "settings": "s", "shards": {"train": 3}, "writing": 1.7e9,
    "ending": {"at": 1.7e9, "stopped": False, "reason": "r", "shard": "train-1"},
}  # fmt: skip
SHARD = "responses/train-00000-of-00003.parquet"
RECEIPT = {
    "input": "i", "settings": "s", "notes": {}, "finished": 1.7e9 + 5,
    "files": {SHARD: {"rows": 3, "bytes": 1, "sha256": "x"}},
}  # fmt: skip
ODD: list[Any] = [
    None, "x", 3, -1, 10**30, float("inf"), float("nan"), True, [], {}, ["x"], {"train": "x"}, {"train": 1.5}, {"train": None},
    {"train": -5}, {"train": 10**30}, {"x": float("nan")}, {"a": [[1]]}, "\x1b[31mred",
]  # fmt: skip


def changed(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The data with each odd value in place of each of its own, at every level."""
    for name, own in data.items():
        yield from ({**data, name: value} for value in ODD)
        if isinstance(own, dict):
            yield from ({**data, name: inner} for inner in changed(own))


@pytest.mark.parametrize("what", ["record", "receipt"])
def test_no_value_that_a_run_keeps_breaks_its_status(place: Path, lfb: Command, what: str) -> None:
    """A record or a receipt with a value that it cannot have counts as none."""
    work = place / ".out.0123456789abcdef.work"
    (work / "state").mkdir(parents=True)
    record, receipt = work / "run.json", work / "state" / "receipt-train-00000-of-00003.json"
    record.write_text(json.dumps(FACTS))
    receipt.write_text(json.dumps(RECEIPT))
    (run,) = status(lfb, wanted=1)["runs"]
    assert (run["done"], run["total"]) == (1, 3)
    file, data = (record, FACTS) if what == "record" else (receipt, RECEIPT)
    shown = 0
    for one in changed(data):
        file.write_text(json.dumps(one))
        code, printed, err = lfb("status", "out", "--json")
        assert "Traceback" not in err
        if printed:
            found = json.loads(printed, parse_constant=lambda name: pytest.fail(name))
            check_status(found)
            shown += len(found["runs"])
            assert "\x1b" not in lfb("status", "out")[1]
        else:
            assert (code, err.count("\n")) == (1, 1)
    assert shown
