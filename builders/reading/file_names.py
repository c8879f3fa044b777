"""What the names of log files and their surroundings state: split, LLM, and the provenance in an export.json next to them."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path, PurePath
from typing import Any, Final

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.storage.files import sha256
from llmfusionbench.types import PROVENANCES, SPLITS, Candidate

_SPLIT: Final = re.compile(r"(?<![a-z])(partial_test|train|test|validation|valid|val|dev)(?![a-z])")
# train.csv, data/train-00000-of-00002.parquet (splits), or train/data.csv, train/data-00000-of-00001.parquet (configs).
_PUBLISHED: Final = re.compile(r"(train|partial_test|test)(?:-\d+-of-\d+)?")
_SHARD: Final = re.compile(r"(?:data|part)?-?(?:\d+(?:-of-\d+)?)?")
EXPORT: Final = "export.json"
_LARGEST: Final = 16 << 20
_SIGNS: Final = re.compile(r"(?:\[[^\]]*\])+")
"""Sets of characters in a pattern of names, such as the digits of a uuid."""
_SHOWN: Final = 5
"""Number of patterns of file names that a message shows."""
HOSTS: Final = ("llms", "replicates")
"""What several hosts of one LLM are."""


def split_of_name(path: Path) -> str | None:
    """The split named last in the name of a file; validation data are `partial_test`. None if it names none."""
    named = _named(stem(path))
    return None if not named else named[-1] if named[-1] in SPLITS else "partial_test"


def split_of_place(path: Path) -> str:
    """The split named by a file, else by its folder or the folder above; a folder may be called `dev` for other reasons.

    Raises:
        InputError: none of them names a split.
    """
    folders = [word for folder in path.absolute().parents[:2] for word in reversed(_named(folder.name))]
    named = split_of_name(path) or next((word for word in folders if word in SPLITS), None)
    if named is None:
        raise InputError(f"{path}: its name states no split. Remedy: set --split to train, test or partial_test")
    return named


def split_of_published(path: PurePath) -> str | None:
    """The split that a path in the official repository stands for: its whole name, or the folder of a `data` file."""
    name = path.name.partition(".")[0]
    match = _PUBLISHED.fullmatch(name)
    if match is None and _SHARD.fullmatch(name):
        match = _PUBLISHED.fullmatch(path.parent.name)
    return match and match[1]


def _named(name: str) -> list[str]:
    found: list[str] = _SPLIT.findall(name.lower().replace("-", "_"))
    return found


def provenance_beside(path: Path, given: str | None) -> str | None:
    """The provenance of a file's answers: as given, else `simulated` if the export that wrote the file states it, else None.

    Raises:
        UnknownNameError: `given` is not a provenance.
        InputError: the export.json next to the file is damaged.
    """
    if given is not None:
        if given not in PROVENANCES:
            raise UnknownNameError("provenance", given, PROVENANCES)
        return given
    page = path.absolute().parent / EXPORT
    if not page.is_file() or page.stat().st_size > _LARGEST:
        return None
    try:
        about = json.loads(page.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(f"{page}: cannot be read ({error}). Remedy: move it away, or set --option provenance=NAME") from error
    tool = about.get("tool") if isinstance(about, dict) else None
    if not isinstance(tool, dict) or tool.get("name") != "llmfusionbench" or about.get("simulated") is not True:
        return None  # not ours, or not simulated
    files = about.get("files")
    entry = files.get(path.name) if isinstance(files, dict) else None
    return "simulated" if isinstance(entry, dict) and entry.get("sha256") == sha256(path) else None


def known_provenance(value: Any) -> str | None:
    """The provenance that a record states, if it is one of ours."""
    return value if value in PROVENANCES else None


def labelled(paths: Sequence[Path]) -> Iterable[tuple[Path, str]]:
    """The files, each with its name in messages and rejected records."""
    return zip(paths, labels(paths), strict=True)


def labels(paths: Sequence[Path]) -> list[str]:
    """A name for each file: its base name, or as much of its path as distinguishes it from the others."""
    full = [p.absolute().parts for p in paths]
    depth = dict.fromkeys(full, 1)
    unclear = list(depth)
    while unclear:
        shared = Counter(parts[-depth[parts] :] for parts in unclear)
        unclear = [parts for parts in unclear if shared[parts[-depth[parts] :]] > 1 and depth[parts] < len(parts)]
        depth |= {parts: depth[parts] + 1 for parts in unclear}
    return ["/".join(parts[-depth[parts] :]) for parts in full]


def files_in(place: Path, patterns: Sequence[str]) -> list[Path]:
    """The files below a directory whose names fit a pattern, plain, `.gz` or `.zst`, sorted; no link is followed.

    Raises:
        InputError: there are none, or a directory cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: {error.strerror}. Remedy: check its permissions") from error

    wanted = re.compile(
        "|".join(f"(?:{translate(pattern + ending)})" for pattern in patterns for ending in ("", ".gz", ".zst"))
    )
    found = [
        Path(folder, name) for folder, _, names in os.walk(place, onerror=refuse) for name in names if wanted.match(name)
    ]  # fmt: skip
    if not found:
        shown = ", ".join(_SIGNS.sub("*", pattern) for pattern in patterns[:_SHOWN])
        more = f" and {len(patterns) - _SHOWN} more" if len(patterns) > _SHOWN else ""
        raise InputError(f"{place}: no file in it is named like {shown}{more}. Remedy: check the path, or name the files")
    return sorted(found)


def stem(path: Path) -> str:
    """The name of a file without `.json`, `.jsonl`, `.csv`, ... and without `.gz` or `.zst`."""
    name = path.name
    for endings in ((".gz", ".zst"), (".json", ".jsonl", ".csv", ".tsv", ".parquet", ".pq")):
        ending = next((e for e in endings if name.lower().endswith(e)), "")
        name = name[: len(name) - len(ending)] or name
    return name


def _hosted(name: str) -> tuple[str, str, str]:
    """(name, "@", host), the last two empty where there is no host: a date or another number is part of the name."""
    llm, at, host = name.rpartition("@")
    return (llm, at, host) if llm and any(c.isalpha() for c in host) else (name, "", "")


@dataclass(frozen=True)
class NamedLlm:
    """The LLM that a file of answers is named after, `name@host.json`."""

    llm: str
    mode: str
    host: str | None
    """Who served it."""
    replicate: int
    """Number of the host among those of the same LLM, from 0 in the order of their names, where these are replicates."""
    replicates: int
    """How many they are; 1 where every host is an LLM of its own."""


def named_llms(paths: Sequence[Path], hosts: str = "llms") -> list[NamedLlm]:
    """The LLM of each file.

    Args:
        paths: The files.
        hosts: What an LLM with several hosts is: `llms`, one LLM per host, which keeps its host in its name; or `replicates`,
            one LLM with an answer from each host. An LLM with one host has its bare name.

    Raises:
        UnknownNameError: `hosts` is neither.
    """
    if hosts not in HOSTS:
        raise UnknownNameError("choice of --option hosts", hosts, HOSTS)
    split = [_hosted(stem(path)) for path in paths]
    known: dict[str, set[str]] = {}
    for name, _, host in split:
        known.setdefault(name, set()).add(host)
    found = []
    for name, at, host in split:
        candidate, several = Candidate.of_two_modes(name), sorted(known[name])
        if len(several) == 1:
            found.append(NamedLlm(*candidate, host or None, 0, 1))
        elif hosts == "replicates":
            found.append(NamedLlm(*candidate, host or None, several.index(host), len(several)))
        else:
            found.append(NamedLlm(f"{candidate.llm}{at}{host}", candidate.mode, host or None, 0, 1))
    return found
