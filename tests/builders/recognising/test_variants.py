"""Variants of a format's files that its versions and tools write are recognised too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.recognising import recognise
from tests.helpers.reading import write_json, write_lines

OBSERVATION = {"id": "1", "type": "GENERATION", "traceId": "t", "input": "a", "output": "b", "startTime": "2026", "usage": {}}
LINES: dict[str, tuple[str, Any]] = {
    "an expired request": ("openai_batch",
                           {"id": "b", "custom_id": "c", "response": None, "error": {"code": "e", "message": "m"}}),
    "a batch of Anthropic": ("openai_batch",
                             {"custom_id": "1", "result": {"type": "succeeded", "message": {"content": []}}}),
    "requests alone": ("openai_batch",
                       {"custom_id": "1", "method": "POST", "url": "/v1", "body": {"model": "m", "messages": []}}),
    "the older lm-eval": ("lm_eval",
                          {"doc_id": 0,
                           "doc": {},
                           "target": "4",
                           "arguments": [["q", {}]],
                           "resps": [["4"]],
                           "acc": 1.0}),
    "an older LightEval": ("lighteval",
                           {"example": "e",
                            "full_prompt": "q",
                            "gold": ["g"],
                            "predictions": ["a"],
                            "metrics": {"em": 1},
                            "input_tokens": [1]}),
    "lines of OpenCompass": ("opencompass", {"idx": 0, "origin_prompt": "q", "prediction": "a", "gold": "b"}),
    "activity of OpenRouter": ("openrouter",
                               {"generation_id": "g",
                                "model_permaslug": "m",
                                "tokens_prompt": 1,
                                "tokens_completion": 2,
                                "cost_total": 0.1,
                                "provider_name": "p",
                                "streamed": True}),
    "answers of OpenRouter": ("openrouter",
                              {"id": "g",
                               "provider": "p",
                               "model": "m",
                               "choices": [{"message": {"content": "a"}}],
                               "usage": {"cost": 0.1}}),
    "payloads of LiteLLM": ("litellm",
                            {"id": "1",
                             "call_type": "acompletion",
                             "response_cost": 0.1,
                             "model": "m",
                             "startTime": 1.0,
                             "messages": [],
                             "response": {}}),
    "records of an older LiteLLM": ("litellm",
                                    {"id": "1",
                                     "call_type": "completion",
                                     "startTime": "2024-01-01 00:00:00.1",
                                     "model": "m",
                                     "modelParameters": {"temperature": 0.5},
                                     "messages": [],
                                     "response": {},
                                     "usage": {}}),
    "predictions of a router": ("routerarena",
                                {"global index": "A_1",
                                 "prompt": "q",
                                 "prediction": "m",
                                 "generated_result": None,
                                 "cost": None}),
    "pairs of MT-Bench": ("mt_bench",
                          {"question_id": 1,
                           "model_1": "a",
                           "model_2": "b",
                           "g1_winner": "tie",
                           "g2_winner": "model_1",
                           "judge": ["j", "p"],
                           "turn": 1}),
    "single judgements of MT-Bench": ("mt_bench",
                                      {"question_id": 1,
                                       "model": "m",
                                       "judge": ["j", "p"],
                                       "judgment": "r",
                                       "score": 9,
                                       "turn": 1}),
    "battles with flags": ("arena",
                           {"id": 1,
                            "model_a": "a",
                            "model_b": "b",
                            "prompt": "q",
                            "response_a": "x",
                            "winner_model_a": 1,
                            "winner_tie": 0}),
    "the Avengers": ("llmrouterbench", {"query": "q", "dataset": "d", "index": 1, "records": {"m": 1.0}, "usages": {}}),
    "scores of RouterDC": ("llmrouter", {"question": "q", "scores": {"m-1": 0.5}, "cluster_id": 1}),
    "router data": ("llmrouter", {"query": "q", "candidates": [{"candidate_name": "m", "performance": 1, "cost": 2}]}),
}  # fmt: skip
OBJECTS: dict[str, tuple[str, Any]] = {
    "promptfoo 1": ("promptfoo",
                    {"version": 1,
                     "results": [{"provider": "m", "vars": {}, "success": True}],
                     "stats": {},
                     "table": {}}),
    "a table of promptfoo": ("promptfoo",
                             {"results": {"version": 2, "table": {"head": {}, "body": [{"vars": []}]}}, "config": {}}),
    "likelihoods of OpenCompass": ("opencompass", {"0": {"label: A": {"PPL": 1.0}, "prediction": "A", "gold": "A"}}),
    "a trace with observations": ("langfuse",
                                  {"id": "t",
                                   "timestamp": "2026",
                                   "input": "a",
                                   "output": "b",
                                   "scores": [],
                                   "latency": 1.0,
                                   "observations": [{"id": "1",
                                                     "type": "GENERATION",
                                                     "traceId": "t",
                                                     "input": "a",
                                                     "output": "b",
                                                     "startTime": "2026",
                                                     "usage": {}}]}),
    "a downloaded trace": ("langfuse",
                           {"trace": {"id": "t", "name": "n", "timestamp": "2026", "scores": []},
                            "observations": [OBSERVATION]}),
    "a downloaded trace without observations": ("langfuse",
                                                {"trace": {"id": "t", "name": "n", "timestamp": "2026", "latency": 1.0},
                                                 "observations": []}),
    "a generation by its id": ("openrouter",
                               {"data": {"id": "g",
                                         "model": "m",
                                         "tokens_prompt": 1,
                                         "total_cost": 0.1,
                                         "provider_name": "p",
                                         "generation_time": 3}}),
    "Inspect 1": ("inspect",
                  {"version": 1,
                   "status": "started",
                   "eval": {"task": "t", "model": "m", "created": "2024"},
                   "plan": {}}),
    "an aggregate": ("eee",
                     {"schema_version": "0.2.0",
                      "evaluation_id": "e",
                      "model_info": {"id": "m"},
                      "evaluation_results": []}),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_lines(tmp_path: Path, name: str) -> None:
    source, record = LINES[name]
    assert recognise([write_lines(tmp_path / "rows.jsonl.gz", [record, record])]).settled() == source


@pytest.mark.parametrize("name", OBJECTS)
def test_objects(tmp_path: Path, name: str) -> None:
    source, record = OBJECTS[name]
    assert recognise([write_json(tmp_path / "run.json", record)]).settled() == source


def test_files_of_a_batch_belong_together(tmp_path: Path) -> None:
    files = [
        write_lines(tmp_path / "a.jsonl", [LINES["requests alone"][1]] * 2),
        write_lines(tmp_path / "b.jsonl", [LINES["an expired request"][1]] * 2),
    ]
    found = recognise(files)
    assert found.settled() == "openai_batch"
    assert found.files == files


def test_scores_of_langfuse_are_companions(tmp_path: Path) -> None:
    score = {
        "id": "s",
        "name": "quality",
        "value": 1,
        "traceId": "t",
        "dataType": "NUMERIC",
        "source": "API",
        "timestamp": "2026",
    }
    files = [write_lines(tmp_path / "s.jsonl", [score] * 2), write_lines(tmp_path / "o.jsonl", [OBSERVATION] * 2)]
    assert recognise(files).settled() == "langfuse"


def test_a_configuration_of_a_router_is_not_read(tmp_path: Path) -> None:
    answer = {"global_index": "A_1", "question": "q", "llm_selected": "m", "generated_answer": "a", "success": True}
    log = write_lines(tmp_path / "m.jsonl", [answer])
    write_json(tmp_path / "router.json", {"pipeline_params": {"router_name": "r", "models": ["m"]}})
    found = recognise([tmp_path])
    assert found.settled() == "routerarena"
    assert found.files == [log]
    assert found.left == []


DETAILS = {
    "repeats": [{"example_abbr": "s_0", "pred": ["a", "b"], "correct": [True, False]}],
    "a cascade": [{"example_abbr": "s_0", "rule_evaluation": [{}], "cascade_correct": [True]}],
    "a judge": [{"example_abbr": "s_0", "origin_prompt": [[]], "prediction": ["A"], "gold": ["1"]}],
    "programs": {"0": {"programs": "x", "is_correct": True}, "1": {"programs": "x", "is_correct": False}},
}


@pytest.mark.parametrize("name", DETAILS)
def test_results_of_opencompass_are_not_left_alone(tmp_path: Path, name: str) -> None:
    write_json(tmp_path / "predictions" / "m" / "s.json", {"0": {"origin_prompt": "q", "prediction": "a", "gold": "1"}})
    results = write_json(tmp_path / "results" / "m" / "s.json", {"accuracy": 50.0, "details": DETAILS[name]})
    found = recognise([tmp_path])
    assert found.settled() == "opencompass"
    assert found.left == []
    assert results in found.files
