"""`collect` and `build collected` from the command line, against a server on this machine, with kills, faults and refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders.reading.run_files import JOURNAL, QUERIES, RUN
from llmfusionbench.cli.main import run
from tests.helpers.chat_server import ChatServer, completion, serving
from tests.helpers.collecting_desk import NUMBER, collect, release, reply, rows, write_llms, write_prompts

LONG = 4096


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ten prompts, in which commands run."""
    write_prompts(tmp_path, 10)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(reply) as running:
        yield running


def test_from_the_question_to_the_score(desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    write_llms(desk, server.url, "good", "bad", seed=3)
    assert collect("--mode", "direct,think", "--replicates", "2") == 0
    assert len(server.requests) == 10 * 2 * 2 * 2
    printed = capsys.readouterr()
    assert "All calls have an outcome." in printed.out
    assert "good: 40 of 40 done" in printed.err
    made = release()
    scores = made.table("responses").to_table(columns=["llm", "performance"]).to_pandas().groupby("llm")["performance"]
    assert scores.mean().to_dict() == {"bad": 0.0, "good": 1.0}
    assert scores.count().to_dict() == {"bad": 40, "good": 40}
    assert set(rows(made, "provenance", "mode", "replicate")) == {
        ("collected", mode, n) for mode in ("direct", "think") for n in (0, 1)
    }
    assert {row["seed"] for (row,) in rows(made, "sampling")} == {3, 4}
    assert len(made.routing(split="train").candidates) == 4


def test_tasks_of_the_catalog_and_of_a_person(desk: Path) -> None:
    """Rows of a file are asked as the task asks them, and scored by its metric; programs are left for `rescore`."""
    rows_of_sums = [{"question": f"What is {i} + {i}?", "answer": f"It doubles. #### {2 * i}"} for i in range(1, 9)]
    (desk / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows_of_sums))
    program = {"task_id": "HumanEval/0", "prompt": "def f(x):\n", "canonical_solution": "    return x\n"}
    program |= {"test": "def check(f):\n    assert f(1) == 1\n", "entry_point": "f"}
    (desk / "programs.jsonl").write_text(json.dumps(program) + "\n")
    words = ["--task-file", "gsm8k=sums.jsonl", "--task-file", "human_eval=programs.jsonl", "--tasks", "gsm8k,human_eval"]

    def solving(body: dict[str, Any], tries: int) -> str:
        asked = NUMBER.search(body["messages"][-1]["content"])
        return f"Twice that.\n#### {2 * int(asked[1])}" if asked else "[BEGIN]\ndef f(x):\n    return x\n[DONE]"

    with serving(solving) as server:
        write_llms(desk, server.url, "good")
        assert run(["collect", *words, "--llms", "llms.yaml", "--mode", "direct,think", "--limit", "4", "--out", "run"]) == 0
        trial = len(server.requests)
        assert run(["collect", *words, "--mode", "direct,think", "--out", "run"]) == 0
        assert len(server.requests) == 2 * 9
        assert trial < 2 * 9
    made = release()
    table = made.table("logs").to_table(columns=["task", "mode", "performance"]).to_pylist()
    assert {(row["task"], row["performance"]) for row in table} == {("gsm8k", 1.0), ("human_eval", None)}
    assert "1 answers" not in (note := "".join(made.manifest["source"]["notes"]))
    assert "code_eval (task human_eval): 2 answers have no performance yet" in note


def test_what_was_answered_is_not_asked_again(desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    write_llms(desk, server.url, "good")
    assert collect() == 0
    journal = (desk / "run" / JOURNAL).read_bytes()
    for arguments in (["collect", "run"], ["collect", "--out", "run"]):
        assert run(arguments) == 0
    assert collect() == 0
    assert len(server.requests) == 10
    assert (desk / "run" / JOURNAL).read_bytes() == journal
    assert capsys.readouterr().out.count("Nothing was left to ask.") == 3


def test_a_run_is_asked_for_more(desk: Path, server: ChatServer) -> None:
    write_llms(desk, server.url, "good")
    assert collect() == 0
    write_prompts(desk, 12)
    write_llms(desk, server.url, "good", "bad")
    assert collect() == 0
    assert len(server.requests) == 12 * 2
    assert run(["collect", "--replicates", "2", "run"]) == 0
    assert len(server.requests) == 12 * 2 * 2
    assert len(rows(release(), "query_id")) == 48


def test_a_further_task_is_asked_in_all_modes_of_the_run(desk: Path, server: ChatServer) -> None:
    """Also where the command names fewer modes: a run is the product of its queries, LLMs, modes and replicates."""
    write_llms(desk, server.url, "good")
    assert collect("--mode", "direct,think") == 0
    rows_of_sums = [{"question": f"What is {i} + {i}?", "answer": f"#### {2 * i}"} for i in range(1, 4)]
    (desk / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows_of_sums))
    further = ["--tasks", "gsm8k", "--task-file", "gsm8k=sums.jsonl", "--mode", "direct", "--out", "run"]
    assert run(["collect", *further]) == 0
    assert len(server.requests) == (10 + 3) * 2


def test_only_some_llms_now(desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    write_llms(desk, server.url, "good", "bad")
    assert collect() == 0
    assert run(["collect", "--replicates", "2", "--only", "bad", "run"]) == 0
    assert len(server.requests) == 30
    assert run(["collect", "--only", "goood", "run"]) == 1
    assert 'No LLM "goood". Did you mean "good"?' in capsys.readouterr().err


def test_a_forecast_asks_and_writes_nothing(desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    write_llms(desk, server.url, "good", "bad")
    before = sorted(desk.rglob("*"))
    assert collect("--dry-run", "--replicates", "3") == 0
    printed = capsys.readouterr().out
    assert re.search(r"^all +60 ", printed, re.MULTILINE)
    assert "Nothing was asked." in printed
    assert (sorted(desk.rglob("*")), server.requests) == (before, [])


def test_a_forecast_of_what_a_run_still_needs(desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    write_llms(desk, server.url, "good")
    assert collect() == 0
    files = {path: path.read_bytes() for path in (desk / "run").iterdir()}
    capsys.readouterr()
    assert collect("--dry-run", "--replicates", "3") == 0
    assert re.search(r"^good +30 +10 ", capsys.readouterr().out, re.MULTILINE)
    assert {path: path.read_bytes() for path in (desk / "run").iterdir()} == files
    assert len(server.requests) == 10


def test_a_pilot_stops_where_no_one_can_be_asked(desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    write_llms(desk, server.url, "good", "bad")
    assert collect("--pilot", "3") == 0
    printed = capsys.readouterr().out
    assert len(server.requests) == 6
    assert re.search(r"^good +10 +3 .*\(.* to .*\)", printed, re.MULTILINE)
    assert "Stopped after the pilot. Go on with: llmfusionbench collect run" in printed
    assert run(["collect", "run", "--pilot", "3", "--yes"]) == 0
    assert len(server.requests) == 20


def test_the_cap_on_the_cost_holds(desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    write_llms(desk, server.url, "good", max_tokens=1000)
    cap = 0.004  # the worst case of one call is more than 0.002 USD, an answer takes 0.000013
    assert collect("--max-cost", str(cap)) == 0
    assert len(server.requests) == 10
    assert server.most == 1
    assert collect("--max-cost", "0.002", "--replicates", "9") == 1
    printed = capsys.readouterr().err
    assert len(server.requests) == 10
    assert "stopped, 80 calls have no outcome (good: its next call does not fit into --max-cost" in printed
    assert "Remedy: go on with llmfusionbench collect run" in printed


def test_a_cap_needs_prices(desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    write_llms(desk, server.url, "good", prices=[])
    assert collect("--max-cost", "1") == 1
    assert "the price of good" in capsys.readouterr().err
    assert server.requests == []


def cutting(body: dict[str, Any], tries: int) -> Any:
    """Cuts off the answers to even numbers that have few tokens, and filters 3."""
    text = reply(body, tries)
    number = int(text) // 2
    said = json.loads(completion(text, body["model"]))
    if body["max_tokens"] < LONG and number % 2 == 0:
        said["choices"][0] |= {"finish_reason": "length", "message": {"role": "assistant", "content": "cut"}}
    elif number == 3 and tries == 1:
        said["choices"][0] |= {"finish_reason": "content_filter", "message": {"role": "assistant", "content": ""}}
    elif number == 5 and tries == 1:
        return 400, b'{"error": {"message": "not this time"}}'
    return 200, json.dumps(said).encode()


def test_only_what_was_cut_off_or_failed_is_asked_again(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(cutting) as server:
        write_llms(desk, server.url, "good")
        assert collect() == 0
        first = release("first")
        found = [row for row in rows(first, "finish_reason", "status", "performance") if row != ("stop", "ok", 1.0)]
        assert sorted((str(reason), status) for reason, status, _ in found) == [
            ("None", "error"), ("content_filter", "empty"), *[("length", "ok")] * 5,
        ]  # fmt: skip
        assert len(server.requests) == 10
        assert run(["collect", "--retry", "length", "--max-tokens", str(LONG), "run"]) == 0
        assert len(server.requests) == 15
        assert {body["max_tokens"] for _, body, _ in server.requests[10:]} == {LONG}
        assert run(["collect", "--retry", "error,refusal", "run"]) == 0
        assert len(server.requests) == 17
        assert set(rows(release(), "finish_reason", "status", "performance")) == {("stop", "ok", 1.0)}
        capsys.readouterr()
        assert run(["collect", "--retry", "length,error,refusal", "--max-tokens", str(LONG), "run"]) == 0
        assert run(["collect", "run"]) == 0
        assert len(server.requests) == 17
        assert capsys.readouterr().out.count("Nothing was left to ask.") == 2
    assert b'"cut"' in (desk / "run" / JOURNAL).read_bytes()


def test_a_failure_is_an_outcome(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refusing(body: dict[str, Any], tries: int) -> Any:
        return (400, b'{"error": {"message": "too hard"}}') if "9" in body["messages"][-1]["content"] else reply(body, tries)

    with serving(refusing) as server:
        write_llms(desk, server.url, "good")
        assert collect() == 0
        assert collect() == 0
        assert len(server.requests) == 10
    failed = [row for row in rows(release(), "status", "performance", "error") if row[0] == "error"]
    assert len(failed) == 1
    assert "too hard" in failed[0][2]


def test_a_refused_key_stops_its_llm_alone(
    desk: Path, server: ChatServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTHER_KEY", "sk-secret-of-a-test")
    with serving(lambda body, tries: (401, b'{"error": {"message": "wrong key sk-secret-of-a-test"}}')) as strict:
        llms = [
            {"name": "good", "model": "good-model", "url": server.url, "prices": []},
            {"name": "locked", "model": "m", "url": strict.url, "key_variable": "OTHER_KEY", "concurrency": 1},
        ]
        (desk / "llms.yaml").write_text(json.dumps({"llms": llms}))
        assert collect() == 1
        assert len(strict.requests) == 1
    printed = capsys.readouterr().err
    assert "stopped, 10 calls have no outcome (locked: " in printed
    assert len(server.requests) == 10
    assert "sk-secret" not in printed
    assert all(b"sk-secret" not in path.read_bytes() for path in (desk / "run").iterdir())
    made = release()
    assert rows(made, "llm") == [("good",)] * 10
    assert "10 of 20 calls have no outcome yet" in "".join(made.manifest["source"]["notes"])


def test_another_model_is_told_and_can_stop_the_run(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(lambda body, tries: (200, completion(reply(body, tries), "dear-model"))) as server:
        write_llms(desk, server.url, "good", concurrency=1)
        assert collect("--halt-on-drift") == 1
        assert len(server.requests) == 1
        printed = capsys.readouterr().err
        assert "'dear-model' answered in place of 'good-model'" in printed
        assert "Warning: good" not in printed
        assert collect("--pilot", "3", "--yes", "--replicates", "2") == 0
        warning = "Warning: good: 'dear-model' answers, though 'good-model' was requested\n"
        assert (printed := capsys.readouterr().err).count("dear-model") == printed.count(warning) == 1
    assert set(rows(release(), "requested_model", "served_model")) == {("good-model", "dear-model")}


def test_a_new_run_that_cannot_begin_leaves_no_trace(desk: Path, server: ChatServer) -> None:
    write_llms(desk, server.url, "good")
    assert collect("--max-cost", "-1") == 1
    assert collect("--max-cost", "nan") == 1
    write_llms(desk, server.url, "good", prices=[])
    assert collect("--max-cost", "1") == 1
    write_llms(desk, server.url, "good", key_variable="A_KEY_THAT_IS_NOT_SET")
    assert collect() == 1
    write_llms(desk, server.url, "good")
    (desk / "prompts.jsonl").write_text('{"no": "prompt"}\n')
    assert collect() == 1
    assert not (desk / "run").exists()
    assert server.requests == []


def test_a_run_is_as_it_was_after_llms_that_cannot_be_asked(desk: Path, server: ChatServer) -> None:
    write_llms(desk, server.url, "good")
    assert collect() == 0
    before = (desk / "run" / RUN).read_bytes()
    write_llms(desk, server.url, "bad", key_variable="A_KEY_THAT_IS_NOT_SET")
    assert collect() == 1
    assert (desk / "run" / RUN).read_bytes() == before


def test_what_is_found_out_late_leaves_no_run(desk: Path, server: ChatServer) -> None:
    """Results of batches are looked at when the run is there."""
    write_llms(desk, server.url, "good")
    assert collect("--batch-results", "nix.jsonl") == 1
    assert not (desk / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["collect"], 2, "No run is named."),
        (["collect", "a", "--out", "b"], 2, "RUN and --out name two directories."),
        (["collect", "nowhere"], 2, "nowhere is not a run yet. Name the file of LLMs"),
        (["collect", "--llms", "llms.yaml", "--out", "new"], 2, "Nothing to ask."),
        (["collect", "--retry", "error", "--replicates", "2", "run"], 2, "--retry asks for nothing new: drop --replicates."),
        (["collect", "run", "--yes"], 2, "--yes needs --pilot."),
        (["collect", "run", "--no-wait"], 2, "--no-wait needs --batch."),
        (["collect", "run", "--pilot", "2", "--dry-run"], 2, "--pilot goes with neither"),
        (["collect", "run", "--max-tokens", "9"], 2, "change how LLMs are asked"),
        (["collect", "--retry", "lengths", "run"], 1, 'Did you mean "length"?'),
        (["collect", "--retry", "length", "run"], 1, "Remedy: set --max-tokens"),
        (["collect", "--tasks", "gsm9k", "--llms", "llms.yaml", "--out", "new"], 1, 'No task "gsm9k". Did you mean "gsm8k"?'),
        (["collect", "--tasks", "all,gsm9k", "--llms", "llms.yaml", "--out", "new"], 1, 'No task "gsm9k".'),
        (
            ["collect", "--task-file", "squad=a", "--task-file", "squad=b", "--tasks", "squad", "--out", "run"],
            2,
            "two files for squad",
        ),
        (["collect", "--tasks", "gsm8k", "--llms", "nix.yaml", "--out", "new"], 1, "nix.yaml"),
        (["collect", "--tasks", "gsm8k", "--llms", "bad.yaml", "--out", "new"], 1, "bad.yaml"),
        (["collect", "--mode", "high", "--out", "run"], 1, "mode high: no LLM has settings for it"),
        (["collect", "--task-file", "gsm8k", "--tasks", "gsm8k", "--out", "run"], 2, "is not NAME=VALUE"),
        (["collect", "--prompts", "prompts.jsonl", "--llms", "llms.yaml", "--out", "llms.yaml"], 1, "not a directory"),
        (["collect", "--prompts", "prompts.jsonl", "--llms", "llms.yaml", "--out", "."], 1, "is not a run"),
        (["build", "collected", "llms.yaml", "--out", "new"], 1, "not part of a run"),
        (["build", "collected", ".", "--option", "x=1", "--out", "new"], 1, 'No option of collected "x"'),
    ],
)
def test_what_cannot_be_done(
    desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, words: str
) -> None:
    write_llms(desk, server.url, "good")
    (desk / "bad.yaml").write_text('{"llms": [{"name": "a", "modle": "m"}]}')
    assert collect() == 0
    asked = len(server.requests)
    capsys.readouterr()
    assert run(arguments) == status
    printed = capsys.readouterr()
    assert words in printed.err
    assert "Traceback" not in printed.err
    assert len(server.requests) == asked
    assert not (desk / "new").exists()


def test_the_files_of_a_run(desk: Path, server: ChatServer) -> None:
    write_llms(desk, server.url, "good")
    assert collect() == 0
    assert {path.name for path in (desk / "run").iterdir()} <= {RUN, QUERIES, JOURNAL, "run.lock"}
    assert run(["build", "auto", "run", "--out", "release", "--workers", "1"]) == 0
    assert lfb.open_release("release").manifest["source"]["name"] == "collected"


def test_the_reasons_of_failures_are_shown_with_the_remedy(
    desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong port is seen as such; the words of a server stand with the number of calls that they concern."""

    def refusing(body: dict[str, Any], tries: int) -> Any:
        return (400, b'{"error": {"message": "too hard"}}') if "9" in body["messages"][-1]["content"] else reply(body, tries)

    with serving(refusing) as other:
        gone = other.url
        write_llms(desk, other.url, "good")
        assert collect() == 0
        assert "Warning: good: 1 failed: status 400: too hard (1)\n" in (printed := capsys.readouterr().err)
        assert "llmfusionbench collect --retry error run" in printed
    write_llms(desk, gone, "away", retries=0)
    assert collect() == 0
    printed = capsys.readouterr().err
    assert re.search(r"^Warning: away: 10 failed: .*127\.0\.0\.1.* \(10\)$", printed, re.MULTILINE)


def test_a_part_of_a_run_is_not_called_the_whole(desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    write_llms(desk, server.url, "good", "bad")
    assert collect() == 0
    capsys.readouterr()
    assert run(["collect", "run", "--replicates", "2", "--only", "good", "--max-cost", "1"]) == 0
    printed = capsys.readouterr().out
    assert "No call of this kind is left. The rest of the run: llmfusionbench collect run\n" in printed
    assert run(["collect", "--retry", "error", "run"]) == 0
    printed += capsys.readouterr().out
    assert "All calls have an outcome." not in printed
    assert run(["collect", "run"]) == 0
    assert "All calls have an outcome." in capsys.readouterr().out
    assert len(server.requests) == 40


def test_the_command_to_go_on_with_names_a_cap_that_is_reached(
    desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    write_llms(desk, server.url, "good", "bad", max_tokens=1000)
    assert collect("--max-cost", "0.001", "--only", "good", "--halt-on-drift") == 1
    assert server.requests == []
    words = "Remedy: go on with llmfusionbench collect run --only good --halt-on-drift --max-cost HIGHER\n"
    assert words in capsys.readouterr().err
    assert collect("--max-cost", "2.5", "--pilot", "2") == 0
    assert "Go on with: llmfusionbench collect run\n" in capsys.readouterr().out
