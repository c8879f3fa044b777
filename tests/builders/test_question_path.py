"""`--option prompt=PATH`: a path that no record has is one error, and one that a file lacks is a warning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench.builders.reading.question_path import text_paths
from llmfusionbench.builders.records import Source
from llmfusionbench.builders.sources.lighteval import LightEval
from llmfusionbench.builders.sources.lm_eval import LmEval
from llmfusionbench.builders.sources.opencompass import OpenCompass
from llmfusionbench.builders.sources.promptfoo import Promptfoo
from llmfusionbench.errors import InputError
from tests.helpers.lm_eval_log import run, sample
from tests.helpers.reading import read, real_logs, write_json

REMEDY = r"Remedy: set --option prompt=PATH to one that it has$"
DOC = {"id": 7, "problem": "1+1?", "empty": " ", "more": {"hint": "Add."}, "a.b": "lost"}


def lighteval(folder: Path) -> Path:
    rows = [{"doc": str(DOC), "model_response": {"input": "1+1?", "text": ["2"]}, "metric": {"em": 1.0}}]
    path = folder / "details" / "lab" / "tiny" / "details_sums_2026-02-03T04-05-06.789012.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows * 2), path)
    return path


def opencompass(folder: Path) -> Path:
    row = {"origin_prompt": "Question: 1+1?", "prediction": "2", "gold": "2", "doc": DOC}
    return write_json(folder / "predictions" / "tiny" / "sums.json", {"0": row, "1": row})


def promptfoo(folder: Path) -> Path:
    row = {"provider": "openai:gpt-x", "prompt": {"raw": "1+1?"}, "doc": DOC, "response": {"output": "2"}, "score": 1}
    return write_json(folder / "results.json", {"results": {"version": 3, "results": [row, row]}})


def lm_eval(folder: Path) -> Path:
    return run(folder, [sample(i, doc=DOC) for i in range(2)])


@pytest.mark.parametrize(
    ("made", "source"),
    [
        (lm_eval, LmEval(prompt="doc.question")),
        (lighteval, LightEval(prompt="doc.question")),
        (opencompass, OpenCompass(prompt="doc.question")),
        (promptfoo, Promptfoo(prompt="doc.question")),
    ],
)
def test_a_path_that_no_record_has_is_one_error_with_those_that_are_there(tmp_path: Path, made: Any, source: Source) -> None:
    said = r"no record has a text at doc\.question; texts in its first record: doc\.problem, doc\.more\.hint\. "
    with pytest.raises(InputError, match=said + REMEDY):
        read(source, made(tmp_path))


def test_a_file_that_lacks_the_path_beside_one_that_has_it(tmp_path: Path) -> None:
    one = run(tmp_path / "a", [sample(0), sample(1, doc={})])
    two = run(tmp_path / "b", [sample(0, doc=DOC)], task="other")
    found = read(LmEval(prompt="doc.question"), one, two)
    assert found.column("prompt") == ["0+1?"]
    assert [(r.file, r.row) for r in found.rejected] == [(one.name, 1), (two.name, 0)]
    assert found.notes == [
        "no record has a text at doc.question, so all are rejected; texts in its first record: doc.problem, doc.more.hint. "
        "Remedy: set --option prompt=PATH to one that it has"
    ]


def test_the_real_file_names_the_field_of_its_problem() -> None:
    with pytest.raises(InputError, match=r"doc\.problem"):
        read(LmEval(prompt="doc.question"), *real_logs("formats/lm_eval/samples_*.jsonl"))


@pytest.mark.parametrize(
    ("record", "near", "paths"),
    [
        ({"doc": {"a": "x"}, "b": "y"}, "doc.q", ["doc.a"]),
        ({"doc": {"a": 1}, "b": "y"}, "doc.q", ["b"]),
        ({"doc": ["x", {"q": "y"}]}, "question", ["doc.0", "doc.1.q"]),
        ({"a": {"b": {"c": {"d": {"e": {"f": "deep"}}}}}}, "q", []),
        ({str(i): "x" for i in range(9)}, "q", ["0", "1", "2", "3", "4"]),
        ({"new\nline": "x", "x" * 99: "x", "": "x"}, "q", []),
    ],
)
def test_paths_of_texts(record: dict[str, Any], near: str, paths: list[str]) -> None:
    assert list(text_paths(record, near))[:5] == paths
