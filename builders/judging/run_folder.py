"""The directory of a run of judges: its description, beside the journal."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from llmfusionbench.builders.reading.run_files import RUN
from llmfusionbench.errors import InputError
from llmfusionbench.storage.json_lines import write_lines

if TYPE_CHECKING:
    from llmfusionbench.builders.judging.plan import Plan

KIND: Final = "judge"
"""In the description, so that a run of judges is no collection."""
_RETRIED: Final = "retried_with_max_tokens"
"""In the description: the other maxima of tokens that replies were asked for with."""


def default_run(out: Path) -> Path:
    """The directory of a run that is not named: `out` with `.run` after its name.

    Raises:
        InputError: `out` is the root of a file system, which has no name.
    """
    named = out if out.name not in ("", os.pardir) else Path(os.path.realpath(out))
    if not named.name:
        raise InputError(f"{out}: is the root of a file system. Remedy: choose another --out")
    return named.with_name(f"{named.name}.run")


def check_run(folder: Path, out: Path, release: Path) -> None:
    """Raise InputError if the directory of a run lies in the new release, which is made as a whole, or in the one to judge."""
    place = Path(os.path.realpath(folder))
    for other, what in ((out, "the new release"), (release, "the release to judge")):
        real = Path(os.path.realpath(other))
        if real in place.parents or (real == place and other is out):
            raise InputError(f"{folder}: lies in {what}. Remedy: choose a --run outside it")


def open_run(folder: Path, planned: Plan) -> None:
    """Make the directory if it does not exist, and describe the run in it.

    A run may be used again with other settings: requests are known by their content, so no reply is taken for another.

    Raises:
        InputError: the directory cannot be made, or holds something else.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror or error}). Remedy: choose another --run") from error
    place = folder / RUN
    if place.exists():
        if _described(place).get("kind") != KIND:
            raise InputError(f"{folder}: is not a run of judges. Remedy: choose another --run")
    elif any(folder.iterdir()):
        raise InputError(f"{folder}: holds other files. Remedy: choose an empty directory as --run")
    maxima = [most for most in planned.maxima if most is not None]
    write_lines([{"kind": KIND, **planned.facts(), _RETRIED: maxima}], place)


def retried_with(folder: Path | None) -> list[int]:
    """The maxima of tokens that retries of a run have set; none without a run, or if it does not exist yet.

    Raises:
        InputError: the description of the run cannot be read.
    """
    place = None if folder is None else folder / RUN
    found = _described(place).get(_RETRIED) if place is not None and place.exists() else None
    return [most for most in found if isinstance(most, int)] if isinstance(found, list) else []


def _described(place: Path) -> dict[str, Any]:
    try:
        told = json.loads(place.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{place}: cannot be read ({type(error).__name__}). Remedy: choose another --run") from error
    return told if isinstance(told, dict) else {}
