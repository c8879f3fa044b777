"""Luck and the ceiling in the report of an evaluation: its data, its sentence, the terminal and the page."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from llmfusionbench.evaluation.report.page import render
from llmfusionbench.evaluation.variance.ceiling import ceiling
from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.evaluation.variance.components import COMPONENTS, components
from llmfusionbench.release import Release
from tests.helpers.made_up_release import answer, made_up_release
from tests.helpers.replicated_release import LLMS, replicated_release
from tests.helpers.small_tables import Always, random_table


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return replicated_release(tmp_path_factory.mktemp("replicated"))


@pytest.fixture(scope="module")
def report(release: Release) -> lfb.Report:
    return lfb.evaluate({"mine": Always("cat"), "knn": "knn"}, release, baselines=["per_task"], near_duplicates=None)


def cells_of(release: Release) -> Cells:
    """The scores of the split test, read in another way than the product does."""
    rows = release.rows("logs", "test", columns=["query_id", "task", "llm", "performance"]).to_pylist()
    queries = sorted({row["query_id"] for row in rows})
    task = {row["query_id"]: row["task"] for row in rows}
    return Cells.of(
        [queries.index(row["query_id"]) for row in rows],
        [LLMS.index(row["llm"]) for row in rows],
        [row["performance"] for row in rows],
        task=[task[query] for query in queries],
        candidates=len(LLMS),
    )


def test_the_counts_and_the_components(release: Release, report: lfb.Report) -> None:
    found = report.data["variance"]
    assert [found[key] for key in ("scores", "cells", "replicated", "queries")] == [960, 320, 320, 80]
    assert found["skipped_tasks"] == []
    split = components(cells_of(release), resamples=1)
    for name in COMPONENTS:
        assert found["components"][name]["variance"]["value"] == pytest.approx(split.variance[name].value)
        share = found["components"][name]["share"]
        assert share["low"] <= split.share[name].value <= share["high"]
    assert list(report.variance["component"]) == list(COMPONENTS)
    assert report.variance["share"].sum() == pytest.approx(1)


def test_the_ceiling_and_the_routers(release: Release, report: lfb.Report) -> None:
    found = report.data["variance"]
    (best,) = found["reference"]
    top = ceiling(cells_of(release), np.full(80, LLMS.index(best)))
    for part in ("oracle", "luck", "attainable", "at_most"):
        assert found["ceiling"][part]["value"] == pytest.approx(getattr(top, part).value)
    assert found["ceiling"]["luck"]["value"] > 0.05
    assert [router["name"] for router in found["routers"]] == ["mine", "knn", "per_task"]
    means = release.routing("test").performance.mean(axis=0)
    assert found["routers"][0]["gain"]["value"] == pytest.approx(means[LLMS.index("cat")] - means[LLMS.index(best)], abs=1e-6)


def test_the_sentence(report: lfb.Report) -> None:
    found = report.data["variance"]
    top = {part: figure["value"] for part, figure in found["ceiling"].items()}
    wanted = (
        f"The oracle gains {top['oracle']:.3f} in performance over the best single candidate, "
        f"of which {top['luck']:.3f} is luck; attainable is {top['attainable']:.3f} (95% interval "
    )
    assert found["conclusion"].startswith(wanted)
    assert f"; mine has {found['routers'][0]['gain']['value']:.3f}." in found["conclusion"]
    assert "queries with 3 answers per candidate would tell the ceiling to ±0.01." in found["conclusion"]
    assert found["conclusion"] in str(report)
    assert "Variance of scores: task " in str(report)


def test_the_same_evaluation_gives_the_same_report(release: Release, report: lfb.Report) -> None:
    again = lfb.evaluate({"mine": Always("cat"), "knn": "knn"}, release, baselines=["per_task"], near_duplicates=None)
    assert again.to_json() == report.to_json()


@pytest.mark.parametrize(
    ("protocol", "queries"), [("kfold", 120), ("leave_one_llm_out", 80), ("leave_one_task_out", 120), ("guarded", 40)]
)
def test_every_query_counts_once_in_every_protocol(release: Release, protocol: str, queries: int) -> None:
    more = {"ood_tasks": ["words"]} if protocol == "guarded" else {}
    found = lfb.evaluate(
        Always("bee"), release, protocol=protocol, baselines=["per_task"], near_duplicates=None, resamples=20, **more
    ).data["variance"]
    assert found["queries"] == queries
    assert found["ceiling"]["oracle"]["n"] == queries
    assert found["scores"] == queries * 4 * 3


def test_the_command_shows_it(release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(release.path), "--router", "per_task", "--baseline", "per_task"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Variance of scores: task" in shown
    assert "is luck; attainable is" in shown


def test_without_replicates_the_ceiling_cannot_be_told(tmp_path: Path) -> None:
    found = lfb.evaluate("per_task", replicated_release(tmp_path, replicates=1), near_duplicates=None).data["variance"]
    assert found["ceiling"] is None
    assert found["replicated"] == 0
    assert found["conclusion"].startswith("The attainable ceiling cannot be told: no candidate has answered a query twice")
    assert found["plan"]["samples"] == 2
    assert found["plan"]["queries"] > 80
    assert "queries with 2 answers per candidate would tell the ceiling to ±0.01." in found["conclusion"]
    assert found["components"]["luck"]["variance"]["value"] is None
    assert found["components"]["query_x_candidate_and_luck"]["variance"]["value"] > 0


def test_tables_hold_means(release: Release) -> None:
    pair = (release.routing("train"), release.routing("test"))
    found = lfb.evaluate(Always("bee"), pair, near_duplicates=None).data["variance"]
    assert found["ceiling"] is found["components"] is found["plan"] is None
    assert "a routing table holds means over replicates" in found["conclusion"]
    single = lfb.evaluate(Always("b"), (random_table(20, prefix="train"), random_table(20, seed=1))).data["variance"]
    assert single["plan"]["queries"] > 20


@pytest.mark.parametrize(
    ("queries", "score", "why"), [(4, 1.0, "fewer than 5 tested queries"), (9, 7.0, "some scores lie outside 0 to 1")]
)
def test_what_stands_in_the_way(queries: int, score: float, why: str) -> None:
    test = random_table(queries, seed=1)
    test.performance[0, 0] = score
    found = lfb.evaluate(Always("b"), (random_table(20, prefix="train"), test), near_duplicates=None).data["variance"]
    assert found["conclusion"].startswith(f"The attainable ceiling cannot be told: {why}")


def test_only_tasks_with_replicates_count(tmp_path: Path) -> None:
    """And answers without a score are missing: a cell of one scored answer has no replicates."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(60):
        twice = i % 2 == 0
        common = {"split": "train" if i < 20 else "test", "task": "twice" if twice else "once"}
        for llm in ("ant", "bee"):
            for replicate in range(3 if twice else 1):
                score = None if replicate == 2 else float(rng.random() < 0.6)
                rows.append(answer(i, llm, replicate=replicate, performance=score, response=f"{i} {replicate}", **common))
    found = lfb.evaluate(Always("ant"), made_up_release(tmp_path, rows), near_duplicates=None).data["variance"]
    assert found["skipped_tasks"] == ["once"]
    assert [found[key] for key in ("scores", "cells", "replicated", "queries")] == [20 * 2 * 2 + 20 * 2, 80, 40, 20]
    assert "Tasks without replicates do not count: once." in found["conclusion"]
    assert found["components"]["task"]["variance"]["value"] is None


# The page


def section(html: str) -> str:
    return html[html.index('id="variance"') :].split("</section>")[0]


def test_the_page_shows_gains_and_components(report: lfb.Report) -> None:
    part = section(report.to_html())
    top = report.data["variance"]["ceiling"]
    for name in ("oracle", "luck", "attainable"):
        assert f"{top[name]['value']:.3f}" in part
    assert "<bdi>mine</bdi>" in part
    assert part.count("<table") == 2
    assert 'scope="row">query x candidate</th>' in part
    assert 'class="text">baseline</td>' in part


def test_the_page_without_a_ceiling_has_no_gains() -> None:
    found = lfb.evaluate(Always("b"), (random_table(20, prefix="train"), random_table(20, seed=1)))
    part = section(found.to_html())
    assert "cannot be told" in part
    assert 'id="ceiling-table"' not in part
    assert "the two cannot be told apart without replicates" in part


def test_hostile_names_stay_text(report: lfb.Report) -> None:
    data: dict[str, Any] = copy.deepcopy(report.data)
    hostile = "</p><script>window.pwned = 1</script>\u202e"
    data["variance"]["conclusion"] += hostile
    data["variance"]["reference"] = [hostile]
    data["variance"]["routers"][0]["name"] = hostile
    part = section(render(data))
    assert "<script" not in part
    assert "\u202e" not in part
    assert part.count("[U+202E]") == 4, "the sentence, the row, and the caption, which is also the name of its region"


def test_reports_of_version_1_0_are_read(report: lfb.Report) -> None:
    data = {key: value for key, value in report.data.items() if key != "variance"} | {"version": "1.0"}
    old = lfb.Report(data)
    assert old.variance.empty
    assert old.about_variance() == []
    assert 'id="variance"' not in old.to_html()
    assert report.data["version"] == "1.2"
