"""Every command that takes a release takes one on the Hub, and has the same result as with its directory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmfusionbench.release import Release
from llmfusionbench.release.opening import embedded_path
from tests.helpers import warm
from tests.helpers.hub import LocalHub

REPO = "org/sample"

LAZY = {
    "info R --json": {"queries", "responses", "judge_scores", "llms"},
    "evaluate R --router knn --resamples 10 --json": {"routing", "queries", "llms", "responses"},
    "fuse R --json": {"queries", "responses", "llms", "routing"},
    "diff R sample --json": {"queries", "responses", "judge_scores", "llms", "thought_templates"},
    "export sft R --format openai --out OUT": None,
    "export routing R --format routerdc --out OUT": None,
}
"""Command -> the tables that it reads from afar; None: some."""

WHOLE = ("audit R --json --no-near-duplicates", "rescore R --out OUT")
"""Commands that download the release."""


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    place = embedded_path("sample")
    with LocalHub() as server:
        server.put(REPO, {p.relative_to(place).as_posix(): p.read_bytes() for p in place.rglob("*") if p.is_file()})
        yield server


def run(hub: LocalHub, folder: Path, command: str, release: str) -> str:
    words = [{"R": release, "OUT": "out"}.get(word, word) for word in command.split()]
    folder.mkdir()
    done = warm.run("-m", "llmfusionbench", *words, env=hub.env(folder), cwd=folder, libraries=warm.LEARNING)
    assert "Traceback" not in done.stderr
    assert "error" not in done.stderr, done.stderr
    return done.stdout


def written(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.glob("out*/**/*")) if p.is_file()}


@pytest.mark.parametrize("command", [*LAZY, *WHOLE])
def test_the_same_as_with_the_directory(command: str, hub: LocalHub, tmp_path: Path) -> None:
    near = run(hub, tmp_path / "near", command, "sample")
    hub.clear_log()
    far = run(hub, tmp_path / "far", command, REPO)
    assert plain(far) == plain(near)
    assert written(tmp_path / "far") == written(tmp_path / "near")
    read = {match[1] for r in hub.log("GET") if (match := re.search("/resolve/[^/]+/([a-z_]+)/", r.path))}
    wanted = LAZY.get(command)
    if wanted is not None:
        assert read <= wanted
    elif command in WHOLE:
        assert read == {name.split("/")[0] for name in Release(embedded_path("sample")).manifest["files"] if "/" in name}


def plain(output: str) -> object:
    """The result without times and the name of the release."""
    try:
        found = json.loads(output)
    except ValueError:
        return re.sub(r"\d+(\.\d+)? s\b|sample|org/sample|hf://\S+", "", output)
    for key in ("seconds", "release") if isinstance(found, dict) else ():
        found.pop(key, None)
    return found
