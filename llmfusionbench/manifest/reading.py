"""Reads a manifest and checks its form. `validate` lists the faults that everything else refuses."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from llmfusionbench.errors import LLMFusionBenchError, ReleaseError
from llmfusionbench.schema import check_version
from llmfusionbench.storage.address import Place
from llmfusionbench.storage.repeats import repeated
from llmfusionbench.types import PROVENANCES

MANIFEST: Final = "manifest.json"
MAX_BYTES: Final = 256 * 2**20
"""Largest manifest that is read; 100,000 files take less than a tenth of it."""

_MAX_DEPTH: Final = 32
_MOST_PART_BYTES: Final = 255
"""Longest name of a file or folder: what file systems can hold."""
_MOST_NAME_BYTES: Final = 1024
"""Longest name of a file with its folders."""
_SPLIT: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_AGAIN: Final = "Remedy: build or download the release again"


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of the release in directory `path`.

    Raises:
        ReleaseError: the manifest is missing, or cannot be read.
        SchemaError: it has a newer major version of the schemas.
    """
    manifest, faults = examine(path)
    if faults:
        raise faults[0]
    return manifest


def examine(path: Path) -> tuple[dict[str, Any], list[LLMFusionBenchError]]:
    """The manifest of the release in directory `path`, and the faults for which it is refused. With a fault, do not use it."""
    try:
        text = _read(path)
    except LLMFusionBenchError as error:
        return {}, [error]
    return parse(text, path / MANIFEST)


def parsed(text: bytes, place: Place) -> dict[str, Any]:
    """The manifest in `text`, which was read at `place`. Raises as `read_manifest`."""
    manifest, faults = parse(text, place)
    if faults:
        raise faults[0]
    return manifest


def parse(text: bytes, place: Place) -> tuple[dict[str, Any], list[LLMFusionBenchError]]:
    """The manifest in `text`, which was read at `place`, and the faults as of `examine`."""
    twice: list[str] = []
    try:
        manifest = _load(text, place, twice)
        check_version(manifest.get("schema_version"), str(place))
        for key in ("tables", "files"):
            if not isinstance(manifest.get(key), dict):
                raise ReleaseError(f"{place}: no {key}. {_AGAIN}")
    except LLMFusionBenchError as error:
        return {}, [error]
    keys = [f"the key {name!r} is given twice. Remedy: do not trust this release" for name in dict.fromkeys(twice)]
    return manifest, [ReleaseError(f"{place}: {fault}") for fault in [*keys, *faults_of(manifest)]]


def _read(path: Path) -> bytes:
    place = path / MANIFEST
    try:
        if place.exists() and not place.is_file():
            raise ReleaseError(f"{place}: not a regular file. {_AGAIN}")
        if (size := place.stat().st_size) > MAX_BYTES:
            raise ReleaseError(f"{place}: {size:,} bytes, expected at most {MAX_BYTES:,}. {_AGAIN}")
        return place.read_bytes()
    except FileNotFoundError as error:
        remedy = "Remedy: name the directory of a release, or make one with `llmfusionbench build`"
        raise ReleaseError(f"{path}: no release here, it has no {MANIFEST}. {remedy}") from error
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise ReleaseError(f"{place}: not readable as JSON ({error}). {_AGAIN}") from error


def _load(text: bytes, place: Place, twice: list[str]) -> dict[str, Any]:
    """The JSON object in the manifest; keys that are given twice are added to `twice`."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice.extend(shown(name) for name in repeated(name for name, _ in pairs))
        return found

    try:
        manifest = json.loads(text.decode("utf-8"), object_pairs_hook=unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ReleaseError(f"{place}: not readable as JSON ({error}). {_AGAIN}") from error
    if not isinstance(manifest, dict):
        raise ReleaseError(f"{place}: not a JSON object. {_AGAIN}")
    return manifest


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def faults_of(manifest: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the form of a manifest; at most one fault per entry."""
    folders = {str(folder) for name in manifest["files"] for folder in PurePosixPath(name).parents}
    for name in manifest["files"]:
        if (fault := _fault_of_name(name, folders)) is not None:
            yield f"file {shown(name)!r} {fault}. Remedy: do not trust this release"
    for entry in _malformed(manifest):
        yield f"the entry for {shown(entry)!r} is malformed. {_AGAIN}"
    for key, value in manifest.items():
        if (odd := odd_value(key) or odd_value(value)) is not None:
            yield f"{odd} in {shown(key)!r}. {_AGAIN}"


def _fault_of_name(name: str, folders: set[str]) -> str | None:
    """Why no file of a release can have this name, given all folders of the release."""
    if not is_inside(name):
        return "lies outside the release"
    sizes = [len(part.encode("utf-8", "surrogatepass")) for part in (*name.split("/"), name)]
    if max(sizes[:-1]) > _MOST_PART_BYTES or sizes[-1] > _MOST_NAME_BYTES:
        return f"has a name of {max(sizes):,} bytes, expected at most {_MOST_PART_BYTES} in each folder"
    if name in folders:
        return "is a folder of other files, too"
    return "is the manifest itself" if name == MANIFEST else None


def _malformed(manifest: dict[str, Any]) -> Iterator[str]:
    """The names of the entries whose contents are missing or of the wrong type."""
    for name, table in manifest["tables"].items():
        splits = table.get("splits") if isinstance(table, dict) else None
        if not isinstance(splits, dict) or not all(
            _SPLIT.fullmatch(split) and isinstance(counts, dict) and _is_count(counts.get("rows"))
            for split, counts in splits.items()
        ):
            yield name
    for name, entry in manifest["files"].items():
        if is_inside(name) and not _is_entry(entry):
            yield name
    source = manifest.get("source", {})
    if not isinstance(source, dict) or not all(isinstance(source.get(k), str | None) for k in ("name", "revision")):
        yield "source"
    provenance = manifest.get("provenance", [])
    if not isinstance(provenance, list) or not all(p in PROVENANCES for p in provenance):
        yield "provenance"
    if not isinstance(manifest.get("history", []), list):
        yield "history"


def _is_entry(entry: object) -> bool:
    """Whether `entry` says how large a file is, and what its digest is."""
    if not isinstance(entry, dict) or not all(map(_is_count, (entry.get("bytes"), entry.get("rows", 0)))):
        return False
    digest = entry.get("sha256")
    return isinstance(digest, str) and _SHA256.fullmatch(digest) is not None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def odd_value(value: object) -> str | None:
    """What no file that we write could take over from a manifest; None if there is nothing of it in `value`."""
    pending = [(value, 0)]
    while pending:
        part, depth = pending.pop()
        if depth > _MAX_DEPTH:
            return f"more than {_MAX_DEPTH} levels of nesting"
        if isinstance(part, dict):
            pending += [(inner, depth + 1) for pair in part.items() for inner in pair]
        elif isinstance(part, list):
            pending += [(inner, depth + 1) for inner in part]
        elif isinstance(part, str) and not _is_utf8(part):
            return "half a surrogate pair"
        elif isinstance(part, int) and not -(2**63) <= part < 2**63:
            return "an integer of more than 64 bits"
        elif isinstance(part, float) and not math.isfinite(part):
            return "an infinite number"
    return None


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def shown(name: str) -> str:
    """A name of any length, cut for a message."""
    return name if len(name) <= 120 else f"{name[:100]}... ({len(name):,} characters)"


def is_inside(name: str) -> bool:
    """Whether `name` is a plain relative path inside its directory."""
    path = PurePosixPath(name)
    plain = bool(path.parts) and str(path) == name and "\\" not in name and "\0" not in name
    return plain and not path.is_absolute() and ".." not in path.parts


def dump_manifest(manifest: dict[str, Any]) -> str:
    """The text of a manifest: keys sorted, so that the same contents give the same bytes."""
    return json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
