"""Responses scored per second, by whole column and by a plain loop over rows, with peak memory.

    python benchmarks/scoring_speed.py [--rows 100000] [--workers 2]

The data are generated from a seed; one eighth of the rows repeat another LLM's answer to the same question word for word, as
real logs do. Both ways score the same rows in the same run, one after the other.
"""

from __future__ import annotations

import argparse
import os
import random
import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from _measuring import cost, peak

from llmfusionbench.scoring import score, score_column

WORDS = re.findall(
    r"\w+",
    "first the total number of eggs is counted and then each of them sold at a market price which gives us an amount "
    "that we add to what was there before so that finally every step of this derivation can be checked by hand",
)
CITIES = ("Paris", "Vienna", "New York City", "Saint Petersburg", "Rio de Janeiro", "Cairo")
OPTIONS = ("bus depot", "train station", "beach", "bridge")


def prose(rng: random.Random, words: int) -> str:
    """Sentences of `words` words in all."""
    chosen = rng.choices(WORDS, k=words)
    return " ".join(word + ("." if place % 14 == 13 else "") for place, word in enumerate(chosen)).capitalize()


def number(rng: random.Random) -> tuple[str, str]:
    truth = rng.randrange(2000)
    marked = rng.choice(("The answer is ${}.", "#### {}", '{{"answer": "{}"}}', "So she makes {} dollars in all."))
    return f"{prose(rng, 60)} {rng.randrange(90)} + {rng.randrange(90)}. {marked.format(truth + rng.randrange(2))}", str(truth)


def choice(rng: random.Random) -> tuple[str, str]:
    letter = rng.choice("ABCD")
    marked = rng.choice(("The answer is ({}).", "({})", "Answer: {}", "**{}**", "I think that option {} is the best answer."))
    return f"{prose(rng, rng.choice((0, 40)))} {marked.format(letter)}".strip(), rng.choice("ABCD")


def fact(rng: random.Random) -> tuple[str, str]:
    return f"{prose(rng, rng.choice((0, 30)))} It is {rng.choice(CITIES)}.", f'["{rng.choice(CITIES)}", "another name"]'


def boolean(rng: random.Random) -> tuple[str, str]:
    return f"{rng.choice(('True', 'No', 'Yes', 'The answer is false'))}. {prose(rng, 20)}", rng.choice(("True", "False"))


KINDS: dict[str, tuple[str, Callable[[random.Random], tuple[str, str]]]] = {
    "gsm8k": ("gsm8k", number),
    "em_mc": ("em_mc", choice),
    "cem": ("cem", fact),
    "cem, true/false": ("cem", boolean),
    "f1_score": ("f1_score", fact),
    "em": ("em", fact),
}


def columns(make: Callable[[random.Random], tuple[str, str]], rows: int, seed: int) -> tuple[pa.Array, pa.Array]:
    rng = random.Random(seed)
    pairs = [make(rng) for _ in range(rows - rows // 8)]
    pairs += rng.choices(pairs, k=rows // 8)
    rng.shuffle(pairs)
    responses, truths = zip(*pairs, strict=True)
    return pa.array(responses), pa.array(truths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="rows a metric")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args()
    print(f"{options.rows:,} rows a metric, {options.workers} processes, {os.cpu_count()} cores")
    print("| metric | characters a response | column, responses/s | row by row, responses/s | ratio |")
    print("|---|---:|---:|---:|---:|")
    total = {"column": 0.0, "rows": 0.0}
    for name, (metric, make) in KINDS.items():
        responses, truths = columns(make, options.rows, seed=7)
        context: dict[str, object] = {"choices": list(OPTIONS)} if metric == "em_mc" else {}
        made: dict[str, np.ndarray] = {}

        def by_column() -> None:
            made["column"] = score_column(metric, responses, truths, workers=options.workers, **context).values  # noqa: B023

        def by_row() -> None:
            pairs = zip(responses.to_pylist(), truths.to_pylist(), strict=True)  # noqa: B023
            made["rows"] = np.array([score(metric, *pair, **context).value for pair in pairs], dtype=float)  # noqa: B023

        column, rows = cost(by_column).wall, cost(by_row).wall
        np.testing.assert_array_equal(made["column"], made["rows"])
        total["column"] += column
        total["rows"] += rows
        length = responses.nbytes / len(responses)
        print(f"| {name} | {length:.0f} | {options.rows / column:,.0f} | {options.rows / rows:,.0f} | {rows / column:.2f} |")
    count = options.rows * len(KINDS)
    print(f"| all | | {count / total['column']:,.0f} | {count / total['rows']:,.0f} | {total['rows'] / total['column']:.2f} |")
    print(f"\nPeak memory: {peak():,.0f} MB here, {peak(of_children=True):,.0f} MB in the largest child; same values.")


if __name__ == "__main__":
    main()
