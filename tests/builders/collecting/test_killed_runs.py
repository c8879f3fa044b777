"""Runs that are killed 200 times: nothing answered is asked again, and what was paid and lost was in flight and is reported."""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter
from pathlib import Path

import pytest

from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.journal_state import JournalState, journal_records
from llmfusionbench.builders.reading.run_files import JOURNAL
from tests.helpers.counting_server import TOKENS, control, counting
from tests.helpers.importable import importable
from tests.helpers.killed_run import CONCURRENCY, OWN_EVENTS, SERVER_EVENTS, run_calls
from tests.helpers.run_calls import calls, repeats

KILLS = 200
CALLS = 2600


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int], dict[str, int]]:
    """A run that was killed, and then ended; requests per prompt in all, and when its answer was first found in the journal."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.helpers.killed_run"])
    folder, rng = tmp_path_factory.mktemp("run"), random.Random(14)
    prompts = {call.key: call.payload["messages"][0]["content"] for call in calls(CALLS)}
    events = [(SERVER_EVENTS + OWN_EVENTS)[kill % 6] for kill in range(KILLS)]
    rng.shuffle(events)
    first_seen: dict[str, int] = {}
    with counting() as port, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", importable()["PYTHONPATH"])  # so that the fork server imports once
        for event in (*events, ""):
            at = rng.randint(1, 4 if event == "sync" else 30)
            process = context.Process(target=run_calls, args=(folder, port, CALLS, event, at))
            process.start()
            process.join()
            assert process.exitcode == (-9 if event else 0), f"{event} {at}"
            state = JournalState()
            state.read(folder / JOURNAL)
            counts = control(port, "GET", "/counts")
            for key in state.answered.keys() - first_seen.keys():
                first_seen[key] = counts[prompts[key]]
    return folder, counts, {prompts[key]: seen for key, seen in first_seen.items()}


def test_every_call_is_answered(killed: tuple[Path, dict[str, int], dict[str, int]]) -> None:
    with RunJournal(killed[0]) as journal:
        assert journal.answered.keys() == {call.key for call in calls(CALLS)}
        assert not journal.failed
        assert journal.state.damaged == repeats(killed[0] / JOURNAL) == 0


def test_nothing_answered_was_asked_again(killed: tuple[Path, dict[str, int], dict[str, int]]) -> None:
    _, counts, first_seen = killed
    assert counts == first_seen


def test_what_was_paid_and_lost_was_in_flight_and_is_reported(killed: tuple[Path, dict[str, int], dict[str, int]]) -> None:
    folder, counts, _ = killed
    prompts = {call.key: call.payload["messages"][0]["content"] for call in calls(CALLS)}
    records = [record for _, record in journal_records(folder / JOURNAL) if record is not None and record["kind"] == "attempt"]
    recorded = Counter(prompts[record["key"]] for record in records)
    with RunJournal(folder) as journal:
        reported = Counter(prompts[lost.key] for lost in journal.lost)
        spent = journal.spent_usd
    lost = Counter(counts)
    lost.subtract(recorded)
    # An attempt may be reported that the server never saw: killed after its line, before its request.
    assert all(0 <= lost[prompt] <= reported[prompt] for prompt in counts)
    assert 0 < sum(lost.values()) <= sum(reported.values()) <= KILLS * CONCURRENCY
    assert spent >= sum(counts.values()) * TOKENS / 1e6
