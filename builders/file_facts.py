"""Facts read from around a routing file: the split in its name, and the provenance in an export.json next to it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from ..errors import InputError, UnknownNameError
from ..files import sha256
from .json_input import stem

PROVENANCES: Final = ("collected", "imported", "simulated")

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
