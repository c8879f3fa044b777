"""The progress of a collection: a live table in a terminal, plain lines where there is none, and a table at the end."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Final, NamedTuple, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from llmfusionbench.builders.collecting.calls import Attempt
from llmfusionbench.builders.collecting.shown import duration, usd
from llmfusionbench.builders.collecting.tally import UNKNOWN, Tally
from llmfusionbench.release.card_text import counted
from llmfusionbench.texts.printable import one_line

_REFRESHES: Final = 2
"""Pictures of the live table per second."""
_HEADER: Final = ("LLM", "done", "failed", "cut off", "in flight", "tokens", "cost", "per minute", "time left")
_COUNTS: Final = ("answered", "empty", "failed", "cut off", "not asked", "repeated", "input tokens", "output tokens")
_SUMMARY: Final = ("LLM", *_COUNTS, "cost")
_SHOWN: Final = 3
"""Reasons of failures that are shown of an LLM."""
_LEAST_S: Final = 1.0
"""Least seconds between two lines of an LLM."""
_LONGEST_S: Final = 3600.0
"""Most seconds between two signs of life while no answer comes."""


class Rows(NamedTuple):
    """A table to print."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[object, ...]]


class Board:
    """Shows how a collection is going; a context manager. It belongs to one event loop.

    Args:
        llms: Names of the LLMs, in the order of the rows; others are added when they come.
        max_cost: The cap on the cost, USD; None for none.
        spent: USD that were spent before.
        say: Prints one line, where there is no terminal; None prints no lines.
        console: Where the live table is drawn if it is a terminal; None for standard error.
        clock: Seconds that only grow.
        every_s: Seconds between the lines of an LLM. The line with which an LLM is complete comes at once.
    """

    def __init__(
        self,
        llms: Iterable[str] = (),
        *,
        max_cost: float | None = None,
        spent: float = 0.0,
        say: Callable[[str], None] | None = None,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        every_s: float = 30.0,
    ) -> None:
        self.max_cost, self.spent = max_cost, spent
        self.tallies: dict[str, Tally] = {llm: Tally(llm) for llm in llms}
        """LLM -> its counts."""
        self._say, self._console, self._clock, self._every = say, console, clock, every_s
        self._began = clock()
        self._due = self._began + every_s
        self._said: dict[str, tuple[str, float]] = {}
        """LLM -> its last line and the moment of it."""
        self._live: Live | None = None
        self._plain = False
        self._lock = threading.Lock()
        self._news_at = self._began
        """Moment of the last attempt that ended."""
        self._sign_s = every_s
        """Seconds without news after which the next sign of life is due."""
        self._failing: dict[str, tuple[int, str]] = {}
        """LLM -> (attempts that failed one after the other, why the last one did)."""
        self._ended = threading.Event()
        self._watch: threading.Thread | None = None

    def __enter__(self) -> Self:
        console = self._console or _Console(stderr=True)
        if console.is_terminal and not console.is_dumb_terminal and console.file.isatty():
            # Only the picture uses the terminal's control codes; it is removed at the end.
            self._live = Live(
                get_renderable=self.picture,
                console=console,
                refresh_per_second=_REFRESHES,
                transient=True,
                redirect_stdout=sys.stdout.isatty(),  # a file gets what is printed for it
            )
            self._live.start()
        else:
            self._plain = self._say is not None
        if self._plain:
            self._ended.clear()
            self._watch = threading.Thread(target=self._watched, name="board", daemon=True)
            self._watch.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._watch is not None:
            self._ended.set()
            self._watch.join()
            self._watch = None
        if self._plain:
            self._lines()
        self._plain = False

    @property
    def cost_usd(self) -> float:
        """USD spent, before this run and in it."""
        return self.spent + sum(tally.cost_usd for tally in list(self.tallies.values()))

    def expect(self, llm: str, n: int) -> None:
        """`n` further calls to an LLM are to be made."""
        self._tally(llm).expected += n

    def leave(self) -> None:
        """Expect only what has its outcome, and show no attempt in flight: what is left of the calls is expected later."""
        for tally in self.tallies.values():
            tally.expected, tally.in_flight = tally.finished, 0

    def started(self, llm: str) -> None:
        """An attempt at a call to an LLM begins."""
        self._tally(llm).start(self._clock())

    def finished(self, llm: str, attempt: Attempt, cost: float | None, final: bool, *, again: bool = False) -> None:
        """An attempt has ended.

        Args:
            llm: The LLM.
            attempt: What came of it.
            cost: What it counts for, USD; None if that is not known.
            final: Whether no further attempt at this call is made.
            again: Whether it is a further attempt at a call, not the first one.
        """
        now, tally = self._clock(), self._tally(llm)
        with self._lock:
            tally.end(attempt, cost, final, now, again=again)
            self._failing[llm] = (self._failing.get(llm, (0, ""))[0] + 1, attempt.error or UNKNOWN)
            if attempt.status != "error":
                del self._failing[llm]
            self._news_at, self._sign_s = now, self._every
            if self._plain:
                if now >= self._due:
                    self._lines()
                elif final and tally.complete and now - self._said.get(llm, ("", -math.inf))[1] >= _LEAST_S:
                    self._line(tally, now)

    def sign(self) -> None:
        """Print one line if no attempt has ended for a while although calls are left: what is waited for, and for how long, and
        why the last attempts at an LLM failed.

        The first one comes after `every_s` seconds, the next ones after twice as long each, at most an hour.
        """
        with self._lock:
            now, tallies = self._clock(), list(self.tallies.values())
            quiet = now - self._news_at
            if self._say is None or quiet < self._sign_s or not any(t.in_flight or t.expected > t.finished for t in tallies):
                return
            self._sign_s = quiet + min(quiet, _LONGEST_S)
            waits = [f"{one_line(t.llm)} asked to wait {duration(t.waits_until - now)}" for t in tallies if t.waits_until > now]
            due = [(t.llm, *self._failing[t.llm]) for t in tallies if t.llm in self._failing and not t.complete]
            failing = [f"{one_line(llm)}: {one_line(why)}, {count:,} in a row" for llm, count, why in due]
            n = sum(t.in_flight for t in tallies)
            what = f"{n:,} {'call' if n == 1 else 'calls'} in flight, no answer for {duration(quiet)}"
            self._say("; ".join([f"{self._total(now)}, {what}", *failing, *waits]))

    def _watched(self) -> None:
        with suppress(OSError):  # no one reads the lines any more
            while not self._ended.wait(min(self._every, _LEAST_S)):
                self.sign()

    def picture(self) -> Table:
        """The live table as it is now."""
        now, tallies = self._clock(), list(self.tallies.values())
        table = Table(header_style="bold", box=None, pad_edge=False, caption=Text(self._total(now)), caption_justify="left")
        for i, name in enumerate(_HEADER):
            table.add_column(Text(name), justify="right" if i else "left", overflow="ellipsis", no_wrap=True)
        for tally in tallies:
            table.add_row(*(Text(cell) for cell in _cells(tally, now)))
        return table

    def summary(self) -> Rows:
        """The table at the end: one row per LLM, and their sums if there are several."""
        rows = [_summary(one_line(tally.llm), [tally]) for tally in self.tallies.values()]
        if len(rows) > 1:
            rows.append(_summary("all", list(self.tallies.values())))
        took = duration(self._clock() - self._began)
        return Rows(f"Answers in {took}, {self._cost()}", _SUMMARY, rows)

    def failures(self) -> list[str]:
        """One line per LLM with calls that were given up: the most frequent reasons, each with its number of calls."""
        return [_failures(tally) for tally in self.tallies.values() if tally.failed]

    def _tally(self, llm: str) -> Tally:
        found = self.tallies.get(llm)
        if found is None:
            found = self.tallies[llm] = Tally(llm)
        return found

    def _lines(self) -> None:
        """Print a line per LLM of which there is news, and one for all."""
        now = self._clock()
        self._due = now + self._every
        news = [self._line(tally, now) for tally in self.tallies.values()]
        if any(news) and self._say is not None:
            self._say(self._total(now))

    def _line(self, tally: Tally, now: float) -> bool:
        """Print the line of an LLM; whether it is news."""
        llm, done, failed, cut, _, tokens, cost, rate, left = _cells(tally, now)
        facts = f"{done} done, {failed} failed, {cut} cut off, {tokens} tokens, {cost}"
        if self._say is None or not (tally.finished or tally.repeated) or self._said.get(tally.llm, ("", 0.0))[0] == facts:
            return False
        self._said[tally.llm] = (facts, now)
        self._say(f"{llm}: {facts}, {rate} per minute" + ("" if left == "-" or tally.complete else f", {left} left"))
        return True

    def _total(self, now: float) -> str:
        tallies = list(self.tallies.values())
        done, expected = sum(t.finished for t in tallies), sum(t.expected for t in tallies)
        left = [t.seconds_left(now) for t in tallies if t.expected > t.finished]
        known = [seconds for seconds in left if seconds is not None]
        text = f"all: {_of(done, expected)} finished, {self._cost()}"
        return f"{text}, {duration(max(known))} left" if known and len(known) == len(left) else text

    def _cost(self) -> str:
        unknown = sum(tally.cost_unknown for tally in list(self.tallies.values()))
        cost = self.cost_usd
        text = "cost not known" if unknown and not cost else f"{usd(cost)} spent"
        if self.max_cost is not None:
            share = f" ({cost / self.max_cost:.0%})" if self.max_cost else ""
            text = f"{usd(cost)} of {usd(self.max_cost)} spent{share}"
        if unknown and cost:
            text += f", the cost of {counted(unknown, 'attempt')} is not known"
        unknown = sum(tally.tokens_unknown for tally in list(self.tallies.values()))
        if unknown and any(tally.input_tokens or tally.output_tokens for tally in list(self.tallies.values())):
            text += f", the tokens of {counted(unknown, 'attempt')} are not known"
        return text


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """A terminal that is gone does not end the collection."""
        self.quiet = True


def _cells(tally: Tally, now: float) -> tuple[str, ...]:
    """The cells of the live table, as `_HEADER`."""
    rate, tokens = tally.per_minute(now), tally.input_tokens + tally.output_tokens
    return (
        one_line(tally.llm),
        _of(tally.answered, tally.expected),
        f"{tally.failed:,}",
        f"{tally.cut_off:,}",
        f"{tally.in_flight:,}",
        "-" if tally.tokens_unknown and not tokens else f"{tokens:,}",
        usd(None if tally.cost_unknown and not tally.cost_usd else tally.cost_usd),
        "-" if rate is None else f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}",
        "-" if tally.complete else duration(tally.seconds_left(now)),
    )


def _summary(name: str, tallies: list[Tally]) -> tuple[object, ...]:
    def total(column: str) -> int:
        return sum(getattr(tally, column) for tally in tallies)

    cost = sum(tally.cost_usd for tally in tallies)
    return (
        name,
        *(total(column) for column in ("answered", "empty", "failed", "cut_off")),
        max(0, total("expected") - total("finished")),
        total("repeated"),
        *("-" if total("tokens_unknown") and not total(name) else total(name) for name in ("input_tokens", "output_tokens")),
        usd(None if total("cost_unknown") and not cost else cost),
    )


def _failures(tally: Tally) -> str:
    shown = [f"{one_line(reason)} ({n:,})" for reason, n in tally.reasons.most_common(_SHOWN)]
    others = tally.failed - sum(n for _, n in tally.reasons.most_common(_SHOWN))
    shown += [f"other reasons ({others:,})"] if others else []
    return f"{one_line(tally.llm)}: {tally.failed:,} failed: {'; '.join(shown)}"


def _of(n: int, expected: int) -> str:
    return f"{n:,} of {expected:,}" if expected else f"{n:,}"
