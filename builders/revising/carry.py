"""What a release that is made from another takes over: files byte for byte, and parts of the manifest.

The tables of a release of an older schema version are written again in the columns of today.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.making.contradictions import is_of_tokens
from llmfusionbench.release import Release, write_shard
from llmfusionbench.release.shard_files import shard_dataset
from llmfusionbench.schema import SCHEMA_VERSION
from llmfusionbench.storage.files import sha256
from llmfusionbench.storage.kinds import CARD
from llmfusionbench.validation.candidates import renamed

_OWN: Final = ("schema_version", "tool", "tables", "files", "history")


def carry_over(release: Release, root: Path, *, but: Callable[[str], bool]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Copy the files of a release below `root`; name and entry of each. Files that an earlier run has copied stay.

    Args:
        but: Called with the name of a file, such as `responses/train-00000-of-00001.parquet`; true to skip it. The card is
            always skipped.

    Raises:
        ReleaseError: a file differs from its manifest.
    """
    for name, entry in sorted(release.manifest["files"].items()):
        if name == CARD or but(name):
            continue
        release.good([name])
        place = release.directory / name
        table = name.partition("/")[0]
        if "/" in name and release.manifest["schema_version"] != SCHEMA_VERSION:
            rows = renamed(shard_dataset([place], table).to_table(), table, release.manifest["schema_version"])
            yield name, write_shard(root, name, rows)
            continue
        copy = root / name
        if not copy.is_file() or sha256(copy) != entry["sha256"]:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(place, copy)
        yield name, entry


def described(release: Release, step: str, options: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
    """The manifest's entries for what was made from `release`: those of `release`, and one more step in its history."""
    about = {k: v for k, v in release.manifest.items() if k not in _OWN}
    taken = {"step": step, "options": options, "source_manifest": release.manifest_sha256}
    return {**about, "history": [*release.manifest.get("history", []), {**taken, **figures}]}


def with_warnings(about: dict[str, Any], warnings: Sequence[str]) -> dict[str, Any]:
    """Entries of the manifest with the warnings of new scores in place of those of the old ones; those of tokens stay."""
    kept = [warning for warning in about.get("warnings", ()) if is_of_tokens(warning)]
    said = [*warnings, *kept]
    return {k: v for k, v in about.items() if k != "warnings"} | ({"warnings": said} if said else {})
