"""A disk that gets full: the run stops with one clear line, and every answer that was acknowledged is there later."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.importable import importable

ROOM = 6 * 2**20
"""Bytes: the journal's reserve of 4 MiB, and some hundred answers."""
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


def run_until_full(folder: Path, kind: str) -> dict[str, Any]:
    """What a process knew when its disk was full."""
    command = [sys.executable, "-m", "tests.helpers.full_disk", str(folder), str(ROOM), kind]
    done = subprocess.run(
        [*(NAMESPACE if kind == "tmpfs" else ()), *command], capture_output=True, text=True, check=True, env=importable()
    )
    return json.loads(done.stdout)


def can_mount() -> bool:
    """Whether this machine lets a process have file systems of its own."""
    return shutil.which("unshare") is not None and subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="this machine allows no namespaces")
def test_a_full_disk_loses_no_answer_at_all(tmp_path: Path) -> None:
    found = run_until_full(tmp_path, "tmpfs")
    assert "No space left on device. All answers that were recorded are kept. Remedy: free space" in found["error"]
    assert len(found["resumed"]) == len(found["asked"]) > 100
    assert set(found["acknowledged"]) == set(found["resumed"])
    assert (found["lost"], found["damaged"]) == (0, 0)


def test_a_file_that_may_not_grow_loses_nothing_acknowledged(tmp_path: Path) -> None:
    found = run_until_full(tmp_path, "limit")
    assert "journal.jsonl: File too large. All answers that were recorded are kept. Remedy: free space" in found["error"]
    assert set(found["acknowledged"]) == set(found["resumed"])
    assert len(found["resumed"]) > 100
    assert found["damaged"] == 0
    assert found["lost"] == len(found["asked"]) - len(found["resumed"]) <= 8
