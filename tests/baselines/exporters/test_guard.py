"""What must not be trained on: queries of test splits, and those like one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.baselines.exporters import EXPORTERS, export_sft
from llmfusionbench.baselines.exporters.corpora import leakage_guard
from llmfusionbench.release import Release
from tests.helpers.made_up_release import answer, lines, made_up_release, question, records

NEAR = question(3).replace("?", " indeed?")


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """Six train queries, of which one equals a test query and one nearly equals another, of `partial_test`."""
    rows = [answer(n, llm, performance=float(llm == "a")) for n in range(4) for llm in "ab"]
    rows += [answer(n, "a", split="test", task="exams") for n in (2, 10)]
    rows += [answer(11, "a", split="partial_test"), answer(3, "a", split="partial_test", task="exams", prompt=NEAR)]
    return made_up_release(tmp_path, rows)


@pytest.mark.parametrize("kind", ["sft", "preference", "kto"])
def test_nothing_of_a_test_split_gets_in(tmp_path: Path, release: Release, kind: str) -> None:
    corpus = EXPORTERS[kind](release, tmp_path / "out", format="parquet", container="jsonl")
    assert {r["prompt"] for r in records(corpus)} == {question(0), question(1)}
    assert corpus.about["guard"] == {"include_test": False, "threshold": 0.8, "test_queries": 4, "exact": 1, "near": 1}
    assert corpus.about["splits"] == ["train"]
    assert corpus.dropped["queries"] == {"like_test": 2}
    assert "no test query (4) is in it" in (corpus.path / "README.md").read_text("utf-8")


def test_what_was_kept_out_is_listed(tmp_path: Path, release: Release) -> None:
    ids = {(r["task"], r["prompt"]): r["query_id"] for r in release.table("queries").to_table().to_pylist()}
    entries = lines(export_sft(release, tmp_path / "out").path / "dropped.jsonl")
    like = {"split": "train", "task": "sums", "reason": "like_test"}
    expected = [
        {"query_id": ids["exams", question(2)], "task": "exams", "split": "test", "reason": "test_split"},
        {"query_id": ids["exams", question(10)], "task": "exams", "split": "test", "reason": "test_split"},
        {"query_id": ids["sums", question(11)], "task": "sums", "split": "partial_test", "reason": "test_split"},
        {"query_id": ids["exams", NEAR], "task": "exams", "split": "partial_test", "reason": "test_split"},
        {"query_id": ids["sums", question(2)], **like, "like": "exact", "of": ids["exams", question(2)]},
        {"query_id": ids["sums", question(3)], **like, "like": "near", "of": ids["exams", NEAR]},
    ]
    assert sorted(entries, key=str) == sorted(expected, key=str)


def test_more_than_fifty_variants_of_one_test_query_are_kept_out(tmp_path: Path) -> None:
    """What they share looks like the form of a task, and each is changed in another place."""
    words = [f"word{n}" for n in range(70)]

    def variant(place: int) -> str:
        return " ".join([*words[:place], f"changed{place}", *words[place + 1 :]])

    rows = [answer(0, "a", prompt=variant(place)) for place in range(60)]
    rows += [answer(0, "a", prompt=variant(65), split="test"), answer(1, "a")]
    corpus = export_sft(made_up_release(tmp_path, rows), tmp_path / "out")
    assert {r["instruction"] for r in records(corpus)} == {question(1)}
    assert corpus.about["guard"]["near"] == 60


def test_some_prompts_at_a_time_make_no_difference(tmp_path: Path, release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = (export_sft(release, tmp_path / "a").path / "dropped.jsonl").read_bytes()
    monkeypatch.setattr(leakage_guard, "_AT_ONCE", 1)
    assert (export_sft(release, tmp_path / "b").path / "dropped.jsonl").read_bytes() == whole


def test_the_test_splits_on_request(tmp_path: Path, release: Release) -> None:
    corpus = export_sft(release, tmp_path / "out", include_test=True, duplicates="keep")
    assert {r["instruction"] for r in records(corpus)} == {*map(question, (0, 1, 2, 3, 10, 11)), NEAR}
    assert corpus.about["guard"]["include_test"] is True
    assert corpus.about["splits"] == ["train", "partial_test", "test"]
    assert lines(corpus.path / "dropped.jsonl") == []
    assert "This corpus includes test queries" in (corpus.path / "README.md").read_text("utf-8")


def test_a_release_without_a_train_split(tmp_path: Path) -> None:
    release = made_up_release(tmp_path, [answer(0, "a", split="test")])
    with pytest.raises(Exception, match=r"has no train split \(it has test\). Remedy: .* use --include-test"):
        export_sft(release, tmp_path / "out")
    assert export_sft(release, tmp_path / "out", include_test=True).records == 1


def test_a_query_without_a_text_is_like_none(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        answer(0, "a"),
        answer(1, "a", prompt=None, source_id="n1"),
        answer(2, "a", prompt=None, source_id="n2", split="test"),
    ]
    corpus = export_sft(made_up_release(tmp_path, rows), tmp_path / "out")
    assert [r["instruction"] for r in records(corpus)] == [question(0)]
    assert corpus.dropped["queries"] == {"no_prompt": 1}
