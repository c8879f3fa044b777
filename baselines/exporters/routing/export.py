"""`export_routing`: a release as somebody else's routing data, whole or not at all, with a page that says what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import Any, Final

import numpy as np

from llmfusionbench import _version, plugins
from llmfusionbench.baselines.exporters.routing.formats import ROUTING_FORMATS
from llmfusionbench.baselines.exporters.routing.formats.format import RoutingFormat
from llmfusionbench.baselines.exporters.routing.selection import Selection, select
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release, open_release
from llmfusionbench.release.failures import MISSING, ZERO
from llmfusionbench.storage.directories import whole_directory
from llmfusionbench.storage.files import sha256
from llmfusionbench.storage.kinds import CARD, DirectoryKind, stated_in

MANIFEST: Final = "export.json"
"""The file that says what an export is."""

EXPORT_VERSION: Final = "1.0"


EXPORT: Final = DirectoryKind("routing export", stated_in(MANIFEST, "export_version", EXPORT_VERSION, besides=[CARD]))


@dataclass(frozen=True)
class RoutingExport:
    """What was written; stands for its folder where a path is wanted."""

    path: Path
    files: dict[str, int]
    """Name -> records in it."""
    queries: int
    candidates: list[str]
    cells: int
    """Cells with a performance."""
    missing: int
    """Cells without one."""
    provenance: list[str]
    reader: str | None
    """The source that reads it back."""
    about: dict[str, Any] = field(default_factory=dict, repr=False)
    """What export.json says."""

    def __fspath__(self) -> str:
        return str(self.path)


def export_routing(
    release: Release | str | Path,
    out: str | Path,
    *,
    format: str,  # noqa: A002 - the word for it
    split: str | None = None,
    candidates: Sequence[str] | None = None,
    threshold: float | None = None,
    failures: str = ZERO,
    overwrite: bool = False,
    **options: Any,
) -> RoutingExport:
    """Write the performance, and what else a format has room for, of every candidate on every query.

    Args:
        release: A release, or where one is.
        out: Folder of the export; it appears whole or not at all.
        format: One of `ROUTING_FORMATS`.
        split: All splits by default, each in a file of its own where the format has no place for its name.
        candidates: Some candidates, in this order; all by default, by name. RouteLLM's CSV is of two, the weak one first.
        threshold: The performance from which an answer is right, for formats that hold right and wrong only.
        failures: What a failed answer (status `error` or `empty`, without a score) counts as in performance and judge score:
            `zero`, or `missing`.
        overwrite: Replace an export that is there.
        options: Those of the format: `score` of fusionfactory; `router` (required) and `scenario` of routerarena.

    Raises:
        UnknownNameError: no such format, option, split, candidate or policy for failures.
        InputError: the format cannot hold what the release has, `out` is something else or cannot be written.
        ReleaseError: `release` is damaged.
    """
    made = plugins.find("formats", format, ROUTING_FORMATS, "routing format")
    if not callable(getattr(made, "write", None)):
        raise InputError(f'format plug-in "{format}" is not a routing format. Remedy: choose another --format')
    known = list(signature(made).parameters)
    for name in options:
        if name not in known:
            raise UnknownNameError(f"option of {format}", name, known)
    if threshold is not None and format not in ("routellm", "embedllm"):
        raise InputError(f"{format} holds performance as it is, got threshold {threshold}. Remedy: leave it out")
    writer = made(**options)
    opened = release if isinstance(release, Release) else open_release(release)
    selection = select(opened, split=split, candidates=candidates, threshold=threshold, failures=failures)
    with whole_directory(out, EXPORT, overwrite=overwrite, inputs=opened.inputs) as folder:
        files = writer.write(selection, folder)
        about = _about(selection, writer, format, options, files)
        (folder / CARD).write_text(_card(about), encoding="utf-8")
        about["files"] = {n: e | {"sha256": sha256(folder / n)} for n, e in about["files"].items()}
        about["card"] = {"sha256": sha256(folder / CARD)}
        (folder / MANIFEST).write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return RoutingExport(
        Path(out), files, about["queries"], selection.candidates, about["cells"], about["missing"],
        opened.provenance, writer.reader, about,
    )  # fmt: skip


def _about(
    selection: Selection, writer: RoutingFormat, name: str, options: Mapping[str, Any], files: Mapping[str, int]
) -> dict[str, Any]:
    release = selection.release
    performance = [selection.measures(split)["performance"] for split in selection.splits]
    missing = sum(int(np.isnan(p).sum()) for p in performance)
    return {
        "format": name,
        "export_version": EXPORT_VERSION,
        "tool": {"name": "llmfusionbench", "version": _version.__version__},
        "release": {
            "source": release.manifest.get("source", {}).get("name"),
            "revision": release.manifest.get("source", {}).get("revision"),
            "manifest_sha256": release.manifest_sha256,
        },
        "provenance": release.provenance,
        "simulated": "simulated" in release.provenance,
        "splits": {split: len(p) for split, p in zip(selection.splits, performance, strict=True)},
        "candidates": selection.candidates,
        "threshold": selection.threshold,
        "failures": selection.failures,
        "options": {name: str(value) if isinstance(value, Path) else value for name, value in options.items()},
        "queries": sum(len(p) for p in performance),
        "cells": sum(p.size for p in performance) - missing,
        "missing": missing,
        "holds": writer.holds,
        "missing_as": writer.missing,
        "lost": writer.lost,
        "read_back_by": writer.reader,
        "files": {n: {"records": records} for n, records in files.items()},
    }


def _card(about: Mapping[str, Any]) -> str:
    """The page of an export. Names of candidates stay out of it: they may be markup."""
    simulated = "SIMULATED: no LLM gave these answers, and they show nothing about any.\n\n" if about["simulated"] else ""
    splits = ", ".join(f"{split} {queries:,}" for split, queries in about["splits"].items())
    failures = {ZERO: "0", MISSING: "no performance"}[about["failures"]]
    threshold = "" if about["threshold"] is None else f"- right: a performance of {about['threshold']:g} or more\n"
    files = "".join(f"- `{name}`: {entry['records']:,} records\n" for name, entry in about["files"].items())
    back = f"`llmfusionbench build {about['read_back_by']}`" if about["read_back_by"] else "nothing: it holds no matrix"
    return (
        f"# Routing data in the format `{about['format']}`\n\n{simulated}"
        f"Written by llmfusionbench {about['tool']['version']} from a release with answers that are "
        f"{', '.join(about['provenance']) or 'of unknown making'}. Costs are in USD.\n\n"
        f"- queries: {splits}\n- candidates: {len(about['candidates'])}\n"
        f"- cells with a performance: {about['cells']:,}; without: {about['missing']:,}, written as {about['missing_as']}\n"
        f"- failed answers (`error`, `empty`) count as: {failures}\n"
        f"{threshold}- holds: {about['holds']}\n- has no place for: {about['lost']}\n- read back by: {back}\n\n{files}"
    )
