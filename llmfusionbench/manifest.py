"""The manifest of a release: what it holds, from where, and the digest of every file."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any, Final

from .errors import ReleaseError
from .schema import check_version

MANIFEST: Final = "manifest.json"


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of the release in directory `path`.

    Raises:
        ReleaseError: there is none, or it cannot be read.
        SchemaError: it states a newer major version of the schemas.
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
    for name, entry in manifest["files"].items():
        if not is_inside(name) or not isinstance(entry, dict):
            raise ReleaseError(f"{place}: file {name!r} lies outside the release. Remedy: do not trust this release")
    return manifest


def is_inside(name: str) -> bool:
    """Whether `name` is a plain relative path that cannot climb out of its directory."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\\" not in name and "\0" not in name


def dump_manifest(manifest: dict[str, Any]) -> str:
    """The text of a manifest: keys sorted, so that the same contents give the same bytes."""
    return json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
