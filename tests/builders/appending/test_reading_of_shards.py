"""Which files the rows of a shard are read from: its own, or whichever have them in a release that was laid out otherwise."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from llmfusionbench.builders import append, build
from llmfusionbench.builders.appending import plan
from llmfusionbench.builders.making import spill
from llmfusionbench.release import Release
from llmfusionbench.release.place import LocalPlace
from llmfusionbench.release.shards import in_step, shards_of
from llmfusionbench.validation import validate
from tests.helpers.tiny_release import change_rows
from tests.helpers.two_releases import TRUE_TABLES, answer, release_of, rows_of

JUDGED = {"judge": "rule", "judge_score": 0.5}


def log(first: int, last: int, llm: str = "ant") -> list[dict[str, Any]]:
    return [answer(f"{n}: what is it?", llm, f"{n} " + "so " * 200) | JUDGED for n in range(first, last)]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release of many shards, the ids of each among those of all others."""
    place = tmp_path_factory.mktemp("grown")
    with pytest.MonkeyPatch.context() as patch:
        for module in (spill, plan):
            patch.setattr(module, "SHARD_BYTES", 4_000)
        made = release_of(place / "r0", log(0, 4))
        for n in range(1, 10):
            made = append(made, release_of(place / f"new-{n}", log(4 * n, 4 * n + 4)), place / f"r{n}", workers=1).release
    return made


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The number of times that each file of responses is opened to read rows."""
    counts: Counter[str] = Counter()
    dataset = LocalPlace.dataset

    def counted(place: LocalPlace, names: Sequence[str], table: str) -> ds.Dataset:
        counts.update(name for name in names if table == "responses")
        return dataset(place, names, table)

    monkeypatch.setattr(LocalPlace, "dataset", counted)
    return counts


def moved(release: Release, place: Path, table: str) -> Release:
    """A copy of the release with the last row of each file in the file before."""
    release = Release(shutil.copytree(release.path, place))
    files = [file.relative_to(release.path).as_posix() for file in release.files(table, "train")]
    last = [release.place.dataset([name], table).to_table().to_pylist()[-1] for name in files]
    for name, own, other in zip(files, last, [*last[1:], last[0]], strict=True):

        def edit(rows: list[dict[str, Any]], own: dict[str, Any] = own, other: dict[str, Any] = other) -> None:
            rows[rows.index(own)] = other

        change_rows(release.path, name, edit)
    return Release(release.path)


def test_each_file_is_read_once_for_its_ids_and_once_for_its_rows(grown: Release, opened: Counter[str]) -> None:
    shards = shards_of(grown)
    rows = [shard.read().responses.num_rows for shard in shards]
    assert len(shards) > 8
    assert sum(rows) == 40
    assert set(opened.values()) == {2}


def test_an_append_reads_each_file_a_fixed_number_of_times(grown: Release, opened: Counter[str], tmp_path: Path) -> None:
    new = release_of(tmp_path / "new", log(40, 44))
    opened.clear()
    append(grown, new, tmp_path / "out", workers=1)
    assert max(opened[name] for name in grown.names("responses")) <= 5


def test_rows_in_files_of_other_numbers_are_found(grown: Release, tmp_path: Path) -> None:
    expected = [shard.read() for shard in shards_of(grown)]
    added = release_of(tmp_path / "new", log(38, 42, "bee"))
    wanted = append(grown, added, tmp_path / "wanted").release
    assert in_step(grown, "responses", "train")
    odd = moved(moved(grown, tmp_path / "odd", "responses"), tmp_path / "odder", "judge_scores")
    assert not in_step(odd, "responses", "train")
    assert not in_step(odd, "judge_scores", "train")
    assert [shard.read() for shard in shards_of(odd)] == expected
    made = append(odd, added, tmp_path / "out").release
    assert all(rows_of(made, table) == rows_of(wanted, table) for table in (*TRUE_TABLES, "logs", "routing"))
    assert validate(made.path) == []
    again = build("release", [odd.path], tmp_path / "again", workers=1)
    assert rows_of(again, "responses") == rows_of(odd, "responses")
