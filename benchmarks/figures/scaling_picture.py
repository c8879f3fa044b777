"""Draws what `benchmarks/scaling.py --json` has measured: CPU seconds and peak memory of each stage over the number of answers.

python benchmarks/figures/scaling_picture.py FILE PICTURE
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

PANELS = (("cpu", "CPU seconds of all processes"), ("peak", "MB of the largest process"))
COLOURS = ("#888888", "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#000000")
"""Colours that people tell apart who do not see all of them (Okabe and Ito)."""


def draw(sizes: list[dict[str, Any]], picture: Path) -> None:
    """Two panels, with logarithmic axes but that of memory, which begins at 0. The same figures give the same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    sizes = sorted(sizes, key=lambda one: one["rows"])
    rows = [one["rows"] for one in sizes]
    with mpl.rc_context({"svg.hashsalt": "scaling", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(10, 4), layout="constrained")
        for axes, (what, words) in zip(figure.subplots(1, 2), PANELS, strict=True):
            for stage, colour in zip(sizes[0]["stages"], COLOURS, strict=False):
                values = [one["stages"][stage][what] for one in sizes]
                style = "--" if "baseline" in stage else "-"
                axes.plot(rows, values, style, color=colour, marker="o", markersize=4, label=stage)
            axes.set_xscale("log")
            axes.set_xticks(rows, [f"{n:,}" for n in rows], minor=False)
            axes.minorticks_off()
            axes.set_xlabel("answers (simulated)")
            axes.set_title(words, loc="left")
            axes.grid(alpha=0.3)
            if what == "cpu":
                axes.set_yscale("log")
            else:
                axes.set_ylim(bottom=0)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right center", frameon=False)
        figure.savefig(picture, format="svg", metadata={"Date": None, "Creator": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    draw(json.loads(options.file.read_text(encoding="utf-8")), options.picture)


if __name__ == "__main__":
    main()
