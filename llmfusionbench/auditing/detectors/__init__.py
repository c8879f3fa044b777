"""The detectors of an audit, one kind of fault each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from llmfusionbench.auditing.detector import Detector
from llmfusionbench.auditing.finding import Finding
from llmfusionbench.release import Release

DETECTORS: Final[dict[str, type[Detector]]] = {}
"""Name -> class of the detectors that look at rows."""

RELEASE_DETECTORS: Final[dict[str, Callable[[Release], list[Finding]]]] = {}
"""Name -> function of those that need the release as a whole, such as `near_duplicates`."""
