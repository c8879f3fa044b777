"""The sources by name."""

from __future__ import annotations

from typing import Final

from .fusionbench import FusionBench
from .records import Source

SOURCES: Final[dict[str, type[Source]]] = {
    "fusionbench": FusionBench,
}
"""Name -> raw log format, as `llmfusionbench build NAME` takes it."""
