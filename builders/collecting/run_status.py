"""How far a run of calls is, from its files; it may go on meanwhile, and is not changed."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from llmfusionbench._version import NAME
from llmfusionbench.builders.reading.failures import failure_text
from llmfusionbench.builders.reading.queries_file import read_queries
from llmfusionbench.builders.reading.run_files import JOURNAL, LOCK
from llmfusionbench.builders.reading.run_journal import RunAnswers, check_journal, places_of_run
from llmfusionbench.builders.reading.run_record import read_run
from llmfusionbench.redaction import redacted_message
from llmfusionbench.release.run_status import Failure, Rate, RunStatus, is_locked

_MEASURED: Final = 500
"""The newest outcomes, by which the rate is measured."""
_LONGEST: Final = 300
"""Characters of a reason that are shown."""


def collect_status(folder: Path) -> RunStatus:
    """The status of the run in a folder. A call that failed for good is counted as failed, unless it was answered since.

    Raises:
        InputError: it is not a run, or is damaged.
    """
    run = read_run(folder)
    check_journal(folder)
    answers, places = RunAnswers(folder / JOURNAL), places_of_run(run)
    known = {line["query_id"] for line in read_queries(folder, run)}
    failures = Counter(
        (place.llm, redacted_message(failure_text(record.get("error")) or "no reason is stated")[:_LONGEST])
        for place, record in answers.failures()
        if place in places
    )
    outcomes, total = answers.outcomes(known, places), len(known) * len(places)
    runs, rate = is_locked(folder / LOCK), _rate(answers.newest(_MEASURED))
    return RunStatus(
        command="collect",
        state="running" if runs else "idle",
        unit="calls",
        done=outcomes - failures.total(),
        total=total,
        options={"tasks": sorted(run["tasks"]), "replicates": run["replicates"], "llms": [e["name"] for e in run["llms"]]},
        failures=[Failure(llm, reason, count) for (llm, reason), count in failures.most_common()],
        rate=rate,
        seconds_left=(total - outcomes) / rate.per_minute * 60 if runs and rate is not None else None,
        started=_moment(run["created_at"]),
        resume=shlex.join([NAME, "collect", str(folder)]) if outcomes < total else None,
        place=str(folder),
    )


def _rate(records: Sequence[dict[str, Any]]) -> Rate | None:
    """The rate of the newest outcomes, between the first and the last of them."""
    moments = [moment for record in records if (moment := _moment(record.get("at"))) is not None]
    minutes = (max(moments) - min(moments)) / 60 if moments else 0.0
    if minutes <= 0:
        return None
    return Rate((len(moments) - 1) / minutes, None, f"the last {len(moments):,} calls, in {minutes:.1f} minutes")


def _moment(text: Any) -> float | None:
    """A time as seconds since 1970; None if the text is not a time."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):
        return None
