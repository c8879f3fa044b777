"""A release of simulated logs, for the benchmarks that need a large one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def simulated(folder: Path, scale: float) -> Path:
    """A release of simulated logs, made by other processes: this one's memory would be counted into that of its children."""
    command = [sys.executable, "-m", "llmfusionbench"]
    logs, release = folder / "logs", folder / "release"
    subprocess.run([*command, "simulate", "--scale", str(scale), "--out", str(logs)], check=True, capture_output=True)
    inputs = [str(path) for path in sorted(logs.glob("*.csv"))]
    subprocess.run([*command, "build", "fusionbench", *inputs, "--out", str(release)], check=True, capture_output=True)
    return release
