"""The agreement of the two real judges of WildBench, from the files to the report."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmfusionbench.builders import build
from llmfusionbench.evaluation.judges import JudgeReport, judge_report
from tests.helpers.reading import real_logs

WILDBENCH = [0.812225, 0.793342, 0.930669, 0.845574, 0.068649]
"""Alpha (interval), alpha (ordinal), AC2, Spearman, and the mean difference."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> JudgeReport:
    files = real_logs("wildbench/judge=*/*.json.gz")
    release = build("wildbench", [Path(file) for file in files], tmp_path_factory.mktemp("wildbench") / "release", workers=1)
    return judge_report(release)


def test_agreement(report: JudgeReport) -> None:
    [pair] = report.agreement.pairs
    assert pair.judges == ("gpt-4-turbo-2024-04-09", "gpt-4o-2024-05-13")
    assert (pair.alpha.n, pair.alpha.queries) == (5_113, 1_024)
    assert pair.spearman is not None
    assert pair.difference is not None
    found = [pair.alpha.value, pair.alpha_ordinal.value, pair.ac2.value, pair.spearman.value, pair.difference.value]
    assert found == pytest.approx(WILDBENCH, abs=5e-7)
    for figure in (pair.alpha, pair.alpha_ordinal, pair.ac2, pair.spearman):
        assert figure.low is not None
        assert figure.high is not None
        assert 0.005 < figure.high - figure.low < 0.04
    assert report.agreement.panel is None


def test_each_judge(report: JudgeReport) -> None:
    turbo, omni = report.judges
    assert (turbo.answers, omni.answers) == (5_119, 5_113)
    assert turbo.metric is None
    assert "is unknown: no answer has both its score and a performance by a metric" in turbo.verdict[0]
    assert turbo.verdict[1].startswith("Its agreement with gpt-4o-2024-05-13 is alpha 0.812")
    assert turbo.length.fixed is None
    assert turbo.length.per_doubling.above
    assert omni.length.per_doubling.above
