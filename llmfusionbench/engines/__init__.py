"""Engines: what runs one function over the shards of a piece of work. The result depends on neither the engine nor its size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from llmfusionbench.engines.engine import Engine
from llmfusionbench.engines.local import Local
from llmfusionbench.engines.ray_engine import Ray
from llmfusionbench.errors import UnknownNameError

ENGINES: Final[dict[str, Callable[[int | None], Engine]]] = {
    "local": Local,
    "ray": Ray,
}
"""Name -> the engine with a number of workers; None for as many as there are cores."""


def engine_of(engine: str | Engine, workers: int | None = None) -> Engine:
    """The engine of a name with this number of workers; an engine stays as it is.

    Raises:
        UnknownNameError: there is none of this name.
    """
    if not isinstance(engine, str):
        return engine
    if engine not in ENGINES:
        raise UnknownNameError("engine", engine, ENGINES)
    return ENGINES[engine](workers)


__all__ = ["ENGINES", "Engine", "Local", "Ray", "engine_of"]
