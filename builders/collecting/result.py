"""What came of a run of calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

NO_ROOM: Final = "its next call does not fit into --max-cost"
"""The reason why an LLM gets no more calls when the cap on the cost is reached."""
NO_ROOM_YET: Final = "it waits for the room in --max-cost that is reserved for batches under way"
"""The reason why an LLM gets no more batches now when what is reserved, and may not be spent, has reached the cap."""


@dataclass
class Result:
    """Counts of calls; every call that was looked at is in exactly one of the first five."""

    answered: int = 0
    """Calls that this run asked and got an answer to."""
    failed: int = 0
    """Calls that this run asked and that failed for good."""
    reused: int = 0
    """Calls whose answer the journal had, or an equal call of this run got."""
    failed_before: int = 0
    """Calls that had failed for good in an earlier run, or with an equal call of this run."""
    not_started: int = 0
    """Calls that a later run has to make: the LLM refused, the budget was spent, or the run was stopped."""
    complete: bool = True
    """Whether all calls were looked at. Without that, there are more that were not started."""
    stopped: str | None = None
    """The reason why the run ended early."""
    cut_off: int = 0
    """Attempts in flight that a second Ctrl-C cut off; their answers are lost, and may have been paid for."""
    in_flight_lost: int = 0
    """Attempts that were in flight when earlier runs were killed, at most: a request is recorded before it is sent, and may
    not have left."""
    in_batches: int = 0
    """Calls in batches that have not brought them back yet: at a provider, not submitted, or in files for `vllm run-batch`."""
    closed: dict[str, str] = field(default_factory=dict)
    """LLM -> the reason why it got no more calls, while others went on."""
    drift: dict[str, list[str]] = field(default_factory=dict)
    """LLM -> names of other models that answered in its place."""

    @property
    def is_spent(self) -> bool:
        """Whether an LLM got no more calls because of the cap on the cost."""
        return any(reason.startswith(NO_ROOM) for reason in self.closed.values())
