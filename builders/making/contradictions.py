"""Counts of 0 tokens beside a text: no tokenizer gives them, so they stand for a count that the log does not have.

A call that failed may well have cost 0 tokens.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_TEXT_OF: Final = {"input_tokens": ("prompt", "a prompt"), "output_tokens": ("response", "a response")}


class ZeroTokens:
    """Makes such counts null, and counts them."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        """Column -> number of its counts that were made null."""

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Normal records with null in place of 0 tokens of a prompt or a response that is not blank."""
        answered = pc.and_(batch.column("llm").is_valid(), pc.is_in(batch.column("status"), pa.array(["ok", "empty"])))
        for name, (text, _) in _TEXT_OF.items():
            zero = pc.fill_null(pc.equal(batch.column(name), 0), False)
            if not pc.any(zero).as_py():
                continue
            texts = batch.column(text)
            written = pc.and_(pc.greater(pc.binary_length(texts), 0), pc.invert(pc.utf8_is_space(texts)))
            wrong = pc.and_(zero, pc.fill_null(pc.and_(written, answered), False))
            self.found[name] += wrong.true_count
            values = pc.if_else(wrong, pa.scalar(None, pa.int64()), batch.column(name))
            batch = batch.set_column(batch.schema.get_field_index(name), name, values)
        return batch

    def warnings(self) -> list[str]:
        """What was found, a line for each column."""
        return [
            f"{name} is 0 beside {_TEXT_OF[name][1]} in {count:,} answer{'s' * (count > 1)}: taken as unknown (null)"
            for name, count in sorted(self.found.items())
            if count
        ]


def is_of_tokens(warning: str) -> bool:
    """Whether it is one of `ZeroTokens`."""
    return any(warning.startswith(f"{name} is 0 beside ") for name in _TEXT_OF)
