"""The progress of a forecast: a bar in a terminal, plain lines where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from llmfusionbench.cli.console import progress, say, shows_bars

_CALLS: Final = "calls forecast"
"""The stage whose calls are counted before."""
_EVERY_S: Final = 30.0
"""Seconds between two plain lines, as of a collection."""


@contextmanager
def forecast_progress(
    counts: Mapping[str, int] | None, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[str, int], None]]:
    """Gives a function to call as tell(stage, done).

    Args:
        counts: LLM -> the number of the calls that are forecast; None if that is not known.
        clock: Seconds that only grow.
    """
    totals = {} if counts is None else {_CALLS: sum(counts.values())}
    due = clock() + _EVERY_S
    with progress() as bar:

        def tell(what: str, done: int) -> None:
            nonlocal due
            total = totals.get(what)
            bar(what, done, total)
            if clock() >= due and not shows_bars():
                due = clock() + _EVERY_S
                say(f"{what}: {done:,}" + ("" if total is None else f" of {total:,}"), err=True)

        yield tell
