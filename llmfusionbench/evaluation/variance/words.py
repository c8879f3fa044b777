"""The sentences of a report about variance and the ceiling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_FEW: Final = 0.5
"""Share of cells with replicates below which the sentence gives their number."""


def conclusion(block: Mapping[str, Any], obstacle: str) -> str:
    """What the block `variance` of a report comes to.

    Args:
        block: Its other parts.
        obstacle: Why nothing can be estimated; empty if something can.
    """
    if obstacle:
        return f"The attainable ceiling cannot be told: {obstacle}."
    if block["ceiling"] is None:
        return (
            "The attainable ceiling cannot be told: no candidate has answered a query twice, so that luck cannot be told from "
            f"what a router could learn. {_planned(block)}"
        )
    oracle, luck, attainable = (block["ceiling"][part] for part in ("oracle", "luck", "attainable"))
    said = (
        f"The oracle gains {_gain(oracle['value'])} in performance over the best single candidate, "
        f"of which {_gain(luck['value'])} is luck; attainable is {_gain(attainable['value'])}{_interval(attainable)}"
    )
    first = next((router for router in block["routers"] if router["gain"]["value"] is not None), None)
    said += "." if first is None else f"; {first['name']} has {_gain(first['gain']['value'])}."
    least, most = (block["ceiling"][part]["value"] for part in ("at_least", "at_most"))
    said += f" Without assumptions about distributions, attainable is at least {max(least, 0.0):.3f} and at most {_gain(most)}."
    if block["replicated"] < _FEW * block["cells"]:
        said += (
            f" Luck is known from the {block['replicated']:,} of {block['cells']:,} pairs of query and candidate that have"
            " several answers."
        )
    if block["skipped_tasks"]:
        said += f" Tasks without replicates do not count: {', '.join(block['skipped_tasks'])}."
    return said if block["plan"] is None else f"{said} {_planned(block)}"


def _gain(value: float) -> str:
    """Three digits, without a sign for what is 0 in them."""
    return f"{round(value, 3) + 0.0:.3f}"


def _interval(figure: Mapping[str, Any]) -> str:
    return "" if figure["low"] is None else f" (95% interval {figure['low']:.3f} to {figure['high']:.3f})"


def _planned(block: Mapping[str, Any]) -> str:
    """The sentence about the number of queries and samples, to two significant digits."""
    plan = block["plan"]
    queries = int(float(f"{plan['queries']:.2g}"))
    return (
        f"About {queries:,} queries with {plan['samples']:g} answers per candidate would tell the ceiling to "
        f"\N{PLUS-MINUS SIGN}{plan['half_width']:g}."
    )
