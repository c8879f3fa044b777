"""Rows of tasks in files of a person's own: formats, splits, and what is left out with which reason."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench.builders.records import Rejected
from llmfusionbench.builders.tasks import CATALOG
from llmfusionbench.builders.tasks.chosen import chosen
from llmfusionbench.builders.tasks.query import Query
from llmfusionbench.errors import InputError, UnknownNameError
from tests.helpers.task_rows import rows


def write(path: Path, records: list[Any]) -> Path:
    if path.suffix == ".csv":
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, records[0].keys())
            writer.writeheader()
            for record in records:
                writer.writerow({k: json.dumps(v) if isinstance(v, (list, dict)) else v for k, v in record.items()})
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    else:
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def read(task: str, path: Path, **options: Any) -> tuple[list[Query], list[str]]:
    left_out: list[Rejected] = []
    found = list(chosen([task], files={task: path}, rejected=left_out.append, **options))
    return found, [f"{one.row}: {one.reason}" for one in left_out]


@pytest.mark.parametrize("name", CATALOG)
def test_all_formats_give_the_same_queries(name: str, tmp_path: Path) -> None:
    made = rows(name, 5)
    found = [read(name, write(tmp_path / f"rows.{ending}", made)) for ending in ("jsonl", "csv", "parquet")]
    assert len(found[0][0]) == 5
    assert found[0] == found[1] == found[2]
    assert found[0][1] == []


@pytest.mark.parametrize("name", ["gpqa", "gsm8k", "math", "hellaswag"])
def test_the_order_of_rows_changes_nothing(name: str, tmp_path: Path) -> None:
    made = rows(name, 30)
    mixed = random.Random(5).sample(made, len(made))
    assert read(name, write(tmp_path / "a.jsonl", made), limit=9) == read(name, write(tmp_path / "b.jsonl", mixed), limit=9)


def test_rows_may_name_their_split(tmp_path: Path) -> None:
    made = [{**row, "split": word} for row, word in zip(rows("gsm8k", 4), ("train", "test", "validation", ""), strict=True)]
    found, _ = read("gsm8k", write(tmp_path / "rows.jsonl", made))
    assert sorted(query.split for query in found) == ["partial_test", "partial_test", "train", "train"]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("word", ["heldout", "eval", "Trainn"])
def test_a_row_with_an_unknown_split_is_left_out(word: str, ending: str, tmp_path: Path) -> None:
    """It may be a test row, which must not be trained on."""
    made = [{**row, "split": said} for row, said in zip(rows("gsm8k", 3), (word, " Train ", "Dev"), strict=True)]
    found, left_out = read("gsm8k", write(tmp_path / f"rows.{ending}", made))
    assert [query.split for query in found] == ["train", "partial_test"]
    assert left_out == [f'0: split is "{word}", expected train, or test, validation, val or dev, or no split']


@pytest.mark.parametrize(("value", "shown"), [(0, "0"), (["test"], "a list"), (False, "false")])
def test_a_split_that_is_not_a_word_is_left_out(value: Any, shown: str, tmp_path: Path) -> None:
    made = [{**row, "split": said} for row, said in zip(rows("gsm8k", 2), (value, None), strict=True)]
    found, (left_out,) = read("gsm8k", write(tmp_path / "rows.jsonl", made))
    assert [query.split for query in found] == ["train"]
    assert left_out.startswith(f"0: split is {shown}, expected train")


@pytest.mark.parametrize(("word", "split"), [("train", "train"), ("val", "partial_test"), ("test", "partial_test")])
def test_the_split_that_rows_of_hellaswag_have_themselves(word: str, split: str, tmp_path: Path) -> None:
    made = [{**row, "split": word, "split_type": "zeroshot"} for row in rows("hellaswag", 2)]
    found, left_out = read("hellaswag", write(tmp_path / "rows.jsonl", made))
    assert ({query.split for query in found}, left_out) == ({split}, [])


@pytest.mark.parametrize("name", CATALOG)
def test_no_task_reads_a_split_as_its_text(name: str) -> None:
    """So that the field has one meaning in the files of all tasks."""
    assert "split" not in (*CATALOG[name].fields, *CATALOG[name].optional)


def test_repeats_and_contradictions_are_listed(tmp_path: Path) -> None:
    first, second, third = rows("gsm8k", 3)
    other = {**second, "answer": "#### 99"}
    found, left_out = read("gsm8k", write(tmp_path / "rows.jsonl", [first, second, first, other, third]))
    assert len(found) == 2
    assert left_out == [
        "2: the same as row 0 of rows.jsonl",
        "1: row 3 of rows.jsonl has another answer to it: neither is asked",
        "3: the question of row 1 of rows.jsonl, with another answer: neither is asked",
    ]


def test_a_repeat_in_the_test_split_is_not_trained_on(tmp_path: Path) -> None:
    first, second = rows("gsm8k", 2)
    made = [{**first, "split": "train"}, {**first, "split": "test"}, {**second, "split": "train"}]
    found, left_out = read("gsm8k", write(tmp_path / "rows.jsonl", made))
    assert [query.split for query in found] == ["train", "partial_test"]
    assert found[1].prompts["direct"][0]["content"].startswith(first["question"])
    assert left_out == ["1: the same as row 0 of rows.jsonl"]


def test_repeats_with_other_ids_give_one_query_in_any_order(tmp_path: Path) -> None:
    first, second = rows("commonsense_qa", 2)
    repeats = [{**first, "id": name, "split": word} for name, word in (("b", ""), ("a", "train"), ("c", ""))]
    orders = [[*repeats, second], [second, *reversed(repeats)], [repeats[2], second, repeats[0], repeats[1]]]
    found = [read("commonsense_qa", write(tmp_path / f"{i}.jsonl", made))[0] for i, made in enumerate(orders)]
    assert found[0] == found[1] == found[2]
    assert {query.source_id for query in found[0]} == {"a", "ctrain1"}


BAD = [
    ("gsm8k", {"question": None}, "question is missing, expected a text"),
    ("gsm8k", {"question": "  "}, "question is blank, expected a text"),
    ("gsm8k", {"question": ["a"]}, "question is a list, expected a text"),
    ("gsm8k", {"answer": "It is 4"}, "answer has no ####"),
    ("math", {"solution": "It is 4"}, "solution has no \\boxed"),
    ("math", {"type": ""}, "type is blank"),
    ("mbpp", {"test_list": []}, "test_list has no text"),
    ("mbpp", {"test_list": "assert f()"}, 'test_list is "assert f()", expected a list of texts'),
    ("mbpp", {"test_list": ["print(1)"]}, "test_list has a text without assert"),
    ("human_eval", {"test": "assert True"}, "test defines no function check"),
    ("commonsense_qa", {"answerKey": ""}, "answerKey is missing, expected a label of choices"),
    ("commonsense_qa", {"answerKey": "F"}, 'answerKey is "F", expected a label of choices'),
    ("arc_challenge", {"choices": {"label": ["A"], "text": ["a", "b"]}}, "choices has 1 different labels for 2 texts"),
    ("openbook_qa", {"choices": "A or B"}, 'choices is "A or B", expected an object'),
    ("openbook_qa", {"choices": {"label": list("ABCD"), "text": ["a", " ", "c", "d"]}}, "option B is blank"),
    ("hellaswag", {"label": ""}, "label is missing, expected a whole number from 0 to 3"),
    ("hellaswag", {"label": "4"}, 'label is "4", expected a whole number from 0 to 3'),
    ("mmlu", {"answer": 7}, "answer is 7, expected a whole number from 0 to 3"),
    ("mmlu", {"answer": True}, "answer is true, expected a whole number"),
    ("mmlu", {"choices": ["one"], "answer": 0}, "the question has 1 options, expected 2 to 26"),
    ("natural_qa", {"golden_answers": [" "]}, "golden_answers has no text"),
    ("trivia_qa", {"answer": {"aliases": []}}, "answer.aliases has no text"),
    ("squad", {"answers": {"text": [], "answer_start": []}}, "answers.text has no text"),
    ("boolq", {"answer": "maybe"}, 'answer is "maybe", expected true or false'),
    ("gpqa", {"Incorrect Answer 2": None}, "Incorrect Answer 2 is missing"),
]


@pytest.mark.parametrize(("name", "change", "reason"), BAD)
def test_a_bad_row_costs_no_other(name: str, change: dict[str, Any], reason: str, tmp_path: Path) -> None:
    first, second = rows(name, 2)
    found, (left_out,) = read(name, write(tmp_path / "rows.jsonl", [{**first, **change}, second]))
    assert len(found) == 1
    assert left_out.startswith(f"0: {reason}")


HOSTILE = [
    (b'{"question": "a", "question": "b", "answer": "#### 1"}', "is given twice"),
    (b'{"question": "\\ud800", "answer": "#### 1"}', "question is broken at character 0"),
    (b'{"question": "' + b"\xff" + b'", "answer": "#### 1"}', "not UTF-8"),
    (b'{"question": ' + b"[" * 200_000 + b', "answer": "#### 1"}', "the line is not JSON"),
    (b'{"question": "a", "answer":', "the line is not JSON"),
    (b"[1, 2]", "the record is a list, expected a JSON object"),
    (b'{"question": "' + b"x" * (17 << 20) + b'", "answer": "#### 1"}', "longer than 16 MiB"),
]


@pytest.mark.parametrize(("line", "reason"), HOSTILE)
def test_hostile_lines_are_listed(line: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"\n".join([json.dumps(rows("gsm8k", 1)[0]).encode(), line, b""]))
    found, (left_out,) = read("gsm8k", file)
    assert len(found) == 1
    assert reason in left_out


def test_no_row_is_a_template_or_code(tmp_path: Path) -> None:
    text = "{question.__class__} {0} %s ${HOME} {{x}} __import__('os')"
    (query,), _ = read("gsm8k", write(tmp_path / "rows.jsonl", [{"question": text, "answer": "#### 1"}]))
    assert query.prompts["direct"][0]["content"].startswith(f"{text}\n")


def test_a_file_without_the_fields(tmp_path: Path) -> None:
    file = write(tmp_path / "rows.csv", [{"frage": "q", "answer": "#### 1"}])
    with pytest.raises(InputError, match='no field "question", expected those of task gsm8k; its fields are frage, answer'):
        read("gsm8k", file)


@pytest.mark.parametrize("content", [b"", b"\n", b"PAR1 and nothing else"])
def test_a_file_without_rows(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / ("rows.parquet" if content.startswith(b"PAR1") else "rows.jsonl")
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"rows\.(jsonl|parquet)"):
        read("gsm8k", file)


def test_a_file_whose_rows_are_all_bad(tmp_path: Path) -> None:
    file = write(tmp_path / "rows.jsonl", [{"question": "", "answer": ""}])
    with pytest.raises(InputError, match="task gsm8k: no row can be asked"):
        read("gsm8k", file)


def test_a_file_whose_rows_all_have_an_unknown_split(tmp_path: Path) -> None:
    file = write(tmp_path / "rows.jsonl", [{**row, "split": "eval"} for row in rows("gsm8k", 2)])
    with pytest.raises(
        InputError, match=r'no row can be asked \(row 0 of rows\.jsonl: split is "eval", expected train, or test'
    ):
        read("gsm8k", file)


def test_a_split_without_rows(tmp_path: Path) -> None:
    """A run that asks nothing would look as if all went well."""
    file = write(tmp_path / "rows.jsonl", rows("gsm8k", 2))
    with pytest.raises(InputError, match=r"task gsm8k: no row is in split test. Remedy: choose another split"):
        read("gsm8k", file, split="test")


def test_without_a_listener_the_rows_left_out_are_a_warning(tmp_path: Path) -> None:
    file = write(tmp_path / "rows.jsonl", [*rows("gsm8k", 1), {"question": "", "answer": ""}])
    with pytest.warns(UserWarning, match=r"gsm8k: 1 rows are left out, the first ones: rows.jsonl row 1: "):
        assert len(list(chosen(["gsm8k"], files={"gsm8k": file}))) == 1


def test_names_of_tasks(tmp_path: Path) -> None:
    file = write(tmp_path / "rows.jsonl", rows("human_eval", 2))
    assert {query.task for query in chosen(["HumanEval"], files={"humaneval": file})} == {"human_eval"}
    with pytest.raises(UnknownNameError, match='Did you mean "gsm8k"'):
        chosen(["gsm9k"])
    with pytest.raises(InputError, match="a file is given for human_eval, not among the tasks"):
        chosen(["gsm8k"], files={"human_eval": file})
    with pytest.raises(InputError, match="limit is 0"):
        chosen(["gsm8k"], limit=0)
