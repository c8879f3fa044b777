"""Attempts whose cost was not known when they ended: what they are worth at prices that became known later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from llmfusionbench.builders.collecting.budget import PICO, rates_on
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.lines import Tokens
from llmfusionbench.builders.collecting.shown import usd
from llmfusionbench.texts.printable import one_line


class Worth(NamedTuple):
    """What attempts of unknown cost are worth at the prices that are known."""

    usd: dict[str, float]
    """LLM -> USD of its attempts with known tokens."""
    priced: Counter[str]
    """LLM -> the number of them."""
    unknown: Counter[str]
    """LLM -> its attempts without known tokens or without a price, which count nothing."""

    def notes(self) -> list[str]:
        """Lines for the user of a cap on the cost."""
        found = []
        if n := self.priced.total():
            names = ", ".join(f"{one_line(llm)} ({usd(amount)})" for llm, amount in self.usd.items())
            what = "1 earlier attempt of unknown cost counts" if n == 1 else f"{n:,} earlier attempts of unknown cost count"
            found.append(f"Note: {what} against the cap by tokens, at the prices known now: {names}.")
        if n := self.unknown.total():
            names = ", ".join(f"{one_line(llm)} ({one:,})" for llm, one in self.unknown.items())
            what = "1 attempt" if n == 1 else f"{n:,} attempts"
            found.append(
                f"Warning: {what} of unknown cost {'is' if n == 1 else 'are'} not in the cap: {names}. Their price or their "
                "tokens are not known. Remedy: give prices in the file of LLMs, and choose the cap lower by what the rest may "
                "have cost"
            )
        return found


@dataclass
class Unpriced:
    """The sums of such attempts, a few numbers per LLM and day."""

    _sums: dict[tuple[str, str, bool], tuple[int, int, int]] = field(default_factory=dict)
    """(LLM, day, whether in a batch) -> (attempts, input tokens, output tokens)."""
    _without_tokens: Counter[str] = field(default_factory=Counter)

    def add(self, llm: str, tokens: Tokens) -> None:
        """Count an attempt."""
        if tokens.input is None or tokens.output is None:
            self._without_tokens[llm] += 1
            return
        key = (llm, tokens.day, tokens.batch)
        n, asked, said = self._sums.get(key, (0, 0, 0))
        self._sums[key] = (n + 1, asked + tokens.input, said + tokens.output)

    def worth(self, endpoints: Mapping[str, Endpoint]) -> Worth:
        """What they are worth.

        The price is that of the day of an attempt, as a budget takes it, or the dearest one if none counts from that day.

        Args:
            endpoints: LLM -> its endpoint, of those whose prices may be known.
        """
        pico: Counter[str] = Counter()  # whole numbers, so that sums are exact
        priced: Counter[str] = Counter()
        unknown = self._without_tokens.copy()
        for (llm, day, batch), (n, asked, said) in self._sums.items():
            endpoint = endpoints.get(llm)
            rates = None if endpoint is None else rates_on(endpoint, _date(day), batch=batch)
            if rates is None:
                unknown[llm] += n
            else:
                pico[llm] += asked * rates[0] + said * rates[1]
                priced[llm] += n
        return Worth({llm: amount / PICO for llm, amount in pico.items()}, priced, unknown)


def price_of(tokens: Tokens | None, endpoint: Endpoint | None) -> float | None:
    """USD of one such attempt, by the same rule; None if its tokens or its price are not known."""
    if tokens is None or endpoint is None:
        return None
    rates = rates_on(endpoint, _date(tokens.day), batch=tokens.batch)
    if rates is None or tokens.input is None or tokens.output is None:
        return None
    return (tokens.input * rates[0] + tokens.output * rates[1]) / PICO


def _date(day: str) -> date | None:
    """The day of a label; None for a label that states none."""
    try:
        return date.fromisoformat(day)
    except ValueError:
        return None
