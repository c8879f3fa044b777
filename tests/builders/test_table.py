import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench.builders.build import build
from llmfusionbench.builders.records import leave_out
from llmfusionbench.builders.sources.table import Table
from llmfusionbench.errors import InputError, RejectedError, UnknownNameError
from tests.helpers.reading import read, write, write_json, write_lines

LONG = b"""question,model,answer,ok,tokens
What is 1+1?,tiny,2,1,3
What is 1+1?,big_think,"two, or
so",0.5,
What is 1+2?,tiny,,0,0
What is 1+2?,big_think,None,,12
"""
MAP = {"prompt": "question", "llm": "model", "response": "answer", "performance": "ok", "output_tokens": "tokens"}
ROWS = [
    ("What is 1+1?", "tiny", "direct", "2", "ok", 1.0, 3),
    ("What is 1+1?", "big", "think", "two, or\nso", "ok", 0.5, None),
    ("What is 1+2?", "tiny", "direct", "", "empty", 0.0, 0),
    ("What is 1+2?", "big", "think", "None", "ok", None, 12),
]


def shown(found: Any, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in found.normal_table.select(list(names)).to_pylist()]


WORDS_OF_SCORES = ". Remedy: correct it, or state what the words of the column mean with --values performance=WORD:NUMBER"
NAMES = ("prompt", "llm", "mode", "response", "status", "performance", "output_tokens")


def test_a_long_table(tmp_path: Path) -> None:
    found = read(Table(map=MAP, split="test"), write(tmp_path / "sums.csv.gz", LONG))
    assert shown(found, *NAMES) == ROWS
    assert shown(found, "task", "metric", "split", "file", "row") == [
        ("sums", "unknown", "test", "sums.csv.gz", i) for i in range(4)
    ]
    assert found.rejected == []


def test_the_same_table_in_any_format(tmp_path: Path) -> None:
    records = [
        {"question": p, "model": f"{llm}_think" if mode == "think" else llm, "answer": r, "ok": s, "tokens": t}
        for p, llm, mode, r, _, s, t in ROWS
    ]
    parquet = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(records).append_column("unused", pa.array([[{"x": 1}]] * 4)), parquet)
    unnamed = tmp_path / "b"
    unnamed.write_bytes(parquet.read_bytes())
    paths = [
        parquet,
        unnamed,
        write_lines(tmp_path / "c.jsonl", records),
        write_json(tmp_path / "d.json.gz", records),
        write(tmp_path / "e.tsv", b"question\tmodel\tanswer\tok\ttokens\nWhat is 1+1?\ttiny\t2\t1\t3\n"),
        write(tmp_path / "f", json.dumps(records).encode()),
    ]
    for path in paths:
        assert shown(read(Table(map=MAP), path), *NAMES) == ROWS[: 1 if path.suffix == ".tsv" else 4], path.name


def test_own_names_map_by_themselves_and_constants_fill_in(tmp_path: Path) -> None:
    data = b"task,prompt,llm,performance,file,note\nsums,A?,tiny,true,x,y\n,B?,tiny,False,x,y\n"
    found = read(
        Table(map={"metric": "=em", "judge": "=me", "judge_score": "=0.5", "split": "=test"}), write(tmp_path / "t.csv", data)
    )
    names = ("task", "prompt", "performance", "metric", "judge", "judge_score", "split", "file")
    assert shown(found, *names) == [
        ("sums", "A?", 1.0, "em", "me", 0.5, "test", "t.csv"),
        ("t", "B?", 0.0, "em", "me", 0.5, "test", "t.csv"),
    ]


def test_choices_and_reference_answers(tmp_path: Path) -> None:
    records = [
        {"prompt": "A?", "llm": "x", "choices": ["one", "two"], "ground_truth": ["a", "b"]},
        {"prompt": "B?", "llm": "x", "choices": "{'text': ['one'], 'label': ['A']}", "ground_truth": 4},
        {"prompt": "C?", "llm": "x", "choices": "one", "ground_truth": "['c']"},
        {"prompt": "D?", "llm": "x", "choices": None, "ground_truth": None},
    ]
    found = read(Table(), write_lines(tmp_path / "t.jsonl", records))
    assert shown(found, "prompt", "choices", "ground_truth") == [
        ("A?", ["one", "two"], '["a", "b"]'),
        ("B?", ["one"], "4"),
        ("D?", None, None),
    ]
    assert found.reasons == [
        ("t.jsonl", 2, 'choices is "one", expected a list of texts, or texts with their labels' + leave_out("choices"))
    ]
    typed = tmp_path / "t.parquet"
    pq.write_table(pa.table({"prompt": ["A?"], "llm": ["x"], "choices": [["one", "two"]], "ground_truth": [["a", "b"]]}), typed)
    assert shown(read(Table(), typed), "choices", "ground_truth") == [(["one", "two"], '["a", "b"]')]


def test_cells_that_do_not_parse_cost_no_other(tmp_path: Path) -> None:
    data = (
        b"prompt,llm,performance,input_tokens,latency_s\n"
        b"A?,x,good,1,\nB?,x,1,1.5,\nC?,x,inf,2,\nD?,x,1_0,2,\nE?,,1,2,\n,x,1,2,\nF?,x,2,2,\nG?\nH?,x,nan,2.0,NaN\nI\xff,x,1,2,3\n"
    )
    found = read(Table(), write(tmp_path / "t.csv", data))
    assert shown(found, "prompt", "performance", "input_tokens", "row") == [("H?", None, 2, 8)]
    reasons = {row: reason for _, row, reason in found.reasons}
    assert reasons == {
        0: 'performance is "good", expected a number' + WORDS_OF_SCORES,
        1: "input_tokens is 1.5, expected a whole number" + leave_out("input_tokens"),
        2: "performance is inf, expected a finite number" + WORDS_OF_SCORES,
        3: 'performance is "1_0", expected a number' + WORDS_OF_SCORES,
        4: "llm is empty, expected the name of an LLM",
        5: "a record needs a task, and a prompt or a source_id",
        6: reasons[6],
        7: reasons[7],
        9: 'column "prompt" is not UTF-8 at byte 1 of the cell',
    }
    assert reasons[6].startswith("performance is 2.0, expected")
    assert reasons[7].startswith("the record has 1 fields, expected 5")


def test_a_mapped_number_is_named_as_the_file_names_it(tmp_path: Path) -> None:
    found = read(Table(map=MAP), write(tmp_path / "t.csv", LONG.replace(b",2,1,3", b",2,1,three")))
    reason = 'tokens (output_tokens) is "three", expected a number' + leave_out("output_tokens")
    assert found.reasons == [("t.csv", 0, reason)]
    assert found.rejected[0].record == {"task": "t", "split": "train", "llm": "tiny"}


WIDE = b"""sample_id,prompt,eval_name,tiny,tiny|reply,tiny|usd,big_think,big_think|reply,oracle
a,A?,sums,1.0,one,0.5,0.0,,tiny
b,B?,sums,,,,1.0,two,big
c,C?,sums,oops,x,,0.5,three,big
"""


def test_a_wide_table(tmp_path: Path) -> None:
    source = Table(
        map={"source_id": "sample_id", "task": "eval_name"},
        wide={"performance": "{llm}", "response": "{llm}|reply", "cost_usd": "{llm}|usd"},
    )
    found = read(source, write(tmp_path / "w.csv", WIDE))
    assert shown(found, "source_id", "task", "llm", "mode", "performance", "response", "cost_usd", "row") == [
        ("a", "sums", None, "direct", None, None, None, 0),
        ("b", "sums", None, "direct", None, None, None, 1),
        ("c", "sums", None, "direct", None, None, None, 2),
        ("a", "sums", "tiny", "direct", 1.0, "one", 0.5, 0),
        ("a", "sums", "big", "think", 0.0, "", None, 0),
        ("b", "sums", "big", "think", 1.0, "two", None, 1),
        ("c", "sums", "big", "think", 0.5, "three", None, 2),
    ]
    assert [(r.row, r.reason, r.record["llm"]) for r in found.rejected] == [
        (2, 'tiny (performance) is "oops", expected a number' + WORDS_OF_SCORES, "tiny")
    ]


def test_the_llms_of_a_wide_table_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "w.csv", WIDE)
    found = read(Table(wide={"performance": "{llm}"}, llms=["big_think"]), path)
    assert [r[1:] for r in shown(found, "prompt", "llm", "performance") if r[1]] == [("big", 0.0), ("big", 1.0), ("big", 0.5)]
    for options, message in [
        ({"wide": {"performance": "{llm}"}}, 'the pattern "{llm}" fits any column. Remedy: name the LLMs in llms'),
        ({"wide": {"performance": "score of {llm}"}}, "no column fits score of {llm}; the file has sample_id, prompt"),
        ({"wide": {"performance": "{llm}"}, "llms": ["tinny"]}, 'no column "tinny" for performance. Did you mean "tiny"?'),
        ({"wide": {"performance": "score"}}, 'the pattern of performance is "score", expected {llm} in it once'),
        ({"wide": {"prompt": "{llm}x"}}, "prompt cannot have a pattern"),
    ]:
        with pytest.raises(InputError) as caught:
            read(Table(**options), path)  # type: ignore[arg-type]
        assert message in str(caught.value)


def test_a_mapping_in_yaml(tmp_path: Path) -> None:
    flat = write(tmp_path / "flat.yaml", "\n".join(f"{k}: {v}" for k, v in MAP.items()).encode())
    assert shown(read(Table(map=flat), write(tmp_path / "t.csv", LONG)), *NAMES) == ROWS
    sections = b"map: {source_id: sample_id}\nwide:\n  performance: '{llm}'\nllms: [tiny]\nsplit: test\n"
    path = write(tmp_path / "sections.yml", sections)
    found = read(Table(map=str(path)), write(tmp_path / "w.csv", WIDE))
    assert set(shown(found, "split", "llm")) == {("test", None), ("test", "tiny")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: [", "not a readable YAML file"),
        (b"words", "the mapping is str, expected lines like"),
        (
            b"map: {prompt: x}\nwild: {a: b}\n",
            'no section "wild" (did you mean "wide"?), expected map, values, where, join, scale',
        ),
        (b"prompt: 3", "map of prompt is 3, expected the name of a column"),
        (b"llms: {a: b}\nmap: 3", "map is 3, expected our column names"),
    ],
)
def test_mappings_that_cannot_be_read(tmp_path: Path, text: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(Table(map=write(tmp_path / "m.yaml", text)), write(tmp_path / "t.csv", LONG))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            MAP | {"prompt": "qestion"},
            'no column "qestion" for prompt. Did you mean "question"? It has question, model, answer',
        ),
        (
            {"prompt": "question"},
            "no column names the LLM; it has question, model, answer, ok, tokens. Remedy: map llm",
        ),
        ({"llm": "model"}, "no column identifies the query; it has question"),
        (MAP | {"performance": "=high"}, 'the constant performance is "high", expected a number'),
        (MAP | {"query": "answer"}, 'map has two columns for prompt, "question" and "answer". Remedy: remove one'),
    ],
)
def test_mappings_that_do_not_fit(tmp_path: Path, mapping: dict[str, str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(Table(map=mapping), write(tmp_path / "t.csv", LONG))
    assert message in str(caught.value)


@pytest.mark.parametrize(("mark", "words"), [(";", "semicolon"), ("\t", "tab")], ids=["semicolon", "tab"])
def test_columns_with_other_marks_between_them(tmp_path: Path, mark: str, words: str) -> None:
    path = write(tmp_path / "t.csv", f"prompt{mark}llm\n1+1?{mark}a\n".encode())
    with pytest.raises(InputError, match=rf"is the separator a {words}\? Remedy: separate columns by commas"):
        read(Table(), path)
    mapping = {"prompt": f"prompt{mark}llm", "llm": "=a"}  # one column of that name
    assert [row["prompt"] for row in read(Table(map=mapping), path).rows] == [f"1+1?{mark}a"]


def test_a_column_that_we_do_not_have(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r'No column "promt"\. Did you mean "prompt"'):
        read(Table(map={"promt": "question"}), write(tmp_path / "t.csv", LONG))


def test_parquet_that_is_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"prompt": ["A?"], "llm": ["x"]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"t\.parquet: not a readable Parquet file"):
        read(Table(), path)


def test_broken_json_records_cost_no_other(tmp_path: Path) -> None:
    lines = (
        b'{"prompt": "A?", "llm": "x"}\n{"prompt": "B\n[1]\n{"prompt": "C \\ud83d", "llm": "x"}\n{"llm": "x", "prompt": "D?"}\n'
    )
    found = read(Table(), write(tmp_path / "t.jsonl", lines))
    assert shown(found, "prompt", "row") == [("A?", 0), ("D?", 4)]
    assert [row for _, row, _ in found.reasons] == [1, 2, 3]


def test_types_of_parquet(tmp_path: Path) -> None:
    from decimal import Decimal

    path = tmp_path / "t.parquet"
    columns = {
        "prompt": pa.array([b"A?", b"\xff", None]),
        "llm": pa.array(["x", "x", "x"]).dictionary_encode(),
        "source_id": pa.array([1, 2, 3]),
        "performance": pa.array([True, False, None]),
        "cost_usd": pa.array([Decimal("0.5"), None, None]),
        "response": pa.array(["a", "b", ""], pa.large_string()),
        "latency_s": pa.array([None, None, None]),
    }
    pq.write_table(pa.table(columns), path)
    found = read(Table(), path)
    assert shown(found, "prompt", "source_id", "performance", "cost_usd", "response") == [
        ("A?", "1", 1.0, 0.5, "a"),
        (None, "3", None, None, ""),
    ]
    assert [(r.row, r.reason) for r in found.rejected] == [(1, "prompt is not UTF-8 at byte 0 of the cell")]


def test_a_build(tmp_path: Path) -> None:
    release = build(Table(map=MAP), [write(tmp_path / "sums.csv", LONG)], tmp_path / "out", workers=1)
    assert release.table("queries").count_rows() == 2
    assert release.table("responses").count_rows() == 4
    assert release.manifest["rejected"] == 0


def test_a_table_that_is_cut_off_within_quotes_and_one_whose_last_line_has_no_end(tmp_path: Path) -> None:
    cut = read(
        Table(map=MAP), write(tmp_path / "cut.csv.gz", b'question,model,tokens,ok,answer\nA?,tiny,3,1,x\nB?,tiny,3,1,"y, or')
    )
    assert [row["prompt"] for row in cut.rows] == ["A?"]
    ((file, row, reason),) = cut.reasons
    assert (file, row) == ("cut.csv.gz", 1)
    assert reason.startswith('the file ends within the quotes of field 5 of 5, after "y, or", expected their end')
    whole = read(
        Table(map=MAP), write(tmp_path / "whole.csv", b'question,model,tokens,ok,answer\nA?,tiny,3,1,"x"\nB?,tiny,3,1,"y, or"')
    )
    assert [row["response"] for row in whole.rows] == ["x", "y, or"]
    assert whole.rejected == []


def test_options_by_their_labels(tmp_path: Path) -> None:
    many = {letter: f"option {letter}" for letter in "CBAD"}
    choices = [{"B": "two", "A": "one"}, json.dumps(many), {"1": 10, "2": 20}, {"A": "one", "B": "two", "C": None}]
    wrong = [{"A": "one", "C": "three"}, {"kind": "mc", "size": 4}, {"A": "alone"}, {"text": ["x"], "label": ["A", "B"]}]
    rows = [{"prompt": f"{i}?", "llm": "x", "choices": given} for i, given in enumerate([*choices, *wrong])]
    found = read(Table(), write_lines(tmp_path / "t.jsonl", rows))
    assert found.column("choices") == [
        ["one", "two"], ["option A", "option B", "option C", "option D"], ["10", "20"], ["one", "two"]
    ]  # fmt: skip
    labels = "choices is an object, expected two or more labels, such as A, B, C, each with its text"
    assert [reason for _, _, reason in found.reasons] == [
        *[labels + leave_out("choices")] * 3,
        "choices is an object, expected as many labels as texts" + leave_out("choices"),
    ]
    typed = tmp_path / "t.parquet"
    pq.write_table(pa.table({"prompt": ["0?", "1?"], "llm": ["x"] * 2, "choices": [choices[0], {"A": None, "B": None}]}), typed)
    assert read(Table(), typed).column("choices") == [["one", "two"], None]


def test_integers_that_pandas_has_made_floats_of(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    numbers = pa.array([5.0, None, float("nan"), 0.25])
    columns = {"prompt": [f"{i}?" for i in range(4)], "llm": ["x"] * 4, "ground_truth": numbers, "source_id": numbers}
    lists = pa.array([[3.0, 4.5], None, None, None])
    pq.write_table(pa.table({**columns, "response": pa.array([7.0, 8.0, None, 0.5], pa.float32()), "choices": lists}), path)
    names = ("ground_truth", "source_id", "response", "choices")
    assert shown(read(Table(), path), *names) == [
        ("5", "5", "7", ["3", "4.5"]), (None, None, "8", None), (None, None, None, None), ("0.25", "0.25", "0.5", None)
    ]  # fmt: skip
    asis = write_lines(tmp_path / "t.jsonl", [{"prompt": "A?", "llm": "x", "ground_truth": 5.0}])
    assert read(Table(), asis).column("ground_truth") == ["5.0"]


def test_words_for_scores_and_scores_without_a_judge_name_the_remedy(tmp_path: Path) -> None:
    words = write(tmp_path / "w.csv", b"prompt,llm,right\nA?,x,pass\nB?,x,fail\n")
    with pytest.raises(
        RejectedError,
        match=r'"fail", expected a number\. Remedy: .*=WORD:NUMBER\nRemedy: write the scores as numbers first, such as 1 for',
    ):
        build("table", [words], tmp_path / "out", options={"map": {"performance": "right"}})
    with pytest.raises(RejectedError, match=r"the judge_score\. Remedy: name the judge of a table with --map judge==NAME$"):
        build("table", [write(tmp_path / "j.csv", b"prompt,llm,judge_score\nA?,x,0.5\n")], tmp_path / "out")
