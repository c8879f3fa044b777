"""Puts what the commands really print into the docs, between the markers of each page.

python benchmarks/figures/printouts.py           the end of `llmfusionbench quickstart`, in docs/getting_started.md
python benchmarks/figures/printouts.py --bench   and what the benchmarks print on this machine, in docs/performance.md;
                                                 --bench logs makes the block of that name alone

The block `full` is measured at full size, with the picture docs/scaling.svg and the plan in docs/scale.md. It takes about half
an hour and 15 GB of disk.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOWN = ("code", "commonsense", "math")
BLOCKS = {
    "bench": ("validation", "build", "scoring_speed", "routers", "retrieval", "export"),
    "starts": ("opening",),
    "logs": ("log_sources",),
    "calls": ("collect_speed --calls 10000", "caller", "judge_report"),
    "full": ("scaling --json build/scaling.json", "published_way", "tokens --scale 1.0 --repeats 1"),
}
"""Block of docs/performance.md -> the benchmarks that it shows."""
MEASURED = ROOT / "build" / "scaling.json"
"""What `scaling` writes for the picture."""
PICTURE = ROOT / "docs" / "scaling.svg"


def quickstart_table() -> str:
    """The table of the best candidates as quickstart prints it, for some of its domains."""
    command = [sys.executable, "-c", "from llmfusionbench.cli import main; main(['quickstart'])"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("The 5 best candidates"))
    rows = [line.rstrip() for line in lines[start : lines.index("", start)]]
    return "\n".join([*rows[:2], *(row for row in rows[2:] if row.startswith(SHOWN)), "..."])


def machine() -> str:
    """The machine in one line."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{package} {version(package)}" for package in ("pyarrow", "numpy", "pandas"))
    cores = f"{os.cpu_count()} cores {name}, {memory:.0f} GiB"
    return f"{cores}; {platform.system()} {platform.release()}; Python {platform.python_version()}, {packages}"


def benchmarks(block: str) -> str:
    """What the benchmarks of a block print."""
    outputs = [machine()]
    for command in BLOCKS[block]:
        name, *options = command.split()
        script = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *options]
        outputs.append(subprocess.run(script, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip())
    return "\n\n".join(outputs)


def figure(script: str, *arguments: Path) -> str:
    """What a script beside this one prints."""
    command = [sys.executable, str(Path(__file__).with_name(f"{script}.py")), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def replace(page: str, name: str, content: str, *, fenced: bool = True) -> None:
    """Writes `content`, as a block of text if it is `fenced`, between the markers of that name in a page of docs/."""
    path = ROOT / "docs" / page
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = path.read_text(encoding="utf-8")
    if not text.count(begin) == text.count(end) == 1:
        raise SystemExit(f"{path}: expected {begin} and {end} once each. Remedy: put both markers back")
    before, after = text.partition(begin)[0], text.partition(end)[2]
    shown = f"```text\n{content}\n```" if fenced else content
    path.write_text(f"{before}{begin}\n{shown}\n{end}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", nargs="*", choices=BLOCKS, metavar="BLOCK")
    blocks = parser.parse_args().bench
    replace("getting_started.md", "quickstart", quickstart_table())
    for block in BLOCKS if blocks == [] else blocks or ():
        MEASURED.parent.mkdir(exist_ok=True)
        replace("performance.md", block, benchmarks(block))
        if block == "full":
            figure("scaling_picture", MEASURED, PICTURE)
            replace("scale.md", "plan", figure("plan", MEASURED), fenced=False)


if __name__ == "__main__":
    main()
