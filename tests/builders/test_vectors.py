"""The vectors of a build come back from the disk by key: the first of each kind of each query, split by split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from llmfusionbench.builders.known.tasks import canonical_task
from llmfusionbench.builders.making import vectors
from llmfusionbench.builders.making.spill import Settled, prefix_of
from llmfusionbench.builders.making.vectors import Vectors
from llmfusionbench.errors import InputError
from llmfusionbench.types import query_id


def table(*rows: tuple[str, str, list[float | None] | None]) -> pa.Table:
    """Prompt, what is embedded, and vector of each row."""
    prompts, embedded, given = (list(column) for column in zip(*rows, strict=True))
    columns = {"task": ["gsm8k"] * len(rows), "prompt": prompts, "embedded": embedded}
    return pa.table(columns | {"embedding": pa.array(given, pa.list_(pa.float32()))})


def settled(**split_of_prompt: str) -> Settled:
    codes = {"train": 0, "test": 1, "partial_test": 2}
    found = sorted((prefix_of(pa.array([name(p)]))[0], codes[split]) for p, split in split_of_prompt.items())
    return Settled(np.array([prefix for prefix, _ in found], np.uint64), np.array([code for _, code in found], np.int8))


def name(prompt: str) -> str:
    return query_id(canonical_task("gsm8k"), prompt)


def test_the_first_vector_of_each_key_comes_back(tmp_path: Path) -> None:
    held = Vectors(tmp_path)
    assert not held
    held.add(table(("b", "prompt", [1.0, 2.0]), ("a", "prompt", None), ("unknown", "prompt", [9.0])))
    held.add(table(("a", "task_description", [3.0, 4.0, 5.0]), ("b", "prompt", [6.0]), ("c", "prompt", [])))
    assert held
    found = {split: held.rows(places) for split, places in held.of_splits(settled(a="train", b="train", c="test")).items()}
    expected = sorted(
        [(name("b"), "prompt", [1.0, 2.0]), (name("a"), "prompt", None), (name("a"), "task_description", [3.0, 4.0, 5.0])],
        key=lambda row: row[:2],
    )
    assert [tuple(row.values()) for row in found["train"].to_pylist()] == expected
    assert [tuple(row.values()) for row in found["test"].to_pylist()] == [(name("c"), "prompt", [])]
    assert list(found) == ["train", "test"]


def test_a_stated_id_counts(tmp_path: Path) -> None:
    held = Vectors(tmp_path)
    held.add(table(("a", "prompt", [1.0]), ("b", "prompt", [2.0])).append_column("query_id", pa.array([name("c"), None])))
    rows = held.rows(held.of_splits(settled(b="train", c="train"))["train"])
    assert dict(zip(rows["query_id"].to_pylist(), rows["embedding"].to_pylist(), strict=True)) == {
        name("c"): [1.0],
        name("b"): [2.0],
    }


def test_a_vector_without_one_of_its_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lacks one of its numbers\. Remedy: "):
        Vectors(tmp_path).add(table(("a", "prompt", [1.0, None])))


def test_more_than_memory_takes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "_MOST_BYTES", 8)
    held = Vectors(tmp_path)
    held.add(table(("a", "prompt", [1.0, 2.0])))
    with pytest.raises(InputError, match=r"more than 0 MiB\. Remedy: set --option embeddings=false"):
        held.add(table(("b", "prompt", [3.0])))
