"""A table as a torch dataset: rows by index, in the processes of a DataLoader, and without torch."""

from __future__ import annotations

import math
import pickle
import sys
from pathlib import Path

import pytest

from llmfusionbench.errors import InputError, MissingExtraError, UnknownNameError
from llmfusionbench.release import open_release
from tests.helpers.small_release import TEST, TRAIN, rows, write_small_release

torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")

from torch.utils.data import DataLoader, RandomSampler  # noqa: E402

from llmfusionbench.release.torch_data import TableDataset, collate  # noqa: E402


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_release(tmp_path_factory.mktemp("release") / "small")


@pytest.fixture(scope="module")
def responses(release: Path) -> TableDataset:
    return open_release(release).to_torch("responses", "train")


def test_rows_by_index(responses: TableDataset) -> None:
    expected = rows("responses", range(TRAIN)).to_pylist()
    assert len(responses) == TRAIN
    assert [responses[i] for i in range(TRAIN)] == expected
    assert responses[-1] == expected[-1]
    assert responses.__getitems__([29, 0, 16, 0]) == [expected[29], expected[0], expected[16], expected[0]]
    assert responses.__getitems__([]) == []


@pytest.mark.parametrize("index", [TRAIN, -TRAIN - 1])
def test_no_such_row(responses: TableDataset, index: int) -> None:
    with pytest.raises(IndexError, match=f"{index}.*the table has {TRAIN} rows"):
        responses[index]


def test_iteration_ends(responses: TableDataset) -> None:
    assert sum(1 for _ in responses) == TRAIN


def test_all_splits_and_some_columns(release: Path) -> None:
    table = open_release(release).to_torch("queries", columns=["task", "query_id"])
    assert len(table) == TRAIN + TEST
    assert table[TRAIN] == {"task": "task 000", "query_id": "query_id 000"}


def test_a_split_without_rows(release: Path) -> None:
    assert len(open_release(release).to_torch("judge_scores", "test")) == 0


def test_few_row_groups_are_kept(responses: TableDataset) -> None:
    table = TableDataset(responses.files, "responses", cached_row_groups=1)
    assert [table[i]["query_id"] for i in (0, 29, 0)] == ["query_id 000", "query_id 029", "query_id 000"]
    assert len(table._tables) == 1
    assert len(pickle.loads(pickle.dumps(table))._tables) == 0


def test_mistakes(responses: TableDataset) -> None:
    with pytest.raises(UnknownNameError, match=r'No column "respones"\. Did you mean "response"'):
        TableDataset(responses.files, "responses", columns=["respones"])
    with pytest.raises(InputError, match="cached_row_groups is 0"):
        TableDataset(responses.files, "responses", cached_row_groups=0)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_loader(release: Path, workers: int) -> None:
    """The example of the documentation: batches in random order, prepared by two processes."""
    table = open_release(release).to_torch("responses", "train", columns=["query_id", "performance"])
    sampler = RandomSampler(table, generator=torch.Generator().manual_seed(0))
    loader = DataLoader(table, batch_size=8, sampler=sampler, num_workers=workers, collate_fn=collate)
    batches = list(loader)
    assert [len(batch["query_id"]) for batch in batches] == [8, 8, 8, 6]
    assert all(batch["performance"].dtype == torch.float64 for batch in batches)
    seen = {q: p for b in batches for q, p in zip(b["query_id"], b["performance"].tolist(), strict=True)}
    assert len(seen) == TRAIN
    for number in range(TRAIN):
        value = seen[f"query_id {number:03d}"]
        assert math.isnan(value) if number % 5 == 0 else value == number / 100


def test_collate() -> None:
    batch = collate([{"n": 1, "x": 0.5, "y": None, "t": "a", "b": True}, {"n": 2, "x": None, "y": None, "t": None, "b": False}])
    assert batch["n"].tolist() == [1, 2]
    assert batch["n"].dtype == torch.int64
    assert batch["x"][0] == 0.5
    assert torch.isnan(batch["x"][1])
    assert batch["y"] == [None, None]
    assert batch["t"] == ["a", None]
    assert batch["b"].tolist() == [True, False]
    assert collate([]) == {}


def test_without_torch(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "llmfusionbench.release.torch_data")
    with pytest.raises(MissingExtraError, match=r"pip install 'llmfusionbench\[torch\]'"):
        open_release(release).to_torch("queries")
