"""What a scorer of the official kind sees in a reply: used to keep every logged performance true to its text.

It knows the simulator's own formats and nothing more; scoring of real replies is the work of `llmfusionbench.scoring`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal

from llmfusionbench.builders.simulation.query import SimulatedQuery

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_PARENTHESISED = re.compile(r"\(([A-E])\)")
_BARE = re.compile(r"(?:^|answer is |Answer: |\*\*|\"answer\": \")([A-E])(?=$|[.\"*])")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def normalise(text: str) -> str:
    """Lower case, without ASCII punctuation, articles and runs of blanks, as in the published SQuAD script."""
    return " ".join(_ARTICLES.sub(" ", _PUNCTUATION.sub("", text.lower())).split())


def f1(reply: str, truth: str) -> float:
    """F1 of the normalised words of reply and truth."""
    got, want = normalise(reply).split(), normalise(truth).split()
    same = sum((Counter(got) & Counter(want)).values())
    return 2 * same / (len(got) + len(want)) if same else 0.0


def boxed(text: str) -> str | None:
    """The content of the last `\\boxed{...}` with balanced braces."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth, begin = 0, start + len("\\boxed{")
    for place in range(begin, len(text)):
        if text[place] == "{":
            depth += 1
        elif text[place] == "}":
            if depth == 0:
                return text[begin:place]
            depth -= 1
    return None


def grade(query: SimulatedQuery, reply: str) -> float:
    """Performance of a reply in [0, 1]; raises ValueError for code, which only running can judge."""
    if query.metric == "GSM8K":
        numbers = _NUMBER.findall(reply)
        return float(bool(numbers) and Decimal(numbers[-1].replace(",", "")) == Decimal(query.answer))
    if query.metric == "MATH":
        content = boxed(reply.replace("\\\\", "\\"))  # inside JSON a backslash is doubled
        return float(content is not None and content.replace("\\dfrac", "\\frac").replace(" ", "") == query.answer)
    if query.metric == "em_mc":
        letters = _PARENTHESISED.findall(reply) or _BARE.findall(reply)
        return float(bool(letters) and letters[-1] == query.answer)
    if query.metric == "em":
        return float(normalise(reply) == normalise(query.ground_truth))
    accepted: list[str] = json.loads(query.ground_truth)
    if query.metric == "cem":
        return float(any(normalise(answer) in normalise(reply) for answer in accepted))
    if query.metric == "f1_score":
        return max(f1(reply, answer) for answer in accepted)
    raise ValueError(f"metric {query.metric} cannot be graded from the text")
