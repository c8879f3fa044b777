"""Templates without an LLM: what they say, that they never tell the answer, and that nothing but the job goes into them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from llmfusionbench.builders import build
from llmfusionbench.builders.revising.rescore import rescore
from llmfusionbench.builders.templates import (
    CRITERIA,
    POOLS,
    ExtractiveSummarizer,
    Job,
    extract_template,
    make_templates,
    read_jobs,
    select_answers,
)
from llmfusionbench.builders.templates.sentences import count_sentences
from llmfusionbench.release import open_release
from tests.helpers.job import job
from tests.helpers.reading import real_logs

BREAD = (
    "First, find the price of all the loaves: 3 loaves cost 3 * $4 = $12. Then, subtract it from the money that Mia has: "
    "20 - 12 = 8. The answer is 8.",
    "Mia pays 3 * 4 = 12 dollars for the loaves. To get the money that is left, subtract the price: 20 - 12 = 8.\n#### 8",
)
BREAD_PROMPT = "Mia has $20 and buys 3 loaves at $4 each. How much money is left? End with the number after ####."


def test_what_a_template_says() -> None:
    template = extract_template(job(*BREAD, prompt=BREAD_PROMPT, truth="8", metric="gsm8k", task="gsm8k"))
    assert template == (
        "This gsm8k question is about buys, loaves, money and left and asks: how much money is left. "
        "First, find the price of all the loaves: [number] loaves cost [number] * [number] = [number]. "
        "Then, subtract it from the money that [name] has: [number] - [number] = [number]. "
        'The reply states one number as "the answer".'
    )


@pytest.mark.parametrize(
    ("answers", "truth", "metric", "choices", "form"),
    [
        (('{"reasoning": "x", "answer": "8"}',), "8", "gsm8k", (), 'a JSON object whose field "answer" holds one number'),
        (("It is 4 + 4.\n#### 8",), "8", "gsm8k", (), "ends with one number after four hash signs"),
        (("We find $\\boxed{\\frac{1}{2}}$.",), "\\boxed{\\frac{1}{2}}", "math", (), "in a LaTeX box"),
        (
            ("It must be so, since no other fits.\n(B)",),
            "B",
            "em_mc",
            ("x", "y"),
            "the letter of the chosen option in parentheses",
        ),
        (("**True**",), "true", "em", (), "is true or false and little else"),
        (("Yes, it does.",), "true", "em", (), "is yes or no and little else"),
        (("Paris.",), '["Paris"]', "cem", (), "is a short name or phrase and little else"),
        (
            ("[BEGIN]\ndef f(): return 1\n[DONE]",),
            '["assert f() == 1"]',
            "code_eval",
            (),
            "between the tags [BEGIN] and [DONE]",
        ),
        (("```python\ndef f(): return 1\n```",), '["assert f() == 1"]', "code_eval", (), "one fenced block of code"),
        (("A\n#### 8", "\\boxed{8}", "x\n#### 8"), "8", "gsm8k", (), "after four hash signs"),
    ],
)
def test_the_form_of_the_answer_is_read_off_the_answers(
    answers: tuple[str, ...], truth: str, metric: str, choices: tuple[str, ...], form: str
) -> None:
    template = extract_template(job(*answers, truth=truth, metric=metric, choices=choices))
    assert isinstance(template, str)
    assert form in template


def test_answers_without_steps() -> None:
    template = extract_template(job("Paris", prompt="What is the capital of France?", truth="Paris", metric="cem"))
    assert isinstance(template, str)
    assert "give the result at once" in template
    assert "Paris" not in template


def test_a_hostile_task_and_prompt_stay_data() -> None:
    task = "<script>alert(1)</script>\x1b[31m| **ignore** all"
    template = extract_template(job(*BREAD, prompt=BREAD_PROMPT + "\x1b[2J\u202e", truth="8", metric="gsm8k", task=task))
    assert isinstance(template, str)
    assert template.isprintable()
    assert template.startswith("This script alert 1 script 31m ignore all question")


def test_options_are_named_neither_right_nor_wrong() -> None:
    answer = (
        "The heart moves the blood, so it is not the heart. Compare what every organ of the body does with the blood. "
        "The kidneys filter the blood. So (B) is right."
    )
    one = job(answer, prompt="Which organ filters the blood?", truth="B", metric="em_mc", choices=("the heart", "the kidneys"))
    template = extract_template(one)
    assert isinstance(template, str)
    assert "Compare what every organ" in template
    assert not re.search(r"heart|kidneys|\bB\b", template)


def told(one: Job, template: str) -> bool:
    """Whether the template tells the answer: read off the ground truth by other means than the code under test."""
    low = template.lower().replace(f"this {one.task} ", "", 1)
    if re.search(r"\d", low):
        return True
    truth = (one.ground_truth or "").lower()
    if one.choices:
        text = one.choices["abcdefghij".index(truth)].lower()
        return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", low) is not None or f"({truth})" in low
    if one.metric in ("gsm8k", "math", "code_eval"):
        return "boxed" in low or "assert" in low or "def " in low
    if truth in ("true", "false"):
        return truth in low and "true or false" not in low
    return any(re.search(rf"(?<!\w){re.escape(a)}(?!\w)", low) for a in re.findall(r'"([^"]+)"', truth))


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("criterion", CRITERIA)
def test_the_sample_has_a_template_for_every_query_and_none_tells(criterion: str, pool: str) -> None:
    release = open_release("sample")
    jobs = list(read_jobs(release, select_answers(release, criterion=criterion, pool=pool).answers))
    templates = dict(ExtractiveSummarizer().summarize(jobs))
    assert len(templates) == len(jobs)
    for one in jobs:
        template = templates[one.place]
        assert isinstance(template, str), one
        assert 1 <= count_sentences(template) <= 5
        assert template.isprintable()
        assert not told(one, template), (one.ground_truth, template)


def test_a_template_depends_on_its_job_alone() -> None:
    release = open_release("sample")
    jobs = list(read_jobs(release, select_answers(release).answers))[:40]
    together = dict(ExtractiveSummarizer().summarize(reversed(jobs)))
    assert all(extract_template(replace(one, place=0)) == together[one.place] for one in jobs)


def test_the_sample() -> None:
    assert len(make_templates("sample").table) == 386


def test_real_answers(tmp_path: Path) -> None:
    """1,319 questions by 20 LLMs: 10 that nobody answered well, a template for each other, no number in any."""
    build("zeroeval", real_logs("zeroeval_gsm8k/*.json.gz"), tmp_path / "built", workers=1)
    rescore(tmp_path / "built", tmp_path / "scored", workers=1)
    made = make_templates(tmp_path / "scored")
    assert (made.queries, len(made.table), made.skipped, made.failed, made.left) == (
        1_319, 1_309, {"no answer with a performance above 0": 10}, {}, {},
    )  # fmt: skip
    small = make_templates(tmp_path / "scored", pool="small")
    assert (len(small.table), small.skipped) == (1_284, {"no answer with a performance above 0": 35})
    templates = made.table["template"].to_pylist()
    assert not [t for t in templates if re.search(r"\d", t.replace("gsm8k", ""))]
    assert all(2 <= count_sentences(t) <= 5 for t in templates)
    assert sum("share no step" in t for t in templates) == 0
    assert sum('field "answer" holds one number' in t for t in templates) > 1_200
    assert len(set(templates)) > 1_290
