"""The catalog: what it says of each task, and that answers in the form that its prompts state are scored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmfusionbench.builders.known.licences import TASK_LICENCES
from llmfusionbench.builders.known.tasks import DOMAINS
from llmfusionbench.builders.simulation.tasks import TASKS
from llmfusionbench.builders.tasks import CATALOG, answer_forms
from llmfusionbench.builders.tasks.chosen import chosen
from llmfusionbench.builders.tasks.query import Query
from llmfusionbench.sandbox import run_tests
from llmfusionbench.scoring import METRICS, score
from llmfusionbench.types import query_id
from tests.helpers.task_rows import MAKERS, answers, rows


def queries(task: str, folder: Path, count: int = 3) -> list[Query]:
    file = folder / f"{task}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows(task, count)))
    return list(chosen([task], files={task: file}, modes=("direct", "think", "high")))


def test_the_catalog_has_the_tasks_of_the_reference_release() -> None:
    assert CATALOG.keys() == DOMAINS.keys() == TASK_LICENCES.keys()
    assert [record.name for record in CATALOG.values()] == list(CATALOG)
    assert {record.domain for record in CATALOG.values()} == set(DOMAINS.values())


@pytest.mark.parametrize("name", CATALOG)
def test_a_task_states_where_it_comes_from(name: str) -> None:
    task = CATALOG[name]
    assert task.metric in METRICS
    assert task.metric == TASKS[name].metric.lower()
    assert task.license == TASK_LICENCES[name].licence
    assert task.dataset is not None
    assert "20" in task.citation


def test_the_counts_of_train_queries() -> None:
    others = {"math": 72, "gpqa": 404, "mbpp": 374, "human_eval": 114}
    assert {name: task.train for name, task in CATALOG.items()} == {**dict.fromkeys(CATALOG, 500), **others}
    assert [name for name, task in CATALOG.items() if task.train_per_group] == ["math"]
    assert [name for name, task in CATALOG.items() if task.test_split is None] == ["human_eval", "gpqa"]
    assert {task.partial_test for task in CATALOG.values()} == {50}


SOURCES = {
    "gsm8k": ("openai/gsm8k", "main", "train", "test", "MIT", "2110.14168"),
    "math": ("EleutherAI/hendrycks_math", "algebra", "train", "test", "MIT", "2103.03874"),
    "mbpp": ("google-research-datasets/mbpp", "full", "train", "test", "CC-BY-4.0", "2108.07732"),
    "human_eval": ("openai/openai_humaneval", "openai_humaneval", "test", None, "MIT", "2107.03374"),
    "commonsense_qa": ("tau/commonsense_qa", None, "train", "validation", "MIT", "1811.00937"),
    "arc_challenge": ("allenai/ai2_arc", "ARC-Challenge", "train", "test", "CC-BY-SA-4.0", "1803.05457"),
    "hellaswag": ("Rowan/hellaswag", None, "train", "validation", "MIT", "1905.07830"),
    "openbook_qa": ("allenai/openbookqa", "main", "train", "test", None, "1809.02789"),
    "natural_qa": ("RUC-NLPIR/FlashRAG_datasets", "nq", "train", "test", "CC-BY-SA-3.0", "2405.13576"),
    "trivia_qa": ("mandarjoshi/trivia_qa", "rc.nocontext", "train", "validation", None, "1705.03551"),
    "squad": ("rajpurkar/squad", "plain_text", "train", "validation", "CC-BY-SA-4.0", "1606.05250"),
    "boolq": ("google/boolq", None, "train", "validation", "CC-BY-SA-3.0", "1905.10044"),
    "mmlu": ("cais/mmlu", "all", "auxiliary_train", "test", "MIT", "2009.03300"),
    "gpqa": ("Idavidrein/gpqa", "gpqa_main", "train", None, "CC-BY-4.0", "2311.12022"),
}
"""Task -> its data set, first configuration, splits, licence and the arXiv number of its citation."""
FIELDS = {
    "gsm8k": "question answer",
    "math": "problem solution type",
    "mbpp": "text test_list",
    "human_eval": "prompt test",
    "commonsense_qa": "question choices answerKey",
    "arc_challenge": "question choices answerKey",
    "hellaswag": "activity_label ctx endings label",
    "openbook_qa": "question_stem choices answerKey",
    "natural_qa": "question golden_answers",
    "trivia_qa": "question answer",
    "squad": "context question answers",
    "boolq": "question passage answer",
    "mmlu": "question choices answer",
    "gpqa": "Question|Correct Answer|Incorrect Answer 1|Incorrect Answer 2|Incorrect Answer 3",
}
FORMS = {
    "gsm8k": {answer_forms.NUMBER},
    "math": {answer_forms.BOX},
    "em_mc": {answer_forms.LETTER},
    "cem": {answer_forms.SHORT},
    "f1_score": {answer_forms.BARE, answer_forms.SPAN},
    "em": {answer_forms.TRUTH_VALUE},
    "code_eval": {answer_forms.PROGRAM, answer_forms.FUNCTION},
}
"""Metric -> the sentences of which one ends each prompt."""


@pytest.mark.parametrize("name", CATALOG)
def test_the_source_of_a_task(name: str) -> None:
    task = CATALOG[name]
    dataset, config, train, test, licence, paper = SOURCES[name]
    assert (task.dataset, task.configs[0], task.train_split, task.test_split) == (dataset, config, train, test)
    assert len(task.configs) == (7 if name == "math" else 1)
    assert task.license == licence
    assert task.citation.endswith(f"arXiv {paper}")
    assert task.fields == tuple(FIELDS[name].split("|" if "|" in FIELDS[name] else " "))


@pytest.mark.parametrize("name", CATALOG)
def test_a_task_reads_no_other_fields(name: str) -> None:
    task = CATALOG[name]
    kept = {*task.fields, *task.optional}
    for row in rows(name, 4):
        assert task.draft({field: value for field, value in row.items() if field in kept}) == task.draft(row)
        assert task.draft({field: row[field] for field in task.fields}).messages


@pytest.mark.parametrize("name", CATALOG)
def test_a_prompt_ends_with_the_form_that_its_metric_reads(name: str, tmp_path: Path) -> None:
    for query in queries(name, tmp_path):
        assert query.prompts["direct"][0]["content"].split("\n\n")[-1] in FORMS[query.metric]


@settings(max_examples=60, deadline=None)
@given(
    place=st.integers(0, 400),
    steps=st.sampled_from(["", "First, look at it: 12 is not it, nor is (B).\n\n", "1. No.\n2. So:\n"]),
)
@pytest.mark.parametrize("name", [name for name in CATALOG if name not in ("mbpp", "human_eval")])
def test_any_answer_in_the_stated_form_scores_1(name: str, place: int, steps: str) -> None:
    task = CATALOG[name]
    draft = task.draft(MAKERS[name](place, "train"))
    truth = draft.ground_truth or ""
    for right in forms_of(task.metric, truth):
        found = score(task.metric, steps + right, truth, choices=draft.choices, prompt=draft.messages[0]["content"])
        assert found.value == 1, (right, found.reason)


def forms_of(metric: str, truth: str) -> list[str]:
    """The answers that state a truth in the form of the prompts."""
    if metric == "gsm8k":
        return [f"#### {truth.rpartition('#### ')[2]}"]
    if metric == "math":
        return [truth[truth.index("\\boxed") : truth.rindex("$")]]
    if metric == "em_mc":
        return [f"({truth})"]
    accepted = json.loads(truth) if truth.startswith("[") else [truth]
    return [f"<answer>{text}</answer>" for text in accepted]


@pytest.mark.parametrize(
    ("name", "row", "right"),
    [
        ("gsm8k", {"question": "q", "answer": "So.\n#### -1,234"}, "#### -1,234"),
        ("gsm8k", {"question": "q", "answer": "So.\n#### 2.50"}, "#### 2.5"),
        ("math", {"problem": "p", "solution": "So $\\boxed{\\frac{3}{4}}$.", "type": "Algebra"}, "$\\boxed{0.75}$"),
        ("math", {"problem": "p", "solution": "So $\\boxed{(-\\infty, 2]}$.", "type": "Algebra"}, "\\boxed{(-\\infty,2]}"),
        ("natural_qa", {"question": "q", "golden_answers": ["Zürich", "Zurich"]}, "<answer>in Zurich</answer>"),
        (
            "trivia_qa",
            {"question": "q", "answer": {"value": "The Beatles", "aliases": ["Beatles"]}},
            "<answer>beatles</answer>",
        ),
        ("squad", {"context": "c", "question": "q", "answers": {"text": ["the 5th of May"]}}, "<answer>5th of May</answer>"),
        ("boolq", {"question": "q", "passage": "p", "answer": False}, "<answer>False</answer>"),
        ("mmlu", {"question": "q", "choices": ["A", "B", "C", "D"], "answer": 1}, "(B)"),
        ("arc_challenge", {"question": "q", "choices": {"label": list("123"), "text": list("xyz")}, "answerKey": "3"}, "(C)"),
    ],
)
def test_answers_at_the_edges_of_a_form(name: str, row: dict[str, object], right: str) -> None:
    draft = CATALOG[name].draft(row)
    for text in (right, f"Some steps first.\n\n{right}"):
        found = score(CATALOG[name].metric, text, draft.ground_truth, choices=draft.choices)
        assert found.value == 1, found.reason


@pytest.mark.parametrize("name", CATALOG)
def test_both_prompts_belong_to_one_query(name: str, tmp_path: Path) -> None:
    for query in queries(name, tmp_path):
        direct, think, high = (query.prompts[mode][0]["content"] for mode in ("direct", "think", "high"))
        assert think == f"{direct}\nLet's think step by step."
        assert high == direct
        assert query.query_id == query_id(name, direct) == query_id(name, think)


@pytest.mark.parametrize("name", CATALOG)
@pytest.mark.parametrize("mode", ["direct", "think"])
def test_an_answer_in_the_stated_form_is_scored(name: str, mode: str, tmp_path: Path) -> None:
    by_text = {CATALOG[name].draft(row).messages[0]["content"]: row for row in rows(name, 3)}
    for query in queries(name, tmp_path):
        prompt = query.prompts[mode][0]["content"]
        given = answers(name, by_text[query.prompts["direct"][0]["content"]], query.ground_truth or "")
        context = {"prompt": prompt, "choices": query.choices, "runner": run_tests if name in ("mbpp", "human_eval") else None}
        right, wrong = (score(query.metric, text, query.ground_truth, **context) for text in (given.right, given.wrong))
        assert right.value == 1, right.reason
        assert wrong.value == 0, wrong.reason


@pytest.mark.parametrize("name", ["gpqa", "mmlu", "arc_challenge", "commonsense_qa", "hellaswag", "openbook_qa"])
def test_options_stand_under_letters_and_the_truth_is_one(name: str, tmp_path: Path) -> None:
    for query in queries(name, tmp_path, 8):
        prompt = query.prompts["direct"][0]["content"]
        assert query.choices is not None
        assert all(f"\n({letter}) {text}\n" in prompt for letter, text in zip("ABCDE", query.choices, strict=False))
        assert query.ground_truth in "ABCDE"[: len(query.choices)]


def test_the_right_option_of_gpqa_is_not_always_the_first(tmp_path: Path) -> None:
    found = queries("gpqa", tmp_path, 60)
    assert {query.ground_truth for query in found} == set("ABCD")
    for query in found:
        assert query.choices is not None
        assert query.choices["ABCD".index(query.ground_truth or "")].endswith("/2")


def test_marks_of_wikihow_are_not_in_prompts(tmp_path: Path) -> None:
    (query,) = queries("hellaswag", tmp_path, 1)
    assert "[" not in query.prompts["direct"][0]["content"]
