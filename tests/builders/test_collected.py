"""The source `collected`: a run as a release, scored, whatever its journal went through, and while it is going."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.collecting.run import Run
from llmfusionbench.builders.reading.run_files import JOURNAL, QUERIES, RUN
from llmfusionbench.builders.recognising import recognise
from llmfusionbench.builders.revising.rescore import rescore
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from llmfusionbench.scoring import VERSION
from tests.helpers.run_folder import PRICES, answer, llm, made_run, planned, sums, write


def built(run: Run, out: Path, *inputs: Path) -> Release:
    release = build("collected", inputs or [run.folder], out, workers=1)
    assert lfb.validate(out) == []
    return release


def rows(release: Release, table: str, *columns: str) -> list[Any]:
    found = release.table(table).to_table(columns=list(columns) or None).to_pylist()
    return [tuple(row.values()) for row in found] if columns else found


def test_every_column_of_an_answer(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(1), [llm("a", seed=5, temperature=0.25, prices=PRICES)], replicates=2)
    _, second = planned(run)
    said = {"reasoning": "1 and 1", "served_model": "a-model-0305", "finish_reason": "eos", "latency_s": 0.5}
    counts = {"input_tokens": 11, "output_tokens": 7, "reasoning_tokens": 3, "cached_tokens": 2}
    write(run, answer(second, "2", number=3, cost=0.125, **said, **counts))
    (row,) = rows(built(run, tmp_path / "out"), "responses")
    sampling = {"temperature": 0.25, "top_p": None, "max_tokens": 1024, "seed": 6, "effort": None}
    assert row == counts | {
        "query_id": second.slot[0], "llm": "a", "mode": "direct", "replicate": 1, "response": "2", "reasoning": "1 and 1",
        "status": "ok", "error": None, "finish_reason": "stop", "requested_model": "a-model", "served_model": "a-model-0305",
        "endpoint": "http://127.0.0.1:9/v1", "service_tier": None, "attempts": 3, "created_at": "2026-03-05T12:00:00.000Z",
        "sampling": sampling, "tokenizer": None, "performance": 1.0, "metric_version": VERSION, "cost_usd": 0.125,
        "latency_s": 0.5, "provenance": "collected",
    }  # fmt: skip


def test_the_llms_have_their_prices_by_day(tmp_path: Path) -> None:
    about = {"family": "f", "parameters_b": 3.0, "license": "mit", "description": "Small."}
    run = made_run(tmp_path / "run", sums(1), [llm("a", prices=PRICES, about=about), llm("b", prices=PRICES[:1]), llm("c")])
    first, second, third = rows(built(run, tmp_path / "out"), "llms")
    assert {**first, "prices": None} == {
        "llm": "a", "family": "f", "parameters_b": 3.0, "scale": "small", "input_price": 3.0, "output_price": 4.0,
        "prices": None, "endpoint": "a-model", "license": "mit", "description": "Small.",
    }  # fmt: skip
    assert [(p["valid_from"][:10], p["input_price"], p["output_price"]) for p in first["prices"]] == [
        ("1970-01-01", 1.0, 2.0),
        ("2026-03-01", 3.0, 4.0),
    ]
    assert (second["input_price"], second["prices"]) == (1.0, None)
    assert (third["input_price"], third["prices"]) == (None, None)


def test_a_query_keeps_all_that_is_known_of_it(tmp_path: Path) -> None:
    system = {"direct": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Two?"}]}
    thought = {"think": [{"role": "user", "content": "Ponder first. What is 1 + 1?"}]}
    (plain,) = sums(1, ("direct", "think"), license="MIT", choices=("1", "2"))
    (own,) = sums(1, source_id="own")
    own = type(own)(**{**vars(own), "prompts": own.prompts | thought, "source_id": "own", "task": "mine", "split": "test"})
    (turns,) = sums(1, prompts=system | {"think": [*system["direct"], *thought["think"]]}, source_id="turns")
    run = made_run(tmp_path / "run", [plain, own, turns], [llm("a")], ["direct", "think"])
    for call in planned(run):
        write(run, answer(call))
    release = built(run, tmp_path / "out")
    found = {row["source_id"]: row for row in rows(release, "queries")}
    assert {row["query_id"] for row in found.values()} == {query.query_id for query in (plain, own, turns)}
    assert len(rows(release, "responses")) == 6
    assert {**found["s1"], "query_id": ""} == {
        "query_id": "", "task": "sums", "domain": "math", "split": "train", "source_id": "s1", "prompt": "What is 1 + 1?",
        "prompt_think": "What is 1 + 1?\nLet's think step by step.", "messages": None, "ground_truth": "2",
        "choices": ["1", "2"], "metric": "em", "license": "MIT",
    }  # fmt: skip
    assert (found["own"]["prompt"], found["own"]["prompt_think"]) == ("What is 1 + 1?", "Ponder first. What is 1 + 1?")
    assert (found["own"]["task"], found["own"]["split"]) == ("mine", "test")
    assert found["turns"]["messages"] == system["direct"]
    assert found["turns"]["prompt"] == "SYSTEM: Be brief.\n\nUSER: Two?"
    assert str(found["turns"]["prompt_think"]).endswith("USER: Ponder first. What is 1 + 1?")
    logs = {(row[0], row[1]): row[2] for row in rows(release, "logs", "query_id", "mode", "prompt")}
    assert logs[own.query_id, "think"] == "Ponder first. What is 1 + 1?"


def test_two_images_are_two_queries(tmp_path: Path) -> None:
    def shown(data: str) -> dict[str, Any]:
        parts = [{"type": "text", "text": "How many?"}, {"type": "image_url", "image_url": {"url": data}}]
        return {"direct": [{"role": "user", "content": parts}]}

    queries = [*sums(1, prompts=shown("data:,a")), *sums(1, prompts=shown("data:,b"), source_id="other")]
    run = made_run(tmp_path / "run", queries, [llm("a")])
    for call in planned(run):
        write(run, answer(call))
    release = built(run, tmp_path / "out")
    assert {row[0] for row in rows(release, "queries", "query_id")} == {query.query_id for query in queries}
    assert all("data:" not in row[0] for row in rows(release, "queries", "prompt"))


def test_answers_are_scored_as_rescore_scores_them(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(4), [llm("a")])
    right, wrong, empty, failed = planned(run)
    write(run, answer(right, "2"), answer(wrong, "5"), answer(empty, " ", status="empty"))
    write(run, answer(failed, status="error", response=None, error="status 400"))
    release = built(run, tmp_path / "out")
    columns = ("query_id", "status", "performance", "error", "metric_version")
    found = {row[0]: row[1:] for row in rows(release, "responses", *columns)}
    assert found[right.slot[0]] == ("ok", 1.0, None, VERSION)
    assert found[wrong.slot[0]] == ("ok", 0.0, None, VERSION)
    assert found[empty.slot[0]][:2] == ("empty", None)
    assert found[failed.slot[0]] == ("error", None, "status 400", None)
    assert rescore(release, tmp_path / "again", workers=1).changed == 0


def test_programs_are_not_run_and_a_note_tells_how_they_can_be(tmp_path: Path) -> None:
    (query,) = sums(1, metric="code_eval", ground_truth='["assert f(1) == 2"]')
    run = made_run(tmp_path / "run", [query], [llm("a")])
    write(run, answer(planned(run)[0], "```python\ndef f(x):\n    return 2 * x\n```"))
    release = built(run, tmp_path / "out")
    assert rows(release, "responses", "performance", "metric_version") == [(None, None)]
    (note,) = release.manifest["source"]["notes"]
    assert "1 answer has no performance yet, since a build runs no programs" in note
    assert "rescore --allow-code-execution" in note


def test_what_has_no_outcome_yet_has_no_row_and_is_counted(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(2), [llm("a"), llm("b")], replicates=3)
    write(run, answer(planned(run)[0]))
    release = built(run, tmp_path / "out")
    assert len(rows(release, "queries")) == 2
    assert len(rows(release, "responses")) == 1
    assert [row[0] for row in rows(release, "llms", "llm")] == ["a", "b"]
    assert release.manifest["source"]["notes"] == [
        "journal.jsonl: 11 of 12 calls have no outcome yet, and their answers are missing"
    ]


def test_answers_to_what_is_not_of_the_run_hide_nothing_that_is_missing(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(4), [llm("a")])
    first, second, *_ = calls = planned(run)
    strangers = [replace(call, slot=(f"x{place}", *call.slot[1:])) for place, call in enumerate(calls[:2])]
    others = [replace(first, slot=(first.slot[0], *rest)) for rest in (("b", "direct", "0"), ("a", "direct", "1"))]
    keyed = [replace(call, key=f"{place}" * 32) for place, call in enumerate([*strangers, *others])]
    write(run, *map(answer, [first, second, *keyed]))
    release = built(run, tmp_path / "out")
    assert release.manifest["source"]["notes"] == [
        "journal.jsonl: 2 of 4 calls have no outcome yet, and their answers are missing"
    ]
    assert "answers to 2 queries are left out, since queries.jsonl does not hold these" in "".join(release.manifest["warnings"])


def test_no_record_is_folded_in_runs_of_many_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmfusionbench.builders.sources.collected._ROWS", 3)
    run = made_run(tmp_path / "run", sums(10, ("direct", "think")), [llm("a")], ["direct", "think"])
    for call in planned(run)[:13]:
        write(run, answer(call))
    records = build("collected", [run.folder], tmp_path / "out", workers=1, strict=True).manifest["records"]
    assert records == {"taken": 10 + 13, "folded": 0, "rejected": 0}


def test_a_run_before_its_first_answer(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(2), [llm("a")])
    assert len(rows(built(run, tmp_path / "empty"), "queries")) == 2


def test_a_run_that_is_going_is_read_up_to_its_last_whole_line(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(2), [llm("a")])
    first, second = planned(run)
    write(run, answer(first))
    whole = (run.folder / JOURNAL).read_bytes()
    sent, done = answer(second, "4")
    write(run, iter([sent[:20]]))
    release = built(run, tmp_path / "out")
    assert [row[0] for row in rows(release, "responses", "query_id")] == [first.slot[0]]
    (entry,) = (one for one in release.manifest["source"]["inputs"] if one["name"] == JOURNAL)
    assert (entry["bytes"], entry["sha256"]) == (len(whole), hashlib.sha256(whole).hexdigest())
    write(run, iter([sent[20:], done]))
    assert len(rows(built(run, tmp_path / "later"), "responses")) == 2


def test_the_newest_answer_of_a_retry_counts(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(1), [llm("a")])
    (call,) = planned(run)
    write(run, answer(call, "1 and", finish_reason="length"), answer(call, "2", number=2))
    assert rows(built(run, tmp_path / "out"), "responses", "response", "finish_reason", "attempts") == [("2", "stop", 2)]


def test_damaged_lines_and_foreign_answers_are_told(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(2), [llm("a")])
    first, second = planned(run)
    foreign = replace(second, slot=("0" * 32, *second.slot[1:]))
    write(run, answer(first), answer(foreign), iter([b"{broken\n"]))
    release = built(run, tmp_path / "out")
    assert len(rows(release, "responses")) == 1
    told = "\n".join(release.manifest["warnings"])
    assert "1 line is damaged, and is left out" in told
    assert "answers to 1 query are left out, since queries.jsonl does not hold this one" in told


def test_two_runs_become_one_release(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run = made_run(tmp_path / name, sums(1), [llm(name)])
        write(run, answer(planned(run)[0]))
    release = built(run, tmp_path / "out", tmp_path / "a", tmp_path / "b")
    assert rows(release, "responses", "llm") == [("a",), ("b",)]
    assert {entry["name"] for entry in release.manifest["source"]["inputs"]} >= {"a/journal.jsonl", "b/journal.jsonl"}


def test_a_run_is_recognised_by_its_directory_among_others(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    run = made_run(tmp_path / "runs" / "one", sums(1), [llm("a")])
    (run.folder / "batches").mkdir()
    (run.folder / "batches" / "input.jsonl").write_text('{"custom_id": "x", "method": "POST", "url": "/v1", "body": {}}\n')
    write(run, answer(planned(run)[0]))
    for place in (run.folder, tmp_path / "runs"):
        found = recognise([place])
        assert (found.settled(), found.files) == ("collected", [run.folder])
    assert recognise([run.folder / JOURNAL]).settled() == "collected"
    assert len(rows(build("auto", [tmp_path / "runs"], tmp_path / "out", workers=1), "responses")) == 1


def test_what_is_not_a_run(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"journal.jsonl: not part of a run.*Remedy: name the directory of the run"):
        build("collected", [tmp_path / "journal.jsonl"], tmp_path / "out")
    run = made_run(tmp_path / "run", sums(1), [llm("a")])
    (run.folder / RUN).write_text("{}")
    with pytest.raises(InputError, match=r"run.json: .*'format' is a required property"):
        build("collected", [run.folder], tmp_path / "out")


def test_a_run_without_queries(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(1), [llm("a")])
    (run.folder / QUERIES).write_text(json.dumps({"query_id": "x", "prompts": {"think": []}}) + "\n")
    words = r"queries.jsonl line 1: prompts has no direct.*Remedy: restore the file from a copy"
    with pytest.raises(InputError, match=words):
        build("collected", [run.folder], tmp_path / "out")


def test_a_release_of_a_run_is_built_again_as_it_is(tmp_path: Path) -> None:
    (query,) = sums(1)
    own = type(query)(**{**vars(query), "prompts": query.prompts | {"think": [{"role": "user", "content": "Ponder: 1 + 1?"}]}})
    run = made_run(tmp_path / "run", [own], [llm("a")], ["direct", "think"])
    for call in planned(run):
        write(run, answer(call))
    first = built(run, tmp_path / "first")
    again = build("release", [tmp_path / "first"], tmp_path / "again", workers=1)
    for table in ("queries", "responses", "llms"):
        assert rows(again, table) == rows(first, table)
