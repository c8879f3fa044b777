"""The manifest of a release: its contents, its source and the digest of every file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from llmfusionbench.errors import ReleaseError
from llmfusionbench.schema import check_version

MANIFEST: Final = "manifest.json"


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of the release in directory `path`.

    Raises:
        ReleaseError: the manifest is missing, or cannot be read.
        SchemaError: it has a newer major version of the schemas.
    """
    place = path / MANIFEST
    try:
        manifest = json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        remedy = "Remedy: name the directory of a release, or make one with `llmfusionbench build`"
        raise ReleaseError(f"{path}: no release here, it has no {MANIFEST}. {remedy}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ReleaseError(f"{place}: not readable as JSON ({error}). Remedy: build or download the release again") from error
    if not isinstance(manifest, dict):
        raise ReleaseError(f"{place}: not a JSON object. Remedy: build or download the release again")
    check_version(manifest.get("schema_version"), str(place))
    for key in ("tables", "files"):
        if not isinstance(manifest.get(key), dict):
            raise ReleaseError(f"{place}: no {key}. Remedy: build or download the release again")
    for name in manifest["files"]:
        if not is_inside(name):
            raise ReleaseError(f"{place}: file {name!r} lies outside the release. Remedy: do not trust this release")
    for entry in _malformed(manifest):
        raise ReleaseError(f"{place}: the entry for {entry!r} is malformed. Remedy: build or download the release again")
    return manifest


def _malformed(manifest: dict[str, Any]) -> Iterator[str]:
    """The names of the entries whose contents are missing or of the wrong type."""
    for name, table in manifest["tables"].items():
        splits = table.get("splits") if isinstance(table, dict) else None
        if not isinstance(splits, dict) or not all(isinstance(s, dict) and _is_count(s.get("rows")) for s in splits.values()):
            yield name
    for name, entry in manifest["files"].items():
        counts = (entry.get("bytes"), entry.get("rows", 0)) if isinstance(entry, dict) else (None,)
        if not all(map(_is_count, counts)) or not isinstance(entry.get("sha256"), str):
            yield name
    if not isinstance(manifest.get("source", {}), dict):
        yield "source"
    provenance = manifest.get("provenance", [])
    if not isinstance(provenance, list) or not all(isinstance(p, str) for p in provenance):
        yield "provenance"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_inside(name: str) -> bool:
    """Whether `name` is a plain relative path inside its directory."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\\" not in name and "\0" not in name


def dump_manifest(manifest: dict[str, Any]) -> str:
    """The text of a manifest: keys sorted, so that the same contents give the same bytes."""
    return json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
