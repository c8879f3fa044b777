"""How MT-Bench and arenas name judges and turns, as our columns have them."""

from __future__ import annotations

import re
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.fields import BadRecordError, literal, named, writable

HUMAN: Final = "human"
"""The judge that a person is: ids of users are not carried over."""
_ORGANISATION: Final = re.compile(r"(?i)[a-z0-9._-]{1,64}")
_LLM: Final = re.compile(
    r"(?i)(?:gpt|chatgpt|o[1345]|claude|gemini|palm|llama|mistral|mixtral|qwen|qwq|deepseek|command|gemma|"
    r"phi|grok|prometheus|pandalm|skywork|athene|nemotron|glm|kimi)(?=[-.:@0-9]|_[0-9]|$)[a-z0-9._:@+-]*"
)
"""Names of LLMs as judges: a family, and not a word that only begins so."""


def judge_and_prompt(value: Any) -> tuple[str | None, str | None]:
    """(judge, name of its prompt) of MT-Bench: a list of both, or its text, or a judge alone."""
    listed = literal(value) if isinstance(value, str) and value.startswith("[") else value
    if isinstance(listed, (list, tuple)) and 0 < len(listed) <= 2 and all(isinstance(p, str) and p for p in listed):
        return writable(listed[0], "judge"), writable(listed[1], "judge") if len(listed) == 2 else None
    if value is None or value == "":
        return None, None
    if not isinstance(value, str):
        raise BadRecordError(f"judge is {named(value)}, expected a name, or a name and that of a prompt")
    return writable(value, "judge"), None


def is_llm_judge(name: str) -> bool:
    """Whether a name is that of an LLM, with or without its organisation; the others may be ids of users."""
    organisation, slash, bare = name.rpartition("/")
    return _LLM.fullmatch(bare) is not None and (not slash or _ORGANISATION.fullmatch(organisation) is not None)


def turn_id(question: str, turn: int | None) -> str:
    """As `turn_ids`, of one question."""
    return question if turn is None or turn < 2 else f"{question}-turn-{turn}"


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
