"""The full release, built once from the official logs on the Hub; and published releases, downloaded as they are.

Everything is cached by commit, and a branch is looked up each time it is named. Without a revision, the full release stays at
the commit that it was first built from.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import quote

from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

from llmfusionbench.errors import HubError, InputError, ReleaseError
from llmfusionbench.hub.client import HubUnreachableError, Listing, cached, download, endpoint_key, list_files
from llmfusionbench.manifest import MANIFEST, changed, read_manifest
from llmfusionbench.remote.store import CachedReleaseWarning as CachedReleaseWarning
from llmfusionbench.remote.store import warn_cached
from llmfusionbench.storage.cache import cache_directory
from llmfusionbench.storage.files import whole_file
from llmfusionbench.storage.kinds import CARD

FULL_REPO: Final = "ulab-ai/FusionBench"
"""The dataset repository of the official logs."""

DEFAULT_REVISION: Final = "main"

COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_FORMATS: Final = (".parquet", ".csv", ".csv.gz", ".csv.zst")
"""What the builder reads, in order of preference: a split in two formats is read once."""

_INSTEAD: Final = 'or load the embedded sample by release="sample"'


def cached_full() -> Path | None:
    """The full release that `ensure_full()` returns without asking the Hub, or None."""
    commit = pinned(FULL_REPO, DEFAULT_REVISION)
    return None if commit is None else _built(commit)


def ensure_full(revision: str | None = None, *, token: str | bool | None = None, listing: Listing | None = None) -> Path:
    """The directory of the full release, which is downloaded and built if this commit is not in the cache.

    Args:
        revision: Branch, tag or commit of the repository. None is the commit used last time, at first that of `main`.
        token: As for huggingface_hub.
        listing: The files of the repository, if the caller has listed them.

    Raises:
        HubError: the Hub does not answer, the revision does not exist or has no official logs, or a file is incomplete.
        InputError: the cache cannot be written.
    """
    wanted = revision or pinned(FULL_REPO, DEFAULT_REVISION) or DEFAULT_REVISION
    if listing is None:
        if COMMIT.fullmatch(wanted) and (built := _built(wanted)) is not None:
            return built
        try:
            listing = list_files(FULL_REPO, wanted, token=token)
        except HubUnreachableError as error:
            earlier = pinned(FULL_REPO, wanted)
            if earlier is not None and (built := _built(earlier)) is not None:
                warn_cached(f"{FULL_REPO} at {wanted}", f"the copy of commit {earlier}", error)
                return built
            raise HubUnreachableError(f"The full release is not in {cache_directory()}, and {error}, {_INSTEAD}") from error
        except HubError as error:
            raise HubError(f"{error}, {_INSTEAD}") from error
    out = _place(listing.commit)
    if _built(listing.commit) is None:  # no lock for a read-only cache
        with _lock(out):
            if _built(listing.commit) is None:
                _build(listing, out, token)
    pin(FULL_REPO, revision or DEFAULT_REVISION, listing.commit)
    return out


def fetch_logs(repo_id: str, revision: str | None = None, *, token: str | bool | None = None) -> tuple[list[Path], str]:
    """The official logs of a repository, downloaded, and their commit: the inputs and the revision for `build`.

    Raises:
        HubError: the Hub does not answer, the repository or revision does not exist or has no logs, or a file is incomplete.
    """
    listing = list_files(repo_id, revision or DEFAULT_REVISION, token=token)
    return _download_logs(listing, token), listing.commit


def fetch_release(repo_id: str, revision: str | None = None, *, folder: str = "", token: str | bool | None = None) -> Path:
    """The directory of a release published in our layout, downloaded completely if this commit is not in the cache.

    Args:
        revision: Branch, tag or commit of the repository.
        folder: The folder of the repository that the release is in; by default it is the repository.
        token: As for huggingface_hub.

    Raises:
        HubError: the Hub does not answer, or the repository or revision does not exist or has no complete release.
    """
    wanted = revision or DEFAULT_REVISION
    if COMMIT.fullmatch(wanted) and (place := fetched(repo_id, wanted, folder)) is not None:
        return place
    try:
        listing = list_files(repo_id, wanted, token=token)
    except HubUnreachableError as error:
        earlier = pinned(repo_id, wanted)
        if earlier is not None and (place := fetched(repo_id, earlier, folder)) is not None:
            warn_cached(f"{repo_id} at {wanted}", f"the copy of commit {earlier}", error)
            return place
        raise
    if (place := fetched(repo_id, listing.commit, folder)) is None:
        place, manifest = listed_release(listing, folder, token=token)
        for name in sorted({CARD} & {n.removeprefix(folder) for n in listing.files}) + sorted(manifest["files"]):
            download(listing, folder + name, token=token)
    pin(repo_id, wanted, listing.commit)
    return place


def listed_release(listing: Listing, folder: str = "", *, token: str | bool | None = None) -> tuple[Path, dict[str, Any]]:
    """The directory with the manifest of a release, which is downloaded, and the manifest. Its files are as in the listing.

    Raises:
        HubError: there is no manifest, or a file that it states is missing or has another size or SHA-256 on the Hub.
    """
    what = f"{listing.repo_id} at {listing.commit[:12]}"
    if folder + MANIFEST not in listing.files:
        raise HubError(f"{what}: no release here, it has no {folder}{MANIFEST}. Remedy: name the repository of a release")
    place = download(listing, folder + MANIFEST, token=token).parent
    manifest = read_manifest(place)
    for name, entry in manifest["files"].items():
        file = listing.files.get(folder + name)
        same = file is not None and file.size in (None, entry["bytes"]) and file.sha256 in (None, entry["sha256"])
        if not same and not (name == CARD and file is not None):  # people write into the card
            raise HubError(f"{what}: {name} is not there as its manifest has it. Remedy: publish the release again")
    return place, manifest


def select_inputs(listing: Listing) -> dict[str, list[str]]:
    """The official logs among the files of a repository, in either known layout, CSV or Parquet: split -> paths.

    Raises:
        HubError: the repository has none.
    """
    from llmfusionbench.builders.reading.file_names import split_of_published

    found: dict[str, dict[str, list[str]]] = {}
    for path in sorted(listing.files):
        split = split_of_published(PurePosixPath(path))
        suffix = "".join(PurePosixPath(path).suffixes[-2:] if path.endswith((".gz", ".zst")) else [PurePosixPath(path).suffix])
        if split is not None and suffix in _FORMATS:
            found.setdefault(split, {}).setdefault(suffix, []).append(path)
    if not found:
        names = ", ".join(sorted(listing.files)[:8]) or "none"
        raise HubError(
            f"{listing.repo_id} at {listing.commit[:12]}: no file for train, test or partial_test among its files ({names}). "
            "Remedy: pass a revision that holds the official logs"
        )
    return {split: next(found[split][suffix] for suffix in _FORMATS if suffix in found[split]) for split in sorted(found)}


def _build(listing: Listing, out: Path, token: str | bool | None) -> None:
    from llmfusionbench.builders import build

    inputs = _download_logs(listing, token)
    _say(f"Building the full release, once, in {out}")
    with _Bars() as bars:
        build("fusionbench", inputs, out, revision=listing.commit, progress=bars)


def _download_logs(listing: Listing, token: str | bool | None) -> list[Path]:
    paths = [path for group in select_inputs(listing).values() for path in group]
    size = sum(listing.files[path].size or 0 for path in paths)
    _say(f"Downloading {len(paths)} files ({size / 1e6:,.0f} MB) of {listing.repo_id} at {listing.commit[:12]}")
    return [download(listing, path, token=token) for path in paths]


def fetched(repo_id: str, commit: str, folder: str = "") -> Path | None:
    """The release of this commit in the cache of huggingface_hub, if it is complete and its files have their digests.

    The digests of large files are computed once, for as long as the files stay as they are.
    """
    place = cached(repo_id, commit, folder + MANIFEST)
    if place is None:
        return None
    try:
        manifest = read_manifest(place.parent)
        for name, entry in manifest["files"].items():
            file = place.parent / name
            if not file.is_file() or (name != CARD and file.stat().st_size != entry["bytes"]):
                return None
        damaged = next(changed(place.parent, [name for name in manifest["files"] if name != CARD], manifest), None)
    except (ReleaseError, OSError):
        return None
    return place.parent if damaged is None else None


def _place(commit: str) -> Path:
    return cache_directory() / "full" / commit


def _built(commit: str) -> Path | None:
    place = _place(commit)
    return place if (place / MANIFEST).is_file() else None


def _pin_file(repo_id: str, revision: str) -> Path:
    return cache_directory() / "pins" / endpoint_key() / quote(repo_id, safe="") / quote(revision, safe="")


def pinned(repo_id: str, revision: str) -> str | None:
    """The commit that this revision was when it was last used, at this Hub."""
    try:
        commit = _pin_file(repo_id, revision).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return commit if COMMIT.fullmatch(commit) else None


def pin(repo_id: str, revision: str, commit: str) -> None:
    """Keep the commit that a branch or tag is now."""
    if not COMMIT.fullmatch(revision) and pinned(repo_id, revision) != commit:
        # A pin that cannot be written is looked up again.
        with suppress(OSError), whole_file(_pin_file(repo_id, revision)) as file:
            file.write_text(commit + "\n", encoding="utf-8")


@contextmanager
def _lock(out: Path) -> Iterator[None]:
    """One process at a time builds into `out`; the others wait for it."""
    from filelock import FileLock

    lock = FileLock(out.with_name(f".{out.name}.lock"))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise InputError(
            f"{out.parent}: cannot keep a release there ({error.strerror or error}). "
            "Remedy: set LLMFUSIONBENCH_CACHE to a directory that can be written"
        ) from error
    try:
        yield
    finally:
        lock.release()


class _Bars:
    """The build's progress, one bar per stage, in the style of huggingface_hub's downloads."""

    def __init__(self) -> None:
        self.bars: dict[str, tqdm] = {}

    def __enter__(self) -> _Bars:
        return self

    def __exit__(self, *_: object) -> None:
        for bar in self.bars.values():
            bar.close()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        bar = self.bars.get(what)
        if bar is None:
            bar = self.bars[what] = tqdm(desc=what, total=total, unit="", unit_scale=True)  # type: ignore[no-untyped-call]
        bar.update(done - bar.n)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
