"""A command in a process in which no file may have more than some bytes, as on a disk that gets full.

python -m tests.helpers.small_disk BYTES WORD...
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from llmfusionbench.cli.main import run
from tests.helpers.importable import importable


def on_a_small_disk(size: int, *words: str) -> subprocess.CompletedProcess[str]:
    """What came of a command there."""
    command = [sys.executable, "-m", "tests.helpers.small_disk", str(size), *words]
    return subprocess.run(command, capture_output=True, text=True, env=importable(), cwd=Path.cwd())


if __name__ == "__main__":
    limit = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    sys.exit(run(sys.argv[2:]))
