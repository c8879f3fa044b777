"""Finds a release wherever it is named: the sample, a directory, the full release, or a repository on the Hub."""

from __future__ import annotations

import os
import re
import sys
import warnings
from pathlib import Path
from typing import Final

from llmfusionbench._version import NAME
from llmfusionbench.errors import HubError, InputError, ReleaseError
from llmfusionbench.release.release import Release

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")


class SampleReleaseWarning(UserWarning):
    """No release was named, the full one cannot be had, and the small embedded sample was loaded in its place."""


def open_release(where: str | Path, *, revision: str | None = None) -> Release:
    """Open a release.

    Args:
        where: `"sample"` (embedded, simulated), `"full"` (the reference release, downloaded and built once), the directory of
            a release, or a dataset repository on the Hub (`"org/name"`).
        revision: Commit, tag or branch, for a release from the Hub.

    Raises:
        HubError: The Hub does not answer, or does not have it.
        InputError: A revision of a release that is not on the Hub.
        ReleaseError: There is no such release, or it cannot be read.
    """
    return Release(find_release(where, revision))


def find_release(where: str | os.PathLike[str] | None, revision: str | None = None, *, token: str | bool | None = None) -> Path:
    """The directory of a release, fetched or built first where needed.

    Args:
        where: As for `open_release`. None is the full release if it is cached or the Hub answers, else the sample, with a
            SampleReleaseWarning. With a revision, None is the full release.
        revision: Branch, tag or commit on the Hub.
        token: Token of the Hub, as `huggingface_hub` takes it.

    Raises:
        The same as `open_release`.
    """
    if where is None and revision is None:
        return _full_or_sample(token)
    # Only the full release and the Hub need the client and the build, which import this package: so they are imported here.
    if where is None or where == "full":
        from llmfusionbench.hub.releases import ensure_full

        return ensure_full(revision, token=token)
    name = os.fspath(where)
    is_local = name == "sample" or Path(name).is_dir()
    if is_local and revision is not None:
        raise InputError(f"{name}: has no revisions, it is not on the Hub. Remedy: drop revision {revision!r}")
    if is_local:
        return sample_path() if name == "sample" else Path(name)
    if is_repository(name):
        from llmfusionbench.hub.releases import fetch_release

        return fetch_release(name, revision, token=token)
    raise ReleaseError(f'{name}: no such directory. Remedy: name a release directory, "sample", "full" or a Hub id "org/name"')


def _full_or_sample(token: str | bool | None) -> Path:
    from llmfusionbench.hub import releases
    from llmfusionbench.hub.client import list_files

    built = releases.cached_full()
    if built is not None:
        return built
    try:
        listing = list_files(releases.FULL_REPO, releases.DEFAULT_REVISION, token=token)
    except HubError as error:
        sample = Release(sample_path())
        rows = sum(entry["rows"] for entry in sample.manifest["tables"]["queries"]["splits"].values())
        warnings.warn(
            f"\n  This is NOT the full LLMFusionBench: it is the embedded sample, {rows} queries answered by simulated LLMs."
            f"\n  The full release is not available: {error}"
            f'\n  To get the full release, connect and run  load_dataset("{NAME}", release="full")'
            f'\n  To use the sample without this warning   load_dataset("{NAME}", release="sample")',
            SampleReleaseWarning,
            stacklevel=_depth_of_caller(),
        )
        return sample.path
    return releases.ensure_full(token=token, listing=listing)


def _depth_of_caller() -> int:
    """How many frames up the user's own call lies, for `warnings.warn` called by our caller."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("datasets", NAME):
        frame, depth = frame.f_back, depth + 1
    return depth


def is_repository(name: str) -> bool:
    """Whether `name` could be a repository of the Hub: two plain words and one slash."""
    return _REPOSITORY.fullmatch(name) is not None


def sample_path() -> Path:
    """Where the embedded sample lies."""
    from importlib import resources

    return Path(str(resources.files("llmfusionbench.builders").joinpath("sample")))
