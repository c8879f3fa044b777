"""Whether a column that bears one of our names by chance holds what we mean by it: most of its values must fit.

The first records of a file decide. Scores are no part of this: a column of scores that are words is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.known.statuses import STATUS_OF, status_word
from llmfusionbench.builders.reading.cells import Cells
from llmfusionbench.builders.reading.factors import Factor
from llmfusionbench.builders.reading.texts_inside import text_paths
from llmfusionbench.builders.reading.words import VALIDATION
from llmfusionbench.builders.records import JUDGE_COLUMNS, LOG, SCORES
from llmfusionbench.schema import table_schema
from llmfusionbench.types import SPLITS
from llmfusionbench.validation.explain import validator
from llmfusionbench.validation.issue import shorten

_BLANK: Final = ("", "null", "None", "nan", "NaN")
_KINDS_OF_CALL: Final = frozenset(
    [
        "chat",
        "completion",
        "completions",
        "text_completion",
        "chat_completion",
        "acompletion",
        "generate",
        "generation",
        "embedding",
        "embeddings",
        "responses",
        "stream",
        "streaming",
        "batch",
        "sync",
        "async",
        "online",
        "offline",
        "test",
        "train",
        "eval",
        "evaluation",
        "dev",
        "validation",
        "prod",
        "production",
    ]
)
"""Words for which a column may be called `mode` that name no way of asking an LLM."""
_LONGEST_NAME: Final = 200
_TEXTS: Final = ("prompt", "response", "reasoning", "ground_truth", "source_id", "task", "llm", "error", "judge_reason")
REQUIRED: Final = (*SCORES, "llm", "prompt", "messages", "source_id")
"""Our columns that a log is hardly of use without, so that the remedy is not to leave them out."""
_BY_VALUE: Final = (
    "status", "split", "mode", "judge", "judge_opponent", "metric", "reasoning", "provenance", "replicate", "attempts",
    "judge_order", "judge_prompt_sha256",
)  # fmt: skip
"""Our columns of which `fits` looks at the values; of the others, whatever can be read fits."""
_WORDED: Final = ("status", "split", "mode", "provenance")


def misfits(
    own: Mapping[str, str], chunks: Sequence[Cells], factors: Mapping[str, Factor], *, scored: bool = False
) -> dict[str, str]:
    """Column of theirs -> why it is left alone, of the columns `own` (ours -> theirs) of which most values do not fit.

    `scored` states that a column holds the scores of the judge.
    """
    found = {}
    for ours, theirs in own.items():
        if ours in SCORES or any(ours in cells.words for cells in chunks):  # words were stated, so the column is meant
            continue
        if ours == "judge" and scored:  # a number beside a score is the name of an annotator
            continue
        values = wrong = 0
        example: Any = None
        inside: list[str] = []
        is_foreign = False
        for cells in chunks:
            given, bad, foreign = _wrong(cells, ours, theirs, factors.get(ours))
            is_foreign = is_foreign or foreign
            values += given
            wrong += len(bad)
            if len(bad) and example is None:
                example, inside = _example(cells, theirs, int(bad[0]))
        if 2 * wrong > values:
            remedy = f"map what is {ours} with --map {ours}=NAME"
            if inside and ours in _TEXTS:
                remedy = f"map the text in it with --map '{ours}={inside[0]}'"
            elif inside and ours == "choices":
                remedy = f"map the text in it with --map 'response={inside[0]}' if it is the answer"
            elif is_foreign and ours not in factors:
                remedy = f"convert it with --map '{ours}={theirs}*RATE', in USD per unit"
            elif ours in _WORDED:
                remedy = f"translate its words with --values {ours}=WORD:VALUE"
            found[theirs] = (
                f"the column {theirs} is left alone, since {wrong:,} of {values:,} values do not fit {ours}, such as {example}"
                f". Remedy: {remedy}, or leave it out without a warning with --map {ours}="
            )
    return found


def _wrong(cells: Cells, ours: str, theirs: str, factor: Factor | None) -> tuple[int, Any, bool]:
    """The number of values in a column, the [n] rows whose values do not fit, and whether one is in another currency."""
    column = cells.batch.column(theirs)
    kind = LOG.field(ours).type
    alone = Cells(cells.batch, nested=cells.nested, words=cells.words)
    made = alone.column(ours, theirs, kind, factor)
    bad = np.zeros(len(column), bool)
    bad[list(alone.problems)] = True
    if ours in _BY_VALUE:
        encoded = made.dictionary_encode()
        unfit = [code for code, value in enumerate(encoded.dictionary.to_pylist()) if not fits(ours, value)]
        if unfit:
            bad |= pc.fill_null(pc.is_in(encoded.indices, pa.array(unfit, pa.int32())), False).to_numpy(zero_copy_only=False)
    given = made.is_valid().to_numpy(zero_copy_only=False) | bad
    return int(given.sum()), np.flatnonzero(bad), ours in alone.seen.foreign


def _example(cells: Cells, theirs: str, row: int) -> tuple[str, list[str]]:
    """A value for a message, and the paths of the texts in it."""
    value = cells.nested.get(theirs, {}).get(row, cells.batch.column(theirs)[row].as_py())
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list", text_paths(value, theirs)
    return shorten(value), []


def fits(ours: str, value: Any) -> bool:
    """Whether a value of a column, read as ours is, is what we mean by it."""
    if value is None or value in _BLANK:
        return True
    match ours:
        case "status":
            return status_word(value) in STATUS_OF
        case "split":
            return value in SPLITS
        case "mode":
            return value not in _KINDS_OF_CALL and bool(_validator(ours).is_valid(value))
        case "judge" | "judge_opponent" | "metric":
            return not _is_number(value) and len(value) <= _LONGEST_NAME and "\n" not in value
        case "reasoning":
            return value.lower() not in ("true", "false")
        case "provenance" | "replicate" | "attempts" | "judge_order" | "judge_prompt_sha256":
            return bool(_validator(ours).is_valid(value))
        case _:
            return True


def is_validation(texts: pa.Array) -> bool:
    """Whether one of the texts is a word for validation data."""
    found = {word.strip().lower() for word in pc.unique(texts).to_pylist() if word is not None}
    return bool(found & {*VALIDATION})


@cache
def _validator(ours: str) -> Any:
    """A validator of the values of a column of a log record."""
    names = {logged: name for name, logged in JUDGE_COLUMNS.items()}
    tables = ("judge_scores",) if ours in names else ("responses", "queries")
    name = names.get(ours, ours)
    schemas = [table_schema(table).json_schema["properties"] for table in tables]
    return validator(next(schema[name] for schema in schemas if name in schema))


def _is_number(text: str) -> bool:
    if text.strip().lower() in ("true", "false"):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True
