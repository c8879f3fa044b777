"""Finds a release by its name: the sample, the full release, a directory, a repository on the Hub or a URL."""

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
from llmfusionbench.redaction import is_url, public_url
from llmfusionbench.release.place import LocalPlace, ReleasePlace
from llmfusionbench.release.release import Release

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")

EMBEDDED: Final = ("sample", "smol")
"""The releases that come with this package: a simulated one, and one of real answers of a small LLM."""


class SampleReleaseWarning(UserWarning):
    """No release was named and the full one is not available, so the small embedded sample was loaded."""


def open_release(where: str | Path, *, revision: str | None = None, damaged: bool = False) -> Release:
    """Open a release. One elsewhere is not downloaded: only the row groups and columns that are used are read, see `Release`.

    Args:
        where: `"sample"` (embedded, simulated), `"smol"` (embedded, real answers of a small LLM), `"full"` (the reference
            release, downloaded and built once), the directory of a release, a dataset repository on the Hub (`"org/name"`),
            or the URL of a release: of a repository on the Hub (`hf://datasets/org/name@revision/folder`), of a web server
            (`https://`), or of a store that fsspec knows, such as `s3://bucket/folder`.
        revision: Commit, tag or branch of a release on the Hub.
        damaged: Also open a release whose files differ from its manifest, to look at it.

    Raises:
        HubError: The Hub does not answer, or does not have the release.
        InputError: A revision was given, but the release is not on the Hub; or a URL or a variable for the cache is wrong.
        MissingExtraError: The package for a kind of URL is not installed.
        ReleaseError: The release does not exist, cannot be read, or differs from its manifest.
    """
    return Release(find_place(where, revision), damaged=damaged)


def find_release(where: str | os.PathLike[str] | None, revision: str | None = None, *, token: str | bool | None = None) -> Path:
    """The directory of a release, which is downloaded completely or built first if needed. The rest is as for `find_place`."""
    return find_place(where, revision, token=token).local()


def find_place(
    where: str | os.PathLike[str] | None, revision: str | None = None, *, token: str | bool | None = None
) -> ReleasePlace:
    """Where a release is. Raises as `open_release`.

    Args:
        where: As for `open_release`. None is the full release; if that is neither cached nor on a Hub that answers, and no
            revision is given, it is the sample, with a SampleReleaseWarning.
        revision: Commit, tag or branch on the Hub.
        token: Token for the Hub, as for `huggingface_hub`.
    """
    if where is None and revision is None:
        return LocalPlace(_full_or_sample(token))
    name = "full" if where is None else os.fspath(where)
    # The clients and the build import this package, so they are imported only when they are needed.
    if name == "full":
        from llmfusionbench.hub.releases import ensure_full

        return LocalPlace(ensure_full(revision, token=token))
    if is_hub_url(name) or (is_repository(name) and not Path(name).is_dir()):
        from llmfusionbench.hub.remote import hub_place

        try:
            return hub_place(name, revision, token=token)
        except HubError as error:
            if is_hub_url(name) or not Path(name).parent.is_dir():
                raise
            raise type(error)(f"no directory {name} here, and on the Hub: {error}") from error
    place = embedded_path(name) if name in EMBEDDED else Path(name)
    if revision is not None and (is_url(name) or place.is_dir()):
        raise InputError(f"{public_url(name)}: has no revisions, it is not on the Hub. Remedy: drop revision {revision!r}")
    if is_url(name):
        from llmfusionbench.release.url_place import url_place

        return url_place(name)
    if place.is_dir():
        return LocalPlace(place)
    raise ReleaseError(
        f'{name}: no such directory. Remedy: name a release directory, a URL, "sample", "smol", "full" or a Hub id "org/name"'
    )


def _full_or_sample(token: str | bool | None) -> Path:
    from llmfusionbench.hub import releases
    from llmfusionbench.hub.client import list_files

    built = releases.cached_full()
    if built is not None:
        return built
    try:
        listing = list_files(releases.FULL_REPO, releases.DEFAULT_REVISION, token=token)
    except HubError as error:
        sample = embedded_path("sample")
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


def is_hub_url(name: str) -> bool:
    """Whether `name` is a URL of the Hub's own kind."""
    return name[:5].lower() == "hf://"


def is_repository(name: str) -> bool:
    """Whether `name` looks like a repository on the Hub: two plain words and one slash."""
    return _REPOSITORY.fullmatch(name) is not None


def embedded_path(name: str) -> Path:
    """The directory of a release that comes with this package."""
    spec = find_spec("llmfusionbench.builders")  # found and not imported: reading the sample takes none of the builders
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / name
