"""Facts read from around a routing file: the split in its name, and the provenance in an export.json next to it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.storage.files import sha256
from llmfusionbench.types import PROVENANCES

_SPLIT: Final = re.compile(r"(?<![a-z])(partial_test|train|test|validation|valid|val|dev)(?![a-z])")
_SPLITS: Final = {"train": "train", "test": "test"}
_EXPORT: Final = "export.json"
_LARGEST: Final = 16 << 20


def split_of_name(path: Path) -> str | None:
    """The split that the name of a file ends on; validation data are `partial_test`. None where it names none."""
    said = _SPLIT.findall(stem(path).lower())
    return _SPLITS.get(said[-1], "partial_test") if said else None


def provenance_beside(path: Path, given: str | None) -> str | None:
    """How the answers of a file came about: as given, else `simulated` if the export that wrote it says so; None if unknown.

    Raises:
        UnknownNameError: there is no such provenance.
        InputError: the page of the export beside it is damaged.
    """
    if given is not None:
        if given not in PROVENANCES:
            raise UnknownNameError("provenance", given, PROVENANCES)
        return given
    page = path.absolute().parent / _EXPORT
    if not page.is_file() or page.stat().st_size > _LARGEST:
        return None
    try:
        about = json.loads(page.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(f"{page}: cannot be read ({error}). Remedy: move it away, or --option provenance=NAME") from error
    tool = about.get("tool") if isinstance(about, dict) else None
    if not isinstance(tool, dict) or tool.get("name") != "llmfusionbench" or about.get("simulated") is not True:
        return None  # somebody else's, or nothing simulated
    files = about.get("files")
    entry = files.get(path.name) if isinstance(files, dict) else None
    return "simulated" if isinstance(entry, dict) and entry.get("sha256") == sha256(path) else None


def known_provenance(value: Any) -> str | None:
    """What a record says of its making, where it is one of our words for it."""
    return value if value in PROVENANCES else None


def labels(paths: Sequence[Path]) -> list[str]:
    """A name for each file: its base name, or as much of its path as tells it from the others."""
    full = [p.absolute().parts for p in paths]
    names = []
    for parts in full:
        depth = 1
        while depth < len(parts) and any(other[-depth:] == parts[-depth:] and other != parts for other in full):
            depth += 1
        names.append("/".join(parts[-depth:]))
    return names


def stem(path: Path) -> str:
    """The name of a file without `.json`, `.jsonl`, `.csv`, ... and without `.gz` or `.zst`."""
    name = path.name
    for endings in ((".gz", ".zst"), (".json", ".jsonl", ".csv", ".tsv", ".parquet", ".pq")):
        ending = next((e for e in endings if name.lower().endswith(e)), "")
        name = name[: len(name) - len(ending)] or name
    return name


def llm_names(paths: Sequence[Path]) -> list[str]:
    """The LLM that each file is named after, without `@provider` where that leaves them distinct."""
    whole = [stem(p) for p in paths]
    short = [name.split("@")[0] or name for name in whole]
    used: dict[str, set[str]] = {}
    for name, full in zip(short, whole, strict=True):
        used.setdefault(name, set()).add(full)
    return [name if len(used[name]) == 1 else full for name, full in zip(short, whole, strict=True)]
