"""No simulated text repeats a benchmark: no eight words in a row are shared with the real questions at hand."""

import gzip
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmfusionbench.builders.simulation import answers, simulate_queries, simulate_templates
from llmfusionbench.builders.simulation.tasks import TASKS

ROOT = Path(__file__).resolve().parents[3]
LOGS = Path(os.environ.get("LLMFUSIONBENCH_REAL_LOGS", ROOT.parent / "shared" / "data"))
LENGTH = 8

pytestmark = pytest.mark.skipif(not LOGS.is_dir(), reason=f"no real logs at {LOGS}; set LLMFUSIONBENCH_REAL_LOGS")


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+|\d+", text.lower())


def runs(text: str) -> Iterator[tuple[str, ...]]:
    found = words(text)
    for start in range(len(found) - LENGTH + 1):
        run = tuple(found[start : start + LENGTH])
        # Counting, option letters and code of one-letter names are nobody's sentences.
        if sum(len(word) > 1 and not word.isdigit() for word in run) >= LENGTH - 1:
            yield run


def real_texts() -> Iterator[str]:
    for name in ("llmrouter/default_query_train.jsonl.gz", "code_tasks/mbpp.jsonl.gz", "code_tasks/HumanEval.jsonl.gz"):
        with gzip.open(LOGS / name, "rt", encoding="utf-8") as file:
            for line in file:
                record = json.loads(line)
                yield from (
                    str(record[key]) for key in ("query", "ground_truth", "choices", "text", "prompt") if record.get(key)
                )
    with gzip.open(LOGS / "zeroeval_gsm8k" / "Qwen2-7B-Instruct.json.gz", "rt", encoding="utf-8") as file:
        yield from (record["question"] for record in json.load(file))


def test_no_eight_words_in_a_row_are_shared() -> None:
    real = {run for text in real_texts() for run in runs(text)}
    assert len(real) > 100_000
    shared = set()
    for query in simulate_queries(120):
        for text in (query.prompt, query.task_description, query.ground_truth, *query.steps):
            shared |= real.intersection(runs(text))
    for query in simulate_queries(4):
        for entry in answers(query):
            shared |= real.intersection(runs(entry.response))
        for template in simulate_templates(query):
            shared |= real.intersection(runs(template.template))
    assert shared == set()


def test_no_prompt_repeats_a_real_question() -> None:
    real = [text for text in real_texts() if len(words(text)) >= 6]
    simulated = list(simulate_queries(100))
    prompts = {" ".join(words(query.prompt)) for query in simulated}
    questions = {" ".join(words(query.question)) for query in simulated}
    known = {" ".join(words(text)) for text in real}
    assert not known & (prompts | questions)
    assert len(simulated) == 100 * len(TASKS)
