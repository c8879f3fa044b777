"""Nothing is lost in silence: keys given twice, labels that contradict, names of control characters, and how many."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench.builders import build
from llmfusionbench.builders.reading import json_window
from llmfusionbench.cli.main import run
from llmfusionbench.errors import InputError, LLMFusionBenchError
from llmfusionbench.evaluation.routers import predictions
from llmfusionbench.evaluation.routers.predictions import read_predictions
from llmfusionbench.release import Release
from llmfusionbench.storage.csv_text import csv_text
from tests.helpers.parts import Parts, record


def table(folder: Path, lines: str, name: str = "log.jsonl") -> Release:
    (folder / name).write_text(lines, encoding="utf-8")
    return build("table", [folder / name], folder / "out", workers=1)


def rejected(release: Release) -> list[dict[str, Any]]:
    path = release.path / "rejected.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def test_every_record_is_taken_folded_or_rejected(tmp_path: Path) -> None:
    first = '{"prompt": "1?", "llm": "a", "response": "1", "performance": 1, "ground_truth": "1"}\n'
    other = first.replace('"ground_truth": "1"', '"ground_truth": "2"')
    release = table(tmp_path, first + first + '{"prompt": "2?"}\n' + other + "no JSON\n")
    assert release.manifest["records"] == {"taken": 1, "folded": 1, "rejected": 3}
    assert [r["row"] for r in rejected(release)] == [2, 3, 4]


def test_a_record_that_adds_a_fact_is_taken(tmp_path: Path) -> None:
    lines = '{"prompt": "1?", "llm": "a", "response": "1"}\n{"prompt": "1?", "llm": "a", "performance": 1}\n'
    assert table(tmp_path, lines).manifest["records"] == {"taken": 2, "folded": 0, "rejected": 0}


@pytest.mark.parametrize("shape", ["{}\n{}\n", "[{}, {}]"])
def test_a_key_given_twice_rejects_its_record_alone(tmp_path: Path, shape: str) -> None:
    twice = '{"prompt": "1?", "llm": "a", "choices": {"text": ["x"], "text": ["y"]}}'
    release = table(tmp_path, shape.format(twice, '{"prompt": "2?", "llm": "a"}'))
    assert [(r["row"], r["reason"]) for r in rejected(release)] == [
        (0, "the key 'text' is given twice in one object, expected once")
    ]


def test_a_key_given_twice_around_the_records_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "sums-test-tiny-20240101_000000.json"
    path.write_text('{"model_name": "a", "model_name": "b", "dataset_name": "t", "records": [{"prompt": "1?"}]}')
    with pytest.raises(InputError, match="the key 'model_name' is given twice"):
        build("llmrouterbench", [path], tmp_path / "out")


def test_a_query_labelled_train_and_test_is_noted_and_kept_in_test(tmp_path: Path) -> None:
    parts = Parts([record(), record(row=1, llm="b"), record(row=2, llm="c", split="test"), record(row=3, prompt="2+2?")])
    release = build(parts, [], tmp_path / "out")
    assert [(r["row"], r["reason"]) for r in rejected(release)] == [
        (0, "split is train, but test for the same query in f record 2; the query is kept in test")
    ]
    assert len(release.routing(split="test")) == 1
    assert release.manifest["records"] == {"taken": 4, "folded": 0, "rejected": 0}


@pytest.mark.parametrize("name", ["\0", "a\0b", "\x07\x1b"])
def test_a_name_of_control_characters_is_rejected(tmp_path: Path, name: str) -> None:
    release = build(Parts([record(), record(row=1, llm=name)]), [], tmp_path / "out")
    assert [r["row"] for r in rejected(release)] == [1]
    assert "expected a name without NUL" in rejected(release)[0]["reason"]


@pytest.mark.parametrize("digits", [400, 5000])
@pytest.mark.parametrize("source", ["llmrouter", "llmrouterbench", "table"])
def test_integers_of_hundreds_of_digits(tmp_path: Path, source: str, digits: int) -> None:
    good = {"task_name": "t", "query": "1?", "model_name": "a", "performance": 1}
    if source == "llmrouterbench":
        good = {"dataset": "t", "query": "1?", "records": {"a": 1}, "usages": {}}
    elif source == "table":
        good = {"prompt": "1?", "llm": "a", "performance": 1}
    line = json.dumps(good)
    (tmp_path / "x.jsonl").write_text(f"{line}\n{line.replace('1?', '2?').replace(': 1', ': ' + '9' * digits)}\n")
    release = build(source, [tmp_path / "x.jsonl"], tmp_path / "out")
    assert [r["row"] for r in rejected(release)] == [1]


def test_a_column_given_twice(tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array(["1?"]), pa.array(["a"]), pa.array(["b"])], ["prompt", "llm", "llm"])
    pq.write_table(twice, tmp_path / "x.parquet")
    with pytest.raises(InputError, match="two columns are called"):
        build("table", [tmp_path / "x.parquet"], tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("map: " + "[" * 5000 + "]" * 5000, "nested too deep"),
        ("llms: &a [x, x]\nmap: *a\n", "an alias in line 2"),
        ("prompt: a\nllm: b\nprompt: c\n", "is given twice"),
        ("prompt: " + "9" * 5000, "not a readable YAML file"),
    ],
)
def test_a_map_file_that_is_hostile(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(InputError, match=words):
        build("table", [tmp_path / "map.yaml"], tmp_path / "out", options={"map": tmp_path / "map.yaml"})


def test_options_that_no_manifest_can_hold(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("prompt,llm\n1?,a\n")
    with pytest.raises(InputError, match="the options cannot be written as UTF-8"):
        build("table", [tmp_path / "x.csv"], tmp_path / "out", options={"map": {"task": "=\ud800"}})


def test_bytes_that_identify_a_rejected_row(tmp_path: Path) -> None:
    columns = {"prompt": ["1?"], "category": ["c"], "prompt_id": [b"\xff"], "model_name": ["a"], "label": [0.7]}
    pq.write_table(pa.table(columns | {"prompt": ["1?"]}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match=r"label is 0.7|not UTF-8|no record"):
        build("embedllm", [tmp_path / "x.parquet"], tmp_path / "out")
    two = {k: v * 2 for k, v in columns.items()} | {"prompt_id": [b"a", b"b"], "label": [0.7, 1.0]}
    pq.write_table(pa.table(two), tmp_path / "x.parquet")
    assert [r["row"] for r in rejected(build("embedllm", [tmp_path / "x.parquet"], tmp_path / "out"))] == [0]


def test_predictions_that_are_hostile(tmp_path: Path) -> None:
    def parquet(table: pa.Table) -> Path:
        pq.write_table(table, tmp_path / "x.parquet")
        return tmp_path / "x.parquet"

    ids = pa.array(["q"])
    cases = {
        r"column query_id is binary, expected texts": pa.table({"query_id": [b"\xff"], "candidate": ["a"]}),
        r"two columns are called 'a'": pa.Table.from_arrays([ids, pa.array([1.0]), pa.array([1.0])], ["query_id", "a", "a"]),
        r"candidate unpacks to .* MiB": pa.table(
            {
                "query_id": pa.array(np.arange(4000)),
                "candidate": pa.DictionaryArray.from_arrays(pa.array(np.zeros(4000, np.int32)), pa.array(["a" * (1 << 20)])),
            }
        ),
    }
    for words, table in cases.items():
        with pytest.raises(InputError, match=words):
            read_predictions(parquet(table))
    (tmp_path / "x.jsonl").write_text('{"query_id": "q", "candidate": "a", "candidate": "b"}\n')
    with pytest.raises(InputError, match=r"line 1: not JSON \(the key 'candidate' is given twice"):
        read_predictions(tmp_path / "x.jsonl")


def test_cells_that_a_spreadsheet_would_run_are_texts() -> None:
    cells = ["=HYPERLINK(1)", "+1+1", "-a", "@x", "\tx", "\rx", "-1.5", "a=b", ""]
    frame = pd.DataFrame({"=router": cells, "value": range(len(cells))})
    assert csv_text(frame).replace("\r", "<CR>").splitlines()[:8] == [
        "'=router,value", "'=HYPERLINK(1),0", "'+1+1,1", "'-a,2", "'@x,3", "'\tx,4", "'<CR>x,5", "-1.5,6",
    ]  # fmt: skip


def test_a_larger_record_with_the_option(tmp_path: Path) -> None:
    line = json.dumps({"prompt": "1?", "llm": "a", "response": "x" * (2 << 20)})
    (tmp_path / "x.jsonl").write_text(line)
    arguments = ["build", "table", str(tmp_path / "x.jsonl"), "--out", str(tmp_path / "out"), "--max-record-mib"]
    assert run([*arguments, "1"]) == 1
    assert run([*arguments, "3"]) == 0


@pytest.mark.parametrize("options", [{"revision": 123}, {"options": {"task": float("nan")}}, {"options": {"task": 2**70}},
                                     {"options": {"task": Path("nowhere")}}])  # fmt: skip
def test_what_no_manifest_can_hold_replaces_no_release(tmp_path: Path, options: dict[str, Any]) -> None:
    release = table(tmp_path, '{"prompt": "1?", "llm": "a", "response": "1"}\n')
    before = (release.path / "manifest.json").read_bytes()
    with pytest.raises(LLMFusionBenchError):
        build("table", [tmp_path / "log.jsonl"], release.path, overwrite=True, **options)
    assert Release(release.path).manifest["rejected"] == 0
    assert (release.path / "manifest.json").read_bytes() == before


def test_a_first_line_that_is_too_long_costs_no_other(tmp_path: Path) -> None:
    line = json.dumps({"prompt": "1?", "llm": "a", "response": "x" * 2**20})
    (tmp_path / "log.jsonl").write_text(f'{line}\n{{"prompt": "2?", "llm": "a", "response": "2"}}\n')
    release = build("table", [tmp_path / "log.jsonl"], tmp_path / "out", workers=1, max_record_mib=1)
    assert release.manifest["records"] == {"taken": 1, "folded": 0, "rejected": 1}
    assert [r["row"] for r in rejected(release)] == [0]


def test_predictions_may_come_with_long_prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "_MOST_BYTES", 100_000)
    texts = [f"{number} " * 20_000 for number in range(5)]
    pq.write_table(
        pa.table({"query_id": ["a", "b", "c", "d", "e"], "candidate": ["x"] * 5, "prompt": texts}), tmp_path / "p.parquet"
    )
    assert len(read_predictions(tmp_path / "p.parquet")) == 5


def test_a_parquet_file_is_opened_once_for_all_its_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pa.table({"prompt": [f"{n}?" for n in range(300)], "llm": ["a"] * 300, "response": ["1"] * 300})
    pq.write_table(rows, tmp_path / "log.parquet", row_group_size=3)
    opened = []
    file = pq.ParquetFile
    monkeypatch.setattr(pq, "ParquetFile", lambda *a, **k: opened.append(a) or file(*a, **k))
    release = build("table", [tmp_path / "log.parquet"], tmp_path / "out", workers=1)
    assert release.manifest["records"]["taken"] == 300
    assert len([a for a in opened if Path(a[0]) == tmp_path / "log.parquet"]) <= 4


@pytest.mark.parametrize("chunk", [*range(1, 12), 50])
def test_values_of_json_that_cross_the_edge_of_a_window(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(json_window, "_CHUNK", chunk)
    text = '[0.5, 1e5, 1E-5, -0.25e+3, 12, true, null, "a\\"b", {"a": [1.5, {}]}, -7]'
    window = json_window.Window(Path("x"), b"", io.BytesIO(text.encode()))
    assert list(window.elements()) == json.loads(text)
    window.end()
    for wrong in ("[1.]", "[1ex]", "[1e, 2]", "[0.5.5]"):
        with pytest.raises(InputError, match="not JSON"):
            list(json_window.Window(Path("x"), b"", io.BytesIO(wrong.encode())).elements())
