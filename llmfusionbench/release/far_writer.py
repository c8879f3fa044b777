"""Writes a release to a store: finished files first, each with a marker, then the card, and the manifest last.

A directory without a manifest is not a release, so readers see all of a release or nothing. Objects cannot be renamed together,
and readers fetch ranges of them at any time: a release that is there is never replaced.
"""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Final

from llmfusionbench.errors import InputError
from llmfusionbench.manifest import MANIFEST
from llmfusionbench.redaction import public_url
from llmfusionbench.release.far_run_record import FarRunRecord
from llmfusionbench.release.far_shard_store import FarShardStore
from llmfusionbench.release.release import Release
from llmfusionbench.release.targets import RUN, STATE, StoreTarget, completed, is_marked, marked
from llmfusionbench.release.url_place import url_place
from llmfusionbench.release.writer import ReleaseWriter
from llmfusionbench.remote.object_writer import ObjectWriter, Stored
from llmfusionbench.schema import SIDECARS, TABLES
from llmfusionbench.storage.address import Address
from llmfusionbench.storage.directories import remove
from llmfusionbench.storage.kinds import CARD

_SHARD: Final = re.compile(f"(?:{'|'.join(TABLES + SIDECARS)})/[a-z_]+-[0-9]{{5}}-of-[0-9]{{5}}\\.parquet")
_UNWRITABLE: Final = {
    "hf": "every file would be a commit. Remedy: write to a directory, then run llmfusionbench publish",
    "http": "a web server cannot be written to. Remedy: choose another --out",
    "https": "a web server cannot be written to. Remedy: choose another --out",
    "memory": "the memory of a process ends with it. Remedy: choose another --out",
}
"""Protocol -> why no release is written there, and what to do."""


class StateWarning(UserWarning):
    """A release is complete, but the state of its making could not be removed."""


class FarReleaseWriter(ReleaseWriter):
    """A context as `ReleaseWriter`, for a URL. What the run makes goes through a temporary directory of this machine.

    Args:
        url: Directory of the release, such as `s3://bucket/my-release`.
        overwrite: Refused if a release is there.
        resume: See `ReleaseWriter`. Finished files stay in the store after an error, and the next run writes the others.

    Raises:
        InputError: a release or anything else is there, or the store cannot be written.
        MissingExtraError: the package for the protocol is not installed.
    """

    def __init__(self, url: str, *, overwrite: bool = False, resume: str | None = None) -> None:
        protocol = url.partition("://")[0].lower()
        if protocol in _UNWRITABLE:
            raise InputError(f"{public_url(url)}: no release is written there, because {_UNWRITABLE[protocol]}")
        self._staging = Path(tempfile.gettempdir()).resolve() / f"release-{token_hex(8)}"
        super().__init__(self._staging / "release", resume=resume)
        self._url, self._refuses, self._store = url, overwrite, ObjectWriter(url)

    @property
    def place(self) -> Address:
        return self._store.address

    def __enter__(self) -> FarReleaseWriter:
        found = self._store.stored()
        self._check_there(found)
        self._store.put(RUN, b"")
        super().__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and self.run is not None:
            self.run.end(error)
        self.keep = False  # what is done is in the store
        super().__exit__(kind, error, trace)
        remove(self._staging)

    def record(self, command: str, options: Mapping[str, Any]) -> FarRunRecord:
        self.run = record = FarRunRecord(self.work, command, options, self._store)
        return record

    @property
    def target(self) -> StoreTarget:
        return StoreTarget(self._store)

    def state(self, settings: str) -> FarShardStore:
        return FarShardStore(self._store, settings)

    def release(self) -> Release:
        return Release(url_place(self._url))

    def _check_there(self, found: Mapping[str, Stored]) -> None:
        if MANIFEST in found:
            why = " and is not replaced, because others may be reading it" if self._refuses else ""
            raise InputError(f"{self.place}: a release is there already{why}. Remedy: choose another --out, or remove it first")
        ours = marked(found)
        other = next((name for name in sorted(found) if name not in ours and not name.startswith(f"{STATE}/")), None)
        if other is not None and RUN not in found:
            raise InputError(
                f"{self.place}: holds {other}, which is not part of an unfinished release. Remedy: choose another --out"
            )

    def _publish(self, listed: dict[str, dict[str, Any]]) -> None:
        """Write what is not there yet, look whether all is as it was written, and write the manifest."""
        found = self._store.stored()
        for name, entry in sorted(listed.items(), key=lambda item: item[0] == CARD):
            if not is_marked(name, entry["sha256"], found) and (self.path / name).exists():
                self.target.take(self.path / name, name, entry)
        found = self._store.stored()
        for name, entry in listed.items():
            if not is_marked(name, entry["sha256"], found):
                raise InputError(
                    f"{self.place / name}: is not as this run has written it. Remedy: see what else writes there, and run the "
                    "same command again, which writes only what is missing"
                )
        if MANIFEST in found:
            raise completed(self.place)
        left = (name for name in found if name in marked(found) or _SHARD.fullmatch(name))
        self._store.remove(sorted(set(left) - listed.keys()))  # of an earlier run with other settings
        self._store.put(MANIFEST, self.path / MANIFEST)
        try:
            self._store.remove(name for name in sorted(found) if name.startswith(f"{STATE}/"))
        except InputError as error:
            warnings.warn(f"the release is complete, but {STATE} could not be removed: {error}", StateWarning, stacklevel=2)
