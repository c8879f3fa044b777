"""What the manifest of the next version says of both releases: their sources, what changed, and what is odd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from llmfusionbench.builders.appending.plan import Plan
from llmfusionbench.builders.revising.carry import described
from llmfusionbench.release import Release, TableDiff
from llmfusionbench.release.card_parts import version_of
from llmfusionbench.release.history import without_texts
from llmfusionbench.types import SPLITS
from llmfusionbench.validation.issue import shorten

STEP: Final = "append"
_SHOWN: Final = 5


def changes_of(diffs: Sequence[TableDiff]) -> dict[str, Any]:
    """`changes` and `examples` for the history: the tables that differ, and the first rows, with short values but no texts."""
    changes = {
        d.table: {"added": d.added, "removed": d.removed, "changed": d.changed, "columns": d.columns} for d in diffs if d
    }
    examples = []
    for d in diffs:
        for example in d.examples:
            short: dict[str, Any] = {name: shorten(example[name]) for name in ("before", "after") if name in example}
            examples.append(without_texts({"table": d.table} | example | short))
    return {"changes": changes, "examples": examples}


def split_differences(plan: Plan) -> list[dict[str, Any]]:
    """The queries that the two releases have in different splits: their number by split, and the first ids."""
    old, new = plan.old.split, plan.new.split
    differ = np.flatnonzero((old >= 0) & (new >= 0) & (old != new))
    pairs, inverse = np.unique(old[differ] * len(SPLITS) + new[differ], return_inverse=True)
    found = []
    for number, pair in enumerate(pairs.tolist()):
        rows = differ[inverse.reshape(-1) == number]
        before, other = divmod(pair, len(SPLITS))
        first = plan.query_ids.take(rows[:_SHOWN]).to_pylist()
        kept = SPLITS[max(before, other)]
        found.append(
            {"release": SPLITS[before], "appended": SPLITS[other], "kept": kept, "queries": len(rows), "query_ids": first}
        )
    return found


def warnings_of(old: Release, new: Release, splits: Sequence[dict[str, Any]]) -> list[str]:
    """What a user of the next version must know of how it was put together."""
    said = mixed_provenance((old, new))
    for one in splits:
        count, kept = f"{one['queries']:,} quer{'y' if one['queries'] == 1 else 'ies'}", one["kept"]
        if one["release"] == "train":
            said.append(
                f"{count} of split train moved to {kept}, as the appended release holds them out: "
                "what was trained on the version before has seen them"
            )
        elif one["appended"] == "train":
            said.append(
                f"{count} of split train of the appended release stayed in {kept}: what was trained on it has seen them"
            )
    return said


def mixed_provenance(releases: Sequence[Release]) -> list[str]:
    """A warning if one of some releases has simulated answers, and another one real ones."""
    made_up = {i for i, release in enumerate(releases) if "simulated" in release.provenance}
    real = {i for i, release in enumerate(releases) if any(p != "simulated" for p in release.provenance)}
    if not made_up or not real or len(made_up | real) < 2:
        return []
    return ["simulated and real answers are in one release: tell them apart by provenance, and compare no LLM across them"]


def about(
    old: Release,
    new: Release,
    options: dict[str, Any],
    figures: dict[str, Any],
    warnings: Sequence[str],
) -> dict[str, Any]:
    """The entries of the manifest: those of the release, with the sources, provenance and warnings of both."""
    figures = {"version": version_of(old.manifest) + 1, "appended_manifest": new.manifest_sha256, **figures}
    entries = described(old, STEP, options, figures)
    entries["provenance"] = sorted({*old.provenance, *new.provenance})
    sources = [source for release in (old, new) for source in sources_of(release)]
    entries["sources"] = [source for i, source in enumerate(sources) if source not in sources[:i]]
    truths: dict[str, Any] = {**truths_of(new), **truths_of(old)}
    if truths:
        entries["source"] = {**entries.get("source", {}), "truths": truths}
    said = [*warnings_of_manifest(old), *warnings_of_manifest(new), *warnings]
    if said:
        entries["warnings"] = list(dict.fromkeys(said))
    return entries


def warnings_of_manifest(release: Release) -> list[str]:
    """The warnings that a manifest states."""
    said = release.manifest.get("warnings")
    return [line for line in said if isinstance(line, str)] if isinstance(said, list) else []


def sources_of(release: Release) -> list[Any]:
    """The sources of a release, each with the counts of its records."""
    said = release.manifest
    counts = {name: said[name] for name in ("records", "rejected") if name in said}
    return list(said["sources"]) if isinstance(said.get("sources"), list) else [{**said.get("source", {}), **counts}]


def truths_of(release: Release) -> dict[str, Any]:
    """Task -> how its ground truths were read, for those that were read."""
    read = (release.manifest.get("source") or {}).get("truths", {})
    if not isinstance(read, str):
        return dict(read) if isinstance(read, dict) else {}
    tasks = pc.unique(release.rows("queries", columns=["task"])["task"])
    return dict.fromkeys(sorted(tasks.to_pylist()), read)
