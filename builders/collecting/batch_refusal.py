"""Why a provider refused a whole batch, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from llmfusionbench.builders.collecting.batch_provider import Problem
from llmfusionbench.builders.collecting.failure import NO_FUNDS

_FULL: Final = ("token_limit_exceeded", "rate_limit_exceeded")
_PASSING: Final = (*_FULL, "server_error", "internal_error", "internal_server_error", "service_unavailable", "request_timeout")
_OF_ALL: Final = ("model_not_found", "invalid_model", "model_not_available", "unsupported_model", *NO_FUNDS)
"""Codes of problems that all requests to the LLM have, though providers state them for each line."""
_SHOWN: Final = 3
"""Problems that are shown and recorded."""


@dataclass(frozen=True)
class Refusal:
    """The problems that a provider states."""

    problems: Sequence[Problem]
    requests: int
    """Number of requests in the batch."""

    @property
    def lines(self) -> Mapping[int, Problem]:
        """Number of each line that is at fault, from 1 -> its problem. Without these lines, the batch may be accepted."""
        if any(one.code in _OF_ALL for one in self.problems):
            return {}
        return {one.line: one for one in self.problems if one.line is not None and 0 < one.line <= self.requests}

    @property
    def passing(self) -> bool:
        """Whether the same batch may be accepted later."""
        return bool(self.problems) and all(one.code in _PASSING for one in self.problems)

    @property
    def full(self) -> bool:
        """Whether the batch has no room beside the others of its account."""
        return self.passing and any(one.code in _FULL for one in self.problems)

    @property
    def texts(self) -> tuple[str, ...]:
        """The first problems, one line each."""
        return tuple(_text(problem) for problem in self.problems[:_SHOWN])

    def __str__(self) -> str:
        return "; ".join(self.texts) or "no reason is stated"


def _text(problem: Problem) -> str:
    place = "" if problem.line is None else f"line {problem.line:,}: "
    code = "" if problem.code is None or problem.code in problem.message else f" ({problem.code})"
    return f"{place}{problem.message}{code}"
