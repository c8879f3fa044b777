"""The files of a run that collects answers: their names, and what their records hold.

A run is a directory. `journal.jsonl` is only ever appended to; all else is written beside and renamed.
"""

from __future__ import annotations

from typing import Final

RUN: Final = "run.json"
"""What was asked for: version, tasks, modes, replicates, endpoints without keys, prices."""
QUERIES: Final = "queries.jsonl"
"""The queries: one `Query` of builders/tasks/query.py a line, with its `query_id`."""
JOURNAL: Final = "journal.jsonl"
"""One line for everything that happened, with the CRC-32 of the line (`crc`) at its end; the kinds of lines are below."""
LOCK: Final = "run.lock"
WORKERS: Final = "workers"
"""Directory with a folder for each worker while several ask. Each has a journal, whose lines come to that of the run."""

LINE_BYTES: Final = 64 * 2**20
"""The longest line of a journal. All who read one have this limit: a longer line counts as damaged."""
REPLY_BYTES: Final = 24 * 2**20
"""The longest reply of a server, so that its line is shorter than `LINE_BYTES`. In a line, texts are up to half as long again,
since a secret of 6 characters becomes `[secret]`, and UTF-16 becomes UTF-8. Settings of a query have up to 16 MiB beside it."""

SENT: Final = "sent"
"""An attempt begins: kind, key, llm, attempt (from 1), worst_usd, and batch if it travels in one. In flight until an `attempt`
with this key and number."""
ATTEMPT: Final = "attempt"
"""What came of it: kind, key, llm, attempt, final, status, finish_reason, cost_usd, at, slot, replicate, requested_model,
settings, and the other fields of `Attempt`; the long texts come last."""
USE: Final = "use"
"""A further slot of a request that was answered already: kind, key, slot."""
BATCH: Final = "batch"
"""What became of a batch of a provider: kind, batch, llm, state, at, and what the state needs."""
CHANGED: Final = "changed"
"""An LLM without answers is asked with other settings from here on: kind, llm. Its failures so far no longer count."""
LOST: Final = "lost"
"""The user has the report of an attempt that was in flight when an earlier run ended: kind, key, attempt."""
