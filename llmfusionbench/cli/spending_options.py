"""Options of the commands that ask an LLM and must not spend too much on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..spending import Usage

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--input-price", type=float, metavar="USD", help="Price per million input tokens, USD."),
    click.option("--output-price", type=float, metavar="USD", help="Price per million output tokens, USD."),
    click.option("--max-cost", type=float, metavar="USD", help="Maximum cost of this run, USD; needs both prices."),
    click.option("--max-requests", type=int, metavar="N", help="Maximum number of requests in this run."),
    click.option("--max-total-tokens", type=int, metavar="N", help="Maximum number of tokens in this run, input plus output."),
)


def spending_options(function: Function) -> Function:
    """Give a command the options that bound what a run takes."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def usage_rows(usage: Usage) -> list[list[object]]:
    """What a run took: figure and count."""
    rows: list[list[object]] = [["requests", usage.requests], ["replies taken up from an earlier run", usage.taken_up]]
    rows += [["input tokens", usage.input_tokens], ["output tokens", usage.output_tokens]]
    return rows + ([["requests with estimated tokens", usage.estimated]] if usage.estimated else [])


def cost_line(usage: Usage) -> str | None:
    """What a run cost; None where prices were not given."""
    return None if usage.cost_usd is None else f"Cost of this run: {usage.cost_usd:.6f} USD at the prices given."
