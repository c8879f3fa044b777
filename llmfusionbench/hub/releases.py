"""The full release, built once from the official logs on the Hub; and published releases, downloaded as they are.

Everything is cached by commit, and a branch is looked up each time it is named. Without a revision, the full release stays at
the commit that it was first built from.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import quote

from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

from llmfusionbench.errors import HubError, InputError, ReleaseError
from llmfusionbench.hub.client import HubUnreachableError, Listing, cached, download, list_files
from llmfusionbench.manifest import MANIFEST, read_manifest
from llmfusionbench.storage.cache import cache_directory
from llmfusionbench.storage.files import whole_file
from llmfusionbench.storage.kinds import CARD

FULL_REPO: Final = "ulab-ai/FusionBench"
"""The dataset repository of the official logs."""

DEFAULT_REVISION: Final = "main"

_COMMIT = re.compile(r"[0-9a-f]{40}")
_FORMATS: Final = (".parquet", ".csv", ".csv.gz", ".csv.zst")
"""What the builder reads, in order of preference: a split in two formats is read once."""

_INSTEAD: Final = 'or load the embedded sample by release="sample"'


class CachedReleaseWarning(UserWarning):
    """The Hub did not answer, so an earlier copy is used."""


def cached_full() -> Path | None:
    """The full release that `ensure_full()` returns without asking the Hub, or None."""
    commit = _pinned(FULL_REPO, DEFAULT_REVISION)
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
    wanted = revision or _pinned(FULL_REPO, DEFAULT_REVISION) or DEFAULT_REVISION
    if listing is None:
        if _COMMIT.fullmatch(wanted) and (built := _built(wanted)) is not None:
            return built
        try:
            listing = list_files(FULL_REPO, wanted, token=token)
        except HubUnreachableError as error:
            earlier = _pinned(FULL_REPO, wanted)
            if earlier is not None and (built := _built(earlier)) is not None:
                _warn_cached(f"{FULL_REPO} at {wanted}", earlier, error)
                return built
            raise HubUnreachableError(f"The full release is not in {cache_directory()}, and {error}, {_INSTEAD}") from error
        except HubError as error:
            raise HubError(f"{error}, {_INSTEAD}") from error
    out = _place(listing.commit)
    if _built(listing.commit) is None:  # no lock for a read-only cache
        with _lock(out):
            if _built(listing.commit) is None:
                _build(listing, out, token)
    _pin(FULL_REPO, revision or DEFAULT_REVISION, listing.commit)
    return out


def fetch_logs(repo_id: str, revision: str | None = None, *, token: str | bool | None = None) -> tuple[list[Path], str]:
    """The official logs of a repository, downloaded, and their commit: the inputs and the revision for `build`.

    Raises:
        HubError: the Hub does not answer, the repository or revision does not exist or has no logs, or a file is incomplete.
    """
    listing = list_files(repo_id, revision or DEFAULT_REVISION, token=token)
    return _download_logs(listing, token), listing.commit


def fetch_release(repo_id: str, revision: str | None = None, *, token: str | bool | None = None) -> Path:
    """The directory of a release published in our layout, downloaded if this commit is not in the cache.

    Raises:
        HubError: the Hub does not answer, or the repository or revision does not exist or has no complete release.
    """
    wanted = revision or DEFAULT_REVISION
    if _COMMIT.fullmatch(wanted) and (place := _fetched(repo_id, wanted)) is not None:
        return place
    try:
        listing = list_files(repo_id, wanted, token=token)
    except HubUnreachableError as error:
        earlier = _pinned(repo_id, wanted)
        if earlier is not None and (place := _fetched(repo_id, earlier)) is not None:
            _warn_cached(f"{repo_id} at {wanted}", earlier, error)
            return place
        raise
    if (place := _fetched(repo_id, listing.commit)) is None:
        place = _fetch(listing, token)
    _pin(repo_id, wanted, listing.commit)
    return place


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


def _fetch(listing: Listing, token: str | bool | None) -> Path:
    what = f"{listing.repo_id} at {listing.commit[:12]}"
    if MANIFEST not in listing.files:
        raise HubError(f"{what}: no release here, it has no {MANIFEST}. Remedy: name a repository of a published release")
    place = download(listing, MANIFEST, token=token).parent
    manifest = read_manifest(place)
    for name, entry in manifest["files"].items():
        if name not in listing.files or listing.files[name].size not in (None, entry.get("bytes")):
            raise HubError(f"{what}: {name} is not there as its manifest has it. Remedy: publish the release again")
    for name in sorted({CARD} & set(listing.files)) + sorted(manifest["files"]):
        download(listing, name, token=token)
    return place


def _fetched(repo_id: str, commit: str) -> Path | None:
    """The release of this commit in the cache of huggingface_hub, if it is complete."""
    place = cached(repo_id, commit, MANIFEST)
    if place is None:
        return None
    try:
        files = read_manifest(place.parent)["files"]
    except ReleaseError:
        return None
    for name, entry in files.items():
        file = place.parent / name
        if not file.is_file() or file.stat().st_size != entry.get("bytes"):
            return None
    return place.parent


def _place(commit: str) -> Path:
    return cache_directory() / "full" / commit


def _built(commit: str) -> Path | None:
    place = _place(commit)
    return place if (place / MANIFEST).is_file() else None


def _pin_file(repo_id: str, revision: str) -> Path:
    return cache_directory() / "pins" / quote(repo_id, safe="") / quote(revision, safe="")


def _pinned(repo_id: str, revision: str) -> str | None:
    """The commit that this revision was when it was last used."""
    try:
        commit = _pin_file(repo_id, revision).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return commit if _COMMIT.fullmatch(commit) else None


def _pin(repo_id: str, revision: str, commit: str) -> None:
    if not _COMMIT.fullmatch(revision) and _pinned(repo_id, revision) != commit:
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


def _warn_cached(what: str, commit: str, error: HubError) -> None:
    message = f"{what}: using the copy of commit {commit} fetched earlier, because {error}"
    warnings.warn(message, CachedReleaseWarning, stacklevel=3)


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
