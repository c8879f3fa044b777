"""Templates of a release, in memory: chosen answers to a summariser, its results to rows of the table `thought_templates`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.templates.extractive import ExtractiveSummarizer
from llmfusionbench.builders.templates.jobs import Failure, Job, Summarizer, read_jobs
from llmfusionbench.builders.templates.selection import select_answers
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.llm.spending import Usage
from llmfusionbench.release import Release, open_release
from llmfusionbench.schema import table_schema
from llmfusionbench.types import Progress, template_id

TABLE: Final = "thought_templates"


@dataclass(frozen=True)
class Templates:
    """The templates made, and how many queries got none, by reason."""

    table: pa.Table
    """Rows of `thought_templates`, sorted by template_id."""
    queries: int
    """Train queries of the release."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Reason -> queries for which no template was attempted: they have no good answer, or are beyond the limit."""
    failed: dict[str, int] = field(default_factory=dict)
    """Reason -> queries for which the summarizer found none, and never will."""
    left: dict[str, int] = field(default_factory=dict)
    """Reason -> queries for which another run may make one: the budget was spent, or the server did not answer."""
    usage: Usage | None = None
    """Usage of the endpoint, if there was one."""


def make_templates(
    release: Release | str | Path,
    *,
    criterion: str = "performance",
    pool: str = "all",
    top: int = 3,
    summarizer: Summarizer | str = "extractive",
    min_judge_score: float = 0.5,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Templates:
    """A thought template for every train query with a good answer.

    Args:
        release: A release, or where one is (see `open_release`).
        criterion: Which answers are best: performance, judge or hybrid (see `select_answers`).
        pool: `small` for the answers of small LLMs only, or `all`.
        top: Maximum number of answers per template.
        summarizer: The summarizer; "extractive" needs no LLM.
        min_judge_score: Under the criterion `judge`, from which score on an answer is good.
        limit: Make no more templates than this; the queries are taken in order of their ids.
        progress: Called as progress(stage, done, total).

    Raises:
        UnknownNameError: there is no such criterion, pool or summariser.
        InputError: nothing can be chosen from this release (see `select_answers`), a number is out of range, or a server
            refuses to be asked.
    """
    opened = release if isinstance(release, Release) else open_release(release)
    writer = named_summarizer(summarizer)
    if limit is not None and limit < 1:
        raise InputError(f"limit: {limit}, expected at least 1. Remedy: choose a value in that range")
    chosen = select_answers(opened, criterion=criterion, pool=pool, top=top, min_judge_score=min_judge_score)
    answers, skipped = chosen.answers, dict(chosen.skipped)
    ids = pc.unique(answers["query_id"])
    if limit is not None and len(ids) > limit:
        answers = answers.filter(pc.is_in(answers["query_id"], value_set=ids[:limit]))
        skipped["beyond the limit"] = len(ids) - limit
        ids = ids[:limit]
    rows, failures = _written(opened, answers, len(ids), writer, criterion, pool, progress or (lambda *_: None))
    table = pa.Table.from_pylist(rows, table_schema(TABLE).arrow).sort_by("template_id")
    passing = Counter(f.reason for f in failures if f.passing)
    final = Counter(f.reason for f in failures if not f.passing)
    return Templates(
        table,
        chosen.queries,
        skipped,
        dict(sorted(final.items())),
        dict(sorted(passing.items())),
        getattr(writer, "usage_", None),
    )


def named_summarizer(summarizer: Summarizer | str) -> Summarizer:
    """The summariser of a name, or the one that was handed in.

    Raises:
        UnknownNameError: no summariser has this name.
    """
    if not isinstance(summarizer, str):
        return summarizer
    if summarizer != ExtractiveSummarizer.name:
        raise UnknownNameError("summariser", summarizer, [ExtractiveSummarizer.name])
    return ExtractiveSummarizer()


def _written(
    release: Release, answers: pa.Table, total: int, writer: Summarizer, criterion: str, pool: str, tell: Progress
) -> tuple[list[dict[str, object]], list[Failure]]:
    """The rows and the failures, with every job accounted for."""
    waiting: dict[int, Job] = {}
    rows: list[dict[str, object]] = []
    failures: list[Failure] = []

    def taken() -> Iterator[Job]:
        for job in read_jobs(release, answers):
            waiting[job.place] = job
            yield job

    tell("templates", 0, total)
    for place, result in writer.summarize(taken()):
        job = waiting.pop(place)
        if isinstance(result, Failure):
            failures.append(result)
        else:
            rows.append(
                {
                    "template_id": template_id(job.query_id, criterion, pool, writer.name),
                    "query_id": job.query_id,
                    "criterion": criterion,
                    "pool": pool,
                    "summarizer": writer.name,
                    "template": result,
                    "sources": list(job.sources),
                }
            )
        tell("templates", len(rows) + len(failures), total)
    missing = total - len(rows) - len(failures)
    return rows, failures + [Failure("the summariser gave no result", passing=True)] * missing
