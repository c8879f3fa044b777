"""`templates retrieve` and `evaluate-prompts` as people use and misuse them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.cli import templates_retrieve
from llmfusionbench.cli.main import run
from llmfusionbench.release import open_release
from tests.helpers.chat_server import Body, serving
from tests.helpers.tiny_release import write_tiny_release

FACTS = ["domain", "split", "ground_truth", "metric"]
KEYS = ["query_id", "task", "method", "messages", "templates", "similarities", "prompt_tokens", "simulated"]


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", lambda *_: 0.01)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command that works prints."""
    status = run(list(arguments))
    printed = capsys.readouterr()
    assert status == 0, printed.err
    return printed.out


def fails(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 1) -> str:
    """What a command that fails says."""
    assert run(list(arguments)) == status
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    if status == 1:
        assert printed.err.startswith("llmfusionbench: error: ")
        assert printed.err.count("\n") == 1
    return printed.err


def lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


# --- templates retrieve


@pytest.mark.parametrize("retriever", ["dense", "bm25", "hybrid"])
@pytest.mark.parametrize("within", ["task", "domain", "any"])
def test_retrieve(capsys: pytest.CaptureFixture[str], retriever: str, within: str) -> None:
    out = told(capsys, "templates", "retrieve", "sample", "--retriever", retriever, "--within", within, "--out", "new/p.jsonl")
    assert "SIMULATED DATA" in out
    assert "Wrote new/p.jsonl: 112 prompts with 336 templates; 0 prompts have none." in out
    records = lines("new/p.jsonl")
    assert all(len(record["templates"]) == 3 for record in records)
    assert all([name for name in record if name not in (*FACTS, "choices", "license")] == KEYS for record in records)
    assert all(record.keys() >= {*FACTS} for record in records)
    rows = {r["template_id"]: r for r in open_release("sample").table("thought_templates").to_table().to_pylist()}
    assert {rows[i]["criterion"] + rows[i]["pool"] for record in records for i in record["templates"]} == {"performanceall"}


def test_retrieve_of_another_kind(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["templates", "retrieve", "sample", "--criterion", "judge", "--pool", "small", "--summarizer", "simulated"]
    told(capsys, *command, "--k", "5", "--split", "partial_test", "--out", "p.jsonl")
    rows = {r["template_id"]: r for r in open_release("sample").table("thought_templates").to_table().to_pylist()}
    records = lines("p.jsonl")
    assert len(records) == 56
    assert {rows[i]["criterion"] + rows[i]["pool"] for record in records for i in record["templates"]} == {"judgesmall"}
    assert {len(record["templates"]) for record in records} == {5}


EXAMPLES = re.findall(r"^ +llmfusionbench (templates retrieve .*)$", str(templates_retrieve.command.help), re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_its_help(capsys: pytest.CaptureFixture[str], example: str) -> None:
    assert len(EXAMPLES) == 3
    assert "templates" in told(capsys, *shlex.split(example))


def test_templates_that_were_built_here(capsys: pytest.CaptureFixture[str]) -> None:
    """The sample has templates already: with those of a second writer the command asks which."""
    told(capsys, "templates", "build", "sample", "--out", "more")
    command = ["templates", "retrieve", "more", "--out", "p.jsonl"]
    assert "by 2 summarizers: extractive, simulated. Remedy: name one with --summarizer" in fails(capsys, *command)
    told(capsys, *command, "--summarizer", "extractive")
    rows = {r["template_id"]: r for r in open_release("more").table("thought_templates").to_table().to_pylist()}
    assert {rows[i]["summarizer"] for record in lines("p.jsonl") for i in record["templates"]} == {"extractive"}


def test_retrieve_says_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "templates", "retrieve", "sample", "--budget-tokens", "120", "--out", "p.jsonl")
    assert "Skipped " in out
    assert "tokens by itself, 120 are allowed" in out
    assert "No room within 120 tokens: " in out
    out = told(
        capsys, "templates", "retrieve", "sample", "--method", "few_shot", "--limit", "9", "--out", "p.jsonl", "--overwrite"
    )
    assert "9 prompts with " in out
    assert {record["method"] for record in lines("p.jsonl")} == {"few_shot"}


def test_one_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    prompt = "A baker sells 12 boxes of 8 rolls. How many rolls is that?\x1b[31m"
    out = told(capsys, "templates", "retrieve", "sample", "--prompt", prompt, "--task", "gsm8k", "--within", "task")
    assert "3 of 392 templates" in out
    assert out.count("gsm8k") == 3
    assert "\x1b" not in out
    out = told(capsys, "templates", "retrieve", "sample", "--prompt", "qqq zzz", "--retriever", "bm25")
    assert "Nothing found" in out
    assert not list(Path().iterdir())


def test_embedders(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.py").write_text(
        "import numpy as np\n"
        "class Mine:\n    id = 'mine'\n    def encode(self, prompts):\n"
        "        return np.array([[len(p or ''), 100.0] for p in prompts], 'f4')\n"
        "class No: pass\n"
        "class Needy:\n    def __init__(self, size): pass\n"
    )
    told(capsys, "templates", "retrieve", "sample", "--embedder", "mine.py:Mine", "--out", "p.jsonl")
    told(
        capsys,
        "templates",
        "retrieve",
        "sample",
        "--embedder",
        "tfidf",
        "--retriever",
        "hybrid",
        "--limit",
        "3",
        "--out",
        "q.jsonl",
    )
    command = ["templates", "retrieve", "sample", "--out", "r.jsonl", "--embedder"]
    assert "is not an embedder" in fails(capsys, *command, "mine.py:No")
    assert "cannot be made without arguments" in fails(capsys, *command, "mine.py:Needy")
    assert 'No class in mine.py "Myne". Did you mean "Mine"?' in fails(capsys, *command, "mine.py:Myne")
    assert 'No embedder "tfdif". Did you mean "tfidf"?' in fails(capsys, *command, "tfdif")
    assert "bm25 uses no --embedder" in fails(capsys, *command, "tfidf", "--retriever", "bm25", status=2)
    assert not Path("r.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--out", "p.jsonl", "--retriever", "denes"], 1, 'No retriever "denes". Did you mean "dense"?'),
        (["--out", "p.jsonl", "--within", "taks"], 1, 'No restriction "taks". Did you mean "task"?'),
        (["--out", "p.jsonl", "--method", "two_shot"], 1, 'No method "two_shot"'),
        (["--out", "p.jsonl", "--split", "tset"], 1, 'No split of queries "tset". Did you mean "test"?'),
        (["--out", "p.jsonl", "--criterion", "jugde"], 1, 'No criterion "jugde". Did you mean "judge"?'),
        (["--out", "p.jsonl", "--summarizer", "gpt"], 1, "no thought templates of criterion performance, pool all, summ"),
        (["--out", "p.jsonl", "--k", "0"], 2, "--k"),
        ([], 2, "Either --out FILE"),
        (["--out", "p.jsonl", "--prompt", "x"], 2, "Either --out FILE"),
        (["--out", "p.jsonl", "--task", "x"], 2, "--task belongs to --prompt"),
        (["--prompt", "x", "--within", "task"], 2, "--within task needs the --task"),
        (["--prompt", "x", "--task", "gsm9k"], 1, 'No task with templates "gsm9k". Did you mean "gsm8k"?'),
        (["--prompt", " "], 1, "prompt: is blank"),
        (["--prompt", "\udc80"], 1, "prompt: is not valid UTF-8"),
    ],
)  # fmt: skip
def test_retrieve_misused(capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, message: str) -> None:
    assert message in fails(capsys, "templates", "retrieve", "sample", *arguments, status=status)
    assert not Path("p.jsonl").exists()


def test_a_release_without_templates(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_tiny_release(tmp_path / "tiny")
    for command in (["templates", "retrieve", "tiny", "--out", "p.jsonl"], ["evaluate-prompts", "tiny", "--retrieval-only"]):
        assert "thought templates" in fails(capsys, *command)


# --- evaluate-prompts


def test_retrieval_only(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "evaluate-prompts", "sample", "--retrieval-only", "--retriever", "bm25", "--out", "quality")
    assert "SIMULATED DATA: no LLM was asked" in out
    for measure in ("same_task", "same_skill", "answer_agreement"):
        assert measure in out
    report = json.loads(Path("quality/retrieval.json").read_text())
    assert [m["queries"] for m in report["measures"]] == [112] * 3
    assert report["hits"] == 336


def first_truth(body: Body, tries: int) -> str:
    query = body["messages"][-1]["content"].rpartition("Now answer this question:\n\n")[2]
    rows = open_release("sample").table("queries", "test").to_table(columns=["prompt", "ground_truth"]).to_pylist()
    return next(row["ground_truth"] for row in rows if row["prompt"] == query)


def test_evaluate_prompts(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(first_truth) as server:
        command = ["evaluate-prompts", "sample", "--url", server.url, "--model", "m", "--limit", "28", "--out", "out"]
        out = told(capsys, *command, "--resamples", "100")
        asked = len(server.requests)
        assert asked == 84
        assert "only the answers are an LLM's" in out
        for word in (
            "zero_shot",
            "few_shot",
            "thought_template",
            "gain over zero-shot",
            "By task",
            "code execution is not allowed",
        ):
            assert word in out
        assert "Programs were not run. Remedy: add --allow-code-execution" in out
        assert re.search(r"^requests +84$", out, re.MULTILINE)
        again = told(capsys, *command, "--resamples", "100")
        assert len(server.requests) == asked
        assert re.search(r"^replies resumed from an earlier run +84$", again, re.MULTILINE)
        assert again.partition("This run")[0] == out.partition("This run")[0]
    report = json.loads(Path("out/report.json").read_text())
    assert report["overall"][0]["missing"] == 4
    assert len(lines("out/answers.jsonl")) == 84


def test_a_budget(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(lambda body, tries: "4") as server:
        command = ["evaluate-prompts", "sample", "--url", server.url, "--model", "m", "--limit", "3", "--methods", "zero_shot"]
        assert "give both prices" in fails(capsys, *command, "--out", "a", "--max-cost", "1")
        assert "max_total_tokens: -1, expected 0 or more" in fails(capsys, *command, "--out", "a", "--max-total-tokens", "-1")
        assert not Path("a").exists()
        prices = ["--input-price", "2", "--output-price", "1", "--max-cost", "0.1"]
        out = told(capsys, *command, "--out", "a", "--max-requests", "2", *prices)
        assert len(server.requests) == 2
        assert "not asked: the budget was spent" in out
        assert "The budget was spent. Remedy: run the same command again" in out
        assert "Cost of this run: 0.000034 USD" in out
        out = told(capsys, *command, "--out", "a", "--max-total-tokens", "9000")
        assert len(server.requests) == 3
        assert "budget" not in out
        assert "Cost" not in out


@pytest.mark.usefixtures("isolating_sandbox")
def test_programs_are_run_when_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    """A later run on the same answers scores what the first one could not."""

    def program(body: Body, tries: int) -> str:
        return "```python\ndef nothing():\n    return 1\n```"

    with serving(program) as server:
        command = ["evaluate-prompts", "sample", "--url", server.url, "--model", "m", "--limit", "14", "--methods", "zero_shot"]
        told(capsys, *command, "--out", "out")
        assert json.loads(Path("out/report.json").read_text())["overall"][0]["missing"] == 2
        out = told(capsys, *command, "--out", "out", "--allow-code-execution")
        assert len(server.requests) == 14
    assert "Sandbox: " in out
    assert json.loads(Path("out/report.json").read_text())["overall"][0]["missing"] == 0
    code = [a for a in lines("out/answers.jsonl") if a["task"] in ("human_eval", "mbpp")]
    assert [a["performance"] for a in code] == [0.0, 0.0]


def test_scorers(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.py").write_text(
        "def long(response, query):\n    return len(response) > 3\ndef broken(response, query):\n    return 7\n"
    )
    with serving(lambda body, tries: "a long answer") as server:
        command = ["evaluate-prompts", "sample", "--url", server.url, "--model", "m", "--limit", "3", "--methods", "zero_shot"]
        told(capsys, *command, "--out", "a", "--scorer", "mine.py:long")
        assert json.loads(Path("a/report.json").read_text())["overall"][0]["performance"]["mean"] == 1
        told(capsys, *command, "--out", "a", "--scorer", "cem")
        assert json.loads(Path("a/report.json").read_text())["overall"][0]["performance"]["mean"] == 0
        assert len(server.requests) == 3
        assert "scorer broken, query " in fails(capsys, *command, "--out", "b", "--scorer", "mine.py:broken")
        assert 'No function in mine.py "lang". Did you mean "long"?' in fails(
            capsys, *command, "--out", "c", "--scorer", "mine.py:lang"
        )
        assert 'No metric "semm"' in fails(capsys, *command, "--out", "c", "--scorer", "semm")
    assert not Path("c").exists()


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate-prompts", "sample", "--url", "http://127.0.0.1:9", "--model", "m", "--limit", "2", "--retries", "0"]
    out = told(capsys, *command, "--out", "out")
    assert "Calls failed. Remedy: run the same command again" in out
    report = json.loads(Path("out/report.json").read_text())
    assert [row["failed"] for row in report["overall"]] == [2, 2, 2]
    assert report["overall"][0]["performance"] == {"mean": None, "low": None, "high": None}


def test_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(lambda body, tries: (404, b"{}")) as server:
        command = ["evaluate-prompts", "sample", "--url", server.url, "--model", "gpt-9", "--limit", "2", "--out", "out"]
        assert "status 404" in fails(capsys, *command)
        assert "holds no API key" in fails(capsys, *command, "--key-variable", "NO_SUCH_KEY")
    assert not Path("out/report.json").exists()


def test_evaluate_prompts_misused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Name --url, --model and --out" in fails(capsys, "evaluate-prompts", "sample", status=2)
    command = ["evaluate-prompts", "sample", "--url", "http://127.0.0.1:9", "--model", "m", "--out", "out"]
    assert 'No method "two_shot"' in fails(capsys, *command, "--methods", "two_shot")
    assert "no method" in fails(capsys, *command, "--methods", ",")
    assert "temperature: nan, expected 0 or more" in fails(capsys, *command, "--temperature", "nan")
    assert "split train made the templates" in fails(capsys, *command, "--split", "train")
