"""`llmfusionbench judge`: what it prints and writes, what it refuses, and a run that is killed and goes on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.judging.run_folder import KIND
from llmfusionbench.release import Release
from llmfusionbench.validation import validate
from tests.helpers.chat_server import ChatServer, completion, running, serving
from tests.helpers.command import Command
from tests.helpers.judges import asked, llms_file, sums_release
from tests.helpers.tiny_release import write_tiny_release

PROJECT = Path(__file__).parents[1]


def right(body: dict[str, Any], _: int) -> str:
    return f"I checked it.\n<score>{int('by ant' in body['messages'][-1]['content'])}</score>"


def test_a_panel(place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=9)
    with serving(right) as server:
        file = llms_file(place, server, "owl", "emu")
        status, out, err = lfb(
            "judge", "r", "--judge", "owl", "--judge", "emu", "--llms", file, "--rubric", "paper", "--limit", 10, "--out", "o",
            "--workers", 1, "--html", "judges.html", "--max-cost", 1,
        )  # fmt: skip
        assert (status, err) == (0, "")
        assert len(server.requests) == 20
    assert "10 of 18 answers that can be judged; 0 judgements are there already." in out
    assert "parse rate" in out
    assert "mean of the judges" in out
    assert "Wrote o." in out
    assert "owl: " in out  # the report
    assert (place / "judges.html").stat().st_size > 1000
    assert list(validate(place / "o")) == []
    assert json.loads((place / "o.run" / "run.json").read_text())["kind"] == KIND
    assert Release(place / "o").rows("judge_scores").num_rows == 20


def test_a_dry_run_asks_nothing(place: Path, lfb: Command) -> None:
    sums_release(place / "r")
    with serving(right) as server:
        file = llms_file(place, server, "owl")
        status, out, _ = lfb("judge", "r", "--judge", "owl", "--llms", file, "--pairwise", "--dry-run")
        assert status == 0
        assert "6 of 6 pairs that can be judged" in out
        assert "Forecast" in out
        assert server.requests == []
    assert sorted(path.name for path in place.iterdir()) == ["llms.yaml", "r"]


def test_a_report_alone(place: Path, lfb: Command) -> None:
    write_tiny_release(place / "r")
    status, out, _ = lfb("judge", "r", "--report")
    assert status == 0
    assert "rule: " in out
    status, out, _ = lfb("judge", "r", "--report", "--json")
    assert json.loads(out)["judges"][0]["name"] == "rule"


def test_a_budget_that_is_spent(place: Path, lfb: Command) -> None:
    sums_release(place / "r")
    with serving(lambda body, n: (200, completion(right(body, n), "owl", prompt_tokens=400, completion_tokens=20))) as server:
        file = llms_file(place, server, "owl", more="  max_tokens: 100\n  concurrency: 1\n")
        command = ["judge", "r", "--judge", "owl", "--llms", file, "--out", "o", "--workers", 1]
        status, out, err = lfb(*command, "--max-cost", 0.003)
        assert status == 1
        assert "of 12 questions have a reply (owl: its next call does not fit into --max-cost" in err
        assert "Remedy: raise --max-cost and run the command again" in err
        assert not (place / "o").exists()
        before = len(server.requests)
        assert 0 < before < 12
        status, out, _ = lfb(*command, "--max-cost", 0.003, "--allow-partial")
        assert (status, len(server.requests)) == (0, before)
        assert "questions have no reply" in out
        status, _, _ = lfb(*command, "--overwrite")
        assert (status, len(server.requests)) == (0, 12)
    assert Release(place / "o").rows("judge_scores").num_rows == 12


def test_a_judge_that_refuses_while_the_other_goes_on(place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=3)
    with serving(lambda body, n: (401, b"{}") if body["model"] == "emu" else right(body, n)) as server:
        file = llms_file(place, server, "owl", "emu", more="  concurrency: 1\n")
        status, _, err = lfb("judge", "r", "--judge", "owl", "--judge", "emu", "--llms", file, "--out", "o", "--workers", 1)
        assert status == 1
        assert "6 of 12 questions have a reply (emu: " in err
        assert [body["model"] for _, body, _ in server.requests].count("emu") == 1
    assert not (place / "o").exists()


def test_calls_that_failed_are_asked_again(place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=3)
    with serving(lambda body, n: (400, b"{}") if n == 1 and "by bee" in str(body) else right(body, n)) as server:
        file = llms_file(place, server, "owl")
        command = ["judge", "r", "--judge", "owl", "--llms", file, "--out", "o", "--workers", 1]
        status, out, _ = lfb(*command)
        assert status == 0
        assert "3 questions have no reply" in out
        assert "Warning: owl: 3 failed: status 400 (3)\n" in out
        assert Release(place / "o").rows("judge_scores").num_rows == 3
        status, out, _ = lfb(*command, "--overwrite")
        assert (status, len(server.requests)) == (0, 9)
    assert Release(place / "o").rows("judge_scores").num_rows == 6


def test_a_retry(place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=3)

    def reply(body: dict[str, Any], tries: int) -> Any:
        cut = completion("I think", "owl").replace(b'"stop"', b'"length"')
        return (200, cut) if "by bee" in str(body) and body["max_tokens"] < 2000 else right(body, tries)

    with serving(reply) as server:
        file = llms_file(place, server, "owl")
        command = ["judge", "r", "--judge", "owl", "--llms", file, "--out", "o", "--workers", 1]
        status, out, _ = lfb(*command)
        assert (status, "cut off" in out) == (0, True)
        retry = [*command, "--overwrite", "--retry", "length,unparsed", "--max-tokens"]
        status, out, _ = lfb(*retry, 1500)
        assert (status, "Asked again: 3 requests." in out) == (0, True)
        status, out, _ = lfb(*retry, 1500)
        assert "Nothing was left to ask again." in out
        assert "Note: 3 replies are cut off at this maximum of tokens or a higher one. Remedy: raise --max-tokens" in out
        _, out, _ = lfb(*retry, 2000, "--dry-run")
        assert re.search(r"\bowl +3\b", out), out
        assert len(server.requests) == 9
        status, out, _ = lfb(*retry, 2000)
        assert (status, len(server.requests)) == (0, 12)
    assert sorted(Release(place / "o").rows("judge_scores")["score"].to_pylist()) == [0.0] * 3 + [1.0] * 3


JUDGE = ["r", "--judge", "owl", "--llms", "llms.yaml", "--out", "o"]
BAD = "name: Bad name\nscale: {low: 2, high: x}\ncriteria: [{name: a}]\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["r", "--out", "o"], 2, "Name one or more LLMs with --judge"),
        (["r", "--judge", "owl", "--llms", "llms.yaml"], 2, "Name the new release with --out"),
        (["r", "--judge", "own", "--llms", "llms.yaml", "--out", "o"], 1, 'No LLM "own". Did you mean "owl"?'),
        (["r", "--judge", "owl", "--llms", "absent.yaml", "--out", "o"], 1, "absent.yaml"),
        (["r", "--judge", "owl", "--llms", "llms.yaml", "--out", "o", "--rubric", "papr"], 1, 'Did you mean "paper"?'),
        (["r", "--judge", "owl", "--llms", "llms.yaml", "--out", "o", "--rubric", "bad.yaml"], 1, "name is "),
        (["r", "--judge", "owl", "--llms", "llms.yaml", "--out", "o", "--split", "tset"], 1, 'No split "tset"'),
        (["r", "--judge", "owl", "--llms", "llms.yaml", "--out", "r"], 1, "r: a release is there already"),
        (["r", "--judge", "owl", "--llms", "llms.yaml", "--out", "o", "--run", "r"], 1, "holds other files"),
        (["r", "--judge", "owl", "--judge", "owl", "--llms", "llms.yaml", "--out", "o"], 1, "owl is given twice"),
        (["r", "--judge", "owl", "--llms", "llms.yaml", "--out", "o", "--max-cost", "-1"], 1, "max_cost: -1"),
        (["bare", "--judge", "owl", "--llms", "llms.yaml", "--out", "o"], 1, "no answers that can be judged"),
        ([*JUDGE, "--retry", "unparsd"], 1, 'No kind of answer to retry "unparsd". Did you mean "unparsed"?'),
        ([*JUDGE, "--retry", "length"], 1, "Remedy: set --max-tokens"),
        ([*JUDGE, "--retry", "error"], 1, "o.run: has no journal, and r no judgement without a score"),
        ([*JUDGE, "--max-tokens", "9"], 2, "--max-tokens needs --retry"),
        ([*JUDGE, "--retry", "error", "--batch-results", "x"], 2, "--batch-results asks nothing: drop --retry"),
        (["r", "--report", "--judge", "owl"], 2, "--report asks no judge"),
        (["r", "--json"], 2, "--json needs --report"),
        (["r", "--report"], 1, "no judge scores"),
    ],
)
def test_wrong_inputs(arguments: list[str], status: int, words: str, place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=1)
    write_tiny_release(place / "bare", "prompt,split,task,llm,performance,metric,ground_truth\n1+1?,train,t,ant,1,em,2\n")
    (place / "bad.yaml").write_text(BAD)
    with serving(right) as server:
        llms_file(place, server, "owl")
        found, _, err = lfb("judge", *arguments)
        assert server.requests == []
    assert found == status
    assert words in err.replace("\n", " ")
    assert not (place / "o").exists()


def test_all_faults_of_a_rubric_in_one_line(place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=1)
    (place / "bad.yaml").write_text(BAD)
    with serving(right) as server:
        file = llms_file(place, server, "owl")
        _, _, err = lfb("judge", "r", "--judge", "owl", "--llms", file, "--out", "o", "--rubric", "bad.yaml")
    for words in (
        'name is "Bad name"',
        "the rubric has no instructions",
        'scale.high is "x"',
        "criteria[0] has no description",
    ):
        assert words in err
    assert err.count("\n") == 1


# --- a run that is killed


class KillingServer(ChatServer):
    """Kills the process of `victim` at the requests with these numbers, before they are answered."""

    def __init__(self, kills: list[int]) -> None:
        super().__init__(self._reply)
        self.kills, self.victim = kills, 0
        self.counted = threading.Lock()
        self.answered: Counter[str] = Counter()

    def _reply(self, body: dict[str, Any], tries: int) -> str:
        with self.counted:
            if self.kills and len(self.requests) >= self.kills[0] and self.victim:
                self.kills.pop(0)
                os.kill(self.victim, signal.SIGKILL)
                self.victim = 0
            self.answered[body["messages"][-1]["content"]] += 1
        return right(body, tries)


def test_a_run_that_is_killed_goes_on_and_pays_for_no_reply_twice(place: Path) -> None:
    sums_release(place / "r", queries=40)
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with running(KillingServer([7, 30, 61])) as server:
        file = llms_file(place, server, "owl", more="  concurrency: 3\n")
        command = [sys.executable, "-m", "llmfusionbench", "judge", "r", "--judge", "owl", "--llms", str(file)]
        command += ["--out", "o", "--workers", "1"]
        ends, notes = [], []
        while not ends or ends[-1] == -signal.SIGKILL:
            child = subprocess.Popen(
                [*command, "--workers", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
            )
            server.victim = child.pid
            out, err = child.communicate()
            ends.append(child.returncode)
            notes += re.findall(
                r"^Note: at most (\d+) attempts? w(?:ere|as) in flight when an earlier run ended", out.decode(), re.MULTILINE
            )
        assert (ends, err) == ([-signal.SIGKILL] * 3 + [0], b"")
        texts = Counter(asked(server))
    assert len(texts) == 80
    lost = sum(texts.values()) - 80
    told = sum(map(int, notes))
    assert (len(notes), 3 <= lost <= told <= 3 * 3) == (3, True)  # those in flight at a kill, each in one note, and no others
    assert list(validate(place / "o")) == []
    rows = Release(place / "o").rows("judge_scores").to_pylist()
    assert len(rows) == 80
    assert {row["score"] for row in rows if row["llm"] == "ant"} == {1.0}
    finals = Counter(
        record["key"]
        for line in (place / "o.run" / "journal.jsonl").read_text().splitlines()
        if (record := json.loads(line))["kind"] == "attempt" and record["final"]
    )
    assert set(finals.values()) == {1}
    again = subprocess.run([*command, "--overwrite"], capture_output=True, text=True, env=environment, check=True)
    assert "in flight" not in again.stdout + again.stderr  # what was lost has a reply since
