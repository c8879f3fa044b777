"""Every trap of the official format, each in a small file of our own, through the whole build."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.reading.backslashes import has_doubled_backslashes
from llmfusionbench.builders.reading.file_names import split_of_place
from llmfusionbench.builders.reading.tensors import parse_tensors
from llmfusionbench.builders.sources.fusionbench import COLUMNS, _reference, code_score
from llmfusionbench.errors import InputError, RejectedError
from llmfusionbench.release import Release
from llmfusionbench.types import query_id

ROW: dict[str, Any] = {
    "task_name": "gsm8k", "query": "What is 2 + 3?", "ground_truth": "5", "metric": "GSM8K", "llm": "qwen2-7b-instruct",
    "input_price": "0.2", "output_price": "0.3", "input_tokens_num": "10", "output_tokens_num": "20", "performance": "1.0",
    "cost": "8.0", "response": "It is 5.", "llm_description": "a model",
}  # fmt: skip


def write(path: Path, rows: Sequence[Mapping[str, Any]], *, escapechar: str | None = "\\", extra: Sequence[str] = ()) -> Path:
    """An official file, as pandas' `to_csv` writes it."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*COLUMNS, *extra], lineterminator="\n", escapechar=escapechar)
        writer.writeheader()
        writer.writerows({**ROW, **row} for row in rows)
    return path


def built(tmp_path: Path, rows: Sequence[Mapping[str, Any]], **options: Any) -> Release:
    path = write(tmp_path / "train.csv", rows, **options)
    release = build("fusionbench", [path], tmp_path / "release")
    assert lfb.validate(release.path) == []
    return release


def rows_of(release: Release, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = release.table(table).to_table().to_pylist()
    return rows


def rejected(release: Release) -> list[dict[str, Any]]:
    path = release.path / "rejected.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("suffix", [" Let's think step by step.", "\nlet's think step by step", " LET’S THINK STEP BY STEP! "])
def test_think_rows_join_the_query_of_the_direct_ones(tmp_path: Path, suffix: str) -> None:
    think = {"llm": "qwen2-7b-instruct_think", "query": ROW["query"] + suffix, "response": "thinking ... 5"}
    release = built(tmp_path, [{}, think])
    (query,) = rows_of(release, "queries")
    assert query["query_id"] == query_id("gsm8k", ROW["query"])
    assert query["prompt"] == ROW["query"]
    assert query["prompt_think"] == ROW["query"] + suffix
    assert [(r["llm"], r["mode"]) for r in rows_of(release, "responses")] == [
        ("qwen2-7b-instruct", "direct"),
        ("qwen2-7b-instruct", "think"),
    ]
    assert [r["prompt"] for r in rows_of(release, "logs")] == [ROW["query"], ROW["query"] + suffix]
    assert release.routing().candidates == ["qwen2-7b-instruct", "qwen2-7b-instruct_think"]


def test_costs_are_usd(tmp_path: Path) -> None:
    release = built(tmp_path, [{}, {"llm": "gemma-7b", "input_tokens_num": "", "output_tokens_num": "", "cost": "8.0"}])
    cost = {r["llm"]: r["cost_usd"] for r in rows_of(release, "responses")}
    assert cost["qwen2-7b-instruct"] == pytest.approx((10 * 0.2 + 20 * 0.3) / 1e6)
    assert cost["gemma-7b"] == pytest.approx(8.0 / 1e6)  # no counts: the logged cost, put right


def test_deepseek_r1_is_priced_anew(tmp_path: Path) -> None:
    release = built(tmp_path, [{"llm": "deepseek-r1", "input_price": "8.0", "output_price": "8.0", "cost": "240"}])
    (llm,) = rows_of(release, "llms")
    assert (llm["input_price"], llm["output_price"], llm["parameters_b"], llm["scale"]) == (0.55, 2.19, 671.0, "large")
    (response,) = rows_of(release, "responses")
    assert response["cost_usd"] == pytest.approx((10 * 0.55 + 20 * 2.19) / 1e6)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("{'pass@1': np.float64(0.0)}", 0.0),
        ("{'pass@1': np.float64(1.0)}", 1.0),
        ('{"pass@1": 1.0}', 1.0),
        (" {'pass@1': 0.5 } ", 0.5),
        ("0.25", 0.25),
    ],
)
def test_code_scores(cell: str, value: float) -> None:
    assert code_score(cell) == value


@pytest.mark.parametrize(
    "cell",
    ["{'pass@1': __import__('os').getpid()}", "{'pass@2': 1.0}", "{'pass@1': }", "yes", "{'pass@1': np.float64(1.0)} " * 99],
)
def test_what_is_no_code_score_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match="float"):
        code_score(cell)


def test_a_performance_that_is_no_number_is_rejected_with_its_place(tmp_path: Path) -> None:
    release = built(tmp_path, [{}, {"llm": "gemma-7b", "performance": "great"}, {"llm": "codegemma-7b", "performance": "1_0"}])
    assert [r["llm"] for r in rows_of(release, "responses")] == ["qwen2-7b-instruct"]
    assert [(r["file"], r["row"], r["reason"], r["record"]["llm"]) for r in rejected(release)] == [
        ("train.csv", 1, 'performance is "great", expected a number', "gemma-7b"),
        ("train.csv", 2, 'performance is "1_0", expected a number', "codegemma-7b"),
    ]
    assert release.manifest["rejected"] == 2


def test_strict_makes_a_bad_record_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "train.csv", [{}, {"llm": "gemma-7b", "performance": "great"}])
    with pytest.raises(RejectedError, match=r'train.csv record 1: performance is "great", expected a number'):
        build("fusionbench", [path], tmp_path / "release", strict=True)
    assert [p.name for p in tmp_path.iterdir()] == ["train.csv"]


def test_missing_is_null_and_never_zero(tmp_path: Path) -> None:
    failed = {"llm": "gemma-7b", "response": "", "performance": "", "cost": "", "input_tokens_num": "", "output_tokens_num": ""}
    empty = {"llm": "codegemma-7b", "response": "", "performance": "0.0"}
    judged = [{"llm_judge": "0.75"}, {**failed, "llm_judge": "nan"}, {**empty, "llm_judge": ""}]
    release = built(tmp_path, judged, extra=["llm_judge"])
    found = {r["llm"]: r for r in rows_of(release, "responses")}
    assert found["gemma-7b"]["status"] == "error"
    assert [found["gemma-7b"][c] for c in ("response", "performance", "cost_usd", "input_tokens")] == [None] * 4
    assert (found["codegemma-7b"]["status"], found["codegemma-7b"]["performance"]) == ("empty", 0.0)
    assert [(r["llm"], r["judge"], r["score"]) for r in rows_of(release, "judge_scores")] == [
        ("qwen2-7b-instruct", "fusionbench", 0.75)
    ]
    table = release.routing()
    assert np.isnan(table.performance[0, table.candidates.index("gemma-7b")])
    assert np.isnan(table.judge[0, table.candidates.index("codegemma-7b")])


@pytest.mark.parametrize("word", ["None", "NA", "nan", "null", "N/A"])
def test_words_that_other_readers_take_for_missing_are_answers(tmp_path: Path, word: str) -> None:
    (response,) = rows_of(built(tmp_path, [{"response": word, "ground_truth": word}]), "responses")
    assert response["response"] == word
    assert response["status"] == "ok"


LATEX = 'Then \\frac{1}{2} \\\\ and "quoted", \\n stays;\nnew line, {x: \\}'


@pytest.mark.parametrize("escapechar", ["\\", None], ids=["doubled", "as they are"])
def test_backslashes_come_back_whoever_wrote_them(tmp_path: Path, escapechar: str | None) -> None:
    path = write(tmp_path / "train.csv", [{"response": LATEX, "query": "Simplify \\sqrt{4}"}], escapechar=escapechar)
    assert has_doubled_backslashes(path) is (escapechar is not None)
    release = build("fusionbench", [path], tmp_path / "release")
    assert rows_of(release, "responses")[0]["response"] == LATEX
    assert rows_of(release, "queries")[0]["prompt"] == "Simplify \\sqrt{4}"


@pytest.mark.parametrize("text", ["before\rafter", "\r", "a\r\nb", 'one\rtwo\rthree, four\n"five"\r'])
@pytest.mark.parametrize("escapechar", ["\\", None])
def test_a_lone_carriage_return_that_the_writer_did_not_quote(tmp_path: Path, text: str, escapechar: str | None) -> None:
    rows = [{}, {"llm": "gemma-7b", "response": text}, {"llm": "codegemma-7b"}]
    release = built(tmp_path, rows, escapechar=escapechar)
    assert rejected(release) == []
    assert {r["llm"]: r["response"] for r in rows_of(release, "responses")} == {
        "qwen2-7b-instruct": ROW["response"],
        "gemma-7b": text,
        "codegemma-7b": ROW["response"],
    }


def test_vectors() -> None:
    cells = ["tensor([[1.0, -2.5e-3,\n 3]])", "tensor([1., ..., 2.])", "tensor([[0.5]], device='cuda:0', dtype=torch.float64)"]
    vectors, damaged = parse_tensors(pa.array(cells))
    assert vectors.to_pylist() == [pytest.approx([1.0, -0.0025, 3.0]), None, [0.5]]
    assert not damaged.any()
    bad = ["", "tensor([[]])", "tensor([1.0, x])", "tensor([nan])", "os.system('x')", "tensor([1.0]) tensor([2.0])"]
    _, damaged = parse_tensors(pa.array([*cells, *bad]))
    assert damaged.tolist() == [False] * 3 + [True] * 6


def test_vectors_are_a_sidecar_that_can_be_left_out(tmp_path: Path) -> None:
    whole = {
        "query_embedding": "tensor([[0.25, 0.5]], device='cuda:0')",
        "task_description_embedding": "tensor([[1.0, ..., 2.0]])",
    }
    damaged = {"query": "What is 3 + 3?", "query_embedding": "tensor([[0.25, oops]])"}
    path = write(tmp_path / "train.csv", [whole, {"llm": "gemma-7b"}, damaged])
    release = build("fusionbench", [path], tmp_path / "release")
    found = {r["embedded"]: r["embedding"] for r in rows_of(release, "embeddings")}
    assert found == {"prompt": [0.25, 0.5], "task_description": None}
    (note,) = rejected(release)
    assert note["row"] == 2
    assert "query_embedding is" in note["reason"]
    assert "kept without it" in note["reason"]
    assert len(rows_of(release, "queries")) == 2  # the record itself is kept
    assert lfb.validate(release.path) == []
    bare = build("fusionbench", [path], tmp_path / "bare", options={"embeddings": False})
    assert "embeddings" not in bare.tables


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("['Paris', \"l'Hay\"]", '["Paris", "l\'Hay"]'),
        ("['assert f(1) == 2']", '["assert f(1) == 2"]'),
        ("[1, 2]", "[1, 2]"),
        ("[]", "[]"),
        ("[not a list]", "[not a list]"),
        ("[" * 5000 + "]" * 5000, "[" * 5000 + "]" * 5000),
        ("[__import__('os').getpid()]", "[__import__('os').getpid()]"),
    ],
)
def test_lists_written_as_their_repr(cell: str, expected: str) -> None:
    assert _reference(cell) == expected


def test_the_official_parquet_form(tmp_path: Path) -> None:
    path = tmp_path / "data" / "train-00000-of-00001.parquet"
    path.parent.mkdir()
    typed = {
        **{c: [ROW.get(c)] * 2 for c in COLUMNS},
        "llm": ["gemma-7b", "gemma-7b_think"], "query": [ROW["query"], ROW["query"] + " Let's think step by step."],
        "input_tokens_num": [10.0, None], "output_tokens_num": [20.0, None], "performance": ["1.0", None],
        "response": ["5 \\frac", None], "cost": [8.0, None], "ground_truth": [["5", "five"]] * 2,
        "llm_judge": [0.5, float("nan")],
    }  # fmt: skip
    pq.write_table(pa.table(typed), path)
    release = build("fusionbench", [path], tmp_path / "release")
    assert rows_of(release, "queries")[0]["ground_truth"] == '["5", "five"]'
    direct, think = rows_of(release, "responses")
    assert (direct["response"], direct["input_tokens"], direct["performance"]) == ("5 \\frac", 10, 1.0)
    assert (think["response"], think["status"], think["performance"]) == (None, "error", None)
    assert [r["score"] for r in rows_of(release, "judge_scores")] == [0.5]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.csv", "train"),
        ("partial_test.csv", "partial_test"),
        ("test-00000-of-00002.parquet", "test"),
        ("train/data.csv", "train"),
        ("partial_test/data-00000-of-00001.csv", "partial_test"),
    ],
)
def test_the_split_is_told_by_the_name(name: str, split: str) -> None:
    assert split_of_place(Path("/logs") / name) == split


def test_a_name_without_a_split_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    folder = tmp_path / "x" / "y" / "z"
    folder.mkdir(parents=True)
    with pytest.raises(InputError, match=r"states no split\. Remedy: set --split"):
        split_of_place(folder / "router_data.csv")


def test_a_query_in_two_splits_goes_to_the_guarded_one(tmp_path: Path) -> None:
    train = write(tmp_path / "train.csv", [{}, {"query": "Another?"}])
    guarded = write(tmp_path / "partial_test.csv", [{"llm": "gemma-7b"}])
    release = build("fusionbench", [train, guarded], tmp_path / "release")
    assert {r["prompt"]: r["split"] for r in rows_of(release, "queries")} == {ROW["query"]: "partial_test", "Another?": "train"}
    assert {(r["llm"], r["split"]) for r in rows_of(release, "logs") if r["prompt"] == ROW["query"]} == {
        ("qwen2-7b-instruct", "partial_test"),
        ("gemma-7b", "partial_test"),
    }
    assert release.routing("train").prompts == ["Another?"]


def test_the_same_answer_twice_is_one_and_another_answer_is_rejected(tmp_path: Path) -> None:
    release = built(tmp_path, [{}, {}, {"response": "No, 6."}, {"llm": "gemma-7b", "ground_truth": "7"}])
    assert [(r["llm"], r["response"]) for r in rows_of(release, "responses")] == [("qwen2-7b-instruct", ROW["response"])]
    assert [r["reason"] for r in rejected(release)] == [
        "the candidate has another response for the query (number several answers in replicate) in train.csv record 0",
        "the same query has another ground_truth in train.csv record 0",
    ]


def test_rows_in_any_order_give_the_same_tables(tmp_path: Path) -> None:
    """Public pipelines count forty rows to a query; here a missing row or another order mixes nothing."""
    rows = [{"query": f"What is {i} + 1?", "llm": f"m{j}-7b{mode}", "response": f"{i} {j}{mode}", "ground_truth": str(i + 1)}
            for i in range(7) for j in range(3) for mode in ("", "_think")]  # fmt: skip
    del rows[8]
    whole = build("fusionbench", [write(tmp_path / "train.csv", rows)], tmp_path / "a")
    other = build("fusionbench", [write(tmp_path / "train.csv", rows[::-1])], tmp_path / "b")
    for table in ("queries", "responses", "logs", "routing"):
        assert rows_of(whole, table) == rows_of(other, table)
    assert len(rows_of(whole, "responses")) == 41
    for row in rows_of(whole, "logs"):
        i = row["prompt"].split()[2]
        assert row["response"] == f"{i} {row['llm'][1]}{'_think' if row['mode'] == 'think' else ''}"
        assert row["ground_truth"] == str(int(i) + 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "no column task_name, query, llm; it has a, b"),
        (b"\x1f\x8b\x08\x00garbage", "."),
        (b"PK\x03\x04", "."),
    ],
)
def test_what_is_no_log_at_all_is_an_error_that_names_the_file(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "train.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"train\.csv") as caught:
        build("fusionbench", [path], tmp_path / "release")
    assert words in str(caught.value)
    assert not (tmp_path / "release").exists()


def test_a_truncated_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    pq.write_table(pa.table({c: [ROW.get(c)] for c in COLUMNS}), path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="not a readable Parquet file"):
        build("fusionbench", [path], tmp_path / "release")


def test_files_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    paths = []
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        paths.append(write(tmp_path / split / "data.csv", [{"query": f"Asked in {split}?"}, {"performance": "great"}]))
    release = build("fusionbench", paths, tmp_path / "release")
    assert {r["prompt"]: r["split"] for r in rows_of(release, "queries")} == {
        "Asked in train?": "train",
        "Asked in test?": "test",
    }
    assert [r["file"] for r in rejected(release)] == ["test/data.csv", "train/data.csv"]
    assert [i["name"] for i in release.manifest["source"]["inputs"]] == ["train/data.csv", "test/data.csv"]


@pytest.mark.parametrize("column", ["llm_description", "response"])
def test_a_file_cut_off_within_its_last_text_loses_that_record_and_says_so(tmp_path: Path, column: str) -> None:
    path = write(tmp_path / "train.csv", [{}, {"llm": "gemma-7b", column: "the end, of a long text"}])
    path.write_bytes(path.read_bytes().partition(b" of a long text")[0])
    release = build("fusionbench", [path], tmp_path / "release")
    assert [r["llm"] for r in rows_of(release, "responses")] == ["qwen2-7b-instruct"]
    (record,) = rejected(release)
    field = COLUMNS.index(column) + 1
    assert (record["file"], record["row"]) == ("train.csv", 1)
    assert record["reason"].startswith(f"the file ends within the quotes of field {field} of {len(COLUMNS)}, after ")
    assert 'the end,", expected their end: perhaps it was cut off. Remedy: fetch the file again' in record["reason"]
    with pytest.raises(RejectedError, match="ends within the quotes"):
        build("fusionbench", [path], tmp_path / "strict", strict=True)


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("input_tokens_num", "1e300", "a whole number"),
        ("output_tokens_num", "9007199254740994", "a whole number"),
        ("input_tokens_num", "1_000", "a whole number"),
        ("performance", "0_1", "a number"),
        ("cost", "inf", "a number"),
    ],
)
def test_numbers_that_no_column_can_hold_cost_no_other_record(tmp_path: Path, column: str, cell: str, expected: str) -> None:
    release = built(tmp_path, [{}, {"llm": "gemma-7b", "output_tokens_num": "", column: cell}])
    assert [r["llm"] for r in rows_of(release, "responses")] == ["qwen2-7b-instruct"]
    assert [(r["row"], r["reason"]) for r in rejected(release)] == [(1, f'{column} is "{cell}", expected {expected}')]


@pytest.mark.parametrize("name", ["", " ", "_think"])
def test_a_record_without_an_llm_costs_no_other(tmp_path: Path, name: str) -> None:
    release = built(tmp_path, [{}, {"llm": name}])
    assert [r["llm"] for r in rows_of(release, "llms")] == ["qwen2-7b-instruct"]
    (record,) = rejected(release)
    assert record["row"] == 1
    assert record["reason"].startswith('llm is "", expected string')
