"""How batches are handled: whether to wait and to submit, and the limits of files."""

from __future__ import annotations

from dataclasses import dataclass

from llmfusionbench.builders.collecting.batch_files import MOST_BYTES, MOST_REQUESTS


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How batches are handled."""

    wait: bool = True
    """Whether to go on until all batches have ended."""
    submit: bool = True
    """Whether to submit new batches, and those that earlier runs only wrote."""
    most_requests: int = MOST_REQUESTS
    """Per file."""
    most_bytes: int = MOST_BYTES
    """Per file."""
    faults: int = 8
    """Failures in a row after which a provider is given up for now."""


@dataclass(frozen=True)
class Poll:
    """How often a provider is asked about its batches."""

    first_s: float = 5.0
    """Seconds after a change."""
    most_s: float = 300.0
    """Longest pause; pauses double while nothing changes."""
