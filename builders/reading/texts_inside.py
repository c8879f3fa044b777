"""What to tell a user whose column of texts has objects or lists: the paths in them that hold texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench.builders.reading.fields import named
from llmfusionbench.builders.reading.paths import Step, leaves, written

_LIKELY: Final = (
    "content",
    "text",
    "answer",
    "output",
    "response",
    "completion",
    "question",
    "prompt",
    "value",
    "input",
    "message",
)
"""Keys that hold what was said, the likeliest first."""
_SHOWN: Final = 3


def not_a_text(value: Any, label: str, ours: str, theirs: str) -> str:
    """What is wrong with an object or a list in a column of texts, and the mapping of a text in it."""
    problem = f"{label} is {named(value)}, expected a text"
    if ours == "prompt" and _are_turns(value):
        return f"{problem}. Remedy: map it as turns with --map messages={theirs}"
    inside = text_paths(value, theirs)
    if not inside:
        return problem
    others = f", or one of its other texts, such as {' or '.join(inside[1:_SHOWN])}" if len(inside) > 1 else ""
    return f"{problem}. Remedy: map a text in it, such as --map '{ours}={inside[0]}'{others}"


def text_paths(value: Any, theirs: str) -> list[str]:
    """The paths of the texts in the value of a column or path, the likeliest to be what was said first."""
    found = [steps for steps, leaf in leaves(value) if isinstance(leaf, str) and leaf]
    return [theirs + written("", steps)[2:] for steps in sorted(found, key=_rank)]


def _rank(steps: tuple[Step, ...]) -> int:
    key = next((step for step in reversed(steps) if isinstance(step, str)), "")
    return _LIKELY.index(key) if key in _LIKELY else len(_LIKELY)


def _are_turns(value: Any) -> bool:
    turn = value[0] if isinstance(value, list) and value else None
    return isinstance(turn, Mapping) and bool({"role", "from"} & turn.keys())
