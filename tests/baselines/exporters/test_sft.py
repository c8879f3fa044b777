"""The answers that an SFT corpus takes, against a plain loop over the rows of `logs`."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.baselines.exporters import export_sft
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release
from llmfusionbench.types import Candidate
from llmfusionbench.types import query_id as id_of
from tests.helpers.made_up_release import answer, made_up_release, question, records, whole
from tests.helpers.tiny_release import change_rows

COLUMNS = [
    "query_id",
    "llm",
    "mode",
    "task",
    "status",
    "performance",
    "judge_score",
    "output_tokens",
    "response",
    "reasoning",
    "prompt",
]


@pytest.fixture(scope="module")
def logs() -> dict[str, list[dict[str, Any]]]:
    """Query -> its answers, of the embedded sample's train split."""
    by_query = defaultdict(list)
    for row in lfb.open_release("sample").table("logs", "train").to_table(columns=COLUMNS).to_pylist():
        by_query[row["query_id"]].append(row | {"response": whole(row), "candidate": Candidate(row["llm"], row["mode"]).name})
    return by_query


def low(value: float | None) -> float:
    return -math.inf if value is None else value


def merit(row: dict[str, Any], setting: str, length: str) -> tuple[float, ...]:
    tokens = low(row["output_tokens"]) * (-1 if length == "shortest" and row["output_tokens"] is not None else 1)
    performance, judge = low(row["performance"]), low(row["judge_score"])
    return {"perf": (performance, tokens), "judge": (judge, tokens), "hybrid": (performance, judge, tokens)}[setting]


@pytest.mark.parametrize(
    ("setting", "length"), [("perf", "longest"), ("perf", "shortest"), ("judge", "longest"), ("hybrid", "longest")]
)
def test_the_best_k_of_every_query(tmp_path: Path, logs: dict[str, Any], setting: Any, length: Any) -> None:
    corpus = export_sft("sample", tmp_path / "corpus", setting=setting, length=length, k=5, duplicates="keep")
    leaky = {e["query_id"] for e in map(json.loads, (corpus.path / "dropped.jsonl").open()) if e["split"] == "train"}
    assert leaky == set(), "no train query of the sample asks what a test query asks"
    found = defaultdict(list)
    for record in records(corpus):
        found[record["query_id"]].append(record)
    expected = 0
    for query_id, rows in logs.items():
        good = [r for r in rows if r["status"] == "ok" and r["performance"] is not None and r["performance"] > 0]
        if setting == "judge":
            good = [r for r in good if r["judge_score"] is not None]
        best = sorted((merit(r, setting, length) for r in good), reverse=True)[:5]
        if query_id in leaky:
            best = []
        by_candidate = {r["candidate"]: r for r in good}
        chosen = [by_candidate[r["candidate"]] for r in found[query_id]]
        assert [merit(r, setting, length) for r in chosen] == best
        assert [(r["instruction"], r["output"]) for r in found[query_id]] == [(r["prompt"], r["response"]) for r in chosen]
        expected += len(best)
    assert corpus.records == expected > 1000


def test_the_order_is_that_of_the_release(tmp_path: Path, logs: dict[str, Any]) -> None:
    ids = [r["query_id"] for r in records(export_sft("sample", tmp_path / "corpus", k=2))]
    assert ids == sorted(ids, key=list(logs).index)


def test_equals_are_drawn_by_the_seed(tmp_path: Path) -> None:
    llms = [f"llm-{i}" for i in range(10)]
    release = made_up_release(tmp_path, [answer(n, llm) for n in range(40) for llm in llms])
    chosen = {}
    for seed in (0, 0, 1):
        again = records(export_sft(release, tmp_path / "out", k=1, seed=seed, overwrite=True))
        picked = [r["candidate"] for r in again]
        assert chosen.setdefault(seed, picked) == picked
    assert chosen[0] != chosen[1]
    assert len(Counter(chosen[0])) > 6, "no LLM gains by its name"


def test_a_missing_score_never_wins(tmp_path: Path) -> None:
    rows = [
        answer(0, "judged", judge="rule", judge_score=0.1),
        answer(0, "unjudged", output_tokens=99),
        answer(0, "unscored", performance=None, judge="rule", judge_score=1.0),
        answer(0, "wrong", performance=0.0, judge="rule", judge_score=0.9),
        answer(0, "uncounted", output_tokens=None),
    ]
    release = made_up_release(tmp_path, rows)

    def chosen(**options: Any) -> tuple[list[str], dict[str, int]]:
        corpus = export_sft(release, tmp_path / "out", overwrite=True, **options)
        return [r["candidate"] for r in records(corpus)], corpus.dropped["answers"]

    assert chosen(setting="hybrid") == (["judged", "unjudged", "uncounted"], {"unscored": 1, "wrong": 1})
    assert chosen(setting="judge") == (["unscored", "judged"], {"unjudged": 2, "wrong": 1})
    for length in ("longest", "shortest"):
        names, dropped = chosen(setting="perf", length=length)
        assert names == (["unjudged", "judged", "uncounted"] if length == "longest" else ["judged", "unjudged", "uncounted"])
        assert dropped == {"unscored": 1, "wrong": 1}


def test_the_mean_of_judges_is_that_of_decimals(tmp_path: Path) -> None:
    """A sum of floats is off by a last digit, here or there by their order: neither a bound nor what ties may hang on that."""
    given = {"a": (0.7, 0.7, 0.7), "b": (0.8, 0.9, 0.4), "c": (0.4, 0.8, 0.9)}
    assert len({sum(three) / 3 for three in given.values()} | {0.7}) > 1
    rows = [answer(0, llm, output_tokens=n, judge="1", judge_score=0) for n, llm in enumerate(given, start=1)]
    release = made_up_release(tmp_path, rows)

    def judge(rows: list[dict[str, Any]]) -> None:
        rows[:] = [row | {"judge": str(n), "score": s} for row in rows for n, s in enumerate(given[row["llm"]], start=1)]

    change_rows(release.path, "judge_scores/train-00000-of-00001.parquet", judge)
    corpus = export_sft(Release(release.path), tmp_path / "out", setting="judge", min_judge=0.7)
    assert [r["candidate"] for r in records(corpus)] == ["c", "b", "a"], "equals, so by length"


def test_filters(tmp_path: Path) -> None:
    rows = [
        answer(0, "tiny-7b", judge="rule", judge_score=0.2, output_tokens=1),
        answer(0, "mid-34b", judge="rule", judge_score=0.8, output_tokens=10),
        answer(0, "big-405b_think", judge="rule", judge_score=0.9, output_tokens=100),
        answer(0, "nobody-knows", output_tokens=None),
        answer(1, "tiny-7b", task="facts", license=None, output_tokens=7),
    ]
    release = made_up_release(tmp_path, rows)

    def chosen(**options: Any) -> tuple[set[tuple[str, str]], dict[str, dict[str, int]]]:
        corpus = export_sft(release, tmp_path / "out", overwrite=True, **options)
        return {(r["task"], r["candidate"]) for r in records(corpus)}, {k: v for k, v in corpus.dropped.items() if v}

    everything = {
        ("sums", "tiny-7b"),
        ("sums", "mid-34b"),
        ("sums", "big-405b_think"),
        ("sums", "nobody-knows"),
        ("facts", "tiny-7b"),
    }
    assert chosen() == (everything, {})
    assert chosen(tasks=["facts"]) == ({("facts", "tiny-7b")}, {"queries": {"task": 1}})
    assert chosen(tasks="facts") == chosen(tasks={"facts"}) == chosen(tasks=["facts"]), "one name needs no list"
    assert chosen(licenses=["unknown"]) == ({("facts", "tiny-7b")}, {"queries": {"license": 1}})
    assert chosen(llms=["mid-34b"]) == ({("sums", "mid-34b")}, {"answers": {"llm": 4}})
    assert chosen(modes=["think"]) == ({("sums", "big-405b_think")}, {"answers": {"mode": 4}})
    assert chosen(scale="small") == ({("sums", "tiny-7b"), ("facts", "tiny-7b")}, {"answers": {"scale": 3}})
    assert chosen(scale="medium") == ({("sums", "mid-34b")}, {"answers": {"scale": 4}})
    assert chosen(scale="large") == ({("sums", "big-405b_think")}, {"answers": {"scale": 4}})
    assert chosen(min_tokens=7, max_tokens=10) == (
        {("sums", "mid-34b"), ("facts", "tiny-7b")},
        {"answers": {"no_tokens": 1, "tokens": 2}},
    )
    assert chosen(min_judge=0.8) == (
        {("sums", "mid-34b"), ("sums", "big-405b_think")},
        {"answers": {"unjudged": 2, "judge": 1}},
    )
    assert chosen(llm_licenses=["unknown"])[0] == everything


def test_one_answer_an_llm(tmp_path: Path) -> None:
    rows = [answer(0, "a", output_tokens=3), answer(0, "a_think", output_tokens=9), answer(0, "b", output_tokens=1)]
    release = made_up_release(tmp_path, rows)
    corpus = export_sft(release, tmp_path / "out", one_per_llm=True)
    assert [r["candidate"] for r in records(corpus)] == ["a_think", "b"]
    assert corpus.dropped["answers"] == {"same_llm": 1}


def test_best_of_n_draws_before_it_looks(tmp_path: Path) -> None:
    rows = [answer(n, f"llm-{i}", performance=float(i < 5), output_tokens=i) for n in range(60) for i in range(10)]
    release = made_up_release(tmp_path, rows)
    corpus = export_sft(release, tmp_path / "out", best_of=2, k=1)
    assert corpus.dropped["answers"]["not_drawn"] == 60 * 8
    # Two of ten drawn, half of them right: none of the two is right in 2/9 of the cases, 13 of 60; 3 standard deviations is 10.
    assert 37 <= corpus.records <= 57
    assert {r["candidate"] for r in records(corpus)} == {f"llm-{i}" for i in range(5)}


def test_best_of_n_draws_before_it_asks_the_judges(tmp_path: Path) -> None:
    rows = [answer(n, f"llm-{i}", judge="rule", judge_score=i / 9) for n in range(30) for i in range(10)]
    corpus = export_sft(made_up_release(tmp_path, rows), tmp_path / "out", best_of=2, min_judge=0.5)
    assert corpus.dropped["answers"]["not_drawn"] == 30 * 8
    assert corpus.dropped["answers"]["judge"] + corpus.records == 30 * 2


def test_repeated_answers(tmp_path: Path) -> None:
    rows = [
        answer(0, "a", output_tokens=9, response="the same"),
        answer(0, "b", output_tokens=5, response="the same"),
        answer(0, "c", output_tokens=1, response="another"),
        answer(1, "b", response="the same"),
    ]
    release = made_up_release(tmp_path, rows)
    corpus = export_sft(release, tmp_path / "out", k=2)
    # The better of two equal answers stays, and the next one moves up; to another query it is no repetition.
    assert sorted((r["instruction"], r["candidate"]) for r in records(corpus)) == sorted(
        [(question(0), "a"), (question(0), "c"), (question(1), "b")]
    )
    assert corpus.dropped == {"queries": {}, "answers": {"repeated_answer": 1}, "records": {}}
    assert export_sft(release, tmp_path / "kept", duplicates="keep").records == 4


@pytest.mark.parametrize(("duplicates", "dropped"), [("keep", 0), ("exact", 1), ("near", 2)])
def test_repeated_prompts(tmp_path: Path, duplicates: Any, dropped: int) -> None:
    rows = [
        answer(0, "a"),
        answer(0, "a", task="copies", prompt=f" {question(0)} Let's think step by step."),
        answer(1, "a"),
        answer(2, "a", task="nearly", prompt=question(1).replace("?", " indeed?")),
        answer(3, "a", performance=0.0),
        answer(3, "a", task="copies"),
    ]
    corpus = export_sft(made_up_release(tmp_path, rows), tmp_path / "out", duplicates=duplicates)
    assert corpus.dropped["queries"] == ({"repeated_prompt": dropped} if dropped else {})
    # The query that nobody answered well takes no other one's place.
    assert ("copies", question(3)) in {(r["task"], r["instruction"]) for r in records(corpus)}
    assert corpus.records == 5 - dropped


def test_the_share_of_a_task(tmp_path: Path) -> None:
    rows = [answer(n, llm, task="big") for n in range(30) for llm in "abc"]
    rows += [answer(start + n, "a", task=t) for start, t in ((100, "small"), (200, "tiny")) for n in range(10)]
    release = made_up_release(tmp_path, rows)
    corpus = export_sft(release, tmp_path / "out", max_share=0.6)
    # c <= .6 (c + 20) holds up to c = 30: every query keeps its best answer.
    assert corpus.tasks == {"big": 30, "small": 10, "tiny": 10}
    assert len({r["query_id"] for r in records(corpus)}) == 50
    assert corpus.dropped["records"] == {"share": 60}
    with pytest.raises(InputError, match=r"3 tasks cannot all stay within it, the least is 0.333. Remedy: raise --max-share"):
        export_sft(release, tmp_path / "other", max_share=0.3)
    assert not (tmp_path / "other").exists()


def test_ground_truths(tmp_path: Path) -> None:
    rows = [
        answer(0, "a", performance=0.0),
        answer(1, "a", metric="em_mc", ground_truth="B", choices=["x", "y"]),
        answer(2, "a", metric="code_eval", ground_truth="assert f(1) == 2"),
        answer(3, "a", ground_truth=None),
        *(answer(4 + n, "a", ground_truth=blank, performance=0.0) for n, blank in enumerate((" ", "[]"))),
    ]
    release = made_up_release(tmp_path, rows)
    corpus = export_sft(release, tmp_path / "labels", setting="baseline")
    assert sorted(r["output"] for r in records(corpus)) == ["(B)", "truth 0"]
    assert {r["candidate"] for r in records(corpus)} == {None}
    assert corpus.dropped == {"queries": {"no_ground_truth": 3, "tests_for_truth": 1}, "answers": {}, "records": {}}
    assert corpus.about["counts"]["llms"] == {"ground truth": 2}
    mixed = export_sft(release, tmp_path / "mixed", with_labels=True)
    by_prompt = defaultdict(list)
    for record in records(mixed):
        by_prompt[record["instruction"]].append(record["candidate"])
    assert by_prompt == {question(0): [None], question(1): [None, "a"], question(2): ["a"], question(3): ["a"]}
    with pytest.raises(InputError, match=r"llms, one_per_llm: the baseline has no answers to choose from"):
        export_sft(release, tmp_path / "x", setting="baseline", llms=["a"], one_per_llm=True)


@pytest.mark.parametrize(
    ("provenances", "of_the_unanswered"),
    [(["collected", "simulated", "imported"], "unknown"), (["simulated"] * 3, "simulated")],
)
def test_a_ground_truth_has_the_provenance_of_its_own_query(
    tmp_path: Path, provenances: list[str], of_the_unanswered: str
) -> None:
    """One whose answers were taken away has not its neighbour's, but what all answers have in common."""
    ids = sorted(id_of("sums", question(n)) for n in range(3))
    for gone in ids:
        release = made_up_release(tmp_path, [answer(n, "a") for n in range(3)])

        def change(rows: list[dict[str, Any]], gone: str = gone) -> None:
            rows[:] = [row | {"provenance": provenances[ids.index(row["query_id"])]} for row in rows if row["query_id"] != gone]

        change_rows(release.path, "responses/train-00000-of-00001.parquet", change)
        corpus = export_sft(Release(release.path), tmp_path / gone, setting="baseline", format="messages")
        told = {r["query_id"]: r["provenance"] for r in records(corpus)}
        assert told == {q: of_the_unanswered if q == gone else p for q, p in zip(ids, provenances, strict=True)}
        assert corpus.about["counts"]["provenance"] == dict(sorted(Counter(told.values()).items()))


def test_think_answers_have_the_prompt_that_was_sent(tmp_path: Path) -> None:
    sent = question(0) + " Let's think step by step."
    release = made_up_release(tmp_path, [answer(0, "a"), answer(0, "a_think", prompt=sent)])
    found = {r["candidate"]: r["instruction"] for r in records(export_sft(release, tmp_path / "out"))}
    assert found == {"a": question(0), "a_think": sent}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"setting": "performance"}, 'No setting "performance". Known: baseline, hybrid, judge, perf.'),
        ({"length": "long"}, 'No length "long". Did you mean "longest"?'),
        ({"format": "alpacca"}, 'No sft format "alpacca". Did you mean "alpaca"?'),
        ({"tasks": ["sum"]}, 'No task "sum". Did you mean "sums"?'),
        ({"llms": ["aa"]}, 'No LLM "aa". Did you mean "a"?'),
        ({"modes": ["thinking"]}, 'No mode "thinking".'),
        ({"scale": "tiny"}, 'No scale "tiny".'),
        ({"licenses": ["GPL"]}, 'No licence "GPL". Known: MIT.'),
        ({"llm_licenses": ["GPL"]}, 'No licence of an LLM "GPL".'),
        ({"duplicates": "none"}, 'No treatment of duplicates "none".'),
        ({"reasoning": "drop"}, 'No treatment of reasoning "drop".'),
        ({"container": "csv"}, 'No container "csv".'),
    ],
)
def test_unknown_names(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    release = made_up_release(tmp_path, [answer(0, "a")])
    with pytest.raises(UnknownNameError) as caught:
        export_sft(release, tmp_path / "out", **options)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, r"k 0: expected 1 or above. Remedy: change --k"),
        ({"shard_rows": 0}, r"shard_rows 0: expected 1 or above"),
        ({"best_of": 0}, r"best_of 0: expected 1 or above"),
        ({"max_share": 0}, r"max_share 0: expected above 0, up to 1"),
        ({"seed": -1}, r"seed -1: expected 0 or above"),
        ({"min_judge": 2}, r"min_judge 2: expected 0 to 1. Remedy: change --min-judge"),
        ({"min_tokens": 5, "max_tokens": 4}, r"--min-tokens 5 is greater than --max-tokens 4"),
        ({"min_judge": 0.9}, r"would be empty. Dropped answers: 1 answers without a judge score"),
        ({"setting": "judge"}, r"1 answers without a judge score. Remedy: change --setting"),
        ({"min_tokens": 50}, r"Dropped answers: 1 too short or too long. Remedy: change --min-tokens or --max-tokens"),
        ({"tasks": ["facts"], "llms": ["a"]}, r"Dropped answers: 1 of another LLM. Remedy: change --llm"),
    ],
)
def test_what_cannot_be_done(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    release = made_up_release(tmp_path, [answer(0, "a"), answer(1, "b", task="facts", performance=0.0)])
    if "min_tokens" in options or "min_judge" in options or options.get("setting") == "judge":
        options = {**options, "tasks": ["sums"]}
    with pytest.raises(InputError, match=message):
        export_sft(release, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.jsonl", "release"]
