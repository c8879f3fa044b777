"""Releases of different tools merged by query: what is joined, what is a conflict, and what the manifest states."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build, merge
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release
from llmfusionbench.storage.files import sha256
from tests.helpers.two_releases import all_bytes, answer, release_of, rows_of


def harness(place: Path, llm: str, **more: Any) -> Release:
    """A log as a harness writes it: ids of its own, its own metric, white space around the prompt."""
    rows = [
        answer(f"{question}\n", llm, response, source_id=f"{llm}-{i}", performance=float(response == "yes"), **more)
        for i, (question, response) in enumerate([("one?", "yes"), ("two?", "no"), ("three?", "yes")])
    ]
    return release_of(place, rows)


def home_made(place: Path) -> Release:
    """A table that states neither metric nor truth."""
    rows = [
        answer(question, "cat", metric=None, ground_truth=None, performance=0.5, choices=["yes", "no"])
        for question in ("one?", "two?", "four?")
    ]
    return release_of(place, rows, prices=[{"llm": "cat", "input_price": 5.0, "output_price": 6.0}])


def test_logs_of_three_tools_meet_in_one_routing_table(tmp_path: Path) -> None:
    sides = [harness(tmp_path / "a", "ant"), harness(tmp_path / "b", "bee", ground_truth=" yes"), home_made(tmp_path / "c")]
    made = merge(sides, tmp_path / "out")
    table = made.release.routing()
    assert table.candidates == ["ant", "bee", "cat"]
    assert made.shared == 3
    assert made.conflicts.counts == {}
    assert len(table) == 4
    scores = dict(zip(table.prompts, table.performance.tolist(), strict=True))
    assert scores["one?\n"] == [1.0, 1.0, 0.5]
    assert scores["two?\n"] == [0.0, 0.0, 0.5]
    assert scores["four?"][2] == 0.5
    queries = {q["prompt"]: q for q in made.release.rows("queries").to_pylist()}
    assert (queries["one?\n"]["source_id"], queries["one?\n"]["ground_truth"]) == ("ant-0", "yes")
    assert (queries["one?\n"]["metric"], queries["one?\n"]["choices"]) == ("em", ["yes", "no"])
    assert queries["four?"]["metric"] == "unknown"
    assert lfb.validate(tmp_path / "out") == []


def test_the_manifest_states_what_was_merged(tmp_path: Path) -> None:
    sides = [harness(tmp_path / "a", "ant"), harness(tmp_path / "b", "bee")]
    manifest = merge(sides, tmp_path / "out").release.manifest
    assert manifest["source"]["name"] == "merge"
    assert [(i["name"], i["sha256"]) for i in manifest["source"]["inputs"]] == [
        (f"{side.path.name}/manifest.json", sha256(side.path / "manifest.json")) for side in sides
    ]
    assert [one["name"] for one in manifest["sources"]] == ["table", "table"]
    assert manifest["records"] == {"taken": 6, "folded": 0, "rejected": 0}
    (step,) = manifest["history"]
    assert (step["step"], step["shared_queries"], step["conflicts"]) == ("merge", 3, {})


def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path) -> None:
    sides = [harness(tmp_path / "a", "ant"), harness(tmp_path / "b", "bee"), home_made(tmp_path / "c")]
    for workers in (1, 3):
        merge(sides, tmp_path / f"out-{workers}", workers=workers)
    assert all_bytes(tmp_path / "out-1") == all_bytes(tmp_path / "out-3")


def three_answers(place: Path) -> list[Release]:
    """Three logs with other answers of one LLM to one query."""
    return [release_of(place / name, [answer("one?", "ant", said)]) for name, said in (("a", "yes"), ("b", "no"), ("c", "hm"))]


def test_all_conflicts_of_all_releases_are_listed_at_once(tmp_path: Path) -> None:
    sides = [
        release_of(tmp_path / name, [answer("one?", "ant", said)]) for name, said in (("a", "yes"), ("b", "no"), ("c", "hm"))
    ]
    with pytest.raises(InputError) as refused:
        merge(sides, tmp_path / "out")
    lines = str(refused.value).splitlines()
    assert lines[0] == f"{sides[1].path} contradicts {sides[0].path} in 1 value of rows that both have:"
    assert [line for line in lines if "response is" in line][1].endswith('response is "yes", here it is "hm"')
    assert lines[-1].startswith("Remedy: set --prefer first or --prefer last")
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == ["a", "b", "c"]


@pytest.mark.parametrize(("prefer", "said"), [("first", "yes"), ("last", "hm")])
def test_the_preferred_release_counts(tmp_path: Path, prefer: str, said: str) -> None:
    sides = [
        release_of(tmp_path / name, [answer("one?", "ant", text)]) for name, text in (("a", "yes"), ("b", "no"), ("c", "hm"))
    ]
    made = merge(sides, tmp_path / "out", prefer=prefer)
    assert made.release.rows("responses")["response"].to_pylist() == [said]
    assert made.conflicts.counts == {("responses", "response"): 2}
    assert made.release.manifest["history"][0]["conflicts"] == {"responses.response": 2}


def test_the_domain_other_gives_way_to_one_that_is_known(tmp_path: Path) -> None:
    domains: list[str | None] = [None, "algebra", None]
    sides = [
        release_of(tmp_path / llm, [answer("one?", llm, domain=domain)])
        for llm, domain in zip(("ant", "bee", "cat"), domains, strict=True)
    ]
    assert sides[0].rows("queries")["domain"].to_pylist() == ["other"]
    for number, order in enumerate((sides, sides[::-1])):
        made = merge(order, tmp_path / str(number))
        assert made.conflicts.counts == {}
        assert made.release.rows("queries")["domain"].to_pylist() == ["algebra"]
        assert set(made.release.rows("logs")["domain"].to_pylist()) == {"algebra"}
    unlike = release_of(tmp_path / "dog", [answer("one?", "dog", domain="logic")])
    with pytest.raises(InputError, match=r"queries\.domain: 1") as refused:
        merge([*sides, unlike], tmp_path / "none")
    assert "--replicates" not in str(refused.value)


@pytest.mark.parametrize(
    ("metrics", "counts"),
    [
        (("bypass", "em"), "em"),
        (("unknown", "em"), "em"),
        (("unknown", "bypass"), "bypass"),
        (("unknown", "bypass", "em"), "em"),
        (("bypass", "unknown", "unknown"), "bypass"),
    ],
)
def test_a_metric_that_no_log_states_gives_way_in_any_order(tmp_path: Path, metrics: tuple[str, ...], counts: str) -> None:
    sides = [
        release_of(tmp_path / llm, [answer("one?", llm, metric=metric)])
        for llm, metric in zip(("ant", "bee", "cat"), metrics, strict=False)
    ]
    for number, order in enumerate(permutations(sides)):
        made = merge(order, tmp_path / str(number), prefer="first" if number % 2 else None)
        assert (made.conflicts.counts, made.warnings) == ({}, [])
        assert made.release.rows("queries")["metric"].to_pylist() == [counts]


def test_two_metrics_are_a_conflict_and_a_warning(tmp_path: Path) -> None:
    sides = [harness(tmp_path / "a", "ant"), harness(tmp_path / "b", "bee", metric="exact_match")]
    with pytest.raises(InputError, match=r"queries\.metric: 3"):
        merge(sides, tmp_path / "none")
    made = merge(sides, tmp_path / "out", prefer="first")
    assert made.warnings[0].startswith("3 queries have another metric in b: one metric is stated for all answers")
    assert made.warnings[0] in made.release.manifest["warnings"]
    assert {q["metric"] for q in made.release.rows("queries").to_pylist()} == {"em"}


def test_different_answers_of_an_llm_as_replicates(tmp_path: Path) -> None:
    score = {"judge": "strict", "judge_score": 0.5}
    first = release_of(tmp_path / "a", [answer("one?", "ant", "yes"), answer("two?", "ant", "yes")])
    last = release_of(tmp_path / "b", [answer("one?", "ant", "no", performance=0.0, **score), answer("two?", "ant", "yes")])
    made = merge([first, last], tmp_path / "out", replicates=True)
    answers = {(r["query_id"], r["replicate"]): r["response"] for r in made.release.rows("responses").to_pylist()}
    assert sorted(answers.values()) == ["no", "yes", "yes"]
    (judged,) = [(r["query_id"], r["replicate"]) for r in made.release.rows("judge_scores").to_pylist()]
    assert answers[judged] == "no"
    assert judged[1] == 1
    assert lfb.validate(tmp_path / "out") == []


def test_rejected_records_of_all_are_kept(tmp_path: Path) -> None:
    sides = []
    for name in ("a", "b"):
        log = tmp_path / f"{name}.csv"
        log.write_text(f"prompt,llm,response,performance\none?,{name},yes,1\ntwo?,{name},no,many\n")
        sides.append(build("table", [log], tmp_path / name, options={"map": {"task": "=sums", "metric": "=em"}}, workers=1))
    made = merge(sides, tmp_path / "out").release
    assert (made.manifest["rejected"], made.manifest["records"]["rejected"]) == (2, 2)
    assert len((made.path / "rejected.jsonl").read_text().splitlines()) == 2
    assert lfb.validate(tmp_path / "out") == []


def test_releases_without_a_common_query_are_merged_with_a_warning(tmp_path: Path) -> None:
    sides = [release_of(tmp_path / "a", [answer("one?", "ant")]), release_of(tmp_path / "b", [answer("two?", "bee")])]
    made = merge(sides, tmp_path / "out")
    assert made.warnings[0].startswith("the releases have no query in common: ")
    assert len(rows_of(made.release, "queries")) == 2


def test_what_is_refused(tmp_path: Path) -> None:
    one = release_of(tmp_path / "a", [answer("one?", "ant")])
    with pytest.raises(InputError, match="1 release to merge, expected two or more"):
        merge([one], tmp_path / "out")
    with pytest.raises(InputError, match="given twice, expected each release once"):
        merge([one, one.path], tmp_path / "out")
    with pytest.raises(UnknownNameError, match="both"):
        merge([one, "sample"], tmp_path / "out", prefer="both")
    assert not (tmp_path / "out").exists()
