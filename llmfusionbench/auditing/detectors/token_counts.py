"""Token counts that no tokenizer gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import Bools, Floats, booleans, numbers
from llmfusionbench.auditing.finding import Place
from llmfusionbench.auditing.row_detector import Judged, RowDetector
from llmfusionbench.texts.tokens import offline_tokenizers

MARKERS: Final = 8
"""Number of tokens that may be no text: marks of the beginning, the end and the turns."""
BYTES: Final = 16.0
"""Average number of UTF-8 bytes per token that no text of `LONG` bytes or more exceeds."""
LONG: Final = 400
FAR: Final = 2.0
"""Factor by which a count must differ from that of the tokenizer."""
SAMPLED: Final = 24
"""Number of answers per batch that are counted again, evenly spaced."""
LONGEST: Final = 20_000
"""Length of the longest text that is counted again, in characters."""

ASCII: Final = 1.1
"""UTF-8 bytes per character up to which tokenizers agree well enough to compare a count with that of another one."""
_RULES: Final = (
    "right",
    "no tokens for a text",
    "tokens without a text",
    "more tokens than bytes",
    "too many bytes per token",
    "far from the count of a tokenizer",
    "no tokens for a prompt",
)


class TokenCounts(RowDetector):
    """Checks `output_tokens` against the text of the answer and, where the log has it, of the reasoning.

    An answer with 0 `input_tokens` beside its prompt is a hit, too.

    Rules, in this order: no tokens for a text; more than `MARKERS` tokens for no text; more tokens than bytes; more than
    `BYTES` bytes per token; and for a sample of texts, a count that differs by a factor of `FAR` from that of the tokenizer
    which the row names (cl100k_base or o200k_base), or else, for nearly plain ASCII, on which tokenizers agree well enough,
    from that of cl100k_base. Where the log states `reasoning_tokens`, the rest is compared with the answer alone. No ranks are
    downloaded.
    """

    name = "token_counts"
    columns = ("prompt", "response", "reasoning", "status", "input_tokens", "output_tokens", "reasoning_tokens", "tokenizer")
    title = "Token counts that no tokenizer gives"
    remedy = "Run llmfusionbench tokens to count again; if the log lacks reasoning that is charged, collect reasoning_tokens"
    severity = "medium"
    shown: ClassVar[Mapping[str, str]] = {"answer": "response"}

    def __init__(self) -> None:
        super().__init__()
        self.reasons: Counter[str] = Counter()
        """Rule -> number of answers that break it."""
        self.sampled = 0
        """Number of answers that were counted again."""

    def judge(self, batch: pa.RecordBatch) -> Judged:
        counts, sizes = visible(batch)
        looked = ~np.isnan(counts) & ~np.isnan(sizes)
        counts, sizes = np.nan_to_num(counts), np.nan_to_num(sizes)
        broken = np.select(
            [
                ~looked,
                (counts <= 0) & (sizes > 0),
                (counts > MARKERS) & (sizes == 0),
                counts > sizes + MARKERS,
                (sizes >= LONG) & (sizes > BYTES * counts),
            ],
            [0, 1, 2, 3, 4],
        )
        broken[self._far_off(batch, counts, looked & (broken == 0))] = 5
        unsent = _without_input(batch)
        broken[unsent & (broken == 0)] = 6
        looked |= unsent
        for rule, times in enumerate(np.bincount(broken, minlength=len(_RULES)).tolist()):
            self.reasons[_RULES[rule]] += times
        ranks = np.abs(np.log((np.maximum(counts, 0) + 1) / (sizes / 4 + 1)))

        def note(row: int) -> str:
            if broken[row] == 6:
                return f"0 input tokens: {_RULES[6]}."
            return f"{counts[row]:,.0f} tokens for {sizes[row]:,.0f} bytes: {_RULES[broken[row]]}."

        return Judged(broken > 0, looked, ranks, note)

    def merge(self, other: Self) -> None:
        super().merge(other)
        self.reasons += other.reasons
        self.sampled += other.sampled

    def first_places(self) -> list[Place]:
        """The rules, by number of answers."""
        totals = {_RULES[5]: self.sampled}
        broken = [(rule, self.reasons[rule]) for rule in _RULES[1:] if self.reasons[rule]]
        return [Place("rule", rule, count, totals.get(rule, self.tally.total)) for rule, count in broken]

    def what(self) -> str:
        places = "; ".join(f"{place.name}: {place.count:,} of {place.total:,}" for place in self.first_places())
        return f"{self.tally.count:,} of {self.tally.total:,} token counts cannot be right. {places}."

    def _far_off(self, batch: pa.RecordBatch, counts: Floats, usable: Bools) -> list[int]:
        """Those of a sample of the usable rows whose counts are far from those of the tokenizers."""
        known = offline_tokenizers()
        rows = np.flatnonzero(usable & (counts > 0))
        sample = np.unique(np.linspace(0, len(rows) - 1, min(SAMPLED, len(rows))).astype(np.int64))
        found = []
        for row in rows[sample].tolist() if known else ():
            text = _text(batch, row)
            named = batch["tokenizer"][row].as_py()
            plain = len(text.encode("utf-8", "surrogatepass")) <= ASCII * len(text)
            if not (plain or named in known) or not 0 < len(text) <= LONGEST:
                continue
            count = (known.get(named) or next(iter(known.values())))(text)
            self.sampled += 1
            if counts[row] > FAR * count + MARKERS or (counts[row] + MARKERS) * FAR < count:
                found.append(row)
        return found


def visible(batch: pa.RecordBatch) -> tuple[Floats, Floats]:
    """[n] the tokens whose text the log has, and the size of that text in UTF-8 bytes; NaN if unknown.

    An answer of status `ok` without a text was not kept, so that its size is unknown; that of status `empty` has none.
    """
    output, reasoning = numbers(batch["output_tokens"]), numbers(batch["reasoning_tokens"])
    apart = ~np.isnan(reasoning)
    counts = np.where(apart, output - np.nan_to_num(reasoning), output)
    answer, thought = (numbers(pc.binary_length(batch[name])) for name in ("response", "reasoning"))
    answer = np.where(booleans(pc.equal(batch["status"], "empty")), np.nan_to_num(answer), answer)
    return counts, np.where(apart, answer, answer + np.nan_to_num(thought))


def _without_input(batch: pa.RecordBatch) -> Bools:
    """[n] whether an answer has 0 input tokens beside its prompt; a call that failed may have none."""
    answered = booleans(pc.is_in(batch["status"], pa.array(["ok", "empty"])))
    found = answered & booleans(pc.equal(batch["input_tokens"], 0))
    if found.any():
        sent = batch["prompt"].filter(pa.array(found))
        found[found] = booleans(pc.match_substring_regex(sent, r"\S"))
    return found


def _text(batch: pa.RecordBatch, row: int) -> str:
    """The text whose tokens `visible` counts."""
    answer = batch["response"][row].as_py() or ""
    reasoning = None if batch["reasoning_tokens"][row].is_valid else batch["reasoning"][row].as_py()
    return answer + (reasoning or "")
