"""What looks like personal data in prompts and answers: counted by kind, and shown masked only."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final, Self

import numpy as np
import pyarrow as pa

from llmfusionbench.auditing.counting import Bools, example_of
from llmfusionbench.auditing.finding import Example, Finding, Place
from llmfusionbench.auditing.row_detector import Judged, RowDetector
from llmfusionbench.auditing.signs.columns import first_of_query, matches
from llmfusionbench.auditing.signs.personal import CANDIDATES, masked_around, personal_data

_AROUND: Final = 80
"""Characters that are shown on either side of the start of what was found."""
_WHERE: Final = {"prompt": "prompts", "response": "answers", "reasoning": "thoughts"}
"""Column -> its name in the finding."""


class PersonalData(RowDetector):
    """Counts rows with e-mail addresses, keys or card numbers, by the rule of `signs.personal`; prompts count once."""

    name = "personal_data"
    columns = ("response", "reasoning", "prompt")
    title = "What looks like personal data"
    remedy = "Replace it before the log is published, and revoke keys that were valid"
    severity = "low"

    def __init__(self) -> None:
        super().__init__()
        self.kinds: Counter[str] = Counter()
        """Kind and place -> number of texts."""

    def judge(self, batch: pa.RecordBatch) -> Judged:
        """The rows in whose texts something was found; keys are the most telling."""
        hits, ranks, notes = np.zeros(len(batch), np.bool_), np.zeros(len(batch)), {}
        once = first_of_query(batch)
        for column, where in _WHERE.items():
            found = _found(batch[column], once if column == "prompt" else np.ones(len(batch), np.bool_))
            for row, kinds in found.items():
                self.kinds.update(f"{kind} in {where}" for kind in kinds)
                hits[row], notes[row] = True, f"{', '.join(kinds)} in {where}"
                ranks[row] = max(ranks[row], 1 + any("key" in kind for kind in kinds))
        return Judged(hits, ranks=ranks, note=notes.get)

    def example(self, batch: pa.RecordBatch, row: int, note: str | None) -> Example:
        """The surroundings of what was found, masked."""
        texts = {}
        for column, where in _WHERE.items():
            text = batch[column][row].as_py()
            found = None if text is None else next(personal_data(text), None)
            if found is not None:
                texts[where] = masked_around(text, found[1], _AROUND)
        return replace(example_of(batch, row, {}, note), texts=texts)

    def merge(self, other: Self) -> None:
        """Add what `other` has counted, and its examples."""
        super().merge(other)
        self.kinds.update(other.kinds)

    def what(self) -> str:
        """The numbers by kind."""
        kinds = "; ".join(f"{kind}: {count:,}" for kind, count in sorted(self.kinds.items()))
        return f"{self.tally.count:,} of {self.tally.total:,} rows hold what looks like personal data. Texts by kind: {kinds}."

    def first_places(self) -> list[Place]:
        """The kinds, and where they were found."""
        return [Place("reason", kind, count, self.tally.total) for kind, count in sorted(self.kinds.items())]

    def findings(self) -> list[Finding]:
        """One finding; `high` if there are keys, however few."""
        severe = any("key" in kind for kind in self.kinds)
        return [replace(found, severity="high" if severe else found.severity) for found in super().findings()]


def _found(texts: pa.Array, looked: Bools) -> dict[int, list[str]]:
    """Row -> the kinds of what was found in its text, sorted."""
    rows = np.flatnonzero(matches(texts, CANDIDATES) & looked)
    found = zip(rows.tolist(), texts.take(pa.array(rows)).to_pylist(), strict=True)
    return {row: kinds for row, text in found if (kinds := sorted({kind for kind, _, _ in personal_data(text)}))}
