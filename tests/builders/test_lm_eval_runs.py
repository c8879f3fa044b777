"""Runs of lm-evaluation-harness together: folders of older versions, repeated questions, and prompts that differ by LLM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.sources.lm_eval import LmEval
from llmfusionbench.cli.main import run as command
from tests.helpers.lm_eval_log import GREEDY, LATER, results, run, sample
from tests.helpers.reading import read, write_json


@pytest.mark.parametrize("name", ["pretrained=lab__tiny,dtype=float_sums.jsonl", "pretrained__lab__tiny_sums.jsonl"])
def test_a_folder_of_an_older_version(tmp_path: Path, name: str) -> None:
    older = {k: v for k, v in sample(0).items() if k not in ("filter", "metrics", "doc_hash")}
    write_json(tmp_path / "run" / name, [older | {"arguments": [["Question: 0+1?\nAnswer:", GREEDY]]}])
    write_json(tmp_path / "run" / "results.json", results())
    assert command(["build", "lm_eval", str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 0


def test_samples_with_the_same_prompt_are_replicates(tmp_path: Path) -> None:
    arguments = sample(7)["arguments"]
    answers = [("8", 1.0), ("8", 1.0), ("9", 0.0)]
    rows = [sample(i, text, arguments=arguments, exact_match=s, target="8") for i, (text, s) in enumerate(answers)]
    found = read(LmEval(), run(tmp_path, rows))
    assert [(r["replicate"], r["response"], r["performance"]) for r in found.rows] == [
        (None, "8", 1.0), (1, "8", 1.0), (2, "9", 0.0),
    ]  # fmt: skip


def two(tmp_path: Path, templates: tuple[str, str], **options: Any) -> list[str]:
    paths = []
    for llm, template in zip(("lab/tiny", "lab/small"), templates, strict=True):
        sent = {"gen_args_0": {"arg_0": template.format("0+1?"), "arg_1": GREEDY}}
        paths.append(run(tmp_path / llm.replace("/", "__"), [sample(0, arguments=sent)], results(llm)))
    return read(LmEval(**options), *paths).notes


def test_llms_that_were_sent_different_texts_for_a_question(tmp_path: Path) -> None:
    templates = "<user> {}", "[ASK] {}"
    assert two(tmp_path, templates) == [
        "lab/tiny and lab/small were sent different texts for the same question, so they share no query. "
        "Remedy: --option prompt=doc.question, the bare question"
    ]
    assert two(tmp_path, templates, prompt="doc.question") == two(tmp_path, ("Q: {}", "Q: {}")) == []


def test_a_name_for_the_task_changes_nothing_else(tmp_path: Path) -> None:
    """The split of each task and its metric are those of the log, and two tasks stay two runs."""
    config = {"metric_list": [{"metric": "second"}], "validation_split": "validation"}
    row = sample(0, metrics=["first", "second"], first=0.0, second=1.0)
    run(tmp_path, [row], results(tasks={"sums": config}))
    run(tmp_path, [row | {"doc_id": 5}], results(tasks={"later": config}), task="later", time=LATER)
    found = read(LmEval(task="all"), *sorted(tmp_path.iterdir()))
    assert sorted((r["task"], r["source_id"], r["split"], r["performance"]) for r in found.rows) == [
        ("all", "0", "partial_test", 1.0),
        ("all", "5", "partial_test", 1.0),
    ]
