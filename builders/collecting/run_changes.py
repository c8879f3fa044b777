"""LLMs of a run that are asked with other settings than before, which is possible only where they have no answers yet.

The key of a request covers its body and its address. With other settings every call to the LLM is another request, so all of
its calls are asked, and what failed with the former settings no longer counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llmfusionbench.builders.collecting.batch_ledger import Ledger
from llmfusionbench.builders.collecting.batch_states import CANCELLED, WRITTEN, Batch
from llmfusionbench.builders.collecting.batch_taking import NOT_SENT, Taking
from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.journal_state import JournalState
from llmfusionbench.builders.collecting.records import changed_record
from llmfusionbench.builders.reading.run_files import JOURNAL
from llmfusionbench.builders.reading.run_journal import RunAnswers
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten

Entry = Mapping[str, Any]
"""What `run.json` has of an LLM."""


def check_changes(
    folder: Path, before: Sequence[Entry], now: Sequence[Entry], journal: RunJournal | None = None
) -> dict[str, str]:
    """LLM -> how it would be asked otherwise than before, of those where that is possible.

    Args:
        folder: The run.
        before: The LLMs that the run has.
        now: All LLMs, with what is asked for.
        journal: The journal of the run, entered; None to read the file.

    Raises:
        InputError: an LLM has answers with the former settings, or a batch with them is under way.
    """
    former = {entry["name"]: entry for entry in before}
    found = {entry["name"]: _differences(former[entry["name"]], entry) for entry in now if entry["name"] in former}
    changes = {llm: differences for llm, differences in found.items() if differences}
    path = folder / JOURNAL
    if not changes or not path.is_file():
        return {llm: _shown(differences.values()) for llm, differences in changes.items()}
    answered = RunAnswers(path).answered()
    batches = {batch.llm: batch for batch in _under_way(journal.state if journal else _state(path)) if not _is_unsent(batch)}
    for llm, differences in changes.items():
        modes = answered.get(llm, set())
        mixed = [texts for mode, texts in differences.items() if modes and mode in {None, *modes}]
        if mixed:
            raise InputError(
                f"{folder}: the run has answers of {llm} with other settings ({_shown(mixed)}), and one release would mix "
                "both. Remedy: give the LLM another name for these settings, choose another --out, or ask cut-off answers "
                "again with --retry length --max-tokens"
            )
        if llm in batches:
            raise InputError(
                f"{folder}: batch {batches[llm].batch} of {llm} is under way with other settings "
                f"({_shown(differences.values())}). Remedy: take its results first with llmfusionbench collect {folder} "
                "--batch, give the LLM another name for these settings, or choose another --out"
            )
    return {llm: _shown(differences.values()) for llm, differences in changes.items()}


def note_changes(journal: RunJournal, llms: Iterable[str]) -> None:
    """Give up the batches of these LLMs that no provider has, and record that their failures so far no longer count.

    Raises:
        InputError: the journal cannot be written, or a file of a batch is missing or was changed.
    """
    for llm in llms:
        for batch in _under_way(journal.state):
            if batch.llm == llm and _is_unsent(batch):
                _give_up(journal, batch)
        journal.add(changed_record(llm))


def _give_up(journal: RunJournal, batch: Batch) -> None:
    endpoint = Endpoint(name=batch.llm, url="", model="")  # an attempt that was not made costs nothing, whatever the prices
    budget = Budget(None, [endpoint], today=datetime.now(UTC).date())
    ledger = Ledger(journal, budget, Board(), {batch.llm: endpoint}, lambda line: None)
    ledger.files(batch).check(batch.sha256)
    counts = Taking(batch, ledger, lambda key: False).finish(NOT_SENT)
    ledger.note_state(batch, CANCELLED, taken=counts.as_record())


def _is_unsent(batch: Batch) -> bool:
    """Whether a batch is only a file of this run, which was not uploaded, and which the user was not asked to run."""
    return batch.state == WRITTEN and not batch.offline


def _under_way(state: JournalState) -> Iterator[Batch]:
    found = [Batch.of(record) for record in state.batches.values()]
    return (batch for batch in found if not batch.closed)


def _state(path: Path) -> JournalState:
    state = JournalState()
    state.read(path)
    return state


def _differences(before: Entry, now: Entry) -> dict[str | None, list[str]]:
    """Mode -> what is different in it; None -> another address, which concerns all modes."""
    found: dict[str | None, list[str]] = {}
    if before["address"] != now["address"]:
        found[None] = [f"the address is {now['address']}, not {before['address']}"]
    for mode, body in before["modes"].items():
        new = now["modes"][mode]
        texts = [
            f"{name} in {mode} mode is {shorten(new.get(name))}, not {shorten(body.get(name))}"
            for name in sorted(body.keys() | new.keys())
            if body.get(name) != new.get(name)
        ]
        if texts:
            found[mode] = texts
    return found


def _shown(differences: Iterable[Sequence[str]]) -> str:
    texts = [text for some in differences for text in some]
    return texts[0] + (f" and {len(texts) - 1} more" if len(texts) > 1 else "")
