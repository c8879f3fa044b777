"""`collect --batch` from the command line: at a provider, as files for `vllm run-batch`, and beside online calls in one run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from tests.helpers.batch_server import EXPIRE, serving_batches
from tests.helpers.waiting import wait_for

ROOT = Path(__file__).parents[1]
SUMS = {f"What is {i} + {i}?": str(2 * i) for i in range(1, 7)}


def reply(body: dict[str, Any], earlier: int) -> Any:
    """The sum that is asked for."""
    return SUMS[body["messages"][-1]["content"]]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with six prompts, in which commands run."""
    rows = [{"prompt": text, "task": "sums", "metric": "em", "ground_truth": truth} for text, truth in SUMS.items()]
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_llms(folder: Path, url: str, *names: str) -> None:
    prices = [{"input_price": 1, "output_price": 2}]
    llms = [{"name": name, "model": f"{name}-model", "url": url, "max_tokens": 50, "prices": prices} for name in names]
    (folder / "llms.yaml").write_text(json.dumps({"llms": llms}))


def begin(*arguments: str) -> int:
    return run(["collect", "--prompts", "prompts.jsonl", "--llms", "llms.yaml", "--out", "run", *arguments])


def responses(*columns: str) -> list[tuple[Any, ...]]:
    assert run(["build", "collected", "run", "--out", "release", "--workers", "1", "--overwrite"]) == 0
    assert lfb.validate("release") == []
    table = lfb.open_release("release").table("responses").to_table(columns=list(columns))
    return [tuple(row.values()) for row in table.to_pylist()]


def vllm_results(requests: Path) -> list[str]:
    """The lines that `vllm run-batch` makes of a file of requests."""
    lines = []
    for line in map(json.loads, requests.read_text().splitlines()):
        message = {"role": "assistant", "content": reply(line["body"], 0)}
        body = {"model": line["body"]["model"], "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
        body |= {"usage": {"prompt_tokens": 7, "completion_tokens": 3}}
        response = {"status_code": 200, "request_id": "r", "body": body}
        result = {"id": "vllm-1", "custom_id": line["custom_id"], "response": response, "error": None}
        lines.append(json.dumps(result) + "\n")
    return lines


def test_a_batch_is_submitted_once_and_taken_later(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving_batches(reply) as server:
        server.held = {"in_progress"}
        write_llms(desk, server.url, "good")
        assert begin("--batch", "--no-wait") == 1
        assert "6 calls have no outcome (6 of them are in batches of the provider)" in capsys.readouterr().err
        assert run(["collect", "run"]) == 1  # what is in a batch is not asked online
        assert server.charged == 0
        server.held = set()
        for _ in range(3):
            run(["collect", "--batch", "--no-wait", "run"])
        assert run(["collect", "run"]) == 0
        assert len(server.batches) == 1
        assert server.charged == 6
    found = responses("performance", "cost_usd", "provenance")
    assert found == [(1.0, pytest.approx((7 * 1 + 3 * 2) / 1e6 / 2), "collected")] * 6


def test_what_a_batch_leaves_is_asked_online(desk: Path) -> None:
    def expiring(body: dict[str, Any], earlier: int) -> Any:
        return EXPIRE if "4" in body["messages"][-1]["content"] and body["model"] == "good-model" else reply(body, earlier)

    with serving_batches(expiring) as server:
        write_llms(desk, server.url, "good")
        begin("--batch", "--no-wait")
        server.answer = reply
        for _ in range(3):
            run(["collect", "--batch", "--no-wait", "run"])
        assert run(["collect", "run"]) == 0
        assert server.charged == 6
    assert responses("status", "performance") == [("ok", 1.0)] * 6


def test_files_for_vllm_run_batch(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving_batches(reply) as server:
        write_llms(desk, server.url, "own")
        assert begin("--batch", "--batch-files", "own") == 1
        said = capsys.readouterr().err
        assert "6 of them wait for vllm run-batch in 1 file: run/batches/own-1.input.jsonl)" in said
        assert "Remedy: run vllm run-batch on this file, then go on with llmfusionbench collect run --batch" in said
        (requests,) = (desk / "run" / "batches").glob("*.input.jsonl")
        (desk / "half.jsonl").write_text("".join(vllm_results(requests)[:3]))
        capsys.readouterr()
        assert run(["collect", "--batch-results", "half.jsonl", "run"]) == 0
        assert "3 calls have no outcome yet. Go on with llmfusionbench collect run" in capsys.readouterr().out
        assert server.seen == []
        assert run(["collect", "run"]) == 0
        assert server.charged == 3
    assert responses("status", "performance") == [("ok", 1.0)] * 6


def test_results_of_another_run_are_refused(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving_batches(reply) as server:
        write_llms(desk, server.url, "own")
        assert begin() == 0
    (desk / "other.jsonl").write_text(json.dumps({"custom_id": "x", "response": {"status_code": 200, "body": {}}}) + "\n")
    assert run(["collect", "--batch-results", "other.jsonl", "run"]) == 1
    assert "other.jsonl: no result of a batch that is under way in this run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--batch-files", "own"], 2, "--batch-files needs --batch"),
        (["--batch", "--batch-files", "owl"], 1, 'No LLM "owl". Did you mean "own"?'),
        (["--batch-results", "prompts.jsonl", "--batch"], 2, "--batch-results asks nothing"),
    ],
)
def test_options_of_batches_that_do_not_go_together(
    desk: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, words: str
) -> None:
    with serving_batches(reply) as server:
        write_llms(desk, server.url, "own")
        assert begin(*arguments) == status
        assert server.charged == 0
    assert words in capsys.readouterr().err


def worst_of(folder: Path, llm: str) -> list[float]:
    """The worst cases of the requests to an LLM, USD."""
    records = map(json.loads, (folder / "run" / "journal.jsonl").read_text().splitlines())
    return [record["worst_usd"] for record in records if record["kind"] == "sent" and record["llm"] == llm]


@pytest.mark.parametrize("how", [("--batch", "--no-wait"), ()], ids=["batch", "online"])
def test_batches_of_other_llms_count_against_the_cap(
    desk: Path, how: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """`--only` leaves them alone, but they may still cost all that is reserved for them."""
    with serving_batches(reply) as server:
        server.held = {"in_progress"}
        write_llms(desk, server.url, "one", "two")
        begin("--batch", "--no-wait", "--only", "one")
        worst = worst_of(desk, "one")
        assert len(worst) == 6
        cap = sum(worst) + min(worst) / 4  # enough for none of the others
        assert begin("--only", "two", "--max-cost", str(cap), *how) == 1
        spent = sum(worst_of(desk, "two")) if how else server.charged * (7 * 1 + 3 * 2) / 1e6
        assert sum(worst) + spent <= cap
        assert f"two: {'6 calls do' if how else 'its next call does'} not fit" in capsys.readouterr().err


def test_answers_in_a_batch_do_not_stand_for_calls_that_are_asked_again(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def failing(body: dict[str, Any], earlier: int) -> Any:
        return (400, {"error": {"message": "no"}}) if "What is 1 " in body["messages"][-1]["content"] else reply(body, earlier)

    with serving_batches(failing) as server:
        write_llms(desk, server.url, "good")
        assert begin() == 0
        server.answer, server.held = reply, {"finalizing"}
        for _ in range(4):
            assert run(["collect", "run", "--replicates", "2", "--batch", "--no-wait"]) == 1
        server.held = set()
        server.faults["upload"] = [(401, {"error": {"message": "no such key"}}, {})]
        capsys.readouterr()
        assert run(["collect", "--retry", "error", "--batch", "--no-wait", "run"]) == 1
        assert "stopped, 1 call has no outcome" in capsys.readouterr().err
        assert run(["collect", "--retry", "error", "run"]) == 0
        assert server.charged == 12


def test_ctrl_c_while_batches_are_looked_at_asks_nothing_online(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving_batches(lambda body, n: EXPIRE) as server:
        server.held = {"finalizing"}
        write_llms(desk, server.url, "good")
        for _ in range(4):
            begin("--batch", "--no-wait")
        server.held, server.answer = set(), reply
        server.faults["retrieve"] = [lambda: os.kill(os.getpid(), signal.SIGINT)]
        capsys.readouterr()
        assert run(["collect", "run"]) == 1
        assert "6 calls have no outcome (interrupted" in capsys.readouterr().err
        assert server.charged == 0
        assert run(["collect", "run"]) == 0
        assert server.charged == 6


def test_another_model_in_a_batch_stops_the_calls_online(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving_batches(lambda body, n: EXPIRE if "3" in body["messages"][-1]["content"] else reply(body, n)) as server:
        server.rename = "another"
        server.held = {"finalizing"}
        write_llms(desk, server.url, "good")
        for _ in range(4):
            begin("--batch", "--no-wait")
        server.held = set()
        capsys.readouterr()
        assert run(["collect", "run", "--halt-on-drift"]) == 1
        assert "1 call has no outcome (good: 'another' answered" in capsys.readouterr().err
        assert server.count("POST", "/v1/chat/completions") == 0


def test_a_second_ctrl_c_ends_what_hangs(desk: Path) -> None:
    gate = threading.Event()
    with serving_batches(reply) as server:
        server.faults["create"] = [gate.wait]
        write_llms(desk, server.url, "good")
        command = [sys.executable, "-m", "llmfusionbench", "collect", "--prompts", "prompts.jsonl", "--llms", "llms.yaml"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [*command, "--out", "run", "--batch"], cwd=desk, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert process.stderr is not None
        try:
            wait_for(lambda: server.count("POST", "/v1/batches") == 1)
            process.send_signal(signal.SIGINT)
            said = b""
            while b"Stopping" not in said:
                said += process.stderr.readline()
            process.send_signal(signal.SIGINT)
            said += process.stderr.read()
            process.wait()
        finally:
            process.kill()
            process.communicate()
            gate.set()
        assert process.returncode == 1
        assert b"Traceback" not in said
        assert b"6 calls have no outcome (interrupted; 6 of them are in batches that are not known to be submitted)" in said
        wait_for(lambda: len(server.batches) == 1)
        for _ in range(4):
            run(["collect", "--batch", "--no-wait", "run"])
        assert run(["collect", "run"]) == 0
        assert (len(server.batches), server.charged) == (1, 6)


def test_what_to_do_after_a_batch_names_the_option(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without it, the rest would be asked online, at the full price."""
    with serving_batches(reply) as server:
        write_llms(desk, server.url, "good")
        server.held = {"in_progress"}
        begin("--batch", "--no-wait")
        assert "Remedy: go on with llmfusionbench collect run --batch --no-wait" in capsys.readouterr().err
        begin("--batch", "--no-wait", "--batch-files", "good", "--replicates", "2")
        said = capsys.readouterr().err
    files = "6 of them wait for vllm run-batch in 1 file: run/batches/good-2.input.jsonl"
    assert f"({files}; 6 of them are in batches of the provider)" in said
    assert "go on with llmfusionbench collect run --batch --batch-files good --no-wait" in said


def test_calls_in_files_count_once_and_the_remedy_finishes_them(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving_batches(reply) as server:
        write_llms(desk, server.url, "a", "b")
        assert begin("--batch", "--batch-files", "a,b") == 1
        capsys.readouterr()
        assert run(["collect", "run"]) == 1  # online
        printed = capsys.readouterr()
        table = [line.split() for line in printed.out.splitlines() if line.split()[:1] in (["a"], ["b"], ["all"])]
        assert [(row[0], row[5]) for row in table] == [("a", "6"), ("b", "6"), ("all", "12")]
        files = "run/batches/a-1.input.jsonl, run/batches/b-2.input.jsonl"
        assert f"12 calls have no outcome (12 of them wait for vllm run-batch in 2 files: {files})" in printed.err
        remedy = printed.err.partition("Remedy: run vllm run-batch on these files, then go on with ")[2].partition(" (")[0]
        assert remedy == "llmfusionbench collect run --batch --batch-files a --batch-files b"
        for requests in (desk / "run" / "batches").glob("*.input.jsonl"):
            output = requests.with_name(requests.name.replace("input", "output"))
            output.write_text("".join(vllm_results(requests)))
        assert run(remedy.split()[1:]) == 0
        assert server.seen == []


def test_what_was_not_submitted_is_not_in_a_batch_of_the_provider(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving_batches(reply) as server:
        write_llms(desk, server.url, "good")
        server.faults["upload"] = [(404, {"error": {"message": "no such page"}}, {})]
        assert begin("--batch") == 1
        said = capsys.readouterr().err
        assert "6 of them are in batches that are not known to be submitted)" in said
        assert "of the provider" not in said
        assert run(["collect", "run", "--batch"]) == 0


def test_batches_of_llms_that_are_not_asked_are_not_counted(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving_batches(reply) as server:
        server.held = {"in_progress"}
        write_llms(desk, server.url, "one", "two")
        begin("--batch", "--no-wait", "--only", "one")
        capsys.readouterr()
        assert begin("--batch", "--no-wait", "--only", "two") == 1
        assert "6 calls have no outcome (6 of them are in batches of the provider)" in capsys.readouterr().err


def test_room_that_batches_under_way_hold_needs_no_higher_cap(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving_batches(reply) as server:
        write_llms(desk, server.url, "on", "off")
        assert begin("--batch", "--no-wait", "--max-cost", "0.0004") == 1
        said = capsys.readouterr().err
        assert "off: 6 calls do not fit into --max-cost beside the batches under way" in said
        assert "HIGHER" not in said
        assert "correct it" not in said
        for _ in range(9):
            if run(["collect", "run", "--batch", "--no-wait"]) == 0:
                break
        assert server.charged == 12
