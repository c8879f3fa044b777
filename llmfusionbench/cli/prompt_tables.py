"""What `evaluate-prompts` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmfusionbench.cli.console import interval, say, show_table

if TYPE_CHECKING:
    from llmfusionbench.baselines.prompting.comparison import PromptReport
    from llmfusionbench.baselines.prompting.tally import MethodFigures
    from llmfusionbench.baselines.retrievers.quality import RetrievalReport
    from llmfusionbench.statistics import Figure

_HEADER = [
    "method", "scored", "missing", "performance", "95% interval", "gain over zero-shot", "95% interval", "paired",
    "prompt tokens", "95% interval",
]  # fmt: skip


def show(report: PromptReport) -> None:
    """Print what a comparison came to."""
    from llmfusionbench.baselines.prompting.tally import NOT_ASKED

    title = f"{report.model} on {report.queries:,} queries ({report.split}); means with 95% intervals over queries"
    show_table(title, _HEADER, [_row(row) for row in report.overall])
    if len({row.task for row in report.per_task}) > 1:
        show_table("By task", ["task", *_HEADER], [[row.task, *_row(row)] for row in report.per_task])
    reasons = [[row.method, why, count] for row in report.overall for why, count in row.reasons.items()]
    if reasons:
        show_table("Left without a performance", ["method", "reason", "queries"], reasons)
    for method, count in report.dropped.items():
        if count:
            say(f"{method}: the {count:,} least similar did not fit into their prompts. Remedy: raise --budget-tokens")
    if report.without_answer:
        say(f"few_shot: {report.without_answer:,} retrieved queries have no good answer and are not examples.")
    if any(row.failed for row in report.overall):
        say("Calls failed. Remedy: run the same command again, which sends only those")
    if any(NOT_ASKED in row.reasons for row in report.overall):
        say("The budget was spent. Remedy: run the same command again, which sends the rest, with a new budget")
    if any("code execution is not allowed" in row.reasons for row in report.overall):
        say("Programs were not run. Remedy: add --allow-code-execution, with the same --out")


def _row(row: MethodFigures) -> list[object]:
    gain = row.gain
    return [
        row.method, row.scored, row.missing, row.performance.mean, _interval(row.performance),
        "-" if gain.mean is None else f"{gain.mean:+.3f}", _interval(gain), row.paired,
        *_tokens(row),
    ]  # fmt: skip


def _tokens(row: MethodFigures) -> list[str]:
    """Whole ones, with the number of queries asked if it is not that of all."""
    from llmfusionbench.statistics import counted

    figure = row.prompt_tokens
    mean = counted(figure.mean, row.asked, row.scored + row.missing)
    shown, low, high = ("-" if x is None else f"{x:,.0f}" for x in (mean, figure.low, figure.high))
    return [shown, f"{low} to {high}"]


def _interval(figure: Figure) -> str:
    return interval(figure.low, figure.high)


def show_retrieval(report: RetrievalReport, name: str) -> None:
    """Print how good the hits of a retriever are."""
    rows = [
        [
            m.name, m.queries, m.value.mean, _interval(m.value), m.chance.mean, _interval(m.chance),
            "-" if m.gain.mean is None else f"{m.gain.mean:+.3f}", _interval(m.gain),
        ]
        for m in report.measures
    ]  # fmt: skip
    title = (
        f"{name}, k = {report.k}, within {report.within}: {report.hits:,} hits for {report.queries:,} queries ({report.split}) "
        f"among {report.templates:,} templates"
    )
    header = ["measure", "queries", "value", "95% interval", "chance", "95% interval", "gain", "95% interval"]
    show_table(title, header, rows)
    say(f"{report.without_hits:,} queries got none. Shut out as alike: {report.shut_out:,} pairs of a query and a template.")
