"""The leaderboard: by key, in order, and of nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import llmfusionbench as lfb
from llmfusionbench.release.leaderboard import leaderboard
from llmfusionbench.schema import table_schema
from tests.helpers.tiny_release import replace_shard, write_tiny_release


@pytest.fixture(scope="module")
def sample() -> lfb.Release:
    return lfb.open_release("sample")


@pytest.mark.parametrize("failures", ["zero", "missing"])
def test_leaderboard_figures_by_key(sample: lfb.Release, failures: str) -> None:
    board = leaderboard(sample, "test", failures=failures)
    domain = {r["query_id"]: r["domain"] for r in sample.table("queries", "test").to_table().to_pylist()}
    scores: dict[tuple[str, str], list[float | None]] = {}
    columns = ["query_id", "llm", "mode", "performance", "status"]
    for row in sample.table("responses", "test").to_table(columns=columns).to_pylist():
        name = row["llm"] + ("_think" if row["mode"] == "think" else "")
        lost = row["status"] == "error" and row["performance"] is None
        scores.setdefault((domain[row["query_id"]], name), []).append(0 if lost and failures == "zero" else row["performance"])
    assert len(board) == len(scores) == 6 * 40
    assert set(board["provenance"]) == {"simulated"}
    for row in board.itertuples():
        given_scores = [s for s in scores[row.domain, row.candidate] if s is not None]
        assert row.scored == len(given_scores)
        assert row.performance == pytest.approx(np.mean(given_scores), abs=1e-6)
        assert row.low <= row.performance <= row.high
        assert row.queries == sum(d == row.domain for d in domain.values())


def test_leaderboard_is_in_order(sample: lfb.Release) -> None:
    board = leaderboard(sample)
    assert board["domain"].is_monotonic_increasing
    for _, rows in board.groupby("domain"):
        assert rows["performance"].is_monotonic_decreasing


def test_leaderboard_of_no_such_split(sample: lfb.Release) -> None:
    with pytest.raises(lfb.LLMFusionBenchError, match='Did you mean "train"'):
        leaderboard(sample, "trian")


def test_leaderboard_of_no_queries(tmp_path: Path) -> None:
    release = write_tiny_release(tmp_path / "r")
    for name in ("queries", "routing"):
        replace_shard(release, f"{name}/partial_test-00000-of-00001.parquet", table_schema(name).arrow.empty_table())
    with pytest.raises(lfb.LLMFusionBenchError, match="partial_test has no queries"):
        leaderboard(lfb.open_release(release), "partial_test")
