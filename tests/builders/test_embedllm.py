import json
from pathlib import Path

import pytest

from llmfusionbench.builders.sources.embedllm import EmbedLLM
from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import sha256
from tests.helpers.reading import read, write

HEADER = "prompt_id,model_id,category_id,label,model_name,category,prompt\n"


def table(path: Path, *lines: str, header: str = HEADER) -> Path:
    return write(path, (header + "".join(f"{line}\n" for line in lines)).encode())


def test_labels_in_our_columns(tmp_path: Path) -> None:
    path = table(
        tmp_path / "val.csv",
        '7,0,2,1,lab/tiny,mmlu,"One,\nor 1?"',
        "7,1,2,0.0,big_think,mmlu,One?",
        "8,0,1,,lab/tiny,sums,Two?",
    )
    found = read(EmbedLLM(), path)
    rows = found.normal_table.select(["source_id", "task", "llm", "mode", "performance", "prompt", "split", "metric"])
    assert [tuple(r.values()) for r in rows.to_pylist()] == [
        ("7", "mmlu", "lab/tiny", "direct", 1.0, "One,\nor 1?", "partial_test", "unknown"),
        ("7", "mmlu", "big", "think", 0.0, "One?", "partial_test", "unknown"),
        ("8", "sums", "lab/tiny", "direct", None, "Two?", "partial_test", "unknown"),
    ]
    assert found.rejected == []


@pytest.mark.parametrize(
    ("name", "split"),
    [("train.csv", "train"), ("test.csv", "test"), ("validation.csv.gz", "partial_test"), ("partial_test.csv", "partial_test"),
     ("latest.csv", "train"), ("x_dev.csv", "partial_test")],
)  # fmt: skip
def test_splits_by_name(tmp_path: Path, name: str, split: str) -> None:
    path = table(tmp_path / name, "7,0,2,1,a,mmlu,One?")
    assert read(EmbedLLM(), path).column("split") == [split]
    assert read(EmbedLLM(split="test"), path).column("split") == ["test"]


def test_labels_that_are_none(tmp_path: Path) -> None:
    path = table(
        tmp_path / "train.csv", "1,0,0,0.5,a,c,One?", "2,0,0,1e-3,a,c,Two?", "3,0,0,yes,a,c,Three?", "4,0,0,1,,c,Four?",
        "5,0,0,1,a,c,", "6,0,0,1,a,c,Six?", "7,0,0,1,a,c", "8,0,0,True,a,c,Eight?",
    )  # fmt: skip
    found = read(EmbedLLM(), path)
    reasons = sorted((row, reason.split(",")[0]) for _, row, reason in found.reasons)
    assert reasons[:4] == [
        (0, 'label is "0.5"'),
        (1, 'label is "1e-3"'),
        (2, 'label is "yes"'),
        (3, "model_name is empty"),
    ]
    assert [row for row, _ in reasons] == [0, 1, 2, 3, 6]
    assert [r["source_id"] for r in found.normal_table.to_pylist()] == ["5", "6", "8"]
    assert found.rejected[0].record == {"prompt_id": "1", "model_name": "a"}


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='no column "label" for performance'):
        read(EmbedLLM(), write(tmp_path / "t.csv", b"prompt_id,model_name,category,prompt\n1,a,b,c\n"))


def test_the_page_of_an_export_says_what_is_simulated(tmp_path: Path) -> None:
    path = table(tmp_path / "train.csv", "7,0,2,1,a,mmlu,One?")
    page = {"tool": {"name": "llmfusionbench"}, "simulated": True, "files": {"train.csv": {"sha256": sha256(path)}}}
    (tmp_path / "export.json").write_text(json.dumps(page))
    assert read(EmbedLLM(), path).column("provenance") == ["simulated"]
    assert read(EmbedLLM(provenance="imported"), path).column("provenance") == ["imported"]
    other = table(tmp_path / "test.csv", "7,0,2,1,a,mmlu,One?")
    assert read(EmbedLLM(), other).column("provenance") == [None]
    (tmp_path / "export.json").write_text(json.dumps(page | {"files": {"train.csv": {"sha256": "0"}}}))
    assert read(EmbedLLM(), path).column("provenance") == [None]
    for other in (
        "[]",
        '{"simulated": true}',
        json.dumps(page | {"tool": {"name": "another"}}),
        json.dumps(page | {"files": 3}),
    ):
        (tmp_path / "export.json").write_text(other)
        assert read(EmbedLLM(), path).column("provenance") == [None]
    (tmp_path / "export.json").write_text("{")
    with pytest.raises(InputError, match=r"export\.json: cannot be read .* Remedy: move it away, or set --option"):
        read(EmbedLLM(), path)
