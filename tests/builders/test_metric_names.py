"""Metrics of harnesses whose names the tables do not admit, such as `pass@1`: no log may be refused for its metric's name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.reading.metric_names import metric_word
from llmfusionbench.builders.sources.eee import EEE
from llmfusionbench.builders.sources.helm import Helm
from llmfusionbench.builders.sources.inspect_logs import InspectLogs
from llmfusionbench.builders.sources.lm_eval import LmEval
from llmfusionbench.builders.sources.routerarena import RouterArena
from tests.builders import test_eee, test_helm
from tests.helpers import inspect_log, lm_eval_log
from tests.helpers.reading import write_json, write_lines


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Exact_Match", "exact_match"), ("pass@1", "pass_1"), ("BLEU-4", "bleu_4"), ("pack/tone.strict ", "pack_tone_strict"),
        ("0-shot accuracy", "metric_0_shot_accuracy"), ("точность", "unknown"), ("@", "unknown"), ("_", "unknown"),
    ],
)  # fmt: skip
def test_the_name_of_a_metric_in_the_tables(name: str, word: str) -> None:
    assert metric_word(name) == word


@given(st.text())
def test_any_name_becomes_one_that_the_tables_admit(name: str) -> None:
    assert re.fullmatch("[a-z][a-z0-9_]*", metric_word(name))


def metrics(source: Any, paths: list[Path], out: Path) -> list[tuple[str, float]]:
    build(source, paths, out)
    assert lfb.validate(out) == []
    tables = (pq.read_table(next((out / name).glob("*.parquet"))) for name in ("queries", "responses"))
    queries, responses = (table.to_pylist() for table in tables)
    return [(query["metric"], response["performance"]) for query, response in zip(queries, responses, strict=True)]


def test_code_of_lm_eval(tmp_path: Path) -> None:
    code = lm_eval_log.sample(0, "    return 1", filter="create_test", metrics=["pass@1"], **{"pass@1": 1.0})
    path = lm_eval_log.run(tmp_path, [code])
    assert metrics(LmEval(), [path], tmp_path / "out") == [("pass_1", 1.0)]


def test_keys_of_a_scorer_of_inspect(tmp_path: Path) -> None:
    about = inspect_log.header(scorers=[{"name": "tone-and-facts"}])
    found = inspect_log.sample(1, scores={"tone-and-facts": {"value": {"why": "It is kind.", "tone@1": 0.5}}})
    path = inspect_log.write_json(tmp_path / "log.json", about, [found])
    assert metrics(InspectLogs(), [path], tmp_path / "out") == [("tone_and_facts_tone_1", 0.5)]


def test_statistics_of_helm(tmp_path: Path) -> None:
    asked = test_helm.request(test_helm.instance("id1", "yes"), "yes")
    paths = test_helm.run(tmp_path, [asked], [test_helm.stats("id1", test_helm.stat("pass-rate", 1))])
    assert metrics(Helm(), paths, tmp_path / "out") == [("pass_rate", 1.0)]


def test_metrics_of_every_eval_ever(tmp_path: Path) -> None:
    paths = test_eee.both(tmp_path, [test_eee.sample()], test_eee.result(metric_id="sums.F1-macro"))
    assert metrics(EEE(), paths, tmp_path / "out") == [("sums_f1_macro", 1.0)]


def test_metrics_of_routerarena(tmp_path: Path) -> None:
    row = {
        "global_index": "Poems_1", "question": "Write.", "llm_selected": "tiny", "generated_answer": "Rain.", "success": True,
        "evaluation_result": {"score": 0.5, "metric": "meteor-score", "ground_truth": "Snow."},
    }  # fmt: skip
    path = write_lines(tmp_path / "tiny.jsonl", [row])
    assert metrics(RouterArena(), [path], tmp_path / "out") == [("meteor_score", 0.5)]


def test_a_metric_that_is_asked_for_has_the_name_of_the_log(tmp_path: Path) -> None:
    found = inspect_log.sample(1, scores={"a": {"value": {"x": 0, "pass@2": 1}}})
    path = write_json(tmp_path / "log.json", {**inspect_log.header(), "samples": [found]})
    assert metrics(InspectLogs(scorer="a.pass@2"), [path], tmp_path / "out") == [("a_pass_2", 1.0)]
