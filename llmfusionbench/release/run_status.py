"""How far a run is, from what it keeps in its hidden directory. Nothing there is changed."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

from llmfusionbench._version import NAME, __version__
from llmfusionbench.release.run_record import LOG, WRITING, Ending, RunFacts
from llmfusionbench.release.shard_store import STATE, Receipt, receipts_in
from llmfusionbench.release.writer import LOCK
from llmfusionbench.validation.document import check_document

_VERSION: Final = "1.0"
_TABLES: Final = ("responses/", "judge_scores/")
"""The tables whose rows are counted: the first one of which a shard has a file."""


State = Literal["running", "stopped", "failed", "killed", "unfinished", "idle"]


@dataclass(frozen=True)
class Failure:
    """Something that failed in a run."""

    what: str | None
    """The shard, or the LLM whose calls failed; None if it was the run as a whole."""
    reason: str
    count: int = 1
    log: str | None = None
    """A file with the traceback."""


@dataclass(frozen=True)
class Rate:
    """How fast a run is, while it runs, or was."""

    per_minute: float
    """Shards, or calls."""
    rows_per_minute: float | None
    basis: str
    """What was measured, in words."""


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """One run that has not ended in a result yet."""

    command: str
    state: State
    """`killed`: its process ended without a word. `unfinished`: it runs, or was killed; a store has no locks that tell.
    `idle`: of a run of calls, which may be complete."""
    unit: Literal["shards", "calls"]
    done: int
    total: int | None
    """None until it is known."""
    stage: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    failures: Sequence[Failure] = ()
    rate: Rate | None = None
    seconds_left: float | None = None
    """At this rate; None if there is none yet, or it does not run."""
    started: float | None = None
    """Seconds since 1970."""
    host: str | None = None
    pid: int | None = None
    directory: str | None = None
    """Where its command was given."""
    resume: str | None = None
    """The command that resumes it."""
    place: str = ""
    """Where it keeps what is done."""

    @property
    def failed(self) -> int:
        """Number of shards or calls that have failed."""
        return sum(failure.count for failure in self.failures if failure.what is not None)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, with times as texts."""
        started = None if self.started is None else text_of(self.started)
        return asdict(self) | {"failed": self.failed, "started": started, "options": dict(self.options)}


def status_document(run: str, result: str | None, runs: Sequence[RunStatus]) -> dict[str, Any]:
    """The status of a place as plain data, in the form of status_schema.json.

    Args:
        run: The place, as the user has named it.
        result: What is there that is complete, such as `release`; None if there is nothing.
        runs: The runs that make it.
    """
    tool = {"name": NAME, "version": __version__}
    return {"version": _VERSION, "tool": tool, "run": run, "result": result, "runs": [one.to_dict() for one in runs]}


def check_status(data: Any) -> None:
    """Check plain data against status_schema.json. Raises InputError that names every violation."""
    text = resources.files("llmfusionbench.release").joinpath("status_schema.json").read_text(encoding="utf-8")
    check_document("status", data, json.loads(text))


def run_status(work: Path) -> RunStatus | None:
    """The status of the run with this hidden directory; None if it has no record that can be read."""
    facts = RunFacts.read(work)
    if facts is None:
        return None
    log = work / LOG
    return status_of(
        facts, receipts_in(work / STATE), str(work), runs=is_locked(work / LOCK), log=str(log) if log.is_file() else None
    )


def status_of(
    facts: RunFacts, receipts: Iterable[tuple[str, Receipt]], place: str, *, runs: bool | None, log: str | None
) -> RunStatus:
    """The status of a run by its record and its receipts.

    Args:
        facts: The record.
        receipts: The name of a shard and its receipt, of all that are kept; some may be stale by now.
        place: Where they are kept.
        runs: Whether the run goes on; None if that cannot be known where it has not recorded its end.
        log: The file with the traceback, if there is one.
    """
    ending = None if runs else facts.ending
    state = _state(ending, runs=runs)
    kept = [receipt for name, receipt in receipts if _is_planned(name, receipt, facts)]
    total = sum(facts.shards.values()) if facts.shards else None
    rate = _rate(kept, facts, time.time() if runs else None)
    goes_on = state in ("running", "unfinished")
    left = None if rate is None or total is None or not goes_on else max(0, total - len(kept)) / rate.per_minute * 60
    failures = [] if ending is None or ending.stopped else [Failure(ending.shard, ending.reason, log=log)]
    return RunStatus(
        command=facts.command,
        state=state,
        unit="shards",
        done=len(kept),
        total=total,
        stage=facts.stage,
        options=facts.options,
        failures=failures,
        rate=rate,
        seconds_left=left,
        started=facts.started,
        host=facts.host,
        pid=facts.pid,
        directory=facts.directory,
        resume=facts.line,
        place=place,
    )


def _state(ending: Ending | None, *, runs: bool | None) -> State:
    if ending is not None:
        return "stopped" if ending.stopped else "failed"
    return "unfinished" if runs is None else "running" if runs else "killed"


def is_locked(lock: Path) -> bool:
    """Whether a process holds the lock of a run."""
    try:
        with open(lock, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def text_of(moment: float) -> str:
    """A time as ISO 8601, UTC, to the second."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_planned(name: str, receipt: Receipt, facts: RunFacts) -> bool:
    """Whether a receipt is of a shard as the run plans them; its records may have changed since."""
    split, _, rest = name.partition("-")
    return receipt.settings == facts.settings and rest.endswith(f"-of-{facts.shards.get(split, -1):05d}")


def _rate(kept: Sequence[Receipt], facts: RunFacts, now: float | None) -> Rate | None:
    """The rate of the shards that this run has written; up to now, or, if it has ended, up to the last of them."""
    if facts.writing is None:
        return None
    begun = facts.writing
    new = [receipt for receipt in kept if receipt.finished > begun]
    end = max((receipt.finished for receipt in new), default=begun)
    minutes = ((now if now is not None and facts.stage == WRITING else end) - begun) / 60
    if not new or minutes <= 0:
        return None
    shards = "1 shard" if len(new) == 1 else f"{len(new):,} shards"
    return Rate(len(new) / minutes, sum(map(_rows, new)) / minutes, f"{shards} in {minutes:.1f} minutes")


def _rows(receipt: Receipt) -> int:
    for table in _TABLES:
        if rows := [entry["rows"] for name, entry in receipt.files.items() if name.startswith(table)]:
            return int(sum(rows))
    return 0
