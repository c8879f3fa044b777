"""Samples of lm-evaluation-harness, in every layout that the harness has written."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench import validate
from llmfusionbench.builders import build
from llmfusionbench.builders.reading.harness_metrics import choose
from llmfusionbench.builders.reading.json_records import each_record
from llmfusionbench.builders.reading.lm_eval_samples import Samples
from llmfusionbench.builders.records import Rejected, record_table
from llmfusionbench.builders.sources.lm_eval import LmEval
from llmfusionbench.errors import InputError, UnknownNameError
from tests.helpers.lm_eval_log import GREEDY, LATER, TIME, results, run, sample
from tests.helpers.reading import read, real_logs, write, write_json, write_lines


def test_a_run(tmp_path: Path) -> None:
    path = run(tmp_path / "lab__tiny", [sample(0), sample(1, "No.", exact_match=0.0)])
    found = read(LmEval(), path, path.with_name(f"results_{TIME}.json"))
    assert [(r["task"], r["source_id"], r["llm"], r["prompt"], r["response"], r["performance"]) for r in found.rows] == [
        ("sums", "0", "lab/tiny", "Question: 0+1?\nAnswer:", "It is 3.", 1.0),
        ("sums", "1", "lab/tiny", "Question: 1+1?\nAnswer:", "No.", 0.0),
    ]
    row = found.rows[0]
    assert (row["ground_truth"], row["metric"], row["split"], row["requested_model"]) == (
        "1",
        "exact_match",
        "test",
        "lab/tiny",
    )
    assert row["sampling"] == {"temperature": 0.0, "top_p": None, "max_tokens": 64, "seed": None, "effort": None}
    assert row["created_at"] == "1770091506.5"
    assert found.rejected == []
    assert found.notes == []


def test_the_results_beside_are_found_without_being_named(tmp_path: Path) -> None:
    path = run(tmp_path, [sample(0)])
    assert read(LmEval(), path).column("llm") == ["lab/tiny"]


@pytest.mark.parametrize(
    ("model", "llm"),
    [
        ("lab/tiny", "lab/tiny"),
        ("gpt-x", "gpt-x"),
        ("/data/models/tiny-7b", "tiny-7b"),
        ("./out/run3/checkpoint-500", "run3/checkpoint-500"),
        ("/ckpt/A/final", "A/final"),
        ("/ckpt/B/best_model/", "B/best_model"),
        ("/cache/hub/models--lab--tiny/snapshots/0123abc", "lab/tiny"),
        ("lab/tiny_think", "lab/tiny"),
    ],
)
def test_names_of_llms(tmp_path: Path, model: str, llm: str) -> None:
    path = run(tmp_path, [sample(0)], results(model))
    found = read(LmEval(), path)
    assert (found.rows[0]["llm"], found.rows[0]["requested_model"]) == (llm, model)


@pytest.mark.parametrize(
    ("config", "llm"),
    [
        ({"model": "hf", "model_args": "pretrained=lab/tiny,parallelize=True"}, "lab/tiny"),
        ({"model": "hf", "model_args": "dtype=auto,pretrained=lab/base,peft=lab/adapter"}, "lab/adapter"),
        ({"model": "local-chat-completions", "model_args": {"model": "gpt-x", "base_url": "http://h"}}, "gpt-x"),
    ],
)
def test_older_results_name_the_model_in_its_arguments(tmp_path: Path, config: dict[str, Any], llm: str) -> None:
    about = results(config=config)
    del about["model_name"]
    write_json(tmp_path / "results.json", about)
    path = write_lines(tmp_path / "samples_sums.jsonl", [sample(0)])
    found = read(LmEval(), tmp_path / "results.json", path)
    assert (found.rows[0]["llm"], found.rows[0]["task"]) == (llm, "sums")


def test_the_oldest_layout_is_a_list_in_a_file_named_after_model_and_task(tmp_path: Path) -> None:
    about = results(tasks={"sums": {}, "hard_sums": {"validation_split": "validation"}})
    write_json(tmp_path / "results.json", about)
    old = sample(0, arguments=[["Question: 0+1?", GREEDY]])
    del old["filter"], old["metrics"]
    path = write(tmp_path / "pretrained__lab__tiny_hard_sums.jsonl", json.dumps([old], indent=2).encode())
    found = read(LmEval(), path)
    row = found.rows[0]
    assert (row["task"], row["llm"], row["prompt"], row["split"]) == ("hard_sums", "lab/tiny", "Question: 0+1?", "partial_test")


def test_the_folder_names_the_llm_where_no_results_do(tmp_path: Path) -> None:
    one = write_lines(tmp_path / "lab__m1" / f"samples_sums_{TIME}.jsonl", [sample(0)])
    two = write_lines(tmp_path / "lab__m2" / f"samples_sums_{LATER}.jsonl", [sample(0)])
    path = write_lines(tmp_path / "__data__models__m3" / f"samples_sums_{TIME}.jsonl", [sample(0)])
    found = read(LmEval(), one, two, path)
    assert found.column("llm") == ["lab/m1", "lab/m2", "m3"]
    assert set(found.column("task")) == {"sums"}


def test_an_llm_that_no_file_states(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "logs" / f"samples_sums_{TIME}.jsonl", [sample(0)])
    with pytest.raises(InputError, match=r"--option llm=NAME"):
        read(LmEval(), path)
    assert read(LmEval(llm="mine"), path).column("llm") == ["mine"]
    assert read(LmEval(llm="{parent}"), path).column("llm") == ["logs"]


def test_the_results_of_another_run_are_not_taken(tmp_path: Path) -> None:
    for time, model in ((TIME, "lab/m1"), (LATER, "lab/m2")):
        run(tmp_path, [sample(0)], results(model), time=time)
    found = read(LmEval(), *sorted(tmp_path.iterdir(), reverse=True))
    assert sorted(found.column("llm")) == ["lab/m1", "lab/m2"]


def test_the_latest_run_counts(tmp_path: Path) -> None:
    run(tmp_path, [sample(0, "old")])
    run(tmp_path, [sample(0, "new")], time=LATER)
    found = read(LmEval(), *sorted(tmp_path.iterdir()))
    assert found.column("response") == ["new"]
    assert found.notes == ["another run of lab/tiny on sums counts, which is later or whole"]


def test_a_limited_run_does_not_replace_a_whole_one(tmp_path: Path) -> None:
    run(tmp_path, [sample(0, "whole")])
    run(tmp_path, [sample(0, "limited")], results(config={"model_args": "pretrained=lab/tiny", "limit": 1.0}), time=LATER)
    found = read(LmEval(), *sorted(tmp_path.iterdir()))
    assert found.column("response") == ["whole"]


def test_a_limited_run_is_noted(tmp_path: Path) -> None:
    path = run(tmp_path, [sample(0)], results(config={"model_args": "pretrained=lab/tiny", "limit": 5.0}))
    assert read(LmEval(), path).notes == ["the run was limited to 5 samples of each task"]


@pytest.mark.parametrize("limit", [10**400, -1, True, "all", [5]])
def test_what_is_no_limit_costs_no_sample(tmp_path: Path, limit: object) -> None:
    path = run(tmp_path, [sample(0, "four")], results(config={"model_args": "pretrained=lab/tiny", "limit": limit}))
    found = read(LmEval(), path)
    assert (found.column("response"), found.notes) == (["four"], [])


FILTERED = [
    sample(0, "It is 1.", filter="strict", filtered_resps=["[invalid]"], exact_match=0.0),
    sample(1, "#### 2", filter="strict", filtered_resps=["2"]),
    sample(0, "It is 1.", filter="flexible", filtered_resps=["1"]),
    sample(1, "#### 2", filter="flexible", filtered_resps=["2"]),
]


def test_the_first_filter_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    found = read(LmEval(), run(tmp_path, FILTERED))
    assert found.column("performance") == [0.0, 1.0]
    assert found.column("response") == ["It is 1.", "#### 2"]
    assert found.notes == [
        "performance is by the filter strict; left out: flexible (2 records). --option filter=NAME chooses another one"
    ]


def test_a_filter_with_one_record(tmp_path: Path) -> None:
    notes = read(LmEval(), run(tmp_path, FILTERED[1:3])).notes
    assert ["flexible (1 record)" in note for note in notes] == [True]


def test_a_last_record_that_is_cut_is_named_before_anything_else_is_asked_for(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "logs" / "samples_sums.jsonl", [sample(0), sample(1)])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"jsonl: its last record cannot be read \(the line is not JSON .* --option llm"):
        read(LmEval(), path)
    packed = write_lines(tmp_path / "logs" / "samples_sums.jsonl.gz", [sample(i) for i in range(9)])
    packed.write_bytes(packed.read_bytes()[:-40])
    with pytest.raises(InputError, match="cannot be read to its end"):
        read(LmEval(), packed)


def test_another_filter(tmp_path: Path) -> None:
    found = read(LmEval(filter="flexible"), run(tmp_path, FILTERED))
    assert found.column("performance") == [1.0, 1.0]


def test_a_filter_that_only_some_files_have(tmp_path: Path) -> None:
    one, two = run(tmp_path, FILTERED), run(tmp_path, [sample(0)], task="plain")
    found = read(LmEval(filter="flexible"), one, two)
    assert [(r["task"], r["performance"]) for r in found.rows] == [("sums", 1.0), ("sums", 1.0), ("plain", 1.0)]
    with pytest.raises(UnknownNameError, match="strict"):
        read(LmEval(filter="other"), one, two)


def test_repeats_are_replicates_and_the_score_is_that_of_the_first(tmp_path: Path) -> None:
    path = run(tmp_path, [sample(0, resps=[["a", "b", "c"]]), sample(1, resps=[["d"]])])
    rows = read(LmEval(), path).rows
    assert [(r["replicate"], r["response"], r["performance"]) for r in rows] == [
        (0, "a", 1.0), (1, "b", None), (2, "c", None), (None, "d", 1.0),
    ]  # fmt: skip


def test_a_list_of_a_score_for_each_repeat(tmp_path: Path) -> None:
    path = run(tmp_path, [sample(0, resps=[["a", "b", "c"]], exact_match=[1.0, 0.0, 1.0])])
    assert read(LmEval(), path).column("performance") == [1.0, 0.0, 1.0]


def test_messages_of_a_chat(tmp_path: Path) -> None:
    said = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "1+1?"}]
    args = [json.dumps(said), [json.dumps(said)]]
    rows = [sample(i, arguments={"gen_args_0": {"arg_0": arg, "arg_1": GREEDY}}) for i, arg in enumerate(args)]
    found = read(LmEval(), run(tmp_path, rows))
    assert found.column("messages") == [said, said]


def test_a_path_to_the_question(tmp_path: Path) -> None:
    path = run(tmp_path, [sample(0), sample(1, doc={"other": 1})])
    found = read(LmEval(prompt="doc.question"), path)
    assert found.column("prompt") == ["0+1?"]
    assert found.reasons == [
        (path.name, 1, 'doc.question is null, expected the text of the question. Remedy: check --option prompt=PATH')
    ]  # fmt: skip


def test_the_likelihood_of_a_text_is_no_answer(tmp_path: Path) -> None:
    row = sample(0, arguments=[["A long text."]], resps=[[-12.5]], metrics=["word_perplexity"], word_perplexity=[-12.5, 3])
    found = read(LmEval(), run(tmp_path, [row]))
    assert (found.rows[0]["response"], found.rows[0]["performance"]) == (None, None)
    assert "no metric of it is a number from 0 to 1" in found.notes[0]


def test_the_bypass_metric_is_not_a_score(tmp_path: Path) -> None:
    found = read(LmEval(), run(tmp_path, [sample(0, metrics=["bypass"], bypass=999)]))
    assert found.column("performance") == [None]
    assert found.notes == ["bypass is 999, which stands for no score in 1 record: taken as null"]


def test_a_metric_that_has_lists_gives_way_to_one_with_numbers(tmp_path: Path) -> None:
    rows = [sample(0, metrics=["f1", "bleu", "acc"], f1=[1, 0], bleu=31.5, acc=True)]
    about = results(tasks={"sums": {"metric_list": [{"metric": "f1"}, {"metric": "bleu"}, {"metric": "acc"}]}})
    found = read(LmEval(), run(tmp_path, rows, about))
    assert (found.rows[0]["metric"], found.rows[0]["performance"]) == ("acc", 1.0)
    again = read(LmEval(metric="f1"), tmp_path / f"samples_sums_{TIME}.jsonl")
    assert again.column("performance") == [None]
    assert "f1 is a list in 1 record: taken as null" in again.notes


def test_a_metric_of_which_a_low_value_is_good_is_not_the_default(tmp_path: Path) -> None:
    config = {"metric_list": [{"metric": "distance", "higher_is_better": False}, {"metric": "hit"}]}
    rows = [sample(0, metrics=["distance", "hit"], distance=0.5, hit=1.0)]
    found = read(LmEval(), run(tmp_path, rows, results(tasks={"sums": config})))
    assert found.rows[0]["metric"] == "hit"


def test_a_metric_that_no_file_has(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="exact_match"):
        read(LmEval(metric="exact_mtch"), run(tmp_path, [sample(0)]))


@pytest.mark.parametrize(
    ("target", "truth"),
    [
        (7, "7"),
        (True, "True"),
        (["a", "b"], '["a", "b"]'),
        ("['a', 'b']", '["a", "b"]'),
        ({"a": 1}, '{"a": 1}'),
        ("First 3.\n#### 1,003", "1,003"),
        (None, None),
    ],
)
def test_targets(tmp_path: Path, target: Any, truth: str | None) -> None:
    assert read(LmEval(), run(tmp_path, [sample(0, target=target)])).column("ground_truth") == [truth]


def test_settings_that_do_not_fit_cost_no_answer(tmp_path: Path) -> None:
    path = run(tmp_path, [sample(0, arguments={"gen_args_0": {"arg_0": "1?", "arg_1": {"temperature": "hot"}}})])
    found = read(LmEval(), path)
    assert found.column("response") == ["It is 3."]
    assert "the answer is kept without its settings" in found.reasons[0][2]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"resps": "text"}, "resps"),
        ({"arguments": None}, "--option prompt=PATH"),
        ({"arguments": 5}, "arguments is 5"),
        ({"arguments": [["a", GREEDY], ["b", GREEDY]], "resps": [["x"], ["y"]]}, "several prompts"),
        ({"arguments": [["a", " b"], ["a", " c"]], "resps": [[["-1", "True"]]]}, "one log-likelihood for each"),
        ({"arguments": [["a", " b"], ["a"]], "resps": [[["-1", "True"]]] * 2}, "one log-likelihood for each"),
    ],
)
def test_a_sample_that_does_not_fit_is_rejected(tmp_path: Path, row: dict[str, Any], reason: str) -> None:
    found = read(LmEval(), run(tmp_path, [sample(0), sample(1, **row)]))
    assert len(found.rows) == 1
    assert reason in found.reasons[0][2]


def test_results_alone(tmp_path: Path) -> None:
    path = write_json(tmp_path / "results.json", results())
    with pytest.raises(InputError, match="--log_samples"):
        read(LmEval(), path)


def test_rows_of_parquet_and_compressed_lines(tmp_path: Path) -> None:
    folder = tmp_path / "lab__tiny"
    lines = write_lines(folder / f"samples_sums_{TIME}.jsonl.gz", [sample(0)])
    rows = [sample(0), sample(1)]
    pq.write_table(pa.Table.from_pylist(rows), folder / f"samples_more_{TIME}.parquet")
    found = read(LmEval(), lines, folder / f"samples_more_{TIME}.parquet")
    assert [(r["task"], r["prompt"], r["performance"]) for r in found.rows] == [
        ("sums", "Question: 0+1?\nAnswer:", 1.0),
        ("more", "Question: 0+1?\nAnswer:", 1.0),
        ("more", "Question: 1+1?\nAnswer:", 1.0),
    ]


def test_the_real_file_has_the_mean_that_its_results_state() -> None:
    samples = real_logs("formats/lm_eval/samples_*.jsonl")
    stated = json.loads(real_logs("formats/lm_eval/results_*.json")[0].read_text())
    found = read(LmEval(), *samples)
    raw = [json.loads(line) for line in samples[0].read_text().splitlines()]
    assert len(found.rows) == len(raw) == 10
    assert found.rejected == []
    task = found.rows[0]["task"]
    scores = found.column("performance")
    assert mean(scores) == mean(row["exact_match"] for row in raw) == stated["results"][task]["exact_match,none"]
    assert set(found.column("requested_model")) == {stated["model_name"]}
    assert found.column("prompt") == [row["arguments"]["gen_args_0"]["arg_0"] for row in raw]
    assert found.column("response") == [row["resps"][0][0] for row in raw]


def test_a_directory_with_a_file_of_something_else(tmp_path: Path) -> None:
    run(tmp_path / "logs" / "lab__tiny", [sample(0)])
    other = write_json(tmp_path / "logs" / "results_summary.json", {"mean": 0.5})
    release = build("lm_eval", [tmp_path / "logs"], tmp_path / "out", workers=1)
    assert release.manifest["records"]["taken"] == 1
    assert release.manifest["warnings"][-1] == f"{other.name}: not results of lm-evaluation-harness, so it is left out"
    assert validate(tmp_path / "out") == []


TEXTS = ("", "a", "[0]", "True", "-1.5", '[{"role": 1}]')
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(TEXTS),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(["arg_0", "arg_1", "role", "content"]), part),
    max_leaves=8,
)  # fmt: skip


@given(arguments=VALUES, resps=st.lists(VALUES, max_size=3), target=VALUES, score=VALUES)
def test_a_sample_of_any_content_is_read_or_rejected(arguments: Any, resps: Any, target: Any, score: Any) -> None:
    row = sample(0, arguments=arguments, resps=resps, target=target, exact_match=score)
    samples = Samples("arguments", choose(None, (), [{"exact_match": 1.0}]))
    found = list(each_record([(0, row)], "a.jsonl", samples.read))
    answers = [item[1] for item in found if not isinstance(item, Rejected)]
    assert found
    assert record_table(answers).num_rows == len(answers)
