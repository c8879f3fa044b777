"""What a release made out of a release takes over from it: files byte for byte, and what its manifest says of itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from llmfusionbench.errors import ReleaseError
from llmfusionbench.manifest import MANIFEST
from llmfusionbench.release import Release
from llmfusionbench.storage.files import sha256

CARD: Final = "README.md"
"""Written anew with every release."""

_OWN: Final = ("schema_version", "tool", "tables", "files", "history")


def carry_over(release: Release, root: Path, *, but: Callable[[str], bool]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Copy the files of a release below `root`; name and entry of each. What an earlier run has copied stays.

    Args:
        but: Of the name of a file, such as `responses/train-00000-of-00001.parquet`: whether to leave it out. The card is.

    Raises:
        ReleaseError: a file differs from its manifest.
    """
    for name, entry in sorted(release.manifest["files"].items()):
        if name == CARD or but(name):
            continue
        place = checked(release, name)
        copy = root / name
        if not copy.is_file() or sha256(copy) != entry["sha256"]:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(place, copy)
        yield name, entry


def checked(release: Release, name: str) -> Path:
    """The place of a file of a release.

    Raises:
        ReleaseError: it differs from the manifest.
    """
    place = release.path / name
    if not place.is_file() or sha256(place) != release.manifest["files"][name].get("sha256"):
        raise ReleaseError(f"{place}: differs from the release's manifest. Remedy: build or download the release again")
    return place


def described(release: Release, step: str, options: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
    """For the manifest of what was made of `release`: all that it says of itself, and one more step in its history."""
    about = {k: v for k, v in release.manifest.items() if k not in _OWN}
    taken = {"step": step, "options": options, "source_manifest": sha256(release.path / MANIFEST)}
    return {**about, "history": [*release.manifest.get("history", []), {**taken, **figures}]}
