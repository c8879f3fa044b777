"""The file `run.json` of a run: what has been asked for, checked by a JSON Schema."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.run_files import RUN
from llmfusionbench.errors import InputError
from llmfusionbench.validation.explain import validator

FORMAT: Final = 1
"""Version of the layout of a run."""
_LARGEST: Final = 64 << 20
"""Bytes of the file."""


@cache
def run_schema() -> dict[str, Any]:
    """The JSON Schema of `run.json`."""
    schema: dict[str, Any] = json.loads(files(__package__).joinpath("run_schema.json").read_text(encoding="utf-8"))
    return schema


def read_run(folder: Path) -> dict[str, Any]:
    """What the run in a folder has been asked for.

    Raises:
        InputError: the folder has no such file, or it is damaged or of a later version.
    """
    path = folder / RUN
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise ValueError(f"more than {_LARGEST >> 20} MiB")
        found = json.loads(data)
    except FileNotFoundError as error:
        raise InputError(f"{folder}: not a run of llmfusionbench collect, it has no {RUN}. Remedy: check the path") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error or type(error).__name__}). Remedy: restore it from a copy") from error
    version = found.get("format") if isinstance(found, dict) else None
    if isinstance(version, int) and version > FORMAT:
        raise InputError(f"{path}: format is {version}, expected {FORMAT}. Remedy: use a later version of llmfusionbench")
    faults = sorted(validator(run_schema()).iter_errors(found), key=lambda fault: fault.json_path)
    if faults:
        raise InputError(f"{path}: {faults[0].json_path}: {faults[0].message[:200]}. Remedy: restore it from a copy")
    run: dict[str, Any] = found
    return run
