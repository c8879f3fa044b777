"""Answers with a reference verdict and ours, and how often the two disagree."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa

from llmfusionbench.scoring import score_column

SHOWN: Final = 400
"""Characters that are printed of the start of a response."""
END: Final = 800
"""Characters that are printed of its end."""


class Answer(NamedTuple):
    """One response with two verdicts, in [0, 1] each."""

    id: str
    llm: str
    prompt: str
    """Question, options, or what else helps to read the answer; may be empty."""
    response: str
    truth: str
    reference: float
    """What was published or what people said."""
    ours: float
    """NaN where our scorer gives no value, which counts as wrong."""
    extracted: str | None
    """The answer that our scorer found."""
    note: str
    """What the reference found in the response, or our reason."""

    @property
    def key(self) -> str:
        """A digest of LLM, query and response, 16 hexadecimal digits."""
        return hashlib.sha256("\0".join((self.llm, self.id, self.response)).encode()).hexdigest()[:16]

    @property
    def false_positive(self) -> bool:
        """Right for us, wrong for the reference."""
        return self.ours >= 0.5 > self.reference

    @property
    def false_negative(self) -> bool:
        """Right for the reference, not for us."""
        return self.reference >= 0.5 and not self.ours >= 0.5


class Tally(NamedTuple):
    """Counts of some answers, and what is computed from them."""

    llm: str
    n: int
    reference: float
    """Mean of the reference in percent."""
    ours: float
    """Ours in percent."""
    false_positives: int
    false_negatives: int

    @property
    def fp(self) -> float:
        """False positives per 1,000 answers."""
        return 1000 * self.false_positives / self.n

    @property
    def fn(self) -> float:
        """False negatives per 1,000 answers."""
        return 1000 * self.false_negatives / self.n

    @property
    def agreement(self) -> float:
        """Percent of answers on which both agree."""
        return 100 - (self.fp + self.fn) / 10


def tally(llm: str, answers: Sequence[Answer]) -> Tally:
    """The counts of at least one answer."""
    n = len(answers)
    reference = 100 * sum(answer.reference for answer in answers) / n
    ours = 100 * sum(0.0 if math.isnan(answer.ours) else answer.ours for answer in answers) / n
    positives, negatives = (sum(getattr(answer, side) for answer in answers) for side in ("false_positive", "false_negative"))
    return Tally(llm, n, reference, ours, positives, negatives)


def tallies(answers: Sequence[Answer]) -> Iterator[Tally]:
    """One per LLM, by name, and one of all."""
    grouped: dict[str, list[Answer]] = {}
    for answer in answers:
        grouped.setdefault(answer.llm, []).append(answer)
    for llm in sorted(grouped):
        yield tally(llm, grouped[llm])
    yield tally("all", answers)


def scored(metric: str, rows: Sequence[dict[str, Any]], *, reference: str = "published", **context: Any) -> list[Answer]:
    """Score rows with `id`, `model`, `response`, `ground_truth` and a reference, by one of our metrics.

    Rows whose reference is null are left out. `context` holds columns for all of `rows`, as `score_column` takes them.
    """
    texts = (pa.array([row.get(name) for row in rows], pa.string()) for name in ("response", "ground_truth"))
    column = score_column(metric, *texts, **context)
    results = zip(rows, column.values.tolist(), column.extracted.to_pylist(), column.reasons.to_pylist(), strict=True)
    return [
        Answer(
            row["id"],
            row["model"],
            row.get("prompt") or "",
            row.get("response") or "",
            row["ground_truth"],
            float(row[reference]),
            value,
            extracted,
            f"reference found {row['their_answer']!r}; ours: {reason}" if row.get("their_answer") else f"ours: {reason}",
        )
        for row, value, extracted, reason in results
        if row[reference] is not None
    ]


def disagreements(answers: Iterable[Answer], side: str, n: int, seed: int) -> Iterator[str]:
    """The lines that print up to n disagreements of one side ("fp" or "fn"), drawn at random, to be read by hand."""
    found = [answer for answer in answers if (answer.false_positive if side == "fp" else answer.false_negative)]
    drawn = random.Random(seed).sample(found, min(n, len(found)))
    yield f"{len(found):,} of this side, {len(drawn):,} drawn with seed {seed}"
    yield from printed(drawn)


def printed(answers: Iterable[Answer]) -> Iterator[str]:
    """The lines that print answers: what is known of each, the end of its prompt, and start and end of its response."""
    for number, answer in enumerate(answers, start=1):
        yield f"--- {number}. {answer.id}: reference {answer.reference:g}, ours {answer.ours:g}"
        yield f"truth: {answer.truth[:SHOWN]!r}"
        yield f"extracted: {answer.extracted!r} ({answer.note})"
        yield f"key: {answer.key}"
        if answer.prompt:
            yield f"prompt: {answer.prompt[-END:]!r}"
        whole = len(answer.response) <= SHOWN + END
        shown = answer.response if whole else f"{answer.response[:SHOWN]} [...] {answer.response[-END:]}"
        yield f"response ({len(answer.response):,} characters): {shown}"
