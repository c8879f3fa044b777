"""The embedding columns: the text that printing a torch tensor gives, for a seeded unit vector of 768 floats.

Upstream wrote tensors to the CSV by `str`, so a reader meets line breaks, columns of equal width, at times a device, and at
times only the ends of the vector around `...`.
"""

from __future__ import annotations

import random

SIZE = 768
_LINE_WIDTH, _EDGE = 80, 3
_PREFIX, _INDENT = "tensor(", len("tensor(")


def unit_vector(rng: random.Random, size: int = SIZE) -> list[float]:
    """A random direction."""
    values = [rng.gauss(0, 1) for _ in range(size)]
    norm = sum(value * value for value in values) ** 0.5
    return [value / norm for value in values]


def tensor_text(values: list[float], *, device: str | None = None, elided: bool = False) -> str:
    """What torch prints for a one-dimensional tensor whose values need the scientific form."""
    shown = [f"{value: .4e}" if value >= 0 else f"{value:.4e}" for value in values]
    if elided:
        shown = [*shown[:_EDGE], " ...", *shown[-_EDGE:]]
    width = len(shown[0])
    per_line = (_LINE_WIDTH - _INDENT) // (width + 2)
    lines = [", ".join(shown[start : start + per_line]) for start in range(0, len(shown), per_line)]
    text = _PREFIX + "[" + (",\n" + " " * (_INDENT + 1)).join(lines) + "]"
    if device is None:
        return text + ")"
    suffix = f"device='{device}'"
    last = len(text) - text.rfind("\n")
    separator = ",\n" + " " * _INDENT if last + len(suffix) + 2 > _LINE_WIDTH else ", "
    return text + separator + suffix + ")"


def embedding_text(rng: random.Random) -> str:
    """A whole embedding cell: mostly the full tensor, now and then with a device or elided."""
    values = unit_vector(rng)
    device = "cuda:0" if rng.random() < 0.2 else None
    return tensor_text(values, device=device, elided=rng.random() < 0.04)
