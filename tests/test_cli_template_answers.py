"""From `templates retrieve` to scores: answers to prompts with templates are scored as those to the bare queries were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from llmfusionbench.texts.quoting import own_question
from tests.helpers.chat_server import serving
from tests.helpers.collecting_desk import release, write_llms

COLLECT = ["collect", "--prompts", "prompts.jsonl", "--llms", "llms.yaml", "--out", "run"]
PROGRAMS = {"human_eval", "mbpp"}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with prompts for two queries of each task of the sample, in which commands run."""
    monkeypatch.chdir(tmp_path)
    words = ["templates", "retrieve", "sample", "--within", "task", "--split", "test", "--limit", "28"]
    assert run([*words, "--out", "prompts.jsonl"]) == 0
    return tmp_path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def logged() -> dict[str, tuple[str, float]]:
    """Prompt -> (the answer of one LLM of the sample to it, its performance): a right one if there is one."""
    columns = ["prompt", "response", "performance"]
    rows = lfb.open_release("sample").table("logs").to_table(columns=columns).to_pylist()
    found = {}
    for row in sorted((row for row in rows if row["response"]), key=lambda row: (row["performance"] or 0, row["response"])):
        found[row["prompt"]] = row["response"], row["performance"]
    return found


def test_answers_have_the_scores_of_the_release(desk: Path) -> None:
    made, known = lines(desk / "prompts.jsonl"), logged()

    def reply(body: dict[str, Any], tries: int) -> str:
        return known[own_question(body["messages"][-1]["content"])][0]

    with serving(reply) as server:
        write_llms(desk, server.url, "a")
        assert run(COLLECT) == 0
        bodies = [body for _, body, _ in server.requests]
    assert sorted(json.dumps(body["messages"]) for body in bodies) == sorted(json.dumps(line["messages"]) for line in made)
    assert all(set(body) == {"model", "messages", "max_tokens"} for body in bodies)
    built = release()
    assert run(["rescore", "release", "--out", "scored", "--allow-code-execution"]) == 0
    scored = lfb.open_release("scored").table("logs").to_table(columns=["prompt", "task", "performance"]).to_pylist()
    assert len(scored) == 28
    for row in scored:
        assert row["performance"] == pytest.approx(known[own_question(row["prompt"])][1], abs=1e-4), row["prompt"]
    assert {row["task"] for row in scored if row["performance"] == 1} == {line["task"] for line in made}
    unscored = built.table("logs").to_table(columns=["task", "performance"]).to_pylist()
    assert {row["task"] for row in unscored if row["performance"] is None} == PROGRAMS


def test_a_query_keeps_what_is_known_of_it(desk: Path) -> None:
    with serving(lambda body, tries: "none") as server:
        write_llms(desk, server.url, "a")
        assert run(COLLECT) == 0
    facts = ["task", "domain", "split", "metric", "ground_truth", "choices", "license"]
    before = {row["query_id"]: row for row in lfb.open_release("sample").table("queries").to_table().to_pylist()}
    after = release().table("queries").to_table().to_pylist()
    assert [{name: row[name] for name in facts} for row in after] == [
        {name: before[row["source_id"]][name] for name in facts} for row in after
    ]


def test_the_truth_is_never_sent(desk: Path) -> None:
    secret = "the-truth-of-a-query"
    made = [{**line, "ground_truth": f"{secret}-{i}", "metric": "em"} for i, line in enumerate(lines(desk / "prompts.jsonl"))]
    (desk / "prompts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in made))
    with serving(lambda body, tries: f"{secret}-0") as server:
        write_llms(desk, server.url, "a")
        assert (
            run(["collect", "--prompts", "prompts.jsonl", "--llms", "llms.yaml", "--mode", "direct,think", "--out", "run"]) == 0
        )
        sent = json.dumps([list(request) for request in server.requests])
    assert secret not in sent
    assert len(server.requests) == 2 * 28
    table = release().table("responses").to_table(columns=["performance"]).to_pylist()
    assert sorted(row["performance"] for row in table) == [0.0] * 54 + [1.0] * 2


def test_truths_are_not_in_the_texts_of_prompts(desk: Path) -> None:
    """A prompt adds templates of train queries to the query's own text, and nothing else."""
    templates = lfb.open_release("sample").table("thought_templates").to_table(columns=["template_id", "template"])
    texts = dict(zip(*(column.to_pylist() for column in templates.itercolumns()), strict=True))
    bare = {row["query_id"]: row["prompt"] for row in lfb.open_release("sample").table("queries").to_table().to_pylist()}
    for line in lines(desk / "prompts.jsonl"):
        ((message),) = line["messages"]
        assert own_question(message["content"]) == bare[line["query_id"]]
        rest = message["content"].removesuffix(bare[line["query_id"]])
        for name in line["templates"]:
            rest = rest.replace(texts[name].strip("\n"), "", 1)
        assert len(rest) < 400, rest
        assert message["role"] == "user"
