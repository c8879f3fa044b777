"""What judges cost: per answer or pair, over several steps, and with attempts that brought no reply."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.endpoint import Price
from llmfusionbench.builders.judging import Choice, Task, read_rubric
from llmfusionbench.builders.judging.costs import costs_of
from llmfusionbench.release import Release
from tests.helpers.chat_server import completion, serving
from tests.helpers.judges import by_name, done, endpoint, sums_release

CORRECTNESS, PAPER = read_rubric("correctness"), read_rubric("paper")


def test_the_cost_of_an_answer_is_that_of_all_its_judgements(tmp_path: Path) -> None:
    source = sums_release(tmp_path / "r", queries=3)
    with serving(by_name) as server:
        free = endpoint(server, "emu", prices=(Price(input_price=0, output_price=0),))
        judges = [endpoint(server), free, endpoint(server, "yak", prices=())]
        done(source, tmp_path / "a", Task(judges=judges, rubric=CORRECTNESS, choice=Choice(limit=4)))
        assert costs_of(Release(tmp_path / "a")) == {"owl": pytest.approx(10e-6), "emu": 0.0}
        _, release = done(tmp_path / "a", tmp_path / "b", Task(judges=judges, rubric=CORRECTNESS, replicates=2))
        assert costs_of(release) == {"owl": pytest.approx(20e-6), "emu": 0.0}
        assert release.manifest["history"][-1]["cost_usd"]["owl"] == {"usd": pytest.approx(8 * 10e-6), "answers": 2}
        _, release = done(tmp_path / "b", tmp_path / "c", Task(judges=judges, rubric=CORRECTNESS, replicates=3))
        assert costs_of(release) == {"owl": pytest.approx(30e-6), "emu": 0.0}
        assert release.manifest["history"][-1]["cost_usd"]["owl"] == {"usd": pytest.approx(6 * 10e-6), "answers": 0}


def test_a_pair_is_counted_once_whatever_was_judged_of_it(tmp_path: Path) -> None:
    source = sums_release(tmp_path / "r", queries=3)
    task = {"rubric": PAPER, "pairwise": True}
    with serving(by_name) as server:
        done(source, tmp_path / "a", Task(judges=[endpoint(server)], choice=Choice(limit=2), **task))
        _, release = done(tmp_path / "a", tmp_path / "b", Task(judges=[endpoint(server)], replicates=2, **task))
    told = [step["cost_usd"]["owl"]["answers"] for step in release.manifest["history"] if step["step"] == "judge"]
    assert told == [2, 1]
    assert costs_of(release) == {}


def test_attempts_without_a_reply_are_counted_by_the_step_that_brings_one(tmp_path: Path) -> None:
    source = sums_release(tmp_path / "r", queries=4, llms=("ant",))
    broken = json.loads(completion("", "owl")) | {"choices": []}  # charged, and no reply

    def reply(body: dict[str, Any], tries: int) -> Any:
        return (200, json.dumps(broken).encode()) if tries <= failures(str(body)) else by_name(body, tries)

    def failures(text: str) -> int:
        return 2 if "0+0?" in text else int("1+1?" in text)

    with serving(reply) as server:
        task = Task(judges=[endpoint(server)], rubric=CORRECTNESS)
        found, release = done(source, tmp_path / "a", task)
        assert (found.judges[0].replies, costs_of(release)) == (2, {"owl": pytest.approx(10e-6)})
        assert found.judges[0].spent.cost_usd > 2 * 10e-6
        found, release = done(tmp_path / "a", tmp_path / "b", task, run=tmp_path / "a.run")
        assert (found.judges[0].replies, release.rows("judge_scores").num_rows) == (1, 3)
        found, release = done(tmp_path / "b", tmp_path / "c", task, run=tmp_path / "a.run")
        assert found.judges[0].replies == 1
        whole = sum(float(line["cost_usd"] or 0) for line in attempts(tmp_path / "a.run"))
        assert whole > 4 * 10e-6
        assert costs_of(release) == {"owl": pytest.approx(whole / 4)}


def attempts(folder: Path) -> list[Any]:
    records = [json.loads(line) for line in (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
    return [record for record in records if record["kind"] == "attempt"]
