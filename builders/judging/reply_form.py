"""The forms of a reply: what a judge is asked for, and the JSON Schema for endpoints that keep to one."""

from __future__ import annotations

from typing import Any, Final, Literal

from llmfusionbench.builders.judging.rubric import Rubric

Form = Literal["tag", "json", "number"]

PLACEHOLDERS: Final = ("NUMBER", "VERDICT")
"""What stands for a value in the sentences that ask for it; in a reply it is an echo."""
SIDES: Final = ("A", "B", "tie")
"""Verdicts of a pair: the answer shown first is better, the one shown second, or neither."""


def asked_for(rubric: Rubric, form: Form, *, pairwise: bool) -> str:
    """The sentences that ask for a reply in this form. No number of the scale stands in a tag, so that an echo is no score."""
    if pairwise:
        if form == "json":
            return (
                'Reply with one JSON object and nothing else: {"reason": one or two sentences, "better": "A", "B" or "tie"}. '
                "Write tie only if neither answer is better."
            )
        return (
            "First give your reason in one or two sentences. Then end with one line: <better>VERDICT</better>. VERDICT is A, "
            "B, or tie if neither answer is better."
        )
    scale = rubric.scale.words()
    if rubric.criteria:
        names = [criterion.name for criterion in rubric.criteria]
        if form == "json":
            keys = ", ".join(f'"{name}": NUMBER' for name in names)
            return (
                f'Reply with one JSON object and nothing else: {{"reason": one or two sentences, "scores": {{{keys}}}}}. '
                f"Each NUMBER is {scale}."
            )
        lines = "\n".join(f"<{name}_score>NUMBER</{name}_score>" for name in names)
        return (
            f"First give your reason in one or two sentences. Then end with these lines, where each NUMBER is {scale}:\n{lines}"
        )
    if form == "json":
        shape = '{"reason": one or two sentences, "score": NUMBER}'
        return f"Reply with one JSON object and nothing else: {shape}. NUMBER is {scale}."
    if form == "number":
        return f"Reply with the score alone, which is {scale}, and nothing else."
    return f"First give your reason in one or two sentences. Then end with one line: <score>NUMBER</score>. NUMBER is {scale}."


def reply_schema(rubric: Rubric, *, pairwise: bool) -> dict[str, Any]:
    """The JSON Schema of a reply in JSON, in the subset that endpoints with strict output accept."""
    verdict: dict[str, Any]
    if pairwise:
        verdict = {"better": {"type": "string", "enum": list(SIDES)}}
    elif rubric.criteria:
        number = _number(rubric)
        verdict = {"scores": _object({criterion.name: number for criterion in rubric.criteria})}
    else:
        verdict = {"score": _number(rubric)}
    return _object({"reason": {"type": "string"}, **verdict})


def response_format(rubric: Rubric, *, pairwise: bool) -> dict[str, Any]:
    """The field `response_format` of a request whose reply has to be such JSON."""
    return {
        "type": "json_schema",
        "json_schema": {"name": "verdict", "strict": True, "schema": reply_schema(rubric, pairwise=pairwise)},
    }


def _number(rubric: Rubric) -> dict[str, Any]:
    values = rubric.scale.values
    if values is None:
        return {"type": "number"}
    whole = all(value.is_integer() for value in values)
    return {"type": "integer", "enum": [int(v) for v in values]} if whole else {"type": "number", "enum": list(values)}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
