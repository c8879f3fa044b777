"""The report on the judges of a release, as typed figures, JSON, lines and a page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from llmfusionbench.errors import InputError
from llmfusionbench.evaluation.judges.against_metric import against_metric
from llmfusionbench.evaluation.judges.agreement import MOST, Agreements, agreements
from llmfusionbench.evaluation.judges.biases import length, position, retest, right_pairs, self_preference
from llmfusionbench.evaluation.judges.corrected import HELD, corrected
from llmfusionbench.evaluation.judges.families import family_of, kin, llm_name, same_llm
from llmfusionbench.evaluation.judges.judge_figures import JudgeFigures
from llmfusionbench.evaluation.judges.judgements import Judgements, judgements_of
from llmfusionbench.evaluation.judges.told import LEAST, Told, told, untold
from llmfusionbench.evaluation.judges.worth import sentences, worth
from llmfusionbench.evaluation.release_facts import source_of
from llmfusionbench.redaction import redacted, redacted_data
from llmfusionbench.release import Release
from llmfusionbench.statistics import Sample, share
from llmfusionbench.statistics.resamples import Resamples
from llmfusionbench.storage.files import whole_file

VERSION: Final = "1.0"
DRAWS: Final = 1000
"""Draws of queries behind the intervals of agreement."""


@dataclass(frozen=True)
class JudgeReport:
    """The report on all judges of a release. Every figure has its interval, or the reason why it has none.

    Numbers of answers and labels, prices, weights and thresholds have no interval.
    """

    release: Mapping[str, Any]
    """Its source, revision, schema version, provenance and digest."""
    seed: int
    answers: int
    """Answers that some judge scored."""
    queries: int
    judges: tuple[JudgeFigures, ...]
    agreement: Agreements
    notes: tuple[str, ...]
    settings: Mapping[str, Any] = field(
        default_factory=lambda: {"draws": DRAWS, "least_queries": LEAST, "right_from": 0.5, "labelled_share": HELD}
    )
    version: str = VERSION
    name: str = ""
    """Name of the release, for the title of the page. The data lack it, so that copies of a release have equal reports."""

    @property
    def simulated(self) -> bool:
        """Whether any of the answers is simulated."""
        return "simulated" in self.release["provenance"]

    @property
    def data(self) -> dict[str, Any]:
        """The report as plain data, without secrets."""
        plain: dict[str, Any] = redacted_data(json.loads(json.dumps(asdict(self))))
        return {part: value for part, value in plain.items() if part != "name"}

    def to_json(self) -> str:
        """The report as JSON: keys sorted, one value per line, the same bytes for the same release and seed."""
        return json.dumps(self.data, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"

    def lines(self) -> list[str]:
        """The report in short, for a terminal."""
        from llmfusionbench.evaluation.judges.lines import lines_of

        return lines_of(self.data, self.judges, self.agreement)

    def to_html(self, path: str | Path | None = None) -> str:
        """The report as one self-contained page, written to `path` if it is given; the file is replaced as a whole.

        Raises:
            InputError: the page cannot be written.
        """
        from llmfusionbench.evaluation.judges.page import render

        page = render(self.data, self.judges, title=redacted(self.name))
        if path is not None:
            folder = Path(path).parent
            if not folder.is_dir():
                raise InputError(f"{path}: cannot be written ({folder} is not a directory). Remedy: make it")
            try:
                with whole_file(path) as part:
                    part.write_text(page, encoding="utf-8", errors="backslashreplace")
            except OSError as error:
                raise InputError(f"{path}: cannot be written ({error.strerror}). Remedy: choose another path") from error
        return page


def judge_report(release: Release, *, seed: int = 0, costs: Mapping[str, float] | None = None) -> JudgeReport:
    """How good the judges of a release are: agreement, biases, their calls against metrics, and corrected means.

    Args:
        release: With a table `judge_scores`.
        seed: Seed of the draws of queries, of the labels that are held out, and of the folds.
        costs: Judge -> USD per judged answer, all its judgements of one answer together; those of others are not known.

    Raises:
        InputError: the release has no judge scores, or a cost is not a number of at least 0.
        MissingExtraError: `krippendorff` is needed and not installed.
        ReleaseError: a file of the release differs from its manifest.
    """
    prices = dict(costs or {})
    for name, cost in prices.items():
        if not (np.isfinite(cost) and cost >= 0):
            raise InputError(f"cost of {name} is {cost}, expected USD per judged answer, at least 0. Remedy: leave it out")
    data = judgements_of(release)
    resamples = Resamples(data.queries, draws=DRAWS, seed=seed)
    llms = release.rows("llms", columns=["llm", "family"]).to_pylist() if "llms" in release.tables else []
    families = {row["llm"]: row["family"] for row in llms}
    names = [llm_name(judge, rubrics) for judge, rubrics in zip(data.judges, data.rubrics, strict=True)]
    own = [kin(name, models, data.llms, families) for name, models in zip(names, data.models, strict=True)]
    kinds = [family_of(name, models, families) for name, models in zip(names, data.models, strict=True)]
    called = [[name, *models] for name, models in zip(names, data.models, strict=True)]
    agreement = agreements(data, resamples)
    found = []
    for j, name in enumerate(data.judges):
        metric, means = against_metric(data, j, seed=seed), corrected(data, j, resamples, seed=seed)
        value = worth(data, j, means, prices.get(name), resamples)
        others = [
            k
            for k in range(len(data.judges))
            if k != j and (kinds[k] is None or kinds[k] != kinds[j]) and not same_llm(called[j], called[k])
        ]
        scored, right = ~np.isnan(data.scores[:, j]), right_pairs(data.comparisons, j)
        found.append(
            JudgeFigures(
                name,
                kinds[j],
                tuple(data.rubrics[j]),
                tuple(data.models[j]),
                int(data.rows[j]),
                int(data.given[j]),
                int(data.unscored[j]),
                int(scored.sum()),
                int((data.comparisons.judge == j).sum()),
                _mean(data, j),
                tuple(sentences(name, metric, means, value, agreement.pairs, right)),
                value,
                metric,
                means,
                right,
                retest(data, j),
                position(data.comparisons, j),
                length(data, j),
                self_preference(data, j, own[j], others),
            )
        )
    used = np.unique(data.answers.query[(~np.isnan(data.scores)).any(axis=1)])
    return JudgeReport(
        source_of(release),
        seed,
        int((~np.isnan(data.scores)).any(axis=1).sum()),
        len(used),
        tuple(found),
        agreement,
        tuple(_notes(release, data, prices)),
        name=release.path.name,
    )


def _mean(data: Judgements, judge: int) -> Told:
    scored = ~np.isnan(data.scores[:, judge])
    if not scored.any():
        return untold("no answer that it scored alone")
    sample = Sample.of_numbers(data.answers.query[scored])
    return told(share(sample.mean(data.scores[scored, judge]), int(scored.sum())), sample.queries)


def _notes(release: Release, data: Judgements, costs: Mapping[str, float]) -> Iterator[str]:
    if "simulated" in release.provenance:
        yield "SIMULATED: the answers of this release are simulated; its figures say nothing about real judges"
    for name, together in zip(data.judges, data.together.tolist(), strict=True):
        if together > 1:
            yield f"{name} judged by {together} rubrics, whose scores are taken together"
    if len(data.judges) > MOST:
        yield f"agreement is that of the {MOST} judges with the most scores"
    for name in sorted(set(costs) - set(data.judges)):
        yield f"a cost is given for {name}, which is not a judge of this release"
