"""What the schema of `routing` cannot say of a query's candidates: each is there once, and its LLM is known."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import pyarrow as pa

from llmfusionbench.types import Candidate
from llmfusionbench.validation.issue import shorten

COLUMN = "candidates"


def candidate_faults(lists: pa.Array, llms: Collection[str]) -> Iterator[tuple[int, str, str]]:
    """(row, value, expected) of every candidate that its row has twice, or whose LLM is not among `llms`.

    Args:
        lists: [n] the column `candidates`, without nulls.
    """
    rows = np.repeat(np.arange(len(lists)), lists.value_lengths().to_numpy(zero_copy_only=False))
    names = lists.flatten().field("candidate").dictionary_encode()
    codes = names.indices.to_numpy(zero_copy_only=False)
    _, first = np.unique(rows * max(1, len(names.dictionary)) + codes, return_index=True)
    again = np.ones(len(rows), bool)
    again[first] = False
    strange = [Candidate.among(name, llms).llm not in llms for name in names.dictionary.to_pylist()]
    unknown = np.array(strange, bool)[codes] if strange else np.zeros(0, bool)
    for cell in np.flatnonzero(again | unknown).tolist():
        name = shorten(names.dictionary[int(codes[cell])].as_py())
        if again[cell]:
            yield int(rows[cell]), f"{name} twice", "every candidate once"
        else:
            yield int(rows[cell]), name, "a candidate whose LLM is in the table llms"
