"""Finds what is wrong with a log before anyone trains or routes on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmfusionbench.lazy_names import lazy_names

if TYPE_CHECKING:
    from llmfusionbench.auditing.detector import Detector
    from llmfusionbench.auditing.finding import Example, Finding, Place
    from llmfusionbench.auditing.result import Audit
    from llmfusionbench.auditing.run import audit
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "detector": ("Detector",),
            "finding": ("Example", "Finding", "Place"),
            "result": ("Audit",),
            "run": ("audit",),
        },
    )

__all__ = ["Audit", "Detector", "Example", "Finding", "Place", "audit"]
