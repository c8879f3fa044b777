"""What a run is asked for: what extends it, what would mix answers and is refused, and what its files keep."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.run import Request, Run, check_folder, extend, with_max_tokens
from llmfusionbench.builders.reading.run_files import JOURNAL, QUERIES, RUN
from llmfusionbench.builders.tasks.query import Query
from llmfusionbench.errors import InputError
from llmfusionbench.redaction import keep_secret
from tests.helpers.run_folder import NOW, PRICES, answer, llm, made_run, planned, sums, write


def asked(folder: Path, queries: list[Query], endpoints: list[Endpoint], plain: list[Query] | None = None, **more: Any) -> Run:
    request = Request(**{"selected": {"sums": 0}, "endpoints": endpoints} | more)
    return extend(folder, request, queries, plain or [], into=folder)[0]


def test_the_llms_come_back_as_they_were(tmp_path: Path) -> None:
    endpoints = [
        llm("a", prices=PRICES, about={"family": "f"}, key_variable="A_KEY", concurrency=3, extra={"top_k": 2}),
        llm("b", modes={"think": {"reasoning_effort": "low"}}),
    ]
    made_run(tmp_path / "run", sums(1), endpoints)
    assert Run.read(tmp_path / "run").endpoints() == endpoints


def test_the_queries_come_back_as_they_were(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    queries = [
        *sums(2, ("direct", "think")),
        *sums(
            1, choices=("x", "y"), license="MIT", settings={"n": 1}, prompts={"direct": [{"role": "user", "content": parts}]}
        ),
    ]
    made_run(tmp_path / "run", queries, [llm("a")])
    ids, found = zip(*Run.read(tmp_path / "run").queries(), strict=True)
    assert list(ids) == [query.query_id for query in queries]
    assert [query.query_id for query in found] == [query.query_id for query in queries]
    assert [dict(query.prompts) for query in found] == [dict(query.prompts) for query in queries]
    assert [(q.metric, q.license, q.ground_truth, q.split) for q in found] == [
        (q.metric, q.license, q.ground_truth, q.split) for q in queries
    ]


def test_tasks_llms_modes_and_replicates_extend_a_run(tmp_path: Path) -> None:
    first = planned(made_run(tmp_path, sums(1), [llm("a")]))
    run = asked(tmp_path, sums(2, ("direct", "think")), [llm("a"), llm("b")], modes=["direct", "think"], replicates=2)
    assert len(planned(run)) == 2 * 2 * 2 * 2
    assert {call.key for call in first} <= {call.key for call in planned(run)}
    assert (run.replicates, run.modes) == (2, {"a": ("direct", "think"), "b": ("direct", "think")})
    assert run.record["tasks"] == {"sums": {"seed": 0, "queries": 2}}


def test_asking_for_less_takes_nothing_away(tmp_path: Path) -> None:
    before = made_run(tmp_path, sums(3), [llm("a"), llm("b")], replicates=2).record
    run = asked(tmp_path, sums(1), [llm("a")])
    assert len(planned(run)) == 3 * 2 * 2
    assert {**run.record, "changed_at": None} == {**before, "changed_at": None}
    assert run.record["changed_at"] == before["changed_at"]


def test_the_same_command_again_changes_no_file(tmp_path: Path) -> None:
    made_run(tmp_path, sums(2), [llm("a")])
    files = {name: (tmp_path / name).read_bytes() for name in (RUN, QUERIES)}
    asked(tmp_path, sums(2), [llm("a")])
    assert {name: (tmp_path / name).read_bytes() for name in files} == files


def test_settings_that_do_not_change_an_answer_may_change(tmp_path: Path) -> None:
    keys = {call.key for call in planned(made_run(tmp_path, sums(1), [llm("a")]))}
    faster = llm("a", concurrency=50, timeout=9, retries=1, prices=PRICES, requests_per_minute=3, about={"scale": "small"})
    run = asked(tmp_path, sums(1), [faster])
    assert run.endpoints() == [faster]
    assert {call.key for call in planned(run)} == keys


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0.5}, "temperature in direct mode is 0.5, not null"),
        ({"max_tokens": 9}, "max_tokens in direct mode is 9, not 1024"),
        ({"model": "other"}, r'model in direct mode is "other", not "a-model"'),
        ({"url": "http://127.0.0.1:8/v1"}, "the address is http://127.0.0.1:8/v1, not http://127.0.0.1:9/v1"),
        ({"seed": 3, "extra": {"top_k": 4}}, "and 1 more"),
    ],
)
def test_an_llm_that_would_be_asked_otherwise_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    run = made_run(tmp_path, sums(1), [llm("a")])
    write(run, answer(planned(run)[0], "", status="empty"))
    before = (tmp_path / RUN).read_bytes()
    with pytest.raises(InputError, match="run has answers of a with other settings") as error:
        asked(tmp_path, sums(2), [llm("a", **change)])
    assert message in str(error.value).replace("None", "null")
    assert "Remedy: give the LLM another name" in str(error.value)
    assert (tmp_path / RUN).read_bytes() == before
    assert len((tmp_path / QUERIES).read_bytes().splitlines()) == 1


def test_another_seed_for_a_task_is_refused(tmp_path: Path) -> None:
    made_run(tmp_path, sums(1), [llm("a")])
    with pytest.raises(InputError, match=r"task sums was chosen with seed 0, not 1.*set --seed 0"):
        asked(tmp_path, sums(1), [llm("a")], selected={"sums": 1})
    assert asked(tmp_path, sums(1, task="other"), [llm("a")], selected={"other": 1}).record["tasks"]["other"]["seed"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ground_truth": "9"}, "the ground truth, the choices, the metric or a setting of query"),
        ({"metric": "f1"}, "the ground truth, the choices, the metric or a setting of query"),
        ({"settings": {"stop": ["x"]}}, "the ground truth, the choices, the metric or a setting of query"),
        ({"prompts": {"direct": [{"role": "user", "content": "1 + 1 = ?"}]}}, 'the prompt of "s1" of task sums differs'),
    ],
)
def test_a_query_that_has_changed_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    made_run(tmp_path, sums(1), [llm("a")])
    with pytest.raises(InputError, match=message):
        asked(tmp_path, sums(1, **change), [llm("a")])


def test_another_think_prompt_is_refused(tmp_path: Path) -> None:
    made_run(tmp_path, sums(1, ("direct", "think")), [llm("a")], ["direct", "think"])
    (query,) = sums(1)
    other = replace(query, prompts={**query.prompts, "think": [{"role": "user", "content": "Ponder: 1 + 1?"}]})
    with pytest.raises(InputError, match="the prompt in think mode of query"):
        asked(tmp_path, [other], [llm("a")])


def test_plain_prompts_may_share_a_source(tmp_path: Path) -> None:
    made_run(tmp_path, sums(1), [llm("a")])
    other = sums(1, prompts={"direct": [{"role": "user", "content": "1 + 1 = ?"}]})
    assert len(planned(asked(tmp_path, [], [llm("a")], other))) == 2


def test_new_queries_without_a_mode_of_the_run_are_refused(tmp_path: Path) -> None:
    made_run(tmp_path, sums(1, ("direct", "think")), [llm("a")], ("direct", "think"))
    before = {name: (tmp_path / name).read_bytes() for name in (RUN, QUERIES)}
    with pytest.raises(InputError, match=r"queries of sums have no prompt for mode think"):
        asked(tmp_path, sums(2), [llm("a")])
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_a_mode_without_prompts_is_refused(tmp_path: Path) -> None:
    made_run(tmp_path, sums(1), [llm("a")])
    with pytest.raises(InputError, match=r"queries of sums have no prompt for mode think. Remedy: name all tasks"):
        asked(tmp_path, [], [llm("a")], modes=["think"])
    assert Run.read(tmp_path).modes == {"a": ("direct",)}


@pytest.mark.parametrize(("mode", "message"), [("high", "no LLM has settings for it"), ("Not A Mode", "expected a short name")])
def test_a_mode_that_no_llm_has_is_refused(tmp_path: Path, mode: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        asked(tmp_path, sums(1), [llm("a")], modes=[mode])


def test_no_file_keeps_a_secret(tmp_path: Path) -> None:
    keep_secret("sk-very-secret-1234")
    secret = llm("a", url="http://me:pass-word-9@127.0.0.1:9/v1", extra={"user": "sk-very-secret-1234"})
    run = made_run(tmp_path, sums(1), [secret, llm("b")])
    text = (tmp_path / RUN).read_text()
    assert "pass-word-9" not in text
    assert "sk-very" not in text
    with pytest.raises(InputError, match=r"a URL or a setting of a holds a secret.*--llms"):
        run.endpoints()
    assert len(list(asked(tmp_path, sums(1), [secret]).queries())) == 1


def test_a_damaged_record_of_a_run(tmp_path: Path) -> None:
    made_run(tmp_path, sums(1), [llm("a")])
    whole = json.loads((tmp_path / RUN).read_text())
    for text, message in (
        ("{", "cannot be read"),
        ("[]", "is not of type 'object'"),
        (json.dumps({**whole, "replicates": 0}), "replicates"),
        (json.dumps({**whole, "format": 2}), "format is 2, expected 1. Remedy: use a later version"),
    ):
        (tmp_path / RUN).write_text(text)
        with pytest.raises(InputError, match=message):
            Run.read(tmp_path)


def test_damaged_queries(tmp_path: Path) -> None:
    run = made_run(tmp_path, sums(1), [llm("a")])
    for text in ("{\n", "[]\n", '{"query_id": "x"}\n'):
        (tmp_path / QUERIES).write_text(text)
        with pytest.raises(InputError, match=r"queries.jsonl line 1: not a query"):
            list(run.queries())
    (tmp_path / QUERIES).unlink()
    with pytest.raises(InputError, match="expected the queries of the run"):
        list(run.queries())


def test_a_folder_with_other_files_is_not_taken_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="has other files, and is not a run"):
        check_folder(tmp_path)
    with pytest.raises(InputError, match="not a directory"):
        check_folder(tmp_path / "thesis.txt")
    made_run(tmp_path / "run", sums(1), [llm("a")])
    check_folder(tmp_path / "run")
    check_folder(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_run_without_its_journal_is_not_asked_again(tmp_path: Path) -> None:
    made_run(tmp_path, sums(1), [llm("a")])
    check_folder(tmp_path)
    (tmp_path / JOURNAL).unlink()
    with pytest.raises(InputError, match=r"journal\.jsonl: no such file, expected the answers of the run, which would be lost"):
        check_folder(tmp_path)


def test_a_maximum_for_all_answers_counts_above_modes() -> None:
    given = llm("a", max_tokens=5, extra={"max_tokens": 6, "x": 1}, modes={"think": {"max_completion_tokens": 7, "y": 2}})
    found = with_max_tokens(given, 99)
    assert (found.max_tokens, found.extra, found.modes) == (99, {"x": 1}, {"think": {"y": 2}})


def test_the_moment_of_the_last_change_is_kept(tmp_path: Path) -> None:
    run = made_run(tmp_path, sums(1), [llm("a")])
    assert run.record["created_at"] == run.record["changed_at"] == NOW.isoformat().replace("+00:00", "Z")
    later = asked(tmp_path, sums(2), [llm("a")])
    assert later.record["created_at"] == run.record["created_at"]
    assert later.record["changed_at"] > run.record["changed_at"]
