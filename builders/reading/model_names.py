"""Names of LLMs as harnesses write them: a path of a checkpoint or a name made fit for a folder, as the name one routes to."""

from __future__ import annotations

import re
from typing import Final

_CACHED: Final = re.compile(r"models--([^/\\]+)--([^/\\]+)")
_CHECKPOINT: Final = re.compile(r"(?:checkpoint|step|epoch|iter)[-_]?\d+", re.IGNORECASE)
_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")


def routed_name(name: str) -> str:
    """`org/model` and plain names as they are; of a path its last part, with the folder above where that is a checkpoint."""
    name = name.strip()
    cached = _CACHED.search(name)
    if cached:
        return f"{cached[1]}/{cached[2]}"
    parts = [part for part in re.split(r"[\\/]", name) if part not in ("", ".", "..", "~")]
    is_path = name.startswith(("/", "\\", "./", "../", "~")) or _DRIVE.match(name) is not None or len(parts) > 3
    if not is_path or not parts:
        return name
    return "/".join(parts[-2:]) if _CHECKPOINT.fullmatch(parts[-1]) else parts[-1]


def name_of_folder(folder: str) -> str | None:
    """The LLM that a folder `org__model` stands for; of a path written so its last part. None without `__`."""
    if "__" not in folder:
        return None
    parts = [part for part in folder.split("__") if part]
    if not parts:
        return None
    name = folder.replace("__", "/")
    return routed_name(name) if folder.startswith("__") or len(parts) > 2 else "/".join(parts)
