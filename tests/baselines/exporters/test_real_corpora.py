"""Corpora of real logs: the counts are pinned."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from llmfusionbench.baselines.exporters import export_sft
from llmfusionbench.builders import build, rescore
from llmfusionbench.release import Release
from tests.helpers.made_up_release import records

LOGS = Path(os.environ.get("LLMFUSIONBENCH_REAL_LOGS", Path(__file__).parents[4] / "shared" / "data")) / "zeroeval_gsm8k"

pytestmark = pytest.mark.skipif(not LOGS.is_dir(), reason=f"no real logs at {LOGS}; set LLMFUSIONBENCH_REAL_LOGS")


@pytest.fixture(scope="module")
def zeroeval(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """20 LLMs on the 1,319 queries of GSM8K, scored."""
    folder = tmp_path_factory.mktemp("zeroeval")
    build("zeroeval", sorted(LOGS.glob("*.json.gz")), folder / "log", workers=1)
    made = rescore(folder / "log", folder / "release", workers=1).release
    assert made is not None
    return made


def test_the_best_three_of_zeroeval(tmp_path: Path, zeroeval: Release) -> None:
    """3 x 1,319 = 3,957 records less 50: no LLM answers 10 queries right, one LLM answers 7 right, and two LLMs answer 6 right.

    All queries are in the train split and none in a test split, so that the guard has nothing to keep out.
    """
    corpus = export_sft(zeroeval, tmp_path / "out", k=3)
    assert corpus.records == 3_907
    assert corpus.dropped == {
        "queries": {},
        "answers": {"wrong": 4_442, "repeated_answer": 35, "not_top": 17_996},
        "records": {},
    }
    assert corpus.records + sum(corpus.dropped["answers"].values()) == 26_380
    each = Counter(Counter(r["query_id"] for r in records(corpus)).values())
    assert each == {3: 1_296, 2: 6, 1: 7}
    assert sum(each.values()) == 1_319 - 10
    assert 3_957 - corpus.records == 10 * 3 + 7 * 2 + 6 * 1
    assert corpus.about["guard"] == {"include_test": False, "threshold": 0.8, "test_queries": 0, "exact": 0, "near": 0}
    # What repeats another answer leaves room for the next one: without looking for repetitions the count is the same.
    assert export_sft(zeroeval, tmp_path / "kept", k=3, duplicates="keep").records == 3_907
