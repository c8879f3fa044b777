"""What is odd about the scores of a release as a whole: tasks in which all are equal, and metrics that are not known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.known.tasks import UNKNOWN
from llmfusionbench.release.card_text import counted
from llmfusionbench.scoring import METRICS

CODE: Final = "code_eval"
"""The metric of a query that asks for a program."""
_FEW, _MANY = 5, 20
"""Number of equal scores of a task that is odd, of several LLMs and of one."""
_NAMED: Final = 3
_WHY: Final = {
    0: "The ground truths, the metric or the columns may be wrong. Remedy: compare some answers with their ground truths",
    1: "The score may state something else than correctness, or the prompts may hold the answers. "
    "Remedy: compare some answers with their ground truths",
}


def score_facts(answers: pa.Table) -> pa.Table:
    """One row per task, metric and LLM of answers with task, metric, llm, performance, response and ground_truth.

    The columns are `scored`, the number of answers with a performance, `low` and `high`, the least and the largest one,
    `texts`, the number of scored answers with a text, and `unscored`, the number of those without a score that have a text and
    a ground truth.
    """
    scored, text = answers["performance"].is_valid(), answers["response"].is_valid()
    unscored = pc.and_(pc.invert(scored), pc.and_(text, answers["ground_truth"].is_valid()))
    rows = answers.select(["task", "metric", "llm", "performance"])
    for name, mask in (("text", pc.and_(scored, text)), ("unscored", unscored)):
        rows = rows.append_column(name, mask.cast(pa.int64()))
    figures: list[Any] = [("performance", "count"), ("performance", "min"), ("performance", "max")]
    made = rows.group_by(["task", "metric", "llm"]).aggregate([*figures, ("text", "sum"), ("unscored", "sum")])
    return made.rename_columns(["task", "metric", "llm", "scored", "low", "high", "texts", "unscored"])


def build_warnings(facts: pa.Table) -> Iterator[str]:
    """The warnings about rows of `score_facts`, those of any number of shards."""
    yield from _equal_scores(facts)
    odd = facts.filter(_has_no_metric(facts))
    for metric, tasks, count in _by_metric(odd.filter(pc.greater(odd["texts"], 0)), "texts"):
        left = f"rescore would leave {_answers(count)} without the performance that {_they(count)}"
        yield f"{metric} ({tasks}): {left}. {_known()}"
    for metric, tasks, count in _by_metric(odd.filter(pc.greater(odd["unscored"], 0)), "unscored"):
        them = "it" if count == 1 else "them"
        yield f"{metric} ({tasks}): {_have(count)} no performance, and rescore gives {them} none. {_known()}"


def unrun_programs(facts: pa.Table) -> Iterator[str]:
    """The note on the answers that a build did not score, since it runs no programs; `facts` are rows of `score_facts`."""
    programs = facts.filter(pc.and_(pc.equal(facts["metric"], CODE), pc.greater(facts["unscored"], 0)))
    if programs.num_rows:
        tasks, count = named_tasks(sorted(pc.unique(programs["task"]).to_pylist())), pc.sum(programs["unscored"]).as_py()
        yield (
            f"{CODE} ({tasks}): {_have(count)} no performance yet, since a build runs no programs. "
            f"Remedy: score {'it' if count == 1 else 'them'} with llmfusionbench rescore --allow-code-execution"
        )


def rescore_warnings(scores: pa.Table) -> Iterator[str]:
    """The warnings about answers that were scored again: task, metric, llm, before, after."""
    counts = [("after", "count"), ("after", "min"), ("after", "max")]
    rows = scores.group_by(["task", "metric", "llm"]).aggregate(counts)
    yield from _equal_scores(rows.rename_columns(["task", "metric", "llm", "scored", "low", "high"]))
    lost = scores.filter(pc.and_(_has_no_metric(scores), scores["before"].is_valid()))
    lost = lost.group_by(["task", "metric"]).aggregate([([], "count_all")])
    for metric, tasks, count in _by_metric(lost, "count_all"):
        yield f"{metric} ({tasks}): {_have(count)} lost the performance that {'it' if count == 1 else 'they'} had. {_known()}"


def _answers(count: int) -> str:
    return counted(count, "answer")


def _have(count: int) -> str:
    return f"{_answers(count)} {'has' if count == 1 else 'have'}"


def _they(count: int) -> str:
    return "it has" if count == 1 else "they have"


def _equal_scores(facts: pa.Table) -> Iterator[str]:
    scored = facts.filter(pc.greater(facts["scored"], 0))
    tasks = scored.group_by(["task"]).aggregate([("llm", "count_distinct"), ("scored", "sum"), ("low", "min"), ("high", "max")])
    for row in tasks.sort_by("task").to_pylist():
        count, llms, value = row["scored_sum"], row["llm_count_distinct"], row["low_min"]
        if value == row["high_max"] and value in _WHY and count >= (_FEW if llms > 1 else _MANY):
            whose = f"{llms} LLMs" if llms > 1 else "one LLM"
            yield f"task {row['task'][:60]}: all {count:,} scores of {whose} are {value:g}. {_WHY[value]}"


def _has_no_metric(rows: pa.Table) -> pa.ChunkedArray:
    return pc.invert(pc.is_in(rows["metric"], pa.array(list(METRICS), pa.string())))


def _by_metric(rows: pa.Table, count: str) -> Iterator[tuple[str, str, int]]:
    """Each metric in words, its tasks in words, and the sum of a column."""
    for metric in sorted(pc.unique(rows["metric"]).to_pylist()):
        own = rows.filter(pc.equal(rows["metric"], metric))
        stated = "no metric is stated" if metric == UNKNOWN else f'no metric "{metric[:60]}" is known'
        yield stated, named_tasks(sorted(pc.unique(own["task"]).to_pylist())), pc.sum(own[count]).as_py()


def named_tasks(tasks: Sequence[str]) -> str:
    """Some tasks in words, such as `task a` or `tasks a, b, c and 5 more`."""
    words = ", ".join(task[:60] for task in tasks[:_NAMED])
    return f"task{'s' * (len(tasks) > 1)} {words}" + (f" and {len(tasks) - _NAMED} more" if len(tasks) > _NAMED else "")


def _known() -> str:
    return f"Remedy: when you build, state one of {', '.join(sorted(METRICS))} with --option rescore_as=NAME"
