"""Preference pairs: what each of them must be, and which of the possible ones are taken."""

from __future__ import annotations

import json
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

import llmfusionbench as lfb
from llmfusionbench.baselines.exporters import corpus_schema, export_kto, export_preference, export_sft
from llmfusionbench.baselines.exporters.corpora import preference
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.types import Candidate
from tests.helpers.made_up_release import answer, contents, made_up_release, records, whole

Row = dict[str, Any]


@pytest.fixture(scope="module")
def logs() -> dict[tuple[str, str], Row]:
    columns = ["query_id", "llm", "mode", "performance", "judge_score", "output_tokens", "response", "reasoning", "prompt"]
    rows = lfb.open_release("sample").table("logs", "train").to_table(columns=columns).to_pylist()
    rows = [row | {"response": whole(row)} for row in rows]
    return {(r["query_id"], Candidate(r["llm"], r["mode"]).name): r for r in rows}


@pytest.mark.parametrize(
    ("by", "n", "min_gap", "match_length"),
    [("performance", 1, 0.3, None), ("performance", 3, 1.0, 1.2), ("judge", 2, 0.25, None), ("judge", 4, 0.1, 1.5)],
)
def test_every_pair_is_what_was_asked_for(
    tmp_path: Path, logs: dict[tuple[str, str], Row], by: Any, n: int, min_gap: float, match_length: float | None
) -> None:
    corpus = export_preference(
        "sample", tmp_path / "out", by=by, pairs_per_query=n, min_gap=min_gap, match_length=match_length,
        format="parquet", container="jsonl",
    )  # fmt: skip
    score = {"performance": "performance", "judge": "judge_score"}[by]
    used: Counter[tuple[str, str]] = Counter()
    a_query: Counter[str] = Counter()
    for record in records(corpus):
        keys = (record["query_id"], record["candidate"]), (record["query_id"], record["rejected_candidate"])
        better, worse = (logs[key] for key in keys)
        used.update(keys)
        a_query[record["query_id"]] += 1
        assert better["mode"] == worse["mode"]
        assert record["prompt"] == better["prompt"] == worse["prompt"]
        assert (record["chosen"], record["rejected"]) == (better["response"], worse["response"])
        assert better[score] - worse[score] >= min_gap - 1e-9
        assert record["gap"] == pytest.approx(better[score] - worse[score], abs=1e-6)
        assert better["performance"] != 0
        if match_length is not None:
            lengths = sorted([better["output_tokens"], worse["output_tokens"]])
            assert lengths[1] <= lengths[0] * match_length + 1e-9
    assert corpus.records == sum(a_query.values()) > 150
    assert max(a_query.values()) == n
    assert max(used.values()) == 1, "no answer is in two pairs"


def test_the_widest_gap_first_and_then_the_closest_in_length(tmp_path: Path) -> None:
    worth = {"a": (1.0, 10), "b": (0.9, 10), "c": (0.5, 30), "d": (0.1, 40), "e": (0.1, 11)}
    rows = [answer(0, llm, performance=p, output_tokens=t) for llm, (p, t) in worth.items()]
    release = made_up_release(tmp_path, rows)

    def chosen(**options: Any) -> list[tuple[str, str]]:
        corpus = export_preference(release, tmp_path / "out", overwrite=True, pairs_per_query=9, **options)
        return [(r["candidate"], r["rejected_candidate"]) for r in records(corpus)]

    # By hand: a is .9 above d and e, b is .8 above whichever is left, and c has no partner any more.
    drawn = chosen()
    assert [better for better, _ in drawn] == ["a", "b"]
    assert {worse for _, worse in drawn} == {"d", "e"}
    assert chosen(match_length=5) == [("a", "e"), ("b", "d")]
    assert chosen(match_length=1.5) == [("a", "e"), ("c", "d")]
    assert chosen(match_length=5, min_gap=0.85) == [("a", "e")]
    assert chosen(match_length=5, min_gap=0.9) == [("a", "e")], "1.0 - 0.1 is 0.9"


def test_what_is_known_to_be_wrong_is_never_chosen(tmp_path: Path) -> None:
    rows = [
        answer(0, "liked", performance=0.0, judge="rule", judge_score=1.0),
        answer(0, "right", judge="rule", judge_score=0.8),
        answer(0, "poor", judge="rule", judge_score=0.1),
    ]
    corpus = export_preference(made_up_release(tmp_path, rows), tmp_path / "out", by="judge", pairs_per_query=5)
    assert [(r["candidate"], r["rejected_candidate"]) for r in records(corpus)] == [("right", "poor")]


def test_modes_are_not_mixed(tmp_path: Path) -> None:
    rows = [answer(0, "a"), answer(0, "b_think", performance=0.0)]
    release = made_up_release(tmp_path, rows)
    with pytest.raises(InputError, match=r"Dropped answers: 2 answers in no pair. Remedy: lower --min-gap"):
        export_preference(release, tmp_path / "out")


def test_blocks_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = contents(export_preference("sample", tmp_path / "a", pairs_per_query=3, by="judge").path)
    monkeypatch.setattr(preference, "_CELLS", 1)
    assert contents(export_preference("sample", tmp_path / "b", pairs_per_query=3, by="judge").path) == whole


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_gap": 0}, "min_gap 0: expected above 0, up to 1"),
        ({"min_gap": 1.5}, "min_gap 1.5: expected above 0, up to 1"),
        ({"match_length": 0.5}, "match_length 0.5: expected 1 or above"),
        ({"match_length": float("nan")}, "match_length nan: expected 1 or above"),
        ({"match_length": float("inf")}, "match_length inf: expected 1 or above"),
        ({"pairs_per_query": 0}, r"pairs_per_query 0: expected 1 or above. Remedy: change --pairs$"),
    ],
)
def test_what_cannot_be_done(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        export_preference("sample", tmp_path / "out", **options)


def test_an_unknown_score(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r'No score "perf". Known: judge, performance.'):
        export_preference("sample", tmp_path / "out", by="perf")  # type: ignore[arg-type]


def test_the_greedy_choice_against_a_plain_one(tmp_path: Path, logs: dict[tuple[str, str], Row]) -> None:
    """The gaps of the pairs of a query are those of: take the widest, strike both answers, begin again."""
    corpus = export_preference("sample", tmp_path / "out", by="judge", pairs_per_query=4, min_gap=0.2, duplicates="keep",
                               format="parquet", container="jsonl")  # fmt: skip
    found: dict[str, list[float]] = {}
    for record in records(corpus):
        found.setdefault(record["query_id"], []).append(round(record["gap"], 5))
    by_query: dict[str, list[Row]] = {}
    for (query_id, _), row in logs.items():
        if row["judge_score"] is not None and row["response"]:
            by_query.setdefault(query_id, []).append(row)
    compared = 0
    for query_id in list(found)[:40]:
        rows, first = by_query[query_id], 0.0
        for better, worse in product(rows, rows):
            if better["mode"] == worse["mode"] and better["performance"] != 0:
                first = max(first, better["judge_score"] - worse["judge_score"])
        assert found[query_id][0] == pytest.approx(first, abs=1e-4)
        assert found[query_id] == sorted(found[query_id], reverse=True)
        compared += 1
    assert compared == 40


@pytest.mark.parametrize("export", [export_preference, export_kto, export_sft])
def test_pairwise_judgements_rank_nothing_and_are_named(tmp_path: Path, export: Any) -> None:
    """A judge of pairs tells which answer is better, but gives none of them a score of its own."""
    by: Row = {"setting": "judge"} if export is export_sft else {"by": "judge"}
    against = {"judge": "arena", "judge_order": "first"}
    rows = [
        answer(n, llm, **against, judge_score=score, judge_opponent=other, performance=None)
        for n in range(2)
        for llm, other, score in (("a", "b", 1.0), ("b", "a", 0.0))
    ]
    told = r"Dropped answers: 4 answers with pairwise judgements alone, which are not used.* Remedy: rank by performance"
    for options in (by, {"min_judge": 0.5}):
        with pytest.raises(InputError, match=told) as caught:
            export(made_up_release(tmp_path, rows), tmp_path / "out", **options)
        assert "without a judge score" not in str(caught.value)
    alone = [answer(2, "a", judge="rule", judge_score=0.9), answer(2, "b", judge="rule", judge_score=0.0), answer(2, "c")]
    corpus = export(made_up_release(tmp_path, [*rows, *alone]), tmp_path / "out", **by)
    assert (corpus.dropped["answers"]["judged_in_pairs"], corpus.dropped["answers"]["unjudged"]) == (4, 1)
    validate(json.loads((tmp_path / "out" / "corpus.json").read_text("utf-8")), corpus_schema())
