from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench.builders.sources.routellm import RouteLLM
from llmfusionbench.errors import InputError
from tests.helpers.reading import read, write, write_json


def test_who_was_right(tmp_path: Path) -> None:
    data = b'prompt,mixtral,gpt-4\nOne?,False,True\nTwo?,True,\n"Three,\nor 3?",1,0.0\n'
    found = read(RouteLLM(), write(tmp_path / "mmlu_sums.csv", data))
    table = found.normal_table.filter(found.normal_table["llm"].is_valid())
    assert [(r["prompt"], r["llm"], r["performance"], r["task"], r["split"]) for r in table.to_pylist()] == [
        ("One?", "mixtral", 0.0, "mmlu_sums", "train"),
        ("Two?", "mixtral", 1.0, "mmlu_sums", "train"),
        ("Three,\nor 3?", "mixtral", 1.0, "mmlu_sums", "train"),
        ("One?", "gpt-4", 1.0, "mmlu_sums", "train"),
        ("Three,\nor 3?", "gpt-4", 0.0, "mmlu_sums", "train"),
    ]
    assert found.rejected == []


def test_answers_of_gsm8k(tmp_path: Path) -> None:
    data = b"prompt,weak,strong,weak_response,strong_response\nOne?,False,True,0,1\nTwo?,,,,\n"
    found = read(RouteLLM(split="test"), write(tmp_path / "gsm8k_responses.csv", data))
    answers = [(r["llm"], r["response"], r["performance"]) for r in found.rows if r.get("llm")]
    assert answers == [("weak", "0", 0.0), ("strong", "1", 1.0)]
    assert set(found.column("split")) == {"test"}
    assert len(found.normal_table["query_id"].unique()) == 2


def test_true_booleans(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"prompt": ["One?", "Two?"], "a": [True, None], "b_think": [False, True]}), path)
    found = read(RouteLLM(), path)
    assert [(r["llm"], r["mode"], r["performance"]) for r in found.rows if r.get("llm")] == [
        ("a", None, 1.0),
        ("b", "think", 0.0),
        ("b", "think", 1.0),
    ]


def test_own_tasks_and_provenance(tmp_path: Path) -> None:
    data = b"prompt,a,b,task,provenance\nOne?,True,True,sums,simulated\nTwo?,True,True,mmlu,a dream\n"
    found = read(RouteLLM(), write(tmp_path / "t.csv", data))
    assert [(r["task"], r["provenance"]) for r in found.rows[:2]] == [("sums", "simulated"), ("mmlu", None)]


def test_cells_that_are_neither(tmp_path: Path) -> None:
    data = b"prompt,a,b\nOne?,0.5,1\nTwo?,True,yes\nThree?,True,True\nFour?,True\n,True,True\n"
    found = read(RouteLLM(), write(tmp_path / "t.csv", data))
    assert [r["prompt"] for r in found.rows if r.get("llm") == "a" and r.get("prompt")] == ["Three?"]
    assert sorted((row, reason.split(":")[0]) for _, row, reason in found.reasons if row != 4) == [
        (0, 'a is "0.5", expected 0 or 1, or nothing'),
        (1, 'b is "yes", expected 0 or 1, or nothing'),
        (3, "the record has 2 fields, expected 3"),
    ]
    assert {row for _, row, _ in found.reasons} == {0, 1, 3, 4}


def test_which_columns_are_llms(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", b",prompt,a,b,subject\n0,One?,1,0,sums\n")
    with pytest.raises(InputError, match=r"3 columns could be LLMs \(a, b, subject\), expected a weak and a strong one"):
        read(RouteLLM(), path)
    assert {r["llm"] for r in read(RouteLLM(llms=["a", "b"]), path).rows if r.get("llm")} == {"a", "b"}
    with pytest.raises(InputError, match='no column "c"; it has'):
        read(RouteLLM(llms=["a", "c"]), path)
    with pytest.raises(InputError, match="no column prompt"):
        read(RouteLLM(), write(tmp_path / "u.csv", b"question,a,b\nOne?,1,0\n"))


def test_battles_hold_no_performance(tmp_path: Path) -> None:
    path = write_json(tmp_path / "battles.json", [{"idx": 0, "model_a": "a", "model_b": "b", "winner": "tie"}])
    with pytest.raises(InputError, match="battles, which have a winner but no performance"):
        read(RouteLLM(), path)
