"""Every source has signatures that know its files, and that leave home-made tables with some of the same names alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench.builders import SOURCES
from llmfusionbench.builders.recognising import recognise
from llmfusionbench.builders.recognising.head import read_head
from llmfusionbench.builders.recognising.signature import ENOUGH, Signature, match
from llmfusionbench.builders.recognising.signatures import SIGNATURES
from tests.helpers.reading import write, write_json, write_lines


def test_every_source_has_signatures() -> None:
    assert SOURCES.keys() <= SIGNATURES.keys()
    assert list(SIGNATURES) == sorted(SIGNATURES)
    assert all(any(one.role == "log" for one in signatures) for signatures in SIGNATURES.values())


RECORDS: dict[str, tuple[str, Any]] = {
    "lm_eval": ("samples_t_2026-01-01.jsonl",
                {"doc_id": 0,
                 "doc": {"q": "x"},
                 "target": 4,
                 "arguments": [["x", {}]],
                 "resps": [["4"]],
                 "filtered_resps": ["4"],
                 "acc": 1.0}),
    "openai_batch": ("out.jsonl",
                     {"id": "r1",
                      "custom_id": "c1",
                      "response": {"status_code": 200, "body": {"model": "m"}},
                      "error": None}),
    "litellm": ("rows.jsonl",
                {"request_id": "1", "spend": 0.1, "model": "m", "startTime": "2026", "call_type": "c", "prompt_tokens": 1}),
    "langfuse": ("rows.jsonl",
                 {"id": "1",
                  "type": "GENERATION",
                  "traceId": "t",
                  "input": "a",
                  "output": "b",
                  "startTime": "2026",
                  "model": "m",
                  "usageDetails": {},
                  "costDetails": {}}),
    "openrouter": ("rows.jsonl",
                   {"id": "g",
                    "model": "m",
                    "native_tokens_prompt": 1,
                    "native_tokens_completion": 2,
                    "total_cost": 0.1,
                    "provider_name": "p",
                    "generation_time": 3}),
    "routerarena": ("m.jsonl",
                    {"global_index": "A_1",
                     "question": "q",
                     "llm_selected": "m",
                     "generated_answer": "a",
                     "token_usage": {},
                     "evaluation_result": {"score": 1}}),
    "mt_bench": ("m.jsonl",
                 {"question_id": 1, "answer_id": "x", "model_id": "m", "choices": [{"index": 0, "turns": ["a", "b"]}]}),
    "eee": ("u_samples.jsonl",
            {"evaluation_id": "e",
             "model_id": "m",
             "evaluation_name": "n",
             "sample_id": "s",
             "input": {"raw": "q"},
             "output": {"raw": ["a"]},
             "evaluation": {"score": 1.0},
             "interaction_type": "single_turn"}),
    "promptfoo": ("out.jsonl",
                  {"promptIdx": 0,
                   "testIdx": 1,
                   "provider": {"id": "m"},
                   "prompt": {"raw": "q"},
                   "vars": {},
                   "success": True,
                   "response": {"output": "a"}}),
    "llmrouter": ("q.jsonl",
                  {"task_name": "t", "query": "q", "ground_truth": "g", "metric": "em", "choices": None, "task_id": 1}),
    "wildbench": ("m.jsonl", {"session_id": "s", "model_output": "a", "score": "7", "model_test": "m", "parsed_result": {}}),
    "zeroeval": ("m.jsonl",
                 {"session_id": "s",
                  "output": ["a"],
                  "generator": "m",
                  "dataset": "d",
                  "chat_history": ["q"],
                  "model_input": "q",
                  "configs": {}}),
    "arena": ("b.jsonl",
              {"question_id": 1,
               "model_a": "a",
               "model_b": "b",
               "winner": "tie",
               "conversation_a": [],
               "conversation_b": []}),
    "alpaca_eval": ("m.jsonl", {"instruction": "i", "output": "o", "generator": "g", "dataset": "d"}),
    "table": ("t.jsonl", {"prompt": "q", "llm": "m", "response": "a", "performance": 1, "task": "t"}),
}  # fmt: skip
OBJECTS: dict[str, Any] = {
    "inspect": {"version": 2,
                "status": "success",
                "eval": {"task": "t", "model": "m", "run_id": "r", "dataset": {}},
                "samples": []},
    "helm": {"adapter_spec": {"method": "m", "model": "x"},
             "request_states": [{"instance": {}, "request": {}, "result": {}}]},
    "promptfoo": {"evalId": "e",
                  "results": {"version": 3, "results": [{"provider": {"id": "m"}, "vars": {}, "success": True}]}},
    "opencompass": {"0": {"origin_prompt": [{"role": "HUMAN", "prompt": "q"}], "prediction": "a", "gold": "b"}},
    "llmrouterbench": {"model_name": "m",
                       "dataset_name": "d",
                       "records": [{"prompt": "p", "ground_truth": "g", "score": 1}],
                       "demo": False},
    "eee": {"schema_version": "0.3.0",
            "evaluation_id": "e",
            "model_info": {"id": "m"},
            "evaluation_results": [{"score_details": {}}]},
}  # fmt: skip
TABLES = {
    "routellm": "prompt,gpt-4-1106-preview,mistralai/Mixtral-8x7B\nq,True,False\n",
    "routerbench": "sample_id,prompt,eval_name,m,m|model_response,m|total_cost\n1,\"['q']\",t,1,\"['a']\",0.1\n",
    "embedllm": "prompt_id,model_id,category_id,label,model_name,category,prompt\n1,2,3,1,m,c,q\n",
    "fusionbench": "task_name,query,llm,performance,cost,response,input_tokens_num,output_tokens_num\nt,q,m,1,2,a,3,4\n",
    "alpaca_eval": "instruction,output_1,generator_1,output_2,generator_2,annotator,preference\ni,a,m,b,n,j,1.5\n",
    "arena": "id,model_a,model_b,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n1,a,b,q,x,y,1,0,0\n",
}


@pytest.mark.parametrize("source", RECORDS)
def test_records_in_lines_are_recognised(tmp_path: Path, source: str) -> None:
    name, record = RECORDS[source]
    found = recognise([write_lines(tmp_path / name, [record, record])])
    assert found.settled() == source
    assert found.scores[source] >= ENOUGH


@pytest.mark.parametrize("source", OBJECTS)
def test_objects_are_recognised(tmp_path: Path, source: str) -> None:
    assert recognise([write_json(tmp_path / "run.json", OBJECTS[source])]).settled() == source


@pytest.mark.parametrize("source", TABLES)
def test_tables_are_recognised(tmp_path: Path, source: str) -> None:
    assert recognise([write(tmp_path / "t.csv", TABLES[source].encode())]).settled() == source


def test_details_of_lighteval(tmp_path: Path) -> None:
    doc = {"query": "q", "choices": ["a"], "gold_index": 0}
    pq.write_table(
        pa.table({"doc": [doc], "model_response": [{"text": ["a"]}], "metric": [{"em": 1.0}]}), tmp_path / "d.parquet"
    )
    assert recognise([tmp_path / "d.parquet"]).settled() == "lighteval"


def test_a_page_of_an_api(tmp_path: Path) -> None:
    page = {"data": [RECORDS["langfuse"][1]] * 2, "meta": {"page": 1}}
    assert recognise([write_json(tmp_path / "page.json", page)]).settled() == "langfuse"


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "prompt,model,answer,score\nq,m,a,1\n"),
        ("a.csv", "question,answer,model,correct\nq,a,m,True\n"),
        ("a.csv", "prompt,correct,passed\nq,True,False\n"),
        ("a.csv", "prompt,gpt-4o,llama-3\nq,an answer,another\n"),
        ("a.csv", "prompt,gpt-4o,llama-3\nq,0.5,0.7\n"),
        ("a.csv", "prompt,label,category\nq,1,c\n"),
        ("a.csv", "instruction,input,output\ni,,o\n"),
        ("a.csv", "model,score\nm,1\n"),
        ("a.jsonl", lines({"messages": [{"role": "user", "content": "q"}]}, {"messages": []})),
        ("a.jsonl", lines({"question_id": 1, "model": "m", "score": 9}, {"question_id": 2, "model": "m", "score": 3})),
        ("a.jsonl", lines({"id": "1", "model": "m", "input": "q", "output": "a", "timestamp": "2026-01-01"})),
        ("a.jsonl", lines({"question": "q", "choices": ["a", "b"], "answer": 1})),
        ("a.jsonl", lines({"custom_id": "1", "response": "text", "model": "m"})),
        ("a.jsonl", lines({"prediction": "a", "gold": "b"}, {"prediction": "a", "gold": "b"})),
        (
            "a.jsonl",
            lines({"doc_id": 0, "q": "x", "model": "m", "resp": "4", "filter": "f", "exact_match": 0.0, "target": "7"}),
        ),
        ("a.jsonl", lines({"model": "m", "usage": {"prompt_tokens": 1}, "response": "a", "cost": 0.1})),
        ("a.json", json.dumps({"results": {"t": {"acc": 1}}, "config": {}})),
        ("README.md", "# A page\nIt has, commas\n"),
    ],
)
def test_home_made_files_are_not_taken_for_a_format(tmp_path: Path, name: str, text: str) -> None:
    found = recognise([write(tmp_path / name, text.encode())])
    assert found.source is None
    assert "its format is not known" in str(found.problem)


def test_the_score_is_the_documented_one(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x_log.jsonl", [{"a": 1, "c": 2}])
    head = read_head(path)

    def score(**fields: Any) -> float:
        return match("s", Signature(title="t", kinds=("lines",), **fields), head).score

    assert score(needed=("a",)) == 1.0
    assert score(needed=("a", "b"), telling=("c", "d")) == 0.5
    assert score(needed=("a",), telling=("c", "d", "e", "f")) == 0.7
    assert score(needed=("a", "b"), telling=("c", "d"), names=("*_log.jsonl",)) == 0.65
    assert score(needed=("a",), against=("c",)) == 0.5
    assert score(needed=("b",), names=("*_log.jsonl",)) == 0.0


def test_a_check_and_the_kind_rule_a_format_out(tmp_path: Path) -> None:
    head = read_head(write_lines(tmp_path / "a.jsonl", [{"a": 1}, {"a": 2}]))
    refuse: Callable[[Any], str] = lambda head: "no"  # noqa: E731
    other = match("s", Signature(title="t", kinds=("csv",), needed=("a",)), head)
    checked = match("s", Signature(title="t", kinds=("lines",), needed=("a",), check=refuse), head)
    assert (other.fits, other.against) == (False, "it is lines, expected csv")
    assert (checked.fits, checked.against) == (False, "no")
    with pytest.raises(ValueError, match="role is 'x'"):
        Signature(title="t", kinds=("csv",), needed=("a",), role="x")
