"""The embedding columns: the text that printing a torch tensor gives, for a seeded unit vector of 768 floats.

Upstream wrote tensors to the CSV by `str`, so a reader meets line breaks, columns of equal width, at times a device, and at
times only the ends of the vector around `...`.
"""

from __future__ import annotations

import random
from array import array

SIZE = 768
_LINE_WIDTH, _EDGE = 80, 3
_PREFIX, _INDENT = "tensor(", len("tensor(")


def unit_vector(rng: random.Random, size: int = SIZE) -> list[float]:
    """A random direction, in single precision as embedders give it."""
    values = [rng.gauss(0, 1) for _ in range(size)]
    norm = sum(value * value for value in values) ** 0.5
    return array("f", [value / norm for value in values]).tolist()


def tensor_text(values: list[float], *, device: str | None = None, elided: bool = False) -> str:
    """What torch prints for a one-dimensional tensor without zeros, by its default print options."""
    seen = [*values[:_EDGE], *values[-_EDGE:]] if elided else values
    least, most = min(map(abs, seen)), max(map(abs, seen))
    # torch turns to the scientific form by the values it shows, not by all there are.
    form = ".4e" if most / least > 1000 or most > 1e8 or least < 1e-4 else ".4f"
    shown = [format(value, form) for value in seen]
    width = max(map(len, shown))
    shown = [text.rjust(width) for text in shown]
    if elided:
        shown.insert(_EDGE, " ...")
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
