"""Names of LLMs as harnesses write them: a path of a checkpoint or a name made fit for a folder, as the name one routes to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from llmfusionbench.builders.reading.run_times import is_time

_CACHED: Final = re.compile(r"models--([^/\\]+)--([^/\\]+)")
_STAGE: Final = re.compile(
    r"(?:checkpoint|ckpt|step|epoch|iter|global_step)[-_]?\d+|(?:final|best|last|latest|merged|hf|model|weights|adapter|checkpoint|output)"
    r"(?:[-_](?:final|best|last|latest|merged|hf|model|weights|adapter|checkpoint))?",
    re.IGNORECASE,
)
"""Names of folders that tell a stage of training or a form of the weights, and not which model it is."""
_PLACES: Final = {
    "data", "details", "downloads", "evaluation", "evaluations", "evals", "experiments", "files", "home", "input", "inputs",
    "log", "logs", "models", "output", "outputs", "predictions", "result", "results", "root", "runs", "samples", "tmp", "work",
}  # fmt: skip
"""Folders for files of any kind, whose names are no LLMs."""
_LETTER: Final = re.compile(r"[^\W\d_]")
_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")


def routed_name(name: str) -> str:
    """`org/model` and plain names as they are; of a path its last part, with the one above if that is a stage of training."""
    name = name.strip()
    cached = _CACHED.search(name)
    if cached:
        return f"{cached[1]}/{cached[2]}"
    parts = [part for part in re.split(r"[\\/]", name) if part not in ("", ".", "..", "~")]
    is_path = name.startswith(("/", "\\", ".", "~")) or _DRIVE.match(name) is not None or len(parts) > 3
    if not is_path or not parts:
        return name
    return "/".join(parts[-2:]) if _STAGE.fullmatch(parts[-1]) else parts[-1]


def guessed_name(path: Path) -> str | None:
    """The name of the folder of a file, where nothing else names the LLM; None for one that holds files of any kind."""
    folder = path.absolute().parent.name
    return None if folder.lower() in _PLACES or not _LETTER.search(folder) or is_time(folder) else folder


def guess_note(llm: str) -> str:
    """What the user must know of a name that was guessed."""
    return f"no LLM is named, so the name of the folder is taken, {llm}. If it is wrong: --option llm=NAME"


def name_of_folder(folder: str) -> str | None:
    """The LLM that a folder `org__model` stands for; of a path written so its last part. None without `__`."""
    if "__" not in folder:
        return None
    parts = [part for part in folder.split("__") if part]
    if not parts:
        return None
    name = folder.replace("__", "/")
    return routed_name(name) if folder.startswith("__") or len(parts) > 2 else "/".join(parts)
