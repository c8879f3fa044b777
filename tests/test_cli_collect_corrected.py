"""`collect` after a correction in the file of LLMs: what has no answer is asked as the file has it now, the rest stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.batch_files import BatchFiles
from llmfusionbench.builders.collecting.batch_states import WRITTEN, Batch
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.plan import Plan
from llmfusionbench.builders.collecting.records import sent_record
from llmfusionbench.builders.collecting.run import Run
from llmfusionbench.builders.reading.run_files import JOURNAL, RUN
from llmfusionbench.cli.main import run
from tests.helpers.chat_server import ChatServer, completion, serving
from tests.helpers.collecting_desk import collect, release, reply, rows, write_llms, write_prompts


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with four prompts, in which commands run."""
    write_prompts(tmp_path, 4)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(strict) as running:
        yield running


def strict(body: dict[str, Any], tries: int) -> Any:
    """Knows the models `good-model` and `bad-model`."""
    if body["model"] not in ("good-model", "bad-model"):
        return 404, b'{"error": {"message": "no such model"}}'
    return reply(body, tries)


def write_both(desk: Path, server: ChatServer, **settings: Any) -> None:
    """A file with `good`, which has these settings, and `bad`."""
    write_llms(desk, server.url, "good", "bad")
    given = json.loads((desk / "llms.yaml").read_text())
    given["llms"][0] |= settings
    (desk / "llms.yaml").write_text(json.dumps(given))


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        ({"model": "godd-model"}, 'model in direct mode is "good-model", not "godd-model"'),
        ({"url": "http://127.0.0.1:9/v1", "retries": 0}, "the address is "),
    ],
)
def test_a_wrong_model_or_url_is_corrected_in_the_file(
    desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str], wrong: dict[str, Any], shown: str
) -> None:
    write_both(desk, server, **wrong)
    collect()
    by_bad = [body for _, body, _ in server.requests if body["model"] == "bad-model"]
    assert len(by_bad) == 4
    assert set(rows(release("early"), "llm", "performance")) >= {("bad", 0.0)}
    before, journal = len(server.requests), (desk / "run" / JOURNAL).read_bytes()
    capsys.readouterr()
    write_both(desk, server)
    assert collect() == 0
    assert f"Note: good, which has no answers, is asked with other settings from now on: {shown}" in capsys.readouterr().err
    assert {body["model"] for _, body, _ in server.requests[before:]} == {"good-model"}
    assert len(server.requests) == before + 4
    assert (desk / "run" / JOURNAL).read_bytes().startswith(journal)
    made = release()
    assert sorted(rows(made, "llm", "performance")) == [("bad", 0.0)] * 4 + [("good", 1.0)] * 4
    assert set(rows(made, "endpoint")) == {(f"{server.url}/v1",)}
    assert collect() == run(["collect", "run"]) == 0
    assert len(server.requests) == before + 4


def test_what_has_answers_is_not_changed(desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    write_llms(desk, server.url, "good")
    assert collect("--limit", "9") == 0
    kept = {path: path.read_bytes() for path in (desk / "run").iterdir()}
    for settings in ({"model": "bad-model"}, {"url": "http://127.0.0.1:9/v1"}, {"temperature": 1}):
        write_both(desk, server, **settings)
        capsys.readouterr()
        assert collect("--only", "good") == 1
        printed = capsys.readouterr().err
        assert "run: the run has answers of good with other settings (" in printed
        assert "Remedy: give the LLM another name for these settings, choose another --out" in printed
    assert {path: path.read_bytes() for path in kept} == kept
    assert len(server.requests) == 4


def test_a_mode_without_answers_is_changed_alone(desk: Path) -> None:
    def no_effort(body: dict[str, Any], tries: int) -> Any:
        return (400, b'{"error": {"message": "no such effort"}}') if body.get("effort") == "hihg" else reply(body, tries)

    with serving(no_effort) as server:
        write_llms(desk, server.url, "good", modes={"think": {"effort": "hihg"}})
        assert collect("--mode", "direct,think") == 0
        assert len(server.requests) == 8
        write_llms(desk, server.url, "good", modes={"think": {"effort": "high"}})
        assert collect("--mode", "direct,think") == 0
        assert len(server.requests) == 12
        assert {body["effort"] for _, body, _ in server.requests[8:]} == {"high"}
    assert rows(release(), "performance") == [(1.0,)] * 8


def test_failures_before_a_correction_no_longer_count(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in a release, nor for --retry error: the plain command asks these calls."""
    with serving(lambda body, tries: (400, b'{"error": {"message": "no"}}')) as server:
        write_llms(desk, server.url, "good", temperature=1)
        assert collect() == 0
        assert {status for (status,) in rows(release("early"), "status")} == {"error"}
        assert len(server.requests) == 4
    with serving(reply) as server:
        write_llms(desk, server.url, "good", temperature=1)
        assert collect("--batch-results", "nix.jsonl") == 1  # the run is changed, and nothing is asked
        assert rows(release("between"), "status") == []
        capsys.readouterr()
        assert run(["collect", "--retry", "error", "run"]) == 0
        assert "Nothing was left to ask." in capsys.readouterr().out
        assert server.requests == []
        assert run(["collect", "run"]) == 0
        assert len(server.requests) == 4
    assert rows(release(), "status", "performance") == [("ok", 1.0)] * 4


def test_the_first_settings_may_come_back(desk: Path) -> None:
    with serving(lambda body, tries: (400, b'{"error": {"message": "no"}}')) as server:
        for temperature in (1, 0, 1):
            write_llms(desk, server.url, "good", temperature=temperature)
            assert collect() == 0
        assert len(server.requests) == 12
        server.answer = reply
        assert run(["collect", "--retry", "error", "run"]) == 0
        assert len(server.requests) == 16
        assert rows(release(), "status") == [("ok",)] * 4
        assert run(["collect", "run"]) == 0
        assert len(server.requests) == 16


def test_a_dry_run_changes_nothing(desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    write_both(desk, server, model="godd-model")
    assert collect() == 1
    assert "if the file of LLMs is wrong, correct it and name it again with --llms" in capsys.readouterr().err
    kept = {path: path.read_bytes() for path in (desk / "run").iterdir()}
    write_both(desk, server)
    assert collect("--dry-run") == 0
    assert {path: path.read_bytes() for path in (desk / "run").iterdir()} == kept


def written_batch(desk: Path, *, state: str = WRITTEN, **facts: Any) -> Batch:
    """A batch of all calls of the run, which has come as far as `state`."""
    found = Run.read(desk / "run")
    calls = list(Plan(found, tuple(found.endpoints())).calls())
    with RunJournal(desk / "run") as journal:
        batch = Batch("good-1", "good")
        written = BatchFiles(journal.folder, batch.batch).write([(call, 9, 1) for call in calls], "/v1/chat/completions")
        batch = Batch("good-1", "good", state=state, requests=written.requests, sha256=written.sha256, **facts)
        journal.add(batch.record("2026-03-05T12:00:00Z"))
        for call in calls:
            journal.add(sent_record(call, number=9, worst_usd=0.5, batch=batch.batch))
    return batch


def test_a_batch_that_no_provider_has_is_given_up(desk: Path, server: ChatServer) -> None:
    write_llms(desk, server.url, "good", model="godd-model", concurrency=1)
    assert collect() == 1
    written_batch(desk)
    write_llms(desk, server.url, "good")
    before = len(server.requests)
    assert collect() == 0
    assert len(server.requests) == before + 4
    with RunJournal(desk / "run") as journal:
        assert (journal.state.in_batches(), journal.state.batches["good-1"]["state"]) == ({}, "cancelled")
        assert journal.spent_usd < 0.5
    assert rows(release(), "performance") == [(1.0,)] * 4


@pytest.mark.parametrize("facts", [{"state": "submitted", "batch_id": "b"}, {"offline": True}, {"state": "uploaded"}])
def test_a_batch_that_may_still_be_answered_keeps_the_settings(
    desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str], facts: dict[str, Any]
) -> None:
    write_llms(desk, server.url, "good", model="godd-model", concurrency=1)
    assert collect() == 1
    written_batch(desk, **facts)
    kept = (desk / "run" / RUN).read_bytes(), (desk / "run" / JOURNAL).read_bytes()
    write_llms(desk, server.url, "good")
    assert collect() == 1
    printed = capsys.readouterr().err
    assert "run: batch good-1 of good is under way with other settings (model in direct mode" in printed
    assert "Remedy: take its results first with llmfusionbench collect run --batch" in printed
    assert ((desk / "run" / RUN).read_bytes(), (desk / "run" / JOURNAL).read_bytes()) == kept


def test_two_llms_with_the_same_requests_are_refused(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One answer would stand for both. Nothing is asked, and the run stays as it was."""
    with serving(lambda body, tries: (200, completion("2", body["model"]))) as server:
        write_llms(desk, server.url, "a", "b", model="m")
        for more in ([], ["--dry-run"], ["--batch", "--no-wait"]):
            assert collect(*more) == 1
            assert 'LLMs "a" and "b" are the same model with the same settings' in capsys.readouterr().err
        assert not (desk / "run").exists()
        assert collect("--only", "a") == 0
        kept = (desk / "run" / RUN).read_bytes()
        assert collect("--only", "b") == 1
        assert "Remedy: leave one out, or give them different settings" in capsys.readouterr().err
        assert (desk / "run" / RUN).read_bytes() == kept
        write_llms(desk, server.url, "b", model="m", seed=1)
        assert collect() == 0
        assert len(server.requests) == 8
