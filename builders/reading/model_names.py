"""Names of LLMs as harnesses write them: a path of a checkpoint or a name made fit for a folder, as the name one routes to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from llmfusionbench.builders.reading.run_times import is_time
from llmfusionbench.types import Candidate

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
_GRADED: Final = re.compile(r"([^/\\.~ ]+) \((.+)\)", re.DOTALL)
"""The name of a judge that grades in one of several ways, and the path of its model: `llm-rubric (/models/llama-8b)`."""


class RoutedName(NamedTuple):
    """The name of an LLM as one routes to it, or of a judge."""

    name: str
    path: str | None = None
    """The path that the name is the end of, in one spelling; None for a name that the log states as such."""

    def __str__(self) -> str:
        """What tells the LLM from all others in a message."""
        return self.path or self.name

    def grading(self, kind: str) -> RoutedName:
        """The judge that the LLM is when it grades in one of several ways."""
        return RoutedName(f"{kind} ({self.name})", None if self.path is None else f"{kind} ({self.path})")

    def judge(self) -> dict[str, str]:
        """`judge` of the records that it judges, and `judge_path` where the name is the end of a path."""
        return {"judge": self.name} if self.path is None else {"judge": self.name, "judge_path": self.path}

    def columns(self, parse: Callable[[str], Candidate] = Candidate.of_two_modes) -> dict[str, str]:
        """`llm` and `mode` of its records, and `llm_path` where the name is the end of a path."""
        llm, mode = parse(str(self))
        return {"llm": llm, "mode": mode} if self.path is None else {"llm": endings(llm)[0], "mode": mode, "llm_path": llm}


def routed_name(name: str) -> RoutedName:
    """As `name_or_path`, where a name of more than three parts is a path, too."""
    found = name_or_path(name.strip())
    return name_of_path(found.name) if found.path is None and len(_parts(found.name.replace("\\", "/"))) > 3 else found


def name_or_path(name: str) -> RoutedName:
    """`org/model` and plain names as they are; of a path its last part, with the one above if that is a stage of training.

    A path begins with `/`, `\\`, `.`, `~` or a drive. A folder of the cache of the Hub stands for its model.
    """
    cached = _CACHED.search(name)
    if cached:
        return RoutedName(f"{cached[1]}/{cached[2]}")
    is_path = name.startswith(("/", "\\", ".", "~")) or _DRIVE.match(name) is not None
    return name_of_path(name) if is_path and _parts(name.replace("\\", "/")) else RoutedName(name)


def name_of_path(path: str) -> RoutedName:
    """The name that a path has by itself, which the build makes longer where other LLMs would have it, too.

    The path is spelled with `/`, without `//`, `/./`, `x/..` and a `/` at its end. A relative one begins with `.`.
    """
    spelled = re.sub("^/+", "/", posixpath.normpath(path.replace("\\", "/")))
    if not spelled.startswith(("/", ".", "~")) and not _DRIVE.match(spelled):
        spelled = f"./{spelled}"
    return RoutedName(endings(spelled)[0], spelled)


def endings(path: str) -> list[str]:
    """The names that a path may have, from the shortest one to the path as a whole. Those of a judge keep how it grades."""
    if judge := _GRADED.fullmatch(path):
        return [f"{judge[1]} ({ending})" for ending in endings(judge[2])]
    parts = _parts(path)
    least = 2 if len(parts) > 1 and _STAGE.fullmatch(parts[-1]) else 1
    return [*("/".join(parts[-count:]) for count in range(least, len(parts) + 1)), path]


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".", "..", "~")]


def guessed_name(path: Path) -> str | None:
    """The name of the folder of a file, where nothing else names the LLM; None for one that holds files of any kind."""
    folder = path.absolute().parent.name
    return None if folder.lower() in _PLACES or not _LETTER.search(folder) or is_time(folder) else folder


def guess_note(llm: str) -> str:
    """What the user must know of a name that was guessed."""
    return f"no LLM is named, so the name of the folder is taken, {llm}. If it is wrong: --option llm=NAME"


def name_of_folder(folder: str) -> RoutedName | None:
    """The LLM that a folder `org__model` stands for; of a path written so its last part. None without `__`."""
    if "__" not in folder:
        return None
    parts = [part for part in folder.split("__") if part]
    if not parts:
        return None
    name = folder.replace("__", "/")
    return routed_name(name) if folder.startswith("__") or len(parts) > 2 else RoutedName("/".join(parts))
