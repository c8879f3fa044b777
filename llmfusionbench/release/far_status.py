"""How far a run is that writes to a store, from what it keeps in its unfinished release."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from llmfusionbench.errors import InputError
from llmfusionbench.manifest import MANIFEST
from llmfusionbench.redaction import public_url
from llmfusionbench.release.run_record import LOG, RECORD, RunFacts
from llmfusionbench.release.run_status import RunStatus, status_of
from llmfusionbench.release.shard_store import Receipt, shard_of
from llmfusionbench.release.targets import STATE
from llmfusionbench.remote.object_writer import ObjectWriter

_NO_RUNS: Final = ("hf", "http", "https")
"""Protocols of places where no run writes."""


def far_status(url: str) -> tuple[bool, list[RunStatus]]:
    """(whether a complete release is there, the run that makes it, if there is one).

    Raises:
        InputError: the store does not answer, or no run writes to such a place.
        MissingExtraError: the package for the protocol is not installed.
    """
    if url.partition("://")[0].lower() in _NO_RUNS:
        raise InputError(f"{public_url(url)}: no run writes there. Remedy: name the --out of a build, rescore or tokens")
    store = ObjectWriter(url)
    found = store.stored(STATE)
    facts = RunFacts.parsed(store.load(f"{STATE}/{RECORD}"))
    runs = []
    if facts is not None:
        log = str(store.address / f"{STATE}/{LOG}") if f"{STATE}/{LOG}" in found else None
        runs = [status_of(facts, _receipts(store, facts, found), str(store.address / STATE), runs=None, log=log)]
    return store.about(MANIFEST) is not None, runs


def _receipts(store: ObjectWriter, facts: RunFacts, found: Iterable[str]) -> Iterator[tuple[str, Receipt]]:
    """The name of a shard and its receipt, of all that the settings of the run have made."""
    folder = f"{STATE}/{(facts.settings or '')[:16]}/"
    for name in sorted(found):
        if name.startswith(folder) and (shard := shard_of(name.removeprefix(folder))) is not None:
            receipt = Receipt.parsed(store.load(name))
            if receipt is not None:
                yield shard, receipt
