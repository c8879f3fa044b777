"""Finds what is wrong with a log before anyone trains or routes on it."""

from llmfusionbench.auditing.detector import Detector
from llmfusionbench.auditing.finding import Example, Finding, Place
from llmfusionbench.auditing.result import Audit
from llmfusionbench.auditing.run import audit

__all__ = ["Audit", "Detector", "Example", "Finding", "Place", "audit"]
