"""How the time to score a long hostile text, and to make a template of it, grows with its length.

    python benchmarks/hostile_texts.py [--length 250000] [--repeats 3]

Each text repeats one mark that a pattern looks for. The ratio printed is the time at four times the length, divided by four
times the time at the length itself: about 1 where the work is linear, about 4 where it is quadratic. Both are processor time,
measured in the same run.
"""

from __future__ import annotations

import argparse
from functools import partial

from _measuring import cost, peak

from llmfusionbench.builders.templates import Job, extract_template
from llmfusionbench.scoring import score

MARKS = (
    *("a", " ", "1,", "\\boxed{", "{", '"answer": ', "answer is ", "B is ", "**A", "not ", "\\frac{", "1/", "```python\n"),
    *("\\[", "A. ", "$$", "- ", "so ", '"reasoning": ', "</think>", "def f(\n"),
)
TRUTHS = {"em": "x y", "cem": "x y", "f1_score": "x y", "em_mc": "A", "gsm8k": "7", "math": "\\boxed{7}", "crux": "[7]"}


def scored(text: str) -> None:
    for metric, truth in TRUTHS.items():
        score(metric, text, truth, choices=["bus", "train"], math_deadline_s=1.0)


def template(text: str) -> None:
    answers = (text, "Add the parts. So the sum is 4.")
    extract_template(Job(0, "0" * 24, "sums", "How many?", "4", (), "gsm8k", ("a", "b"), answers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", type=int, default=250_000, help="Characters of the shorter text.")
    parser.add_argument("--repeats", type=int, default=3, help="Runs of which the median counts.")
    options = parser.parse_args()
    print(f"{options.length:,} characters, and four times as many")
    print(f"{'work':10}{'mark':>16}{'seconds':>10}{'x 4':>10}{'ratio':>8}")
    for name, work, length in (("score", scored, options.length), ("template", template, options.length // 25)):
        worst = 0.0
        for mark in MARKS:
            text = mark * (length // len(mark))
            once, four = (cost(partial(work, text * times), options.repeats).cpu for times in (1, 4))
            worst = max(worst, four / once / 4)
            print(f"{name:10}{mark!r:>16}{once:10.3f}{four:10.3f}{four / once / 4:8.2f}")
        print(f"{name}: at worst {worst:.2f} (1 is linear, 4 quadratic)")
    print(f"peak memory {peak():.0f} MB")


if __name__ == "__main__":
    main()
