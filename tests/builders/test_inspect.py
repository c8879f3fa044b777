"""The source `inspect`: samples of Inspect's logs as log records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.reading.inspect_header import read_header
from llmfusionbench.builders.reading.inspect_sample import SampleReader
from llmfusionbench.builders.records import record_table
from llmfusionbench.builders.sources.inspect_logs import InspectLogs
from llmfusionbench.errors import InputError, UnknownNameError
from tests.helpers.inspect_log import header, sample, write_eval, write_json
from tests.helpers.reading import Read, read

FIELDS = ("input", "target", "choices", "messages", "output", "scores", "model_usage", "error", "limit", "working_time")
json_leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
json_names = st.sampled_from(["role", "content", "type", "text", "value", "choices", "message", "match", "openai/tiny"])
json_values = st.recursive(
    json_leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(json_names, inner, max_size=4), max_leaves=12
)
"""Values that a field of a log may have by mistake."""


def log(folder: Path, *samples: Any, about: dict[str, Any] | None = None, **options: Any) -> Read:
    """What is read of a log of the samples."""
    return read(InspectLogs(**options), write_json(folder / "log.json", about or header(), samples))


def test_a_sample_gives_all_that_the_log_states(tmp_path: Path) -> None:
    found = log(tmp_path, sample(1))
    (row,) = found.rows
    assert (row["task"], row["llm"], row["requested_model"], row["served_model"]) == (
        "sums",
        "openai/tiny",
        "openai/tiny",
        "tiny-1",
    )
    assert (row["prompt"], row["response"], row["ground_truth"], row["source_id"]) == ("Add: 1+1?", "2", "2", "1")
    assert (row["metric"], row["performance"], row["finish_reason"], row["replicate"]) == ("match", 1.0, "stop", 0)
    assert (row["input_tokens"], row["output_tokens"], row["latency_s"]) == (7, 1, 0.25)
    assert row["sampling"]["temperature"] == 0.5
    assert row["split"] == "train"


def test_epochs_are_replicates(tmp_path: Path) -> None:
    found = log(tmp_path, sample(1, epoch=2), sample(1), sample(2), sample(1, "I", epoch=3))
    assert [(r["source_id"], r["replicate"], r["performance"]) for r in found.rows] == [
        ("1", 1, 1.0), ("1", 0, 1.0), ("2", 0, 1.0), ("1", 2, 0.0),
    ]  # fmt: skip


def test_the_bare_input_is_the_query_where_the_user_asks_for_it(tmp_path: Path) -> None:
    assert log(tmp_path, sample(1), prompt="input").column("prompt") == ["1+1?"]
    with pytest.raises(UnknownNameError, match="prompt"):
        log(tmp_path, sample(1), prompt="bare")


def test_messages_end_where_the_llm_begins(tmp_path: Path) -> None:
    example = [{"role": "user", "content": "0+1?"}, {"role": "assistant", "content": "1"}]
    asked = {"role": "user", "content": "3+1?"}
    tools = [{"role": "assistant", "content": "", "tool_calls": [{"id": "x", "function": "add", "arguments": {"a": 3}}]}]
    talk = [{"role": "system", "content": "Add."}, *example, asked, *tools, {"role": "tool", "content": "4"}]
    talk.append({"role": "assistant", "content": "4"})
    (row,) = log(tmp_path, sample(3, messages=talk)).rows
    assert [(t["role"], t["content"]) for t in row["messages"]] == [
        ("system", "Add."), ("user", "0+1?"), ("assistant", "1"), ("user", "3+1?"),
    ]  # fmt: skip
    assert row["latency_s"] == 0.5  # of all its calls


def test_attachments_stand_in_for_their_texts(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": [{"type": "text", "text": "attachment://h1"}, {"type": "image", "image": "data:x"}]}]
    attached = sample(1, input="tc://h1", messages=talk, attachments={"h1": "A long question?", "h2": "two"})
    attached["output"] = {"model": "m", "choices": [{"message": {"role": "assistant", "content": "attachment://h2"}}]}
    lost = sample(2, input="attachment://gone", messages=[])
    found = log(tmp_path, attached, lost)
    assert found.column("prompt") == ["A long question?\n[image]", "attachment://gone"]
    assert found.column("response")[0] == "two"
    assert any("image (1)" in note for note in found.notes)
    assert any("text stands in attachments that the log lacks" in note for note in found.notes)


def test_reasoning_stands_apart(tmp_path: Path) -> None:
    parts = [
        {"type": "reasoning", "reasoning": "First."},
        {"type": "reasoning", "reasoning": "secret", "redacted": True, "summary": "In short."},
        {"type": "reasoning", "reasoning": "secret", "redacted": True},
        {"type": "text", "text": "Two"},
        {"type": "text", "text": "2"},
        {"type": "tool_use", "name": "search"},
    ]
    made = sample(
        1, output={"model": "m", "choices": [{"message": {"role": "assistant", "content": parts}, "stop_reason": "max_tokens"}]}
    )
    older = sample(
        2, output={"model": "m", "choices": [{"message": {"role": "assistant", "content": "3", "reasoning": "Hm."}}]}
    )
    found = log(tmp_path, made, older)
    assert found.column("reasoning") == ["First.\n\nIn short.", "Hm."]
    assert found.column("response") == ["Two\n2", "3"]
    assert found.normal_table["finish_reason"].to_pylist() == ["length", None]
    assert any("redacted reasoning (1)" in note and "tool_use (1)" in note for note in found.notes)


def test_choices_and_letters_are_multiple_choice(tmp_path: Path) -> None:
    about = header(scorers=[{"name": "inspect_ai/choice"}])
    one = sample(1, choices=["tin", "iron"], target=["B"], scores={"inspect_ai/choice": {"value": "C"}})
    two = sample(2, choices=["tin", "iron"], target=["A", "B"], scores={"inspect_ai/choice": {"value": "I"}})
    found = log(tmp_path, one, two, about=about)
    assert found.column("metric") == ["em_mc", "choice"]
    assert found.column("ground_truth") == ["B", '["A", "B"]']
    assert found.column("choices")[0] == ["tin", "iron"]


@pytest.mark.parametrize(
    ("value", "score"),
    [
        ("C", 1), ("I", 0), ("P", 0.5), ("N", 0), (True, 1), (0.25, 0.25), ("0.75", 0.75), ("Yes", 1), ("false", 0),
        ({"a": "P", "b": 1}, 0.5),
    ],
)  # fmt: skip
def test_values_are_numbers_as_inspect_counts_them(tmp_path: Path, value: Any, score: float) -> None:
    assert log(tmp_path, sample(1, value)).column("performance") == [score]


def test_a_word_of_the_users_own(tmp_path: Path) -> None:
    samples = sample(1, "GOOD"), sample(2, "BAD"), sample(3, [1])
    found = log(tmp_path, *samples)
    assert found.column("performance") == [None, None, None]
    assert any("'GOOD', 'BAD', a list" in note and "words=WORD:NUMBER" in note for note in found.notes)
    assert log(tmp_path, *samples, words=["GOOD:1", "BAD:0"]).column("performance") == [1.0, 0.0, None]
    with pytest.raises(InputError, match="WORD:NUMBER"):
        log(tmp_path, *samples, words=["GOOD"])


def test_one_of_several_scorers_counts(tmp_path: Path) -> None:
    about = header(scorers=[{"name": "match"}, {"name": "parts"}])
    scores = {"parts": {"value": {"style": 0.25, "facts": "C"}}, "match": {"value": "I"}}
    found = log(tmp_path, sample(1, scores=scores), about=about)
    assert (found.column("performance"), found.column("metric")) == ([0.0], ["match"])
    assert any("scorer match, of parts.style, parts.facts, match" in note for note in found.notes)
    chosen = log(tmp_path, sample(1, scores=scores), about=about, scorer="parts.facts")
    assert (chosen.column("performance"), chosen.column("metric")) == ([1.0], ["parts_facts"])
    with pytest.raises(InputError, match=r"no sample has the scorer 'other'; the logs have match, parts.facts, parts.style"):
        log(tmp_path, sample(1, scores=scores), about=about, scorer="other")


def test_older_logs_have_one_score_or_a_list(tmp_path: Path) -> None:
    older, listed, bare = (sample(i) for i in range(3))
    older["score"] = {"value": "I"}
    del older["scores"]
    listed["scores"] = [{"name": "match", "value": 1}]
    bare["scores"] = {}
    assert log(tmp_path, older, listed, bare).column("performance") == [0.0, 1.0, None]


def test_a_model_that_grades_is_a_judge(tmp_path: Path) -> None:
    scorer = {"name": "model_graded_qa", "options": {"template": "..."}}
    about = header(scorers=[scorer], model_roles={"grader": {"model": "google/vertex/big"}})
    scores = {"model_graded_qa": {"value": "P", "explanation": "Half right."}}
    usage = {"openai/tiny": {"input_tokens": 7, "output_tokens": 1, "total_tokens": 8}, "google/big": {"input_tokens": 999}}
    (row,) = log(tmp_path, sample(1, scores=scores, model_usage=usage), about=about).rows
    assert (row["judge"], row["judge_score"], row["judge_reason"]) == ("google/big", 0.5, "Half right.")
    assert (row["performance"], row["metric"], row["input_tokens"]) == (0.5, "model_graded_qa", 7)
    own = header(scorers=[{"name": "model_graded_fact"}])
    scores = {"model_graded_fact": {"value": "C"}}
    assert log(tmp_path, sample(1, scores=scores), about=own).column("judge") == ["openai/tiny"]


def test_failures_keep_their_message(tmp_path: Path) -> None:
    failed = sample(1, error={"message": "RateLimit()", "traceback": "File /home/x"}, scores={})
    failed["output"] = {"model": "m", "choices": [], "completion": ""}
    late = sample(2, error={"message": "Sandbox()", "traceback": ""})
    found = log(tmp_path, failed, late)
    assert found.column("status") == ["error", "error"]
    assert found.column("error") == ["RateLimit()", "Sandbox()"]
    assert found.normal_table["response"].to_pylist() == [None, None]
    assert any("1 sample with an answer before an error" in note for note in found.notes)


def test_limits_are_noted_and_the_score_counts(tmp_path: Path) -> None:
    found = log(tmp_path, sample(1, "I", limit={"type": "token", "limit": 100}), sample(2, limit={"type": "time", "limit": 9}))
    assert (found.column("finish_reason"), found.column("performance")) == (["length", "stop"], [0.0, 1.0])
    assert any("token (1), time (1)" in note for note in found.notes)


def test_cached_tokens_are_a_part_of_the_input(tmp_path: Path) -> None:
    apart = {
        "input_tokens": 7,
        "output_tokens": 1,
        "total_tokens": 18,
        "input_tokens_cache_read": 6,
        "input_tokens_cache_write": 4,
    }
    within = {"input_tokens": 7, "output_tokens": 1, "total_tokens": 8, "input_tokens_cache_read": 6, "reasoning_tokens": 1}
    found = log(tmp_path, sample(1, model_usage={"openai/tiny": apart}), sample(2, model_usage={"openai/tiny": within}))
    assert (found.column("input_tokens"), found.column("cached_tokens")) == ([17, 7], [6, 6])
    assert found.column("reasoning_tokens") == [None, 1]


@pytest.mark.parametrize(
    ("model", "llm", "endpoint"),
    [
        ("openai/gpt-x", "openai/gpt-x", "openai"),
        ("openai/azure/gpt-x", "openai/gpt-x", "openai/azure"),
        ("ollama/tiny:1b", "tiny:1b", "ollama"),
        ("hf/lab/tiny", "lab/tiny", "hf"),
        ("openrouter/openai/gpt-x", "openai/gpt-x", "openrouter"),
        ("openai-api/host/lab/tiny", "lab/tiny", "host"),
        ("openai-api/deepseek/chat", "deepseek/chat", "deepseek"),
        ("fireworks/accounts/fireworks/models/tiny", "tiny", "fireworks"),
        ("vllm//data/models/tiny/", "tiny", "vllm"),
        ("vllm//ckpt/A/checkpoint-500", "A/checkpoint-500", "vllm"),
        ("tiny", "tiny", None),
    ],
)
def test_the_llm_is_what_a_user_routes_to(tmp_path: Path, model: str, llm: str, endpoint: str | None) -> None:
    (row,) = log(tmp_path, sample(1, model_usage={}), about=header(model=model)).rows
    assert (row["llm"], row["endpoint"], row["requested_model"]) == (llm, endpoint, model)
    assert log(tmp_path, sample(1), about=header(model=model), llm="mine").column("llm") == ["mine"]


def test_a_retry_counts_instead_of_the_log_before_it(tmp_path: Path) -> None:
    failed = sample(2, error={"message": "Timeout()"}, scores={})
    first = write_json(
        tmp_path / "a.json", header() | {"status": "error", "error": {"message": "Timeout()"}}, [sample(1), failed]
    )
    retry = write_eval(tmp_path / "b.eval", header(created="2026-01-01T11:00:00+00:00"), [sample(1), sample(2)])
    for paths in ((first, retry), (retry, first)):
        found = read(InspectLogs(), *paths)
        assert [(r["file"], r["source_id"], r["status"]) for r in found.rows] == [("b.eval", "1", None), ("b.eval", "2", None)]
        assert any("2 samples left out, because b.eval, a later log of the same run, has them" in note for note in found.notes)
        assert any("status error (Timeout())" in note for note in found.notes)


def test_another_run_of_the_same_task_gives_replicates(tmp_path: Path) -> None:
    one = write_json(tmp_path / "a.json", header(), [sample(1), sample(2)])
    two = write_json(tmp_path / "b.json", header(task_id="task-2"), [sample(1), sample(3)])
    assert [(r["source_id"], r["replicate"]) for r in read(InspectLogs(), one, two).rows] == [
        ("1", 0),
        ("2", 0),
        ("1", 1),
        ("3", 0),
    ]


def test_what_is_not_a_log_is_left_out_beside_logs_alone(tmp_path: Path) -> None:
    other = tmp_path / "eval-set.json"
    other.write_text('{"eval_set_id": "x"}')
    found = read(InspectLogs(), write_json(tmp_path / "log.json", header(), [sample(1)]), other)
    assert len(found.rows) == 1
    assert any("not a log of Inspect" in note and "left out" in note for note in found.notes)
    with pytest.raises(InputError, match=r"eval-set\.json: not a log of Inspect"):
        read(InspectLogs(), other)


def test_a_header_alone_has_no_answers(tmp_path: Path) -> None:
    about = header() | {"results": {"total_samples": 1000, "scores": []}}
    with pytest.raises(InputError, match="no sample in it, of 1,000 that the header states"):
        log(tmp_path, about=about)
    found = log(tmp_path, sample(1), about=about)
    assert any("1 of the 1,000 samples" in note for note in found.notes)


def test_a_bad_sample_costs_no_other(tmp_path: Path) -> None:
    found = log(tmp_path, sample(1), sample(2, output=[]), {"id": 3, "epoch": 0}, sample(4))
    assert found.column("source_id") == ["1", "4"]
    assert [(r.row, r.reason) for r in found.rejected] == [
        (1, "output is a list, expected an object"), (2, "epoch is 0, expected 1 or more"),
    ]  # fmt: skip


def test_the_oldest_logs_keep_attachments_in_a_transcript(tmp_path: Path) -> None:
    older = sample(1, input="tc://h1", messages=[], transcript={"events": [], "content": {"h1": "A long question?"}})
    assert log(tmp_path, older).column("prompt") == ["A long question?"]


@given(json_values, st.sampled_from(FIELDS))
@settings(max_examples=200, deadline=None)
def test_any_value_of_a_field_gives_a_record_or_a_reason(value: Any, name: str) -> None:
    reader = SampleReader(read_header(header()))
    reason, rows = "", 0
    try:
        rows = record_table([reader.read(sample(1, **{name: value}))]).num_rows
    except BadRecordError as error:
        reason = str(error)
    assert bool(reason) != bool(rows)
