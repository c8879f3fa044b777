"""Puts what the commands really print into README.md, between its markers.

python docs/make_readme.py           the end of `llmfusionbench quickstart`
python docs/make_readme.py --bench   and what the benchmarks print on this machine
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
SHOWN = ("code", "commonsense", "math")


def quickstart_table() -> str:
    """The table of the best candidates as quickstart prints it, some of its domains."""
    command = [sys.executable, "-c", "from llmfusionbench.cli import main; main(['quickstart'])"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("The 5 best candidates"))
    rows = [line.rstrip() for line in lines[start : lines.index("", start)]]
    return "\n".join([*rows[:2], *(row for row in rows[2:] if row.startswith(SHOWN)), "..."])


def benchmarks() -> str:
    """What the benchmarks print."""
    names = ("validation", "build", "scoring_speed", "routers", "retrieval", "export")
    scripts = [ROOT / "benchmarks" / f"{name}.py" for name in names]
    outputs = (
        subprocess.run([sys.executable, str(script)], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
        for script in scripts
        if script.exists()
    )
    return "\n\n".join(outputs)


def replaced(text: str, name: str, content: str) -> str:
    """`text` with `content` as a block between the markers of that name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n```text\n{content}\n```\n{end}{after}"


def main() -> None:
    text = replaced(README.read_text(encoding="utf-8"), "quickstart", quickstart_table())
    if "--bench" in sys.argv[1:]:
        text = replaced(text, "bench", benchmarks())
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
