"""Compares the files to publish with those of a repository: before, to send what changed, and after, to see that it arrived."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from llmfusionbench.errors import HubError
from llmfusionbench.storage.content import Content

if TYPE_CHECKING:
    from llmfusionbench.hub.client import HubFile, Listing

Status = Literal["new", "changed", "unchanged", "deleted", "renamed"]

STATUSES: Final[tuple[Status, ...]] = ("new", "changed", "unchanged", "deleted", "renamed")
COMMITTED: Final[tuple[Status, ...]] = ("new", "changed", "renamed")
"""Those of the files that the commit adds."""
SENT: Final[tuple[Status, ...]] = ("new", "changed")
"""Those of the files whose bytes are sent: the store of the Hub has a renamed one already."""


@dataclass(frozen=True)
class Change:
    """What becomes of one file of the repository."""

    status: Status
    size: int
    """Bytes of the file as it is published; 0 if it is deleted."""


def changes(staged: Mapping[str, Content], listing: Listing | None, earlier: Iterable[str]) -> dict[str, Change]:
    """Path -> what becomes of each file that is published, or that `earlier`, a release of ours there, had and this has not.

    Files of others are not among them. A file is renamed if the repository has its content in a file of another name.
    """
    there = {} if listing is None else listing.files
    stored = {file.sha256 for file in there.values()} - {None}
    found = {name: Change(_status(file, there.get(name), stored), file.size) for name, file in staged.items()}
    gone = {name: Change("deleted", 0) for name in earlier if name in there and name not in staged}
    return dict(sorted({**found, **gone}.items()))


def _status(file: Content, remote: HubFile | None, stored: Collection[str | None]) -> Status:
    if remote is not None and _difference(remote, file) is None:
        return "unchanged"
    if file.sha256 in stored:
        return "renamed"
    return "new" if remote is None else "changed"


def _difference(remote: HubFile, file: Content) -> str | None:
    """How a file of a repository differs from the one here; None if it does not."""
    if remote.size is not None and remote.size != file.size:
        return f"{remote.size:,} bytes, expected {file.size:,}"
    if remote.sha256 is not None:
        return None if remote.sha256 == file.sha256 else f"SHA-256 {remote.sha256}, expected {file.sha256}"
    return None if remote.blob_id == file.blob_id else f"blob {remote.blob_id}, expected {file.blob_id}"


def check_arrived(staged: Mapping[str, Content], deleted: Collection[str], listing: Listing) -> None:
    """Raise HubError unless a repository has every staged file as it is here, and none of the deleted ones."""
    place = f"{listing.repo_id} at {listing.commit[:12]}"
    for name, file in staged.items():
        remote = listing.files.get(name)
        wrong = "is not there" if remote is None else _difference(remote, file)
        if wrong is not None:
            raise HubError(
                f"{name} of {place}: is not the file that was sent ({wrong}). "
                "Remedy: run the same command again; if this repeats, do not use this commit"
            )
    for name in deleted:
        if name in listing.files:
            raise HubError(f"{name} of {place}: is still there, though it was deleted. Remedy: run the same command again")
