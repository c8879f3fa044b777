import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmfusionbench.builders.build import build
from llmfusionbench.builders.sources.routereval import RouterEval
from llmfusionbench.errors import InputError
from tests.helpers.reading import read

SCORES = np.array([[1.0, 0.0], [0.25, np.nan], [0.5, 1.0]])
PROMPTS = np.array(["One?", "Two,\nor 2?", "Three? \U0001f600"])


def npz(path: Path, **arrays: Any) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def whole(path: Path, **changes: Any) -> Path:
    arrays = {"train_prompt": PROMPTS, "train_score": SCORES, "candidates": np.array(["tiny", "big_think"])} | changes
    return npz(path, **{k: v for k, v in arrays.items() if v is not None})


def test_scores_in_our_columns(tmp_path: Path) -> None:
    path = whole(
        tmp_path / "arc.npz", val_prompt=PROMPTS[:1], val_score=SCORES[:1], test_prompt=PROMPTS[1:2], test_score=SCORES[1:2]
    )
    found = read(RouterEval(), path)
    rows = found.normal_table.select(["prompt", "llm", "mode", "performance", "split", "task", "status"]).to_pylist()
    assert [tuple(r.values()) for r in rows] == [
        ("One?", "tiny", "direct", 1.0, "train", "arc", "ok"),
        ("One?", "big", "think", 0.0, "train", "arc", "ok"),
        ("Two,\nor 2?", "tiny", "direct", 0.25, "train", "arc", "ok"),
        ("Two,\nor 2?", "big", "think", None, "train", "arc", "missing"),
        ("Three? \U0001f600", "tiny", "direct", 0.5, "train", "arc", "ok"),
        ("Three? \U0001f600", "big", "think", 1.0, "train", "arc", "ok"),
        ("One?", "tiny", "direct", 1.0, "partial_test", "arc", "ok"),
        ("One?", "big", "think", 0.0, "partial_test", "arc", "ok"),
        ("Two,\nor 2?", "tiny", "direct", 0.25, "test", "arc", "ok"),
        ("Two,\nor 2?", "big", "think", None, "test", "arc", "missing"),
    ]
    assert found.rejected == []


def test_vectors_without_prompts(tmp_path: Path) -> None:
    path = whole(tmp_path / "arc.npz", train_prompt=None, train_embed=np.ones((3, 4), np.float32))
    found = read(RouterEval(task="arc_challenge"), path)
    assert found.column("source_id") == [f"arc.npz:train:{n}" for n in (0, 0, 1, 1, 2, 2)]
    release = build("routereval", [path], tmp_path / "out", options={"task": "arc_challenge"}, strict=True)
    assert len(release.routing()) == 3


def test_names_of_the_llms(tmp_path: Path) -> None:
    path = whole(tmp_path / "arc.npz", candidates=None)
    with pytest.raises(InputError, match=r"has no names for the LLMs of its 2 columns\. Remedy: set --option llms=NAME,NAME"):
        read(RouterEval(), path)
    assert set(read(RouterEval(llms=["a", "b"]), path).column("llm")) == {"a", "b"}
    for names in (["a"], ["a", "a"], ["a", "b", "c"], ["a", ""]):
        with pytest.raises(InputError, match="names for 2 columns of scores"):
            read(RouterEval(llms=names), path)


def test_tasks_and_provenance_of_the_file(tmp_path: Path) -> None:
    path = whole(tmp_path / "arc.npz", train_task=np.array(["a", "b", "a"]), provenance=np.array(["simulated"]))
    found = read(RouterEval(split="test"), path)
    assert found.column("task") == ["a", "a", "b", "b", "a", "a"]
    assert set(found.column("provenance")) == {"simulated"}
    assert set(found.column("split")) == {"test"}
    assert read(RouterEval(), whole(tmp_path / "x.npz", provenance=np.array(["a dream"]))).column("provenance") == [None] * 6


def test_scores_that_are_none(tmp_path: Path) -> None:
    found = read(RouterEval(), whole(tmp_path / "arc.npz", train_score=np.array([[1, np.inf], [2, 0], [-np.inf, 1]])))
    assert sorted((file, row, reason.split(",")[0]) for file, row, reason in found.reasons) == [
        ("arc.npz:train", 0, "score of big_think is infinite"),
        ("arc.npz:train", 1, "performance is 2.0"),
        ("arc.npz:train", 2, "score of tiny is infinite"),
    ]
    assert found.normal_table["performance"].to_pylist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("kind", [np.int8, np.bool_, np.float32])
def test_kinds_of_numbers(tmp_path: Path, kind: Any) -> None:
    found = read(RouterEval(), whole(tmp_path / "arc.npz", train_score=np.array([[1, 0], [0, 1], [1, 1]], kind)))
    assert found.column("performance") == [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_score": SCORES[:, 0]}, r"train_score is float64\[3\], expected numbers \[queries, LLMs\]"),
        ({"train_score": SCORES.astype(str)}, "expected numbers"),
        ({"train_score": None}, "no array train_score, val_score or test_score"),
        ({"train_prompt": PROMPTS[:2]}, r"train_prompt is of \[2\], expected the 3 rows of train_score"),
        ({"train_prompt": PROMPTS[:, None]}, "expected texts"),
        ({"train_prompt": np.arange(3)}, "expected texts"),
        ({"train_task": PROMPTS[:1]}, "train_task is of"),
        ({"train_embed": np.ones((2, 4))}, r"train_embed is of \[2, 4\], expected the 3 rows"),
        ({"candidates": np.arange(2)}, "candidates is int64"),
        (
            {"train_prompt": np.array(["a", "\ud83d", "b"])},
            "train_prompt is broken at row 1, expected text that UTF-8 can write",
        ),
        ({"train_prompt": PROMPTS.astype(object)}, r"not a readable npz file \(Object arrays cannot be loaded"),
        ({"train_score": SCORES.astype(object)}, "not a readable npz file"),
    ],
    ids=lambda value: None if isinstance(value, dict) else "case",
)
def test_arrays_that_do_not_fit(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(RouterEval(), whole(tmp_path / "arc.npz", **changes))


def test_damaged_files(tmp_path: Path) -> None:
    path = whole(tmp_path / "arc.npz", train_prompt=np.array([f"A question, number {n}?" for n in range(3)]))
    data = path.read_bytes()
    for length in (0, 3, 40, len(data) // 2, len(data) - 30):
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match="not a readable npz file"):
            read(RouterEval(), path)
    middle = len(data) // 4
    path.write_bytes(data[:middle] + bytes(b ^ 0xFF for b in data[middle : middle + 20]) + data[middle + 20 :])
    with pytest.raises(InputError, match="not a readable npz file"):
        read(RouterEval(), path)
    path.write_bytes(b"PK not a zip")
    with pytest.raises(InputError, match="not a readable npz file"):
        read(RouterEval(), path)
    np.save(tmp_path / "one.npy", SCORES)
    with pytest.raises(InputError, match="one array, expected an npz of several"):
        read(RouterEval(), tmp_path / "one.npy")


def test_a_header_that_promises_too_much(tmp_path: Path) -> None:
    path = whole(tmp_path / "arc.npz", train_score=None)
    with zipfile.ZipFile(path, "a") as archive, archive.open("train_score.npy", "w") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 2)}
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(InputError, match="not a readable npz file"):
        read(RouterEval(), path)
