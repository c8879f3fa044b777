"""Jobs for a summarizer, and the summarizer protocol."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.templates.selection import SPLIT
from llmfusionbench.release import Release
from llmfusionbench.release.references import answer_keys, rows_of
from llmfusionbench.texts.reasoning import rejoined
from llmfusionbench.types import ANSWER_KEY, Candidate

_QUERY: Final = ("query_id", "task", "prompt", "ground_truth", "choices", "metric")
_CHUNK: Final = 1024
"""Queries whose texts are Python objects at a time."""


@dataclass(frozen=True)
class Job:
    """One template to write: a query and its best answers, best first."""

    place: int
    """Position among the jobs; results carry it."""
    query_id: str
    task: str
    prompt: str
    ground_truth: str | None
    """The answer that a template must not give; used for checks only, and never shown to an LLM."""
    choices: tuple[str, ...]
    """The options, in order; empty where there are none."""
    metric: str
    sources: tuple[str, ...]
    """Names of the candidates."""
    answers: tuple[str, ...]
    """Their answers."""


@dataclass(frozen=True)
class Failure:
    """The reason why a job has no template."""

    reason: str
    """A reason that many failures share, so that they can be counted."""
    passing: bool = False
    """Whether another run may succeed: the server did not answer, or the budget was spent."""


class Summarizer(Protocol):
    """Writes templates. Results come in any order; a job without one was not reached."""

    @property
    def name(self) -> str:
        """The name of an LLM or a rule; it is in every row."""
        ...

    def summarize(self, jobs: Iterable[Job]) -> Iterator[tuple[int, str | Failure]]:
        """(place of a job, its template or the reason why there is none)."""
        ...


def read_jobs(release: Release, answers: pa.Table) -> Iterator[Job]:
    """The jobs of the chosen answers, in order of query_id.

    Args:
        answers: As `select_answers` gives them: query_id, llm, mode, replicate; sorted by query and rank.

    Raises:
        ReleaseError: the table queries lacks the query of an answer, or responses its text.
    """
    texts = _texts(release, answers)
    ids = pc.unique(answers["query_id"])
    queries = release.rows("queries", SPLIT, columns=list(_QUERY), filter=pc.field("query_id").isin(ids))
    queries = queries.take(rows_of(pa.chunked_array([ids]), queries["query_id"], "logs", "queries"))
    counts = pc.value_counts(answers["query_id"]).field("counts").to_pylist()
    place = start = 0
    for first in range(0, len(ids), _CHUNK):
        for query in queries.slice(first, _CHUNK).to_pylist():
            count = counts[place]
            rows = answers.slice(start, count).select(["llm", "mode"]).to_pylist()
            yield Job(
                place=place,
                query_id=query["query_id"],
                task=query["task"],
                prompt=query["prompt"],
                ground_truth=query["ground_truth"],
                choices=tuple(query["choices"] or ()),
                metric=query["metric"],
                sources=tuple(Candidate(row["llm"], row["mode"]).name for row in rows),
                answers=tuple(texts.slice(start, count).to_pylist()),
            )
            place, start = place + 1, start + count


def _texts(release: Release, answers: pa.Table) -> pa.ChunkedArray:
    """[n] the texts of the chosen answers, with their reasoning; of all others a row group at a time is looked at."""
    wanted = answer_keys(answers)
    parts = []
    for batch in release.batches("responses", SPLIT, columns=[*ANSWER_KEY, "response", "reasoning"]):
        keys = answer_keys(batch)
        mine = pc.is_in(keys, value_set=wanted)
        if pc.any(mine).as_py():
            chosen = batch.filter(mine)
            parts.append(pa.table({"key": keys.filter(mine), "text": rejoined(chosen["response"], chosen["reasoning"])}))
    found = pa.concat_tables(parts) if parts else pa.schema({"key": pa.string(), "text": pa.string()}).empty_table()
    found = found.filter(pc.is_valid(found["text"]))
    return found["text"].take(rows_of(pa.chunked_array([wanted]), found["key"], "logs", "responses, with a text,"))
