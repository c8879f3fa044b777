"""The same long answer from different LLMs: one was served under two names, or a log was copied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import Best, Tally, example_of, lower_share
from llmfusionbench.auditing.finding import Finding, Place
from llmfusionbench.auditing.signs.columns import lengths

Rows = npt.NDArray[np.int64]

LONG: Final = 300
"""Shortest answer that is compared, in bytes: short ones, such as "A" or "42", are equal by chance."""
_MOST_LLMS: Final = 12
"""LLMs with the same answer whose pairs are counted, in order of their names."""
_SEVERE: Final = 0.5
"""Share of the long answers of a pair of LLMs, by the lower end of its interval, from which they are taken for one LLM."""


class SameText:
    """Counts long answers that equal another LLM's answer to the same query, and lists the pairs of LLMs.

    White space at the ends does not count, nor does the prompt where an answer begins with it. Modes and replicates of one
    LLM may give the same answer.
    """

    name = "same_text"
    columns = ("response", "prompt")

    def __init__(self) -> None:
        self.tally, self.best = Tally("llm", "task"), Best()
        self.pairs: Counter[tuple[str, str]] = Counter()
        """Two LLMs, in order -> number of queries to which they gave the same long answer."""
        self.long: Counter[str] = Counter()
        """LLM -> number of queries with a long answer."""

    def look(self, batch: pa.RecordBatch) -> None:
        """Compare the long answers to each query. All answers to a query are in one batch."""
        texts = pc.utf8_trim_whitespace(batch["response"])
        long = lengths(texts) >= LONG
        rows = np.flatnonzero(long)
        hits, firsts = np.zeros(len(texts), np.bool_), np.zeros(len(texts), np.bool_)
        notes = {}
        for same, llms in self._shared(batch.take(pa.array(rows)), texts.take(pa.array(rows))):
            text, prompt = texts[rows[same[0]]].as_py(), batch["prompt"][rows[same[0]]].as_py()
            if _own_length(text, prompt) < LONG:
                continue
            self.pairs.update(combinations(llms[:_MOST_LLMS], 2))
            hits[rows[same]] = firsts[rows[same[0]]] = True
            notes[int(rows[same[0]])] = f"the same from {', '.join(llms[:_MOST_LLMS])}"
        self.tally.add(batch, hits, long)
        shown = {"answer": "response"}
        self.best.offer(batch, firsts, lambda row: example_of(batch, row, shown, notes[row]), lengths(texts))

    def merge(self, other: Self) -> None:
        """Add what `other` has counted, and its examples."""
        self.tally.merge(other.tally)
        self.best.merge(other.best)
        self.pairs.update(other.pairs)
        self.long.update(other.long)

    def findings(self) -> list[Finding]:
        """One finding, with the pairs of LLMs that share answers."""
        if not self.tally.count:
            return []
        pairs = [
            Place("pair of LLMs", f"{a} and {b}", count, min(self.long[a], self.long[b]))
            for (a, b), count in self.pairs.items()
        ]
        pairs.sort(key=lambda place: (-lower_share(place.count, place.total), place.name))
        severe = bool(pairs) and lower_share(pairs[0].count, pairs[0].total) >= _SEVERE
        what = (
            f"{self.tally.count:,} of {self.tally.total:,} answers of at least {LONG} bytes equal another LLM's answer to "
            f"the same query."
        )
        if pairs:
            what += f" Most alike are {pairs[0].name}: {pairs[0].count:,} of {pairs[0].total:,} queries."
        return [
            Finding(
                detector=self.name,
                title="The same text from different LLMs",
                what=what,
                count=self.tally.count,
                total=self.tally.total,
                remedy="Check which model served each name, and keep one of two LLMs that are the same",
                severity="high" if severe else "low",
                places=[*pairs, *self.tally.places("llm"), *self.tally.places("task")],
                examples=self.best.examples(),
            )
        ]

    def _shared(self, batch: pa.RecordBatch, texts: pa.Array) -> Iterator[tuple[Rows, list[str]]]:
        """(rows, names of LLMs) of each answer to a query that several LLMs gave; counts the LLMs' queries."""
        query, text, llm = (column.dictionary_encode() for column in (batch["query_id"], texts, batch["llm"]))
        names = llm.dictionary.to_pylist()
        codes = [np.asarray(column.indices, np.int64) for column in (query, text, llm)]
        for code in (np.unique(codes[0] * len(names) + codes[2]) % max(len(names), 1)).tolist():
            self.long[names[code]] += 1
        answer = codes[0] * len(text.dictionary) + codes[1]
        order = np.argsort(answer, kind="stable")
        for same in np.split(order, np.flatnonzero(np.diff(answer[order])) + 1):
            llms = sorted({names[code] for code in codes[2][same].tolist()}) if len(same) > 1 else []
            if len(llms) > 1:
                yield same, llms


def _own_length(text: str, prompt: str | None) -> int:
    """Bytes of an answer, without the prompt if it begins with that: programs are often completed from their prompt."""
    start = (prompt or "").strip()
    return len((text.removeprefix(start) if start else text).encode())
