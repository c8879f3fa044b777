"""How far each batch of a run is. Every `batch` record of the journal has all that is known, so the last one is enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from llmfusionbench.builders.reading.run_files import BATCH
from llmfusionbench.release.card_text import counted

WRITTEN: Final = "written"
"""Its files are on the disk."""
UPLOADED: Final = "uploaded"
"""The provider has its file (`file_id`). It is not known to have created the batch."""
SUBMITTED: Final = "submitted"
"""The provider has created the batch (`batch_id`)."""
IN_PROGRESS: Final = "in_progress"
"""The provider works on it."""
COMPLETED: Final = "completed"
"""The provider is done, and has files of results."""
EXPIRED: Final = "expired"
"""The time ran out; the provider has the results until then."""
CANCELLED: Final = "cancelled"
"""As `expired`, because the account's owner cancelled it; with `taken`, it was given up before it was submitted."""
FAILED: Final = "failed"
"""The provider refused the whole batch (`problems`), and charges nothing. Without `taken`, it is submitted again later."""
TAKEN: Final = "taken"
"""Its results are in the journal (`taken`)."""

ENDED: Final = (COMPLETED, EXPIRED, CANCELLED)
"""States in which the results are to be taken."""
AT_WORK: Final = ("in_progress", "finalizing", "cancelling")
"""Statuses of a provider while it works on a batch."""
OVER: Final = {"completed": COMPLETED, "expired": EXPIRED, "cancelled": CANCELLED}
"""Status of a provider for a batch that has ended -> the state here."""


@dataclass
class Batch:
    """A batch of one run."""

    batch: str
    """Its name, with which the names of its files begin."""
    llm: str
    state: str = WRITTEN
    requests: int = 0
    sha256: str = ""
    """Hash of the file of requests."""
    token: str = ""
    """By which the provider's list of batches is searched for this one: random, with the beginning of the hash."""
    offline: bool = False
    """Whether it has no provider: the user runs the file and hands in the results."""
    file_id: str | None = None
    batch_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    completed: int | None = None
    """Number of requests that the provider states as answered."""
    refused_ids: tuple[str, ...] = ()
    """Batches of the same file that the provider created and refused for now."""
    problems: tuple[str, ...] = ()
    """Why the provider refused it, as far as that is known."""
    taken: Mapping[str, int] | None = None
    """Number of results by what came of them: see `Counts`."""

    @property
    def closed(self) -> bool:
        """Whether its requests are no longer under way in it."""
        return self.state == TAKEN or (self.state in (FAILED, CANCELLED) and self.taken is not None)

    @property
    def size(self) -> str:
        """The number of its requests in words."""
        return counted(self.requests, "request")

    @property
    def unsent(self) -> bool:
        """Whether it is still to be created at the provider, as far as is known."""
        return self.state in (WRITTEN, UPLOADED) or (self.state == FAILED and not self.closed)

    def record(self, at: str) -> dict[str, Any]:
        """The journal's record of this state."""
        return {"kind": BATCH, "at": at} | asdict(self)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Batch:
        """The batch of a record. Fields that this version does not know are ignored."""
        known = {field.name for field in fields(cls)}
        listed = {name: tuple(value) if isinstance(value, list) else value for name, value in record.items() if name in known}
        values: dict[str, Any] = listed
        return cls(**values)
