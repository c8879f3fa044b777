"""The writer of a release, by where it goes: a directory, or the URL of a store."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from llmfusionbench.release.writer import ReleaseWriter
from llmfusionbench.storage.address import is_elsewhere


def release_writer(
    out: str | Path,
    *,
    overwrite: bool = False,
    inputs: Iterable[str | os.PathLike[str]] = (),
    resume: str | None = None,
    or_alone: bool = False,
) -> ReleaseWriter:
    """A context in which a release is written; see `ReleaseWriter`, and `FarReleaseWriter` for a URL.

    Raises:
        InputError: `out` must not be replaced, or cannot be written.
        MissingExtraError: the package for a kind of URL is not installed.
    """
    if not is_elsewhere(out):
        return ReleaseWriter(out, overwrite=overwrite, inputs=inputs, resume=resume, or_alone=or_alone)
    from llmfusionbench.release.far_writer import FarReleaseWriter

    return FarReleaseWriter(str(out), overwrite=overwrite, resume=resume)
