"""LLMs of a run whose requests are the same, so that one answer would be for both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.calls import call_key
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.payload import payload_of
from llmfusionbench.errors import InputError
from llmfusionbench.types import THINK
from llmfusionbench.validation.issue import shorten


def check_different(llms: Iterable[Mapping[str, Any]], endpoints: Sequence[Endpoint]) -> None:
    """Raise InputError if two LLMs would be asked the same of the same server in some mode.

    Equal requests are made once. So one LLM would have no calls of its own, and its answers would have the price of the other.
    Modes differ by their prompt only if one of them is `think`.

    Args:
        llms: What `run.json` has of each LLM.
        endpoints: Those of them that are asked for now; their settings are whole, also where a secret is in them.
    """
    whole = {endpoint.name: endpoint for endpoint in endpoints}
    first: dict[tuple[str, bool], tuple[str, str]] = {}
    for entry in llms:
        name, endpoint = entry["name"], whole.get(entry["name"])
        address = entry["address"] if endpoint is None else Caller(endpoint).address
        for mode, kept in entry["modes"].items():
            body = {"messages": [], **kept} if endpoint is None else payload_of(endpoint, [], mode)
            other, in_mode = first.setdefault((call_key(address, body), mode == THINK), (name, mode))
            if other != name:
                modes = f"{mode} mode" if mode == in_mode else f"{in_mode} and {mode} mode"
                raise InputError(
                    f"LLMs {shorten(other)} and {shorten(name)} are the same model with the same settings at one server, in "
                    f"{modes}, so one answer would be for both. Remedy: leave one out, or give them different settings; "
                    "--replicates asks an LLM several times"
                )
