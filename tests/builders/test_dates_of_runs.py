"""Dates of runs and judgements are details: one that is no date is null, and costs no record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.sources.alpaca_eval import AlpacaEval
from llmfusionbench.builders.sources.eee import EEE
from llmfusionbench.builders.sources.helm import Helm
from llmfusionbench.builders.sources.inspect_logs import InspectLogs
from llmfusionbench.builders.sources.lm_eval import LmEval
from llmfusionbench.builders.sources.mt_bench import MTBench
from llmfusionbench.builders.sources.promptfoo import Promptfoo
from tests.builders import test_eee, test_helm, test_promptfoo
from tests.helpers.harness_logs import QUESTIONS, write_inspect, write_lm_eval
from tests.helpers.reading import Read, read, write_json, write_lines

BAD = ["yesterday", 1768, -5, True, {}, ["2026-01-01"], "2026-13-45", 1e300]


def normal(found: Read, column: str) -> list[Any]:
    assert found.rejected == []
    return found.normal_table[column].to_pylist()


@pytest.mark.parametrize("date", BAD)
def test_lm_eval(date: Any, tmp_path: Path) -> None:
    results, *_ = paths = write_lm_eval(tmp_path, "lab/tiny", {1})
    results.write_text(json.dumps(json.loads(results.read_text()) | {"date": date}))
    assert normal(read(LmEval(), *paths), "created_at") == [None] * len(QUESTIONS)


def test_lm_eval_with_a_date(tmp_path: Path) -> None:
    results, *_ = paths = write_lm_eval(tmp_path, "lab/tiny", {1})
    results.write_text(json.dumps(json.loads(results.read_text()) | {"date": 1768579000.5}))
    moments = normal(read(LmEval(), *paths), "created_at")
    assert {str(moment) for moment in moments} == {"2026-01-16T15:56:40.500Z"}


@pytest.mark.parametrize("date", BAD)
def test_inspect(date: Any, tmp_path: Path) -> None:
    path = write_inspect(tmp_path / "log.json", "lab/tiny", {1})
    log = json.loads(path.read_text())
    log["eval"]["created"] = date
    log["samples"][0]["started_at"] = date
    log["samples"][1]["started_at"] = "2026-11-02T10:00:01+00:00"
    moments = normal(read(InspectLogs(), write_json(path, log)), "created_at")
    assert [str(moment) for moment in moments] == ["None", "2026-11-02T10:00:01.000Z", *["None"] * (len(QUESTIONS) - 2)]


@pytest.mark.parametrize("date", BAD)
def test_judgements(date: Any, tmp_path: Path) -> None:
    answers = [{"question_id": 1, "model_id": "x", "choices": [{"index": 0, "turns": ["A"]}], "tstamp": date}]
    found = read(MTBench(), write_lines(tmp_path / "x.jsonl", answers))
    assert normal(found, "created_at") == [None]
    pair = {
        "instruction": "Q", "output_1": "A", "generator_1": "x", "output_2": "B", "generator_2": "y", "annotator": "judge",
        "preference": 1.0, "date": date,
    }  # fmt: skip
    found = read(AlpacaEval(), write_json(tmp_path / "annotations.json", [pair]))
    assert normal(found, "judge_created_at") == [None, None]


@pytest.mark.parametrize("date", BAD)
def test_runs_of_every_eval_ever(date: Any, tmp_path: Path) -> None:
    samples, aggregate = test_eee.both(tmp_path, [test_eee.sample()])
    write_json(aggregate, json.loads(aggregate.read_text()) | {"evaluation_timestamp": date, "retrieved_timestamp": date})
    assert normal(read(EEE(), samples, aggregate), "created_at") == [None]


@pytest.mark.parametrize("date", BAD)
def test_requests_of_helm(date: Any, tmp_path: Path) -> None:
    request = test_helm.request(test_helm.instance("id1", "A", "B"), "A")
    request["result"]["request_datetime"] = date
    assert normal(read(Helm(), *test_helm.run(tmp_path, [request])), "created_at") == [None]


@pytest.mark.parametrize("date", BAD)
def test_evaluations_of_promptfoo(date: Any, tmp_path: Path) -> None:
    log = test_promptfoo.summary(test_promptfoo.result(), timestamp=date)
    assert normal(read(Promptfoo(), write_json(tmp_path / "log.json", log)), "created_at") == [None]
