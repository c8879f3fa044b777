"""Thought templates: six per query, ranked by their criterion within their pool."""

import re

from llmfusionbench.builders.simulation import LLMS, answers, simulate_queries, simulate_templates, task_queries
from llmfusionbench.types import query_id, template_id

SMALL = {llm.name for llm in LLMS if llm.scale == "small"}


def test_six_templates_a_query() -> None:
    ids = set()
    for query in simulate_queries(3):
        templates = simulate_templates(query)
        assert [(entry.criterion, entry.pool) for entry in templates] == [
            (criterion, pool) for criterion in ("performance", "judge", "hybrid") for pool in ("small", "all")
        ]
        for entry in templates:
            ids.add(template_id(query_id(query.task, query.prompt), entry.criterion, entry.pool, entry.summarizer))
            assert entry.summarizer == "simulated"
            assert 1 <= len(re.findall(r"[.!?](?: |$)", entry.template)) <= 5
            assert query.answer not in entry.template or len(query.answer) < 6
            assert 1 <= len(entry.sources) <= 3
            if entry.pool == "small":
                assert {name.removesuffix("_think") for name in entry.sources} <= SMALL
    assert len(ids) == 14 * 3 * 6


def test_sources_are_the_best_answers() -> None:
    for query in task_queries("gsm8k", 20):
        entries = {(entry.llm.name + ("_think" if entry.mode == "think" else "")): entry for entry in answers(query)}
        chosen = next(entry for entry in simulate_templates(query) if (entry.criterion, entry.pool) == ("judge", "all"))
        worst = min(entries[name].judge_score or 0 for name in chosen.sources)
        others = [
            entry.judge_score for name, entry in entries.items() if name not in chosen.sources and entry.judge_score is not None
        ]
        assert worst >= max(others)
