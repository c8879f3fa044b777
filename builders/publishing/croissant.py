"""The description of a published release for machines: its croissant.json."""

from __future__ import annotations

from typing import Any

from llmfusionbench.release import Release


def croissant(release: Release, repo_id: str, *, licence: str | None = None) -> dict[str, Any]:
    """The metadata of a release as Croissant."""
    about = {"@type": "sc:Dataset", "name": repo_id.partition("/")[2], "url": f"https://huggingface.co/datasets/{repo_id}"}
    return about if licence is None else {**about, "license": licence}
