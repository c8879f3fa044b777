"""Answers that were cut off: by the reason that the endpoint gave, by the limit that was set, by a spike, or by their text."""

from __future__ import annotations

from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import Best, Bools, Tally, booleans, example_of, lower_share, numbers
from llmfusionbench.auditing.finding import EXAMPLES, Example, Finding, Place
from llmfusionbench.auditing.length_caps import LengthCaps
from llmfusionbench.auditing.score_gap import ScoreGap
from llmfusionbench.auditing.signs.unfinished import endings
from llmfusionbench.types import Candidate

_NAMED: Final = 6
"""LLMs that the finding describes."""
_LEAST: Final = 3
"""Answers of an LLM from which it is described."""
_OPEN: Final = 0.2
"""Least number of certain cases for each answer of an LLM that merely lacks its last full stop, for those to count."""
_SEVERE: Final = 0.02
"""Share of an LLM's cut-off answers, by the lower end of its interval, from which the severity is high."""

_TOKENS, _CHARACTERS = 16, 200
"""Shortest limits that are looked for."""


class _Cut:
    """The answers that one sign found."""

    def __init__(self) -> None:
        self.tally, self.gap = Tally("llm", "task"), ScoreGap()
        self.best: dict[str, Best] = {}
        """LLM -> examples."""

    def add(self, batch: pa.RecordBatch, hits: Bools, looked: Bools | None = None) -> None:
        self.tally.add(batch, hits, looked)
        self.gap.add(batch, hits)
        for llm in pc.unique(batch["llm"].filter(pa.array(hits))).to_pylist():
            mine = hits & booleans(pc.equal(batch["llm"], llm))
            best = self.best.setdefault(llm, Best())
            best.offer(batch, mine, lambda row: example_of(batch, row, {"answer": "response"}))

    def merge(self, other: _Cut) -> None:
        self.tally.merge(other.tally)
        self.gap.merge(other.gap)
        for llm, best in other.best.items():
            self.best.setdefault(llm, Best()).merge(best)


class CutOff:
    """Counts answers that stop before their end, per LLM, with what scoring them as they are costs it.

    The reason `length` counts; any other reason means that the answer is complete. Without a reason, an answer is cut off if it
    has as many tokens as the limit in `sampling`, if its length is a spike at the end of the LLM's lengths (see `LengthCaps`),
    or if its text stops before its end (see `signs.unfinished`). A missing full stop alone counts only for an LLM of which
    other answers are certain to be cut off, a fifth as many: a limit also stops texts after a comma or "the", but a log from
    which full stops were removed has no such ends.
    """

    name = "cut_off"
    columns = ("response", "finish_reason", "output_tokens", "sampling", "performance")

    def __init__(self) -> None:
        self.certain, self.sentence = _Cut(), _Cut()
        self.tokens, self.characters = LengthCaps(_TOKENS), LengthCaps(_CHARACTERS)
        self.reasons = Tally("reason")

    def look(self, batch: pa.RecordBatch) -> None:
        """Judge the answers of a batch."""
        given = booleans(pc.is_valid(batch["response"]))
        reason = batch["finish_reason"]
        told, stopped = booleans(pc.is_valid(reason)), booleans(pc.equal(reason, "length"))
        tokens = numbers(batch["output_tokens"])
        at_limit = ~told & (tokens >= numbers(pc.struct_field(batch["sampling"], "max_tokens")))
        ends = endings(batch["response"])
        is_open = ends.open & ~told & ~at_limit
        certain = (stopped | at_limit | is_open) & given
        in_sentence = ends.in_sentence & ~told & ~certain
        self.certain.add(batch, certain, given)
        self.sentence.add(batch, in_sentence)
        for name, hits in {"finish_reason is length": stopped, "max_tokens is reached": at_limit, "open end": is_open}.items():
            self.reasons.add_one(name, count=int((hits & given).sum()), total=int(given.sum()))
        unknown = told | at_limit | ~given
        characters = np.where(np.isnan(tokens), numbers(pc.utf8_length(batch["response"])), np.nan)
        for caps, sizes in ((self.tokens, tokens), (self.characters, characters)):
            caps.add(batch, np.where(unknown, np.nan, sizes), certain | in_sentence, numbers(batch["performance"]))

    def merge(self, other: Self) -> None:
        """Add what `other` has counted, and its examples."""
        self.certain.merge(other.certain)
        self.sentence.merge(other.sentence)
        self.tokens.merge(other.tokens)
        self.characters.merge(other.characters)
        self.reasons.merge(other.reasons)

    def findings(self) -> list[Finding]:
        """One finding, with the LLMs that have cut-off answers."""
        found = _Cut()
        found.merge(self.certain)
        reasons = Tally("reason")
        reasons.merge(self.reasons)
        limits = self._add_limits(found, reasons)
        self._add_sentences(found, reasons)
        if not found.tally.count:
            return []
        llms = found.tally.places("llm")
        worst = max(lower_share(place.count, place.total) for place in llms)
        return [
            Finding(
                detector=self.name,
                title="Answers that were cut off",
                what=_what(found, llms, limits),
                count=found.tally.count,
                total=found.tally.total,
                remedy="Collect these answers again with a higher max_tokens, or exclude them before comparing LLMs",
                severity="high" if worst >= _SEVERE else "medium" if llms[0].count >= _LEAST else "low",
                places=[*llms, *found.tally.places("task"), *reasons.places("reason")],
                examples=_examples(found, [place.name for place in llms]),
            )
        ]

    def _add_sentences(self, found: _Cut, reasons: Tally) -> None:
        """Add the answers that stop in a sentence, of the LLMs that were certainly cut off elsewhere."""
        certain = self.certain.tally.by("llm")
        shares = self.sentence.tally.by("llm")
        trusted = {llm for llm, (count, _) in shares.items() if count and certain[llm][0] >= _OPEN * count}
        for (llm, task), (count, _) in self.sentence.tally.counts.items():
            if llm in trusted:
                found.tally.add_one(llm, task, count=count, total=0)
        for llm in trusted:
            found.gap.move(llm, self.sentence.gap.sums[llm][1])
            found.best.setdefault(llm, Best()).merge(self.sentence.best[llm])
        reasons.add_one("stops in a sentence", count=sum(shares[llm][0] for llm in trusted), total=found.tally.total)

    def _add_limits(self, found: _Cut, reasons: Tally) -> list[str]:
        """Add the answers at a limit whose text could be complete, and describe the limits."""
        limits, count = [], 0
        for caps, unit in ((self.tokens, "tokens"), (self.characters, "characters")):
            for (llm, mode, task), (size, at) in caps.caps().items():
                found.tally.add_one(llm, task, count=at.closed, total=0)
                found.gap.move(llm, at.scores)
                count += at.closed
                limits.append(f"{at.open + at.closed:,} answers of {Candidate(llm, mode).name} to {task} have {size:,} {unit}")
        reasons.add_one("at a length that many share", count=count, total=found.tally.total)
        return limits


def _what(found: _Cut, llms: list[Place], limits: list[str]) -> str:
    """The number of answers per LLM and what they cost, for the LLMs with the highest shares."""
    described = []
    for place in [place for place in llms if place.count >= _LEAST][:_NAMED]:
        cost = found.gap.sentence(place.name)
        described.append(f"{place.name}: {place.count:,} of {place.total:,}" + (f" ({cost})" if cost else ""))
    count, total = found.tally.count, found.tally.total
    what = f"{count:,} of {total:,} answers stop before their end, and a score of such an answer measures the limit."
    if described:
        what += f" {'; '.join(described)}."
    return what + (f" Limits: {'; '.join(limits[:_NAMED])}." if limits else "")


def _examples(found: _Cut, llms: list[str]) -> list[Example]:
    """The best example of each LLM, then the second best, in the order of the LLMs."""
    lists = [found.best[llm].examples() for llm in llms if llm in found.best]
    return [examples[i] for i in range(EXAMPLES) for examples in lists if i < len(examples)][:EXAMPLES]
