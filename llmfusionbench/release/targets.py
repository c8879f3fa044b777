"""Where the finished files of a release go while it is written: a directory, or a store with a marker for each file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from llmfusionbench.errors import InputError
from llmfusionbench.storage.address import Address
from llmfusionbench.storage.files import sha256

if TYPE_CHECKING:
    from llmfusionbench.remote.object_writer import ObjectWriter, Stored

STATE: Final = ".state"
"""The folder of an unfinished release in a store. Readers ask for no file in it, and it goes when the release is complete."""

RUN: Final = f"{STATE}/run"
"""An object that a run writes first, so that a store that cannot be written is known before the work."""

_MARKERS: Final = f"{STATE}/files/"


class Target(Protocol):
    """Takes finished files. It can be sent to another process."""

    is_far: ClassVar[bool]
    """Whether a worker needs no file of this machine to use it."""

    def take(self, file: Path, name: str, entry: Mapping[str, Any]) -> None:
        """Make a file that of this name in the release, in one step.

        Args:
            file: The file, in a scratch directory of the `ShardStore`.
            name: Its name in the release.
            entry: Its entry in the manifest.
        """

    def has(self, name: str, entry: Mapping[str, Any]) -> bool:
        """Whether an earlier run has finished a file with this entry in the manifest."""


@dataclass(frozen=True)
class LocalTarget:
    """A directory."""

    root: Path
    is_far: ClassVar[bool] = False

    def take(self, file: Path, name: str, entry: Mapping[str, Any]) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(file, self.root / name)

    def has(self, name: str, entry: Mapping[str, Any]) -> bool:
        return (self.root / name).is_file() and sha256(self.root / name) == entry["sha256"]


@dataclass(frozen=True)
class StoreTarget:
    """A directory of a store. The name of a file's marker holds the SHA-256 of what was written and the store's tag of it.

    So one listing tells which files are done, and a file that was replaced since is seen.
    """

    store: ObjectWriter
    is_far: ClassVar[bool] = True

    def take(self, file: Path, name: str, entry: Mapping[str, Any]) -> None:
        if self.has(name, entry):  # since an earlier run
            return
        if self.store.about(RUN) is None:
            raise completed(self.store.address)
        stored = self.store.put(name, file)
        self.store.put(_marker(name, entry["sha256"], stored), b"")

    def has(self, name: str, entry: Mapping[str, Any]) -> bool:
        stored = self.store.about(name)
        return stored is not None and self.store.about(_marker(name, entry["sha256"], stored)) is not None


def completed(place: Address) -> InputError:
    """The error of a run whose place another one has completed meanwhile."""
    return InputError(f"{place}: another run has completed a release there. Remedy: choose another --out")


def is_marked(name: str, digest: str, found: Mapping[str, Stored]) -> bool:
    """Whether the file of this name in a store is the one with this SHA-256 that a marker tells of."""
    return name in found and _marker(name, digest, found[name]) in found


def marked(found: Mapping[str, Stored]) -> set[str]:
    """The names of the files that there are markers of."""
    return {name.removeprefix(_MARKERS).rpartition("/")[0] for name in found if name.startswith(_MARKERS)}


def _marker(name: str, digest: str, stored: Stored) -> str:
    tag = hashlib.sha256(f"{stored.size} {stored.tag}".encode()).hexdigest()
    return f"{_MARKERS}{name}/{digest}-{tag[:16]}"
