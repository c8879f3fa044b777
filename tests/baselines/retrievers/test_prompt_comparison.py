"""Three ways of asking the same queries, against a real server that answers, stumbles, refuses and hangs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from llmfusionbench.baselines.prompting.asking import read_journal
from llmfusionbench.baselines.prompting.comparison import PromptReport, compare_prompts, make_prompts
from llmfusionbench.baselines.prompting.scoring import Scorer
from llmfusionbench.baselines.prompting.tally import NOT_ASKED
from llmfusionbench.baselines.retrievers import BM25, Dense, Queries, TemplateLibrary
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.llm.chat import ChatClient
from llmfusionbench.llm.spending import Spending
from llmfusionbench.release import open_release
from llmfusionbench.scoring import Score
from llmfusionbench.texts.embedding import CachedEmbedder
from tests.helpers.chat_server import DROP, Body, completion, serving

LIMIT = 28


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Further attempts come at once."""
    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", lambda *_: 0.01)


def asked() -> Queries:
    return Queries.of(open_release("sample"), "test").limited(LIMIT)


def truths() -> dict[str, str]:
    """Text of a query -> its ground truth."""
    rows = open_release("sample").table("queries", "test").to_table(columns=["prompt", "ground_truth"]).to_pylist()
    return {row["prompt"]: row["ground_truth"] for row in rows}


def query_of(body: Body) -> str:
    return body["messages"][-1]["content"].rpartition("Now answer this question:\n\n")[2]


def method_of(body: Body) -> str:
    text = body["messages"][-1]["content"]
    return (
        "thought_template"
        if text.startswith("Below are notes")
        else "few_shot"
        if text.startswith("Below are")
        else "zero_shot"
    )


def compare(url: str, out: Path, client: dict[str, Any] | None = None, **options: Any) -> PromptReport:
    asking = ChatClient(url, model="test-model", **{"retries": 2, "timeout": 60.0, **(client or {})})
    return compare_prompts(open_release("sample"), asking, BM25(), out, **{"limit": LIMIT, "resamples": 200, **options})


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def right_with_notes(body: Body, tries: int) -> str:
    """An LLM that needs notes: with them it is right, with examples every other time, bare never."""
    method, query = method_of(body), query_of(body)
    known = method == "thought_template" or (method == "few_shot" and len(query) % 2)
    return truths()[query] if known else "no idea"


def exact(response: str, query: Any) -> float:
    return float(response == query["ground_truth"])


def test_the_comparison(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with serving(right_with_notes) as server:
        report = compare(server.url, out, scorer=Scorer(function=exact))
        assert len(server.requests) == 3 * LIMIT
        assert {body["model"] for _, body, _ in server.requests} == {"test-model"}
    queries = asked()
    want = np.array([[0.0, len(p) % 2, 1.0] for p in queries.prompts])
    rows = {row.method: row for row in report.overall}
    assert list(rows) == ["zero_shot", "few_shot", "thought_template"]
    for column, row in enumerate(report.overall):
        assert row.performance.mean == pytest.approx(want[:, column].mean())
        assert row.performance.low <= row.performance.mean <= row.performance.high
        assert (row.scored, row.missing, row.failed, row.reasons) == (LIMIT, 0, 0, {})
    assert rows["zero_shot"].gain.mean is None
    assert rows["zero_shot"].paired == 0
    assert rows["few_shot"].gain.mean == pytest.approx((want[:, 1] - want[:, 0]).mean())
    assert rows["few_shot"].gain.low < rows["few_shot"].gain.mean < rows["few_shot"].gain.high
    assert rows["thought_template"].gain.mean == rows["thought_template"].performance.mean == 1
    assert rows["thought_template"].p is not None
    assert 0 < rows["thought_template"].p < 0.05
    assert rows["zero_shot"].p is None
    assert rows["thought_template"].paired == LIMIT
    assert len(report.per_task) == 3 * len(set(queries.tasks))
    for row in report.per_task:
        of_task = [i for i, task in enumerate(queries.tasks) if task == row.task]
        column = list(rows).index(row.method)
        assert row.performance.mean == pytest.approx(want[of_task, column].mean())
        assert row.scored == len(of_task)
    assert report.simulated

    assert sorted(p.name for p in out.iterdir()) == ["answers.jsonl", "prompts.jsonl", "report.json", "settings.json"]
    answers = lines(out / "answers.jsonl")
    assert len(answers) == 3 * LIMIT
    assert {a["query_id"] for a in answers} == set(queries.query_ids)
    assert answers == sorted(answers, key=lambda a: (a["query_id"], a["method"]))
    assert all(a["simulated_query"] for a in answers)
    assert all(a["provenance"] == "collected" and a["status"] == 200 and a["input_tokens"] == 7 for a in answers)
    mean = np.mean([a["performance"] for a in answers if a["method"] == "few_shot"])
    assert mean == pytest.approx(rows["few_shot"].performance.mean)
    prompts = lines(out / "prompts.jsonl")
    assert all(p["simulated"] for p in prompts)
    sent = {body["messages"][0]["content"] for _, body, _ in server.requests}
    assert {p["messages"][0]["content"] for p in prompts} == sent
    assert json.loads((out / "report.json").read_text()) == json.loads(json.dumps(report.to_dict()))


def test_methods_share_queries_and_hits() -> None:
    release = open_release("sample")
    library = TemplateLibrary.of(release)
    queries = asked()
    sets = make_prompts(release, BM25(), library, queries, budget_tokens=100_000)
    few, thought = ({p.query_id: p for p in sets[m].prompts} for m in ("few_shot", "thought_template"))
    assert few.keys() == thought.keys() == set(queries.query_ids)
    for name, prompt in few.items():
        assert set(prompt.templates) <= set(thought[name].templates)
        assert len(thought[name].templates) == 3
        assert name not in [library.query_ids[library.place[i]] for i in thought[name].templates]


def test_a_budget_leaves_pairs_and_the_next_run_goes_on(tmp_path: Path) -> None:
    """14 of 18 requests of 40 tokens; a query is asked by all methods before the next one is."""
    out = tmp_path / "out"
    told: dict[str, Any] = {
        "scorer": Scorer(function=exact),
        "limit": 6,
        "methods": ["zero_shot", "thought_template", "few_shot"],
    }
    usages, reports = [], []
    with serving(lambda body, tries: (200, completion("4", prompt_tokens=30, completion_tokens=10))) as server:
        for budget in (Spending(max_requests=14), Spending(max_total_tokens=20_000), Spending(max_total_tokens=9)):
            reports.append(compare(server.url, out, {"max_tokens": 8, "concurrency": 2}, spending=budget, **told))
            usages.append(budget.usage)
            if budget.max_requests:
                assert len(lines(out / "answers.jsonl")) == 14
        assert set(server.tries.values()) == {1}
        assert len(server.requests) == 18
    assert [(u.requests, u.resumed, u.input_tokens, u.output_tokens) for u in usages] == [
        (14, 0, 420, 140), (4, 14, 120, 40), (0, 18, 0, 0),
    ]  # fmt: skip
    assert [row.scored for row in reports[0].overall] == [5, 5, 4]
    assert [row.paired for row in reports[0].overall] == [0, 5, 4]
    assert [row.failed for row in reports[0].overall] == [0, 0, 0]
    assert [row.reasons for row in reports[0].overall] == [{NOT_ASKED: 1}, {NOT_ASKED: 1}, {NOT_ASKED: 2}]
    assert [row.reasons for row in reports[1].overall] == [{}, {}, {}]
    assert reports[1] == reports[2]
    with serving(lambda *_: "4") as server:
        report = compare(server.url, tmp_path / "none", spending=Spending(max_total_tokens=10), **told)
        assert server.requests == []
    assert [row.missing for row in report.overall] == [6, 6, 6]


def test_each_query_by_its_own_metric(tmp_path: Path) -> None:
    with serving(lambda body, tries: truths()[query_of(body)]) as server:
        report = compare(server.url, tmp_path / "out", methods=["zero_shot"])
    tasks = {row.task: row for row in report.per_task}
    for task in ("human_eval", "mbpp"):
        assert tasks[task].scored == 0
        assert tasks[task].performance.mean is None
        assert tasks[task].reasons == {"code execution is not allowed": tasks[task].missing}
    assert tasks["squad"].performance.mean == 1
    assert report.overall[0].missing == sum(task in ("human_eval", "mbpp") for task in asked().tasks)
    assert report.overall[0].gain.mean is None


def test_one_metric_for_all(tmp_path: Path) -> None:
    with serving(lambda body, tries: truths()[query_of(body)]) as server:
        report = compare(server.url, tmp_path / "out", methods=["zero_shot"], scorer=Scorer(metric="cem"))
    assert report.overall[0].scored == LIMIT
    with pytest.raises(UnknownNameError, match='No metric "exact"'):
        Scorer(metric="exact")


def stumbling(body: Body, tries: int) -> Any:
    """Every fault there is, told by the query."""
    kind = asked().prompts.index(query_of(body)) % 7
    if kind == 0 and tries < 3:
        return 503, b"{}"
    if kind == 1:
        return 500, b"{}"
    if kind == 2:
        return 200, b"<html>not json"
    if kind == 3:
        return 400, b'{"error": "bad"}'
    if kind == 4:
        return DROP
    return (200, completion(None)) if kind == 5 else "an answer"


def test_calls_that_fail_are_missing_and_counted(tmp_path: Path) -> None:
    out = tmp_path / "out"
    some = Scorer(function=lambda response, query: 0.5)
    with serving(stumbling) as server:
        report = compare(server.url, out, scorer=some, methods=["zero_shot", "thought_template"])
        row = report.overall[0]
        assert (row.scored, row.missing, row.failed) == (8, 20, 20)
        assert row.performance.mean == 0.5
        assert report.overall[1].paired == 8
        assert sum(row.reasons.values()) == 20
        assert {why: n for why, n in row.reasons.items() if "status" in why} == {
            "the call failed: status 400": 4,
            "the call failed: status 500": 4,
        }
        failed = [a for a in lines(out / "answers.jsonl") if a["error"] is not None]
        assert len(failed) == 40
        assert all(a["performance"] is None and a["response"] is None for a in failed)

        server.answer = lambda body, tries: "better now"
        before = len(server.requests)
        again = compare(server.url, out, scorer=some, methods=["zero_shot", "thought_template"])
        assert len(server.requests) == before + 40, "only what failed is asked again"
    assert [(r.scored, r.missing, r.failed) for r in again.overall] == [(LIMIT, 0, 0)] * 2


def test_a_run_that_was_cut_short_is_taken_up(tmp_path: Path) -> None:
    out = tmp_path / "out"
    some = Scorer(function=lambda response, query: None if "none" in response else 1)

    def dies(body: Body, tries: int) -> Any:
        return "first" if len(server.requests) <= 30 else (401, b"{}")

    with serving(dies) as server:
        with pytest.raises(InputError, match="status 401"):
            compare(server.url, out, {"concurrency": 1}, scorer=some)
        kept = lines(out / "answers.jsonl")
        assert len(kept) == 30
        assert not (out / "report.json").exists()
        with open(out / "answers.jsonl", "a") as file:
            file.write('{"query_id": "half a li')
        server.answer = lambda body, tries: "second none"
        report = compare(server.url, out, scorer=some)
        assert len(server.requests) == 31 + 3 * LIMIT - 30
    answers = lines(out / "answers.jsonl")
    assert len(answers) == 3 * LIMIT
    assert sum(a["response"] == "first" for a in answers) == 30
    assert sum(row.scored for row in report.overall) == 30
    assert all(set(row.reasons) <= {"by <lambda>"} for row in report.overall)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("7", r"not a record of a reply \(TypeError\)"),
        ('{"query_id": "a"}', r"not a record of a reply \(it lacks method, prompt, error, response\)"),
        ("[" * 100_000, r"not a record of a reply \(RecursionError\)"),
        ('{"query_id": [], "method": "zero_shot"}', r"not a record of a reply \(it lacks prompt, error, response\)"),
    ],
    ids=["number", "key", "deep", "lacks"],
)
def test_a_line_of_the_journal_that_is_no_answer(tmp_path: Path, line: str, why: str) -> None:
    journal = tmp_path / "answers.jsonl"
    journal.write_text(line + "\n")
    with pytest.raises(InputError, match=rf"line 1: {why}. Remedy: delete the line"):
        read_journal(journal)
    journal.write_text('{"query_id": [], "method": "zero_shot", "prompt": 1, "error": null, "response": "4"}\n')
    assert list(read_journal(journal)) == [("[]", "zero_shot")]


def test_more_methods_and_queries_later(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with serving(lambda body, tries: "4") as server:
        compare(server.url, out, methods=["zero_shot"], limit=5)
        assert len(server.requests) == 5
        compare(server.url, out, methods=["zero_shot", "thought_template"], limit=5)
        assert len(server.requests) == 10
        report = compare(server.url, out, methods=["zero_shot"], limit=10)
        assert len(server.requests) == 15
    assert report.queries == 10
    assert len(lines(out / "answers.jsonl")) == 15, "no answer is ever lost"


def test_out_is_for_one_comparison(tmp_path: Path) -> None:
    with serving(lambda body, tries: "4") as server:
        out = tmp_path / "out"
        compare(server.url, out, methods=["zero_shot"], limit=2)
        with pytest.raises(InputError, match=r"other settings: k 3, now 5\. Remedy"):
            compare(server.url, out, methods=["zero_shot"], limit=2, k=5)
        other = TemplateLibrary.of(open_release("sample"), pool="small")
        with pytest.raises(InputError, match=r"other settings: templates '[0-9a-f]{24}', now '[0-9a-f]{24}'\. Remedy"):
            compare(server.url, out, methods=["zero_shot"], limit=2, library=other)
        with pytest.raises(InputError, match=r"other settings: model 'test-model', now 'other'"):
            compare_prompts(
                open_release("sample"), ChatClient(server.url, model="other"), BM25(), out, methods=["zero_shot"], limit=2
            )
        with FileLock(out / ".lock"), pytest.raises(InputError, match="another run is active there"):
            compare(server.url, out, methods=["zero_shot"], limit=2)
        (out / "answers.jsonl").write_text('[1]\n{"query_id": 1}\n')
        with pytest.raises(InputError, match=r"answers\.jsonl line 1: not a record of a reply"):
            compare(server.url, out, methods=["zero_shot"], limit=2)
        (out / "settings.json").write_text("x")
        with pytest.raises(InputError, match=r"settings\.json: cannot be read"):
            compare(server.url, out, methods=["zero_shot"], limit=2)
        place = tmp_path / "other"
        place.mkdir()
        (place / "thesis.tex").write_text("mine")
        with pytest.raises(InputError, match="holds other files"):
            compare(server.url, place, methods=["zero_shot"], limit=2)
        with pytest.raises(InputError, match="not a directory"):
            compare(server.url, place / "thesis.tex", methods=["zero_shot"], limit=2)
        assert [p.name for p in place.iterdir() if p.name != ".lock"] == ["thesis.tex"]


def test_an_embedder_whose_vectors_are_kept_is_itself(tmp_path: Path) -> None:
    one, other = (type(name, (), {"id": name, "encode": lambda self, prompts: np.ones((len(prompts), 2))}) for name in "AB")
    with serving(lambda body, tries: "4") as server:
        client = ChatClient(server.url, model="test-model")

        def compared(embedder: Any) -> PromptReport:
            return compare_prompts(
                open_release("sample"), client, Dense(embedder=embedder), tmp_path / "out", methods=["zero_shot"], limit=1
            )

        compared(CachedEmbedder(one(), tmp_path / "kept"))
        assert compared(one()).settings["embedder"] == "A"
        assert len(server.requests) == 1
        with pytest.raises(InputError, match=r"other settings: embedder 'A', now 'B'"):
            compared(CachedEmbedder(other(), tmp_path / "kept"))


def test_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "unasked")
    monkeypatch.setenv("MY_KEY", "asked")
    with serving(lambda body, tries: "4") as server:
        compare(server.url, tmp_path / "a", methods=["zero_shot"], limit=1)
        compare(server.url, tmp_path / "b", {"key_variable": "MY_KEY"}, methods=["zero_shot"], limit=1)
        assert [headers.get("authorization") for _, _, headers in server.requests] == [None, "Bearer asked"]
    assert "asked" not in (tmp_path / "b" / "settings.json").read_text()


def test_queries_too_long_have_no_prompt_and_are_counted(tmp_path: Path) -> None:
    with serving(lambda body, tries: "4") as server:
        report = compare(
            server.url, tmp_path / "out", budget_tokens=100, methods=["zero_shot", "few_shot"], scorer=Scorer(metric="cem")
        )
        assert 0 < len(server.requests) < 2 * LIMIT
    row = report.overall[0]
    assert row.reasons == {"no prompt: it is too long": row.missing}
    assert row.missing > 0
    assert row.scored + row.missing == LIMIT
    assert report.dropped["few_shot"] > 0


@pytest.mark.parametrize(
    ("gives", "message"),
    [(1.5, "gave 1.5"), (-1, "gave -1"), (float("nan"), "gave nan"), ("1", "gave '1'"), ([1], r"gave \[1\]")],
)
def test_scorers_that_give_something_else(gives: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"scorer <lambda>, query q: {message}, expected a number from 0 to 1"):
        Scorer(function=lambda response, query: gives)("x", None, {"query_id": "q"})


def test_scorers_of_users() -> None:
    def failing(response: str, query: Any) -> float:
        raise KeyError("answer")

    with pytest.raises(InputError, match="scorer failing, query q: KeyError: 'answer'. Remedy: fix"):  # noqa: RUF043
        Scorer(function=failing)("x", None, {"query_id": "q"})
    row = {"query_id": "q"}
    assert Scorer(function=lambda r, q: Score(0.25, "a quarter"))("x", None, row) == (0.25, "a quarter")
    assert Scorer(function=lambda r, q: True)("x", None, row) == (1.0, "by <lambda>")
    assert Scorer(function=lambda r, q: np.float32(0.5))("x", None, row) == (0.5, "by <lambda>")
    assert Scorer(function=failing)(None, "status 500", row) == (None, "the call failed")


def test_misuse(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="split train made the templates"):
        compare("http://127.0.0.1:9", tmp_path / "a", split="train")
    with pytest.raises(UnknownNameError, match='No method "two_shot"'):
        compare("http://127.0.0.1:9", tmp_path / "b", methods=["two_shot"])
    with pytest.raises(InputError, match="no method"):
        compare("http://127.0.0.1:9", tmp_path / "b", methods=[])
    assert not (tmp_path / "b").exists()
    with pytest.raises(InputError, match="not a server URL"):
        compare("nowhere", tmp_path / "c", limit=2)
    with serving(lambda body, tries: "4") as server:  # nothing was asked yet, so that other settings are no obstacle
        assert compare(server.url, tmp_path / "c", limit=2, k=1).queries == 2
