"""Some hundred mutated inputs of all kinds; `make fuzz` runs ten thousand."""

import subprocess
import sys
from pathlib import Path

from tests.helpers.importable import importable


def test_mutated_inputs_end_in_a_release_or_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--count", "240", "--seed", "1", "--keep", str(tmp_path)]
    done = subprocess.run(command, env=importable(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "240 inputs, seed 1: 0 failed" in done.stdout
