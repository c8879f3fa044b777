"""How MT-Bench and arenas name judges and turns, as our columns have them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.fields import literal


def judge_names(judges: pa.Array) -> pa.Array:
    """The names of judges as texts; a list such as `["gpt-4", "single-v1"]`, an LLM and its prompt, as `gpt-4/single-v1`."""
    return pa.array([_name(value) for value in judges.to_pylist()], pa.string())


def turn_ids(questions: pa.Array, turns: pa.Array) -> pa.Array:
    """The ids of questions, those of a later turn than the first with `turn-2` and so on after them.

    The answer to a later turn is another answer, to another query.
    """
    ids, numbers = questions.cast(pa.string()), turns.cast(pa.string())
    later = pc.fill_null(pc.match_substring_regex(numbers, r"^([2-9]|[1-9][0-9]+)(\.0)?$"), False)
    named = pc.binary_join_element_wise(ids, pc.replace_substring_regex(numbers, r"\.0$", ""), "-turn-")
    return pc.if_else(later, named, ids)


def _name(value: object) -> str | None:
    if value is None:
        return None
    listed = literal(value) if isinstance(value, str) and value.startswith("[") else value
    if isinstance(listed, (list, tuple)) and listed and all(isinstance(part, str) for part in listed):
        return "/".join(listed)
    return str(value)
