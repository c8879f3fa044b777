"""Prints the agreement of the judges of a release as docs/judge_report.md has it.

llmfusionbench build wildbench DATA/wildbench/judge=*/*.json.gz --out wildbench
python benchmarks/figures/judge_agreement.py wildbench
"""

from __future__ import annotations

import argparse
from pathlib import Path

import llmfusionbench as lfb
from llmfusionbench.evaluation.judges import judge_report
from llmfusionbench.evaluation.judges.told import Told


def shown(figure: Told | None) -> str:
    if figure is None or figure.value is None or figure.low is None or figure.high is None:
        return "-" if figure is None else figure.why or "-"
    return f"{figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    report = judge_report(lfb.open_release(options.release), seed=options.seed)
    for pair in report.agreement.pairs:
        print(f"{pair.judges[0]} and {pair.judges[1]}, {pair.alpha.n:,} answers to {pair.alpha.queries:,} queries\n")
        figures = {
            "Krippendorff's alpha, interval": pair.alpha,
            "Krippendorff's alpha, ordinal": pair.alpha_ordinal,
            "Gwet's AC2, quadratic weights": pair.ac2,
            "Spearman": pair.spearman,
            "mean difference of the scores": pair.difference,
        }
        print("| figure | value (95% interval) |\n|---|---|")
        print("\n".join(f"| {name} | {shown(figure)} |" for name, figure in figures.items()))
    print("\n| judge | answers | mean score | score per doubling of length |\n|---|---|---|---|")
    for judge in report.judges:
        print(f"| `{judge.name}` | {judge.answers:,} | {shown(judge.mean)} | {shown(judge.length.per_doubling)} |")


if __name__ == "__main__":
    main()
