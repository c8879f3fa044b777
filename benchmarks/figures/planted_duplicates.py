"""Plants changes in real prompts that leave the question as it is, and prints how many are found as near-duplicates.

    python benchmarks/figures/planted_duplicates.py --logs DIR [--draw 250] [--seed 0]

DIR holds llmrouter, zeroeval_gsm8k and formats. `similar` counts the changed prompts whose word triples have a Jaccard
similarity of .8 or more with the original, `found` those of them that `texts.what_differs` also takes for the same question.
Words are replaced by words of other prompts at random, so that some changes do make another question. Last, it prints the time
that grouping takes for prompts that share passages (20 passages of 400 words with 45 questions each, in turn and shuffled), and
how many times that of grouping where each pair is rejected without the check of what differs.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from llmfusionbench.texts import near_duplicates
from llmfusionbench.texts.what_differs import ask_the_same
from llmfusionbench.texts.word_triples import word_triples

THRESHOLD = 0.8
WORDS = (25, 600)
"""Words of the prompts that are changed."""


def prompts_of(logs: Path, draw: int, rng: random.Random) -> list[str]:
    """Up to `draw` prompts of each log."""
    with gzip.open(logs / "llmrouter" / "default_query_train.jsonl.gz", "rt", encoding="utf-8") as stream:
        listed = [[json.loads(line)["query"] for line in stream]]
    fields = {"zeroeval_gsm8k/gemma-2-2b-it": "question", "formats/crux/gemma-2-2b-it": "question"}
    fields["formats/alpaca_eval/alpaca-7b.model_outputs"] = "instruction"
    for name, field in fields.items():
        with gzip.open(logs / f"{name}.json.gz", "rt", encoding="utf-8") as stream:
            listed.append([record[field] for record in json.load(stream)])
    long = [[prompt for prompt in some if WORDS[0] <= len(prompt.split()) <= WORDS[1]] for some in listed]
    return [prompt for some in long for prompt in rng.sample(some, min(draw, len(some)))]


def changes(rng: random.Random, vocabulary: list[str]) -> dict[str, Callable[[str], str]]:
    """Name -> what is done to a prompt."""

    def some(prompt: str, n: int, change: Callable[[str], str]) -> str:
        parts = re.split(r"(\s+)", prompt)
        for place in rng.sample([i for i in range(0, len(parts), 2) if parts[i].isalpha()] or [0], 1)[:n]:
            parts[place] = change(parts[place])
        return "".join(parts) if n == 1 else some("".join(parts), n - 1, change)

    def slip(word: str) -> str:
        place = rng.randrange(max(len(word) - 1, 1))
        kinds: list[Any] = [word[place + 1 : place + 2] + word[place : place + 1], "", 2 * word[place], rng.choice("aeinst")]
        kind = rng.randrange(4)
        return word[:place] + kinds[kind] + word[place + (2 if kind == 0 else 1) :]

    return {
        "lower case": str.lower,
        "capitals": str.upper,
        "double spaces": lambda prompt: prompt.replace(" ", "  "),
        "other line breaks": lambda prompt: re.sub(r"\s+", lambda _: rng.choice(" \n"), prompt),
        "dashes for commas": lambda prompt: prompt.replace(", ", " - "),
        "a label before it": lambda prompt: f"Question: {prompt}",
        "a number before it": lambda prompt: f"12. {prompt}",
        "an instruction before it": lambda prompt: f"Think about it first and then give a short answer. {prompt}",
        "an instruction after it": lambda prompt: f"{prompt}\nLet us think step by step, and do not guess.",
        "one slip of the pen": lambda prompt: some(prompt, 1, slip),
        "two slips of the pen": lambda prompt: some(prompt, 2, slip),
        "a word left out": lambda prompt: some(prompt, 1, lambda _: ""),
        "two words left out": lambda prompt: some(prompt, 2, lambda _: ""),
        "a word replaced": lambda prompt: some(prompt, 1, lambda _: rng.choice(vocabulary)),
        "two words replaced": lambda prompt: some(prompt, 2, lambda _: rng.choice(vocabulary)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=Path, required=True)
    parser.add_argument("--draw", type=int, default=250)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    prompts = prompts_of(arguments.logs, arguments.draw, rng)
    vocabulary = sorted({word for prompt in prompts for word in re.findall(r"\b[a-z]{4,}\b", prompt)})
    print(f"{len(prompts):,} prompts\n\n| change | similar | found | % |\n|---|---:|---:|---:|")
    for name, change in changes(rng, vocabulary).items():
        pairs = [(prompt, changed) for prompt in prompts if (changed := change(prompt)) != prompt]
        similar = [pair for pair in pairs if jaccard(*pair) >= THRESHOLD]
        found = sum(ask_the_same(*pair, THRESHOLD) for pair in similar)
        print(f"| {name} | {len(similar):,} | {found:,} | {100 * found / max(len(similar), 1):.1f} |")
    print_times(rng, vocabulary)


def print_times(rng: random.Random, vocabulary: list[str]) -> None:
    """The seconds of grouping prompts about shared passages, and without the check of what differs."""

    def words(n: int) -> str:
        return " ".join(rng.choices(vocabulary, k=n))

    passages = [". ".join(words(16).capitalize() for _ in range(25)) for _ in range(20)]
    prompts = [f"{passage}.\nWhat {words(8)}?" for passage in passages for _ in range(45)]
    shuffled = rng.sample(prompts, len(prompts))
    in_turn, mixed = seconds(prompts), seconds(shuffled)
    check = near_duplicates.ask_the_same
    near_duplicates.ask_the_same = lambda *_: False
    without = seconds(shuffled)
    near_duplicates.ask_the_same = check
    print(f"\n{len(prompts):,} prompts about shared passages, each pair rejected unchecked: {without:.2f} s CPU")
    print(f"with the check: {in_turn:.2f} s in turn, {mixed:.2f} s shuffled ({mixed / without:.1f} x)")


def seconds(prompts: list[str]) -> float:
    """CPU seconds of grouping."""
    start = time.process_time()
    near_duplicates.first_near_duplicates(prompts)
    return time.process_time() - start


def jaccard(one: str, other: str) -> float:
    """Similarity of the word triples of two prompts."""
    mine, theirs = word_triples(one), word_triples(other)
    shared = len(np.intersect1d(mine, theirs))
    return shared / (len(mine) + len(theirs) - shared)


if __name__ == "__main__":
    main()
