"""Where the calls are that batches have not brought back: at a provider, not submitted, or in files for `vllm run-batch`."""

from __future__ import annotations

import shlex
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from llmfusionbench.builders.collecting.batch_files import BatchFiles, lines_in
from llmfusionbench.builders.collecting.batch_states import Batch
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.release.card_text import counted

_NAMED: Final = 5
"""Files that are named; the number of the others follows."""


@dataclass(frozen=True)
class Places:
    """Calls without an outcome that are in batches; each counts once."""

    at_provider: int = 0
    """In batches that were submitted."""
    unsent: int = 0
    """In batches that are not known to be submitted."""
    in_files: int = 0
    """In files for `vllm run-batch`."""
    lost: int = 0
    """In batches that the journal has no record of, because it is damaged."""
    files: Sequence[Path] = ()
    """These files of requests."""
    llms: Sequence[str] = ()
    """The LLMs of these files."""

    @property
    def these_files(self) -> str:
        """The files in words."""
        return "this file" if len(self.files) == 1 else "these files"

    def reasons(self) -> list[str]:
        """Why these calls have no outcome, for the user. Each text is about some of the calls that were named before."""
        found = []
        if self.in_files:
            where = f"{counted(len(self.files), 'file')}: {', '.join(map(str, self.files[:_NAMED]))}"
            where += f" and {len(self.files) - _NAMED:,} more" if len(self.files) > _NAMED else ""
            wait = "waits" if self.in_files == 1 else "wait"
            found.append(f"{self.in_files:,} of them {wait} for vllm run-batch in {where}")
        if self.at_provider:
            found.append(f"{self.at_provider:,} of them {_in_batches(self.at_provider)} of the provider")
        if self.unsent:
            known = "that is not known to be submitted" if self.unsent == 1 else "that are not known to be submitted"
            found.append(f"{self.unsent:,} of them {_in_batches(self.unsent)} {known}")
        if self.lost:
            them = "it" if self.lost == 1 else "them"
            found.append(f"{self.lost:,} of them {_in_batches(self.lost)} that the journal has lost; --batch asks {them} again")
        return found


def places_of(journal: RunJournal, keys: Container[str]) -> Places:
    """Where the calls with these keys are, as far as they are in batches.

    Args:
        journal: Journal of the run, entered.
        keys: Keys of calls.
    """
    batches = {name: Batch.of(record) for name, record in journal.state.batches.items()}
    inside = [batches.get(name) for key, (name, _, _) in journal.state.in_batches().items() if key in keys]
    known = [batch for batch in inside if batch is not None]
    offline = dict(sorted({batch.batch: batch for batch in known if batch.offline}.items(), key=_number))
    in_files = sum(batch.offline for batch in known)
    unsent = sum(batch.unsent and not batch.offline for batch in known)
    return Places(
        at_provider=len(known) - in_files - unsent,
        unsent=unsent,
        in_files=in_files,
        lost=len(inside) - len(known),
        files=tuple(BatchFiles(journal.folder, name).requests for name in offline),
        llms=tuple(dict.fromkeys(batch.llm for batch in offline.values())),
    )


def _number(item: tuple[str, Batch]) -> tuple[int, str]:
    """What batches are sorted by: the number in their names, since LLMs write theirs at the same time."""
    number = item[0].rpartition("-")[2]
    return (int(number) if number.isdecimal() else 0, item[0])


def to_do(batch: Batch, files: BatchFiles) -> str:
    """What the user has to do with a file of requests."""
    lines = lines_in(files.output)
    if lines:
        return (
            f"{batch.llm}: {files.output} has {lines:,} of {counted(batch.requests, 'result')}. Wait until the rest is there, "
            "or take what it has with --batch-results"
        )
    command = shlex.join(["vllm", "run-batch", "-i", str(files.requests), "-o", str(files.output), "--model", files.model])
    return f"{batch.llm}: run `{command}`, then start the same command again"


def _in_batches(number: int) -> str:
    return "is in a batch" if number == 1 else "are in batches"
