"""Finds a release by its name: the sample, the full release, a directory or a repository on the Hub."""

from __future__ import annotations

import os
import re
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from llmfusionbench._version import NAME
from llmfusionbench.errors import HubError, InputError, ReleaseError
from llmfusionbench.manifest import read_manifest
from llmfusionbench.release.release import Release

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")


class SampleReleaseWarning(UserWarning):
    """No release was named and the full one is not available, so the small embedded sample was loaded."""


def open_release(where: str | Path, *, revision: str | None = None, damaged: bool = False) -> Release:
    """Open a release.

    Args:
        where: `"sample"` (embedded, simulated), `"full"` (the reference release, downloaded and built once), the directory of
            a release, or a dataset repository on the Hub (`"org/name"`).
        revision: Commit, tag or branch of a release on the Hub.
        damaged: Also open a release whose files differ from its manifest, to look at it.

    Raises:
        HubError: The Hub does not answer, or does not have the release.
        InputError: A revision was given, but the release is not on the Hub.
        ReleaseError: The release does not exist, cannot be read, or differs from its manifest.
    """
    return Release(find_release(where, revision), damaged=damaged)


def find_release(where: str | os.PathLike[str] | None, revision: str | None = None, *, token: str | bool | None = None) -> Path:
    """The directory of a release, which is downloaded or built first if needed. Raises as `open_release`.

    Args:
        where: As for `open_release`. None is the full release; if that is neither cached nor on a Hub that answers, and no
            revision is given, it is the sample, with a SampleReleaseWarning.
        revision: Commit, tag or branch on the Hub.
        token: Token for the Hub, as for `huggingface_hub`.
    """
    if where is None and revision is None:
        return _full_or_sample(token)
    name = "full" if where is None else os.fspath(where)
    # The client and the build import this package, so they are imported only when they are needed.
    if name == "full":
        from llmfusionbench.hub.releases import ensure_full

        return ensure_full(revision, token=token)
    place = sample_path() if name == "sample" else Path(name)
    if place.is_dir():
        if revision is not None:
            raise InputError(f"{name}: has no revisions, it is not on the Hub. Remedy: drop revision {revision!r}")
        return place
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
        sample = sample_path()
        rows = sum(entry["rows"] for entry in read_manifest(sample)["tables"]["queries"]["splits"].values())
        warnings.warn(
            f"\n  This is NOT the full LLMFusionBench: it is the embedded sample, {rows} queries answered by simulated LLMs."
            f"\n  The full release is not available: {error}"
            f'\n  To get the full release, connect and run  load_dataset("{NAME}", release="full")'
            f'\n  To use the sample without this warning   load_dataset("{NAME}", release="sample")',
            SampleReleaseWarning,
            stacklevel=_depth_of_caller(),
        )
        return sample
    return releases.ensure_full(token=token, listing=listing)


def _depth_of_caller() -> int:
    """The `stacklevel` at which a warning of our caller points to the user's own code."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("datasets", NAME):
        frame, depth = frame.f_back, depth + 1
    return depth


def is_repository(name: str) -> bool:
    """Whether `name` looks like a repository on the Hub: two plain words and one slash."""
    return _REPOSITORY.fullmatch(name) is not None


def sample_path() -> Path:
    """The directory of the embedded sample."""
    spec = find_spec("llmfusionbench.builders")  # found and not imported: reading the sample takes none of the builders
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "sample"
