"""The page of the report on judges: verdicts first, then the tables. Its frame is that of the report of an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from llmfusionbench.evaluation.judges.judge_figures import JudgeFigures
from llmfusionbench.evaluation.judges.told import Told
from llmfusionbench.evaluation.report.page.document import banner, document, fact_list, more, noted, simulated
from llmfusionbench.evaluation.report.page.numbers import NONE
from llmfusionbench.evaluation.report.page.tables import cell, head, table
from llmfusionbench.evaluation.report.page.text import LINE_LIMIT, Html, element, join, name, named, visible
from llmfusionbench.redaction import redacted
from llmfusionbench.release.card_text import counted

SCRIPTS: Final = ("common.js", "tables.js")
FOOTER: Final = (
    "Intervals are 95% intervals over queries. A figure of fewer than 20 queries is not shown: too small. Invisible characters "
    "are shown as their code, such as [U+202E]."
)
OWN: Final = 5
"""Number of LLMs of a judge's family that are named."""
OPEN_ROWS: Final = 200
"""Number of rows of a table that is open at first."""


def render(data: Mapping[str, Any], judges: Sequence[JudgeFigures], *, title: str = "") -> str:
    """The page, as a whole HTML document. All texts are escaped, and long ones are shortened.

    Args:
        data: The report as plain data, without secrets.
        judges: The figures of its judges, in the same order.
        title: Name of the release, without secrets; by default its source is named.
    """
    source = data["release"].get("source")
    shown_as = title or source
    facts = {
        "Release": title or None,
        "Source": source,
        "Revision": data["release"].get("revision"),
        "Answers": f"{data['answers']:,} ({', '.join(data['release']['provenance'])})",
        "Queries": f"{data['queries']:,}",
        "Judges": len(judges),
        "Judgements": f"{sum(j.judgements for j in judges):,} ({sum(j.unscored for j in judges):,} without a score)",
        "Digest": data["release"].get("digest"),
        "Seed": data["seed"],
    }
    shown = [(plain["name"], judge) for plain, judge in zip(data["judges"], judges, strict=True)]
    parts = {
        "title": "Report on the judges"
        + (f" of {name(shown_as)}" if shown_as else "")
        + (" (SIMULATED DATA)" if simulated(data) else ""),
        "banner": banner(data),
        "facts": fact_list(facts),
        "verdict": element("div", *(_verdict(label, judge) for label, judge in shown), class_="verdict"),
        "warnings": noted("Notes", data["notes"]),
        "sections": join(_agreement(data["agreement"]), _biases(shown), _against(shown), *_means(shown), *_bins(shown)),
        "footer": FOOTER,
    }
    return document(parts, SCRIPTS, {})


Named = Sequence[tuple[str, JudgeFigures]]
"""Judges with the names to show, which hold no secret."""


def _verdict(label: str, judge: JudgeFigures) -> Html:
    said = " ".join(judge.verdict)
    return element("p", element("strong", named(label), ": "), element("bdi", visible(redacted(said), 4 * LINE_LIMIT)))


def figure(told: Told | None) -> Html:
    """A cell with a figure, its interval and its number of rows; without a value, the reason."""
    if told is None or told.value is None:
        why = None if told is None else element("span", told.why, class_="interval")
        return element("td", NONE, why)
    number = element("span", f"n = {told.n:,}", class_="interval")
    why = element("span", told.why, class_="interval") if told.why else None
    return cell([told.value, told.low, told.high, None], "number", extra=join(why, number))


def _row(label: object, *cells: Html) -> Html:
    return element("tr", element("th", label, scope="row"), *cells)


def _section(title: str, *parts: object) -> Html:
    return element("section", element("h2", title), *parts)


def _agreement(found: dict[str, Any]) -> Html | None:
    every = [*found["pairs"], *([found["panel"]] if found["panel"] else [])]
    if not every:
        return None
    heads = [head("Judges", first="ascending", text=True)]
    heads += [
        head("Krippendorff's alpha", about="interval level"),
        head("alpha, ordinal", about="of ranks"),
        head("Gwet's AC2", about="quadratic weights"),
        head("Spearman"),
        head("Difference", about="mean score of the first judge less that of the second"),
    ]
    parts = ("alpha", "alpha_ordinal", "ac2", "spearman", "difference")
    rows = [
        _row(
            join(*(element("div", named(judge)) for judge in pair["judges"])),
            *(figure(Told(**pair[part]) if pair[part] else None) for part in parts),
        )
        for pair in every
    ]
    return _section("Agreement", _folded(table("Answers that both judges scored", heads, rows, "agreement-table"), len(rows)))


BIASES: Final[tuple[tuple[str, str, Callable[[JudgeFigures], Told]], ...]] = (
    ("Mean score", "", lambda j: j.mean),
    ("Retest variance", "mean variance of the scores of one answer", lambda j: j.retest.variance),
    ("Reliability", "share of the differences between scores that is not chance", lambda j: j.retest.reliability),
    ("Same score again", "share of pairs of judgements of one answer", lambda j: j.retest.same),
    (
        "First place",
        "mean share of the answer that stood first, where the order is known",
        lambda j: j.position.first,
    ),
    ("First place, both orders", "the same over pairs compared in both orders", lambda j: j.position.first_of_swapped),
    ("Flipped", "share of these pairs whose winner changes with the order", lambda j: j.position.flipped),
    ("Right pairs", "share of comparisons that the answer of higher performance won", lambda j: j.right_pairs),
    ("Length", "change of the score when an answer is twice as long", lambda j: j.length.per_doubling),
    ("Own family, by metric", "extra score at equal performance", lambda j: j.self_preference.at_equal_performance),
    ("Own family, by judges", "extra score at equal scores by other families", lambda j: j.self_preference.at_equal_scores),
)
"""Name, meaning and figure of each figure about a judge by itself."""


def _biases(judges: Named) -> Html:
    heads = [head("Judge", first="ascending", text=True), head("Figure", first="ascending", text=True), head("Value")]
    heads += [head("What it is", first="ascending", text=True)]
    rows = [
        _row(
            named(label),
            element("td", what, class_="text"),
            figure(found(judge)),
            element("td", _meaning(what, about, judge), class_="text"),
        )
        for label, judge in judges
        for what, about, found in BIASES
    ]
    made = table("Each judge by itself", heads, rows, "bias-table")
    return _section("Chance and biases", _folded(made, len(rows)))


def _meaning(what: str, about: str, judge: JudgeFigures) -> Html:
    if what == "Length":
        equal = "at equal performance" if judge.length.fixed else "performance is not known"
        about = f"{about}, {equal} ({judge.length.unit})"
    if what.startswith("Own family") and judge.self_preference.own:
        shown = join(*(join(" ", named(redacted(llm))) for llm in judge.self_preference.own[:OWN]))
        more_of_them = f" and {len(judge.self_preference.own) - OWN:,} more" if len(judge.self_preference.own) > OWN else ""
        return join(about, ":", shown, more_of_them)
    return join(about)


def _against(judges: Named) -> Html | None:
    rows = []
    for label, j in judges:
        if j.metric is None:
            continue
        m = j.metric
        kinds = (("fixed", m.fixed), ("fitted on other queries" if m.fitted.threshold is not None else "not fitted", m.fitted))
        for kind, accuracy in kinds:
            where = NONE if accuracy.threshold is None else f"{accuracy.threshold:.2f}"
            rest = [figure(x) for x in (m.auc, m.bias, m.slope)] if accuracy is m.fixed else [element("td", "")] * 3
            threshold = element("td", where, element("span", kind, class_="interval"), data_v=accuracy.threshold)
            rows.append(_row(named(label), threshold, figure(accuracy.sensitivity), figure(accuracy.specificity), *rest))
    if not rows:
        return None
    heads = [head("Judge", first="ascending", text=True), head("Right from")]
    heads += [
        head("Sensitivity", about="share of the right answers that it calls right"),
        head("Specificity", about="share of the wrong answers that it calls wrong"),
        head("AUC", about="probability that a right answer scores higher than a wrong one"),
        head("Bias", about="mean of score less performance"),
        head("Slope", about="change of performance per unit of score"),
    ]
    return _section(
        "Against the metrics of the tasks", table("Right: a performance of .5 or more", heads, rows, "metric-table")
    )


def _means(judges: Named) -> Iterator[Html]:
    """The means of each judge, as it says them and corrected."""
    for i, (label, judge) in enumerate(judges, start=1):
        if judge.corrected is None:
            continue
        found = judge.corrected
        held = found.labels.kept is not None
        heads = [head("Candidate", first="ascending", text=True), head("By the judge"), head("Labels alone"), head("Corrected")]
        heads += [head("All labels", about="for comparison")] if held else []
        heads += [head("Weight", about="lambda of PPI++"), head("Effective labels")]
        heads += [
            head("Called right"),
            head(
                "Right, corrected", about="Rogan and Gladen; needs 20 queries with labelled right answers, and with wrong ones"
            ),
        ]
        heads += [head("Right, all labels", about="for comparison")] if held else []
        rows = [
            _row(
                named(redacted(m.candidate)),
                *(figure(x) for x in (m.judge, m.labelled, m.corrected, *([m.known] if held else []))),
                element("td", NONE if m.weight is None else f"{m.weight:.2f}", data_v=m.weight),
                element("td", NONE if m.effective is None else f"{m.effective:,.0f}", data_v=m.effective),
                *(figure(x) for x in (m.called_right, m.right, *([m.known_right] if held else []))),
            )
            for m in found.means
        ]
        how = "hidden on purpose from the others" if held else "the others have none"
        labelled = counted(found.labels.labelled, "labelled answer")
        caption = f"{labelled}, {found.labels.unlabelled:,} without a label" + (f" ({how})" if found.labels.unlabelled else "")
        if found.labels.left_out:
            its = "its" if found.labels.left_out == 1 else "their"
            caption += f"; {found.labels.left_out:,} left out, which no label of {its} candidate in {its} task corrects"
        title = join("If it were right: ", named(label))
        yield element("section", element("h2", title), _folded(table(caption, heads, rows, f"means-table-{i}"), len(rows)))


def _bins(judges: Named) -> Iterator[Html]:
    """Calibration: what the scores of each judge stand for."""
    for i, (label, judge) in enumerate(judges, start=1):
        if judge.metric is None:
            continue
        heads = [head("Scores", first="ascending", text=True), head("Mean score"), head("Mean performance"), head("Answers")]
        rows = [
            _row(
                f"{b.low:.1f} to {b.high:.1f}",
                figure(b.score),
                figure(b.performance),
                element("td", f"{b.score.n:,}", data_v=b.score.n),
            )
            for b in judge.metric.bins
        ]
        made = table("Mean performance of the answers with such scores", heads, rows, f"bins-table-{i}")
        yield element("section", element("h2", "Calibration: ", named(label)), made)


def _folded(made: Html, rows: int) -> Html:
    return made if rows <= OPEN_ROWS else more(f"{rows:,} rows", made)
