"""Failed answers in fusions and exports: 0 where a number is wanted, never a text to learn from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import llmfusionbench as lfb
from llmfusionbench.baselines.exporters import export_kto, export_preference, export_sft
from llmfusionbench.baselines.exporters.routing import export_routing
from llmfusionbench.baselines.exporters.routing.formats import ROUTING_FORMATS
from llmfusionbench.baselines.exporters.routing.selection import select
from llmfusionbench.baselines.fusion import FUSIONS, Topla, compare, read_answers
from llmfusionbench.errors import InputError, UnknownNameError
from tests.helpers.failing_release import QUERIES, failing_release
from tests.helpers.made_up_release import answer, made_up_release, records


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> lfb.Release:
    return failing_release(tmp_path_factory.mktemp("failing"))


@pytest.mark.parametrize("name", FUSIONS)
def test_fusions(release: lfb.Release, name: str) -> None:
    table = read_answers(release)
    kind = FUSIONS[name]
    found = compare(table, {name: kind(size=2) if issubclass(kind, Topla) else kind()}, resamples=20)
    fused, single, oracle = found.performance.mean
    assert found.members[1] == [["steady"]] * 5
    assert found.performance.valid.tolist() == [QUERIES] * 3
    assert single == pytest.approx(0.6)
    assert fused <= oracle
    failed = np.flatnonzero(table.performance[:, table.candidates.index("flaky")] == 0)
    votes = kind(size=2) if issubclass(kind, Topla) else kind()
    chosen = votes.fit(table).combine(table.rows(failed)).chosen
    assert set(chosen) == {"steady"}, "a failed answer has no vote"


def test_fusions_with_failures_as_missing(release: lfb.Release) -> None:
    table = read_answers(release, failures="missing")
    flaky = table.performance[:, table.candidates.index("flaky")]
    assert np.isnan(flaky).sum() == round(0.7 * QUERIES)
    with pytest.raises(UnknownNameError, match="policy for failures"):
        read_answers(release, failures="none")


@pytest.mark.parametrize("failures", ["zero", "missing"])
def test_no_fusion_is_above_the_oracle_on_its_queries(release: lfb.Release, failures: str) -> None:
    found = compare(read_answers(release, failures=failures), {"vote": FUSIONS["vote"]()}, resamples=20)
    assert (found.oracle_performance.valid == found.performance.valid).all()
    assert (found.oracle_performance.mean >= found.performance.mean).all()
    assert found.oracle_performance.mean[-1] == found.performance.mean[-1], "its own queries are all"
    single = found.names.index("best_single")
    assert (found.performance.mean[single] > found.performance.mean[-1]) == (failures == "missing"), "hence the column"


@pytest.mark.parametrize("failures", ["zero", "missing"])
def test_answers_that_all_failed(tmp_path: Path, failures: str) -> None:
    lost = {"performance": None, "response": None, "status": "error"}
    rows = [answer(n, llm, **lost) for n in range(6) for llm in ("a", "b")]
    with pytest.raises(InputError, match=r"all 12 answers failed .* Remedy: collect the answers again"):
        read_answers(made_up_release(tmp_path, rows), failures=failures)
    some = made_up_release(tmp_path, [*rows, answer(6, "a"), answer(6, "b", performance=0.0)])
    assert read_answers(some, failures=failures).failed.sum() == 12
    table = read_answers(some, failures=failures)
    answered = np.flatnonzero(~table.failed[:, 0])
    assert table.columns(["b"]).rows(answered).failed.tolist() == [[False]]


@pytest.mark.parametrize("failures", ["zero", "missing"])
def test_the_matrix_that_is_exported(release: lfb.Release, failures: str) -> None:
    selection = select(release, split=None, candidates=None, threshold=None, failures=failures)
    for split in release.splits:
        matrix = selection.measures(split)["performance"]
        wanted = release.routing(split, failures=failures)
        assert selection.candidates == wanted.candidates
        np.testing.assert_array_equal(matrix, wanted.performance)


@pytest.mark.parametrize("name", sorted(set(ROUTING_FORMATS) - {"routellm", "routellm-battles"}))
@pytest.mark.parametrize("failures", ["zero", "missing"])
def test_every_routing_format(tmp_path: Path, release: lfb.Release, name: str, failures: str) -> None:
    router = {"router": "random"} if name == "routerarena" else {}
    made = export_routing(release, tmp_path / "out", format=name, failures=failures, **router)
    lost = 0 if failures == "zero" else round(0.7 * QUERIES)
    assert (made.cells, made.missing) == (2 * QUERIES - lost, lost)
    about = json.loads((made.path / "export.json").read_text("utf-8"))
    assert about["failures"] == failures
    assert "failed answers" in (made.path / "README.md").read_text("utf-8")


@pytest.mark.parametrize("export", [export_sft, export_preference, export_kto])
def test_corpora_hold_no_failed_answer(tmp_path: Path, release: lfb.Release, export: object) -> None:
    corpus = export(release, tmp_path / "out")  # type: ignore[operator]
    rows = records(corpus)
    assert rows
    assert "null" not in {json.dumps(row.get("response")) for row in rows if "response" in row}
    texts = [text for row in rows for text in _texts(row)]
    assert set(texts) <= {"Lima", "Quito"}


def _texts(row: dict[str, object]) -> list[str]:
    """The contents of all turns of the assistant."""
    turns = [turn for value in row.values() if isinstance(value, list) for turn in value if isinstance(turn, dict)]
    return [str(turn["content"]) for turn in turns if turn.get("role") == "assistant"]
