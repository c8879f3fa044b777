"""The mapping file: YAML with a comment above each line, which the source `table` takes as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.recognising.head import read_head
from llmfusionbench.builders.recognising.mapping_file import mapping_text, quoted
from llmfusionbench.builders.recognising.proposal import propose
from tests.helpers.reading import real_logs, write, write_lines


def text_of(path: Path, records: int = 200) -> str:
    head = read_head(path, records, rows=True)
    return mapping_text(propose(head), path, len(head.records))


def test_every_line_has_its_reason_and_an_example(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", b"question,model,answer,score,extra\nq,m,a,0.5,x\n")
    assert text_of(path).splitlines() == [
        "# A mapping proposed by llmfusionbench inspect-log from the first 1 records of log.csv.",
        "# Check each line: it says where our column comes from, and the comment above it says why. Then run",
        f"#   llmfusionbench build table {path} --mapping THIS_FILE --out DIR",
        "map:",
        '  # called question; text in 1 of 1 records, such as "q"',
        "  prompt: question",
        '  # called model; text in 1 of 1 records, such as "m"',
        "  llm: model",
        '  # called answer; text in 1 of 1 records, such as "a"',
        "  response: answer",
        '  # called score, from 0.5 to 0.5; number in 1 of 1 records, such as "0.5"',
        "  performance: score",
        '  # task: "=NAME"  # else the name of the file',
        '  # metric: "=METRIC"  # cem, code_eval, em, em_mc, f1_score, gsm8k, math, ... by which rescore scores answers',
        "# Not mapped:",
        '#   extra: text in 1 of 1 records, such as "x"',
    ]


@pytest.mark.parametrize(
    "name", ["plain", "a b", 'q"uote', "back\\slash", "yes", "null", "#", "a: b", "- x", "new\nline", "\x1b[0m", "\u2028",
             "\U0001f600", "{x}", "[0]", "*a", "&a", "!t", "%d", "@", "`", "é", "x.y[0]"]
)  # fmt: skip
def test_any_name_is_read_back(name: str) -> None:
    assert yaml.safe_load(f"a: {quoted(name)}\nb: {{{quoted(name, word=True)}: 1}}") == {"a": name, "b": {name: 1}}


def test_a_hostile_file_name_and_hostile_fields_stay_within_comments(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a\nmap: {llm: x}.jsonl", [{"question": "q", "model": "m", "x\nllm: y": "z\nmode: w"}] * 2)
    found = yaml.safe_load(text_of(path))
    assert found == {"map": {"prompt": "question", "llm": "model"}}


def test_a_table_is_built_by_its_proposal(tmp_path: Path) -> None:
    rows = b"".join(b"What is %d?,m%d,It is %d.,%d,%d\n" % (i // 2, i % 2, i, i % 2, 100 + i) for i in range(20))
    path = write(tmp_path / "log.csv", b"question,model,answer,score,latency_ms\n" + rows)
    mapping = write(tmp_path / "my.yaml", text_of(path).encode())
    release = build("table", [path], tmp_path / "out", options={"map": mapping})
    assert release.manifest["records"] == {"taken": 20, "folded": 0, "rejected": 0}
    assert lfb.validate(tmp_path / "out") == []
    rows_out = release.table("responses").to_table(columns=["performance", "latency_s"]).to_pylist()
    assert sorted(row["performance"] for row in rows_out) == [0.0] * 10 + [1.0] * 10
    assert max(row["latency_s"] for row in rows_out) == 0.119


def test_a_wide_table_is_built_by_its_proposal(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", b"prompt,gpt-4o,llama-3.1\nq,0.5,1\nr,0,0.25\n")
    mapping = write(tmp_path / "my.yaml", text_of(path).encode())
    release = build("table", [path], tmp_path / "out", options={"map": mapping})
    found = release.table("responses").to_table(columns=["llm", "performance"]).to_pylist()
    assert sorted((row["llm"], row["performance"]) for row in found) == [
        ("gpt-4o", 0.0), ("gpt-4o", 0.5), ("llama-3.1", 0.25), ("llama-3.1", 1.0),
    ]  # fmt: skip


def nested(i: int) -> dict[str, Any]:
    body = {"model": f"m{i % 2}", "choices": [{"message": {"role": "assistant", "content": f"It is {i}."}}]}
    usage = {"prompt_tokens": 3 + i, "completion_tokens": 4}
    return {"input": {"raw": f"What is {i // 2}?"}, "response": {"body": {**body, "usage": usage}}, "ok": i % 2 == 0}


def test_nested_records_are_built_by_their_proposal(tmp_path: Path) -> None:
    pytest.importorskip("llmfusionbench.builders.reading.paths")
    path = write_lines(tmp_path / "log.jsonl", [nested(i) | {"is_correct": i % 3 == 0} for i in range(20)])
    mapping = write(tmp_path / "my.yaml", text_of(path).encode())
    release = build("table", [path], tmp_path / "out", options={"map": mapping})
    assert release.manifest["records"] == {"taken": 20, "folded": 0, "rejected": 0}
    found = release.table("responses").to_table().to_pylist()
    assert {row["llm"] for row in found} == {"m0", "m1"}
    assert sum(row["performance"] for row in found) == 7
    assert sum(row["input_tokens"] for row in found) == sum(3 + i for i in range(20))


REAL = {
    "formats/openai_batch/batch_output.jsonl": (2, 1),
    "formats/shapes/litellm_shape/spend_logs.jsonl": (1, 1),
    "formats/mt_bench/martian.jsonl.gz": (80, 0),
    "formats/routerarena/gemini-2.0-flash-001.jsonl.gz": (400, 0),
    "formats/eee/demo/*_samples.jsonl": (1, 0),
    "formats/lm_eval/samples_*.jsonl": (10, 0),
    "formats/alpaca_eval/alpaca-7b.model_outputs.json.gz": (805, 0),
    "formats/shapes/lighteval_shape/details_gsm8k_0.parquet": (1, 0),
}
"""File -> records taken and rejected: calls that failed name no LLM, or have no prompt."""


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_built_by_their_proposals(tmp_path: Path, name: str) -> None:
    pytest.importorskip("llmfusionbench.builders.reading.paths")
    (path,) = real_logs(name)
    mapping = write(tmp_path / "my.yaml", text_of(path).encode())
    records = build("table", [path], tmp_path / "out", options={"map": mapping}).manifest["records"]
    assert (records["taken"], records["rejected"]) == REAL[name]
    assert lfb.validate(tmp_path / "out") == []
