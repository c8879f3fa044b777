"""Columns of tables and of prices whose numbers are written with a unit, a percent sign or commas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench.builders import build
from llmfusionbench.builders.reading.llm_table import read_llms
from llmfusionbench.builders.records import leave_out
from llmfusionbench.builders.sources.table import Table
from llmfusionbench.errors import InputError
from tests.helpers.command import Command
from tests.helpers.reading import read, write, write_lines

SCORE_WORDS = ". Remedy: correct it, or state what the words of the column mean with --values performance=WORD:NUMBER"

MAP = {
    "prompt": "question", "llm": "model", "cost_usd": "cost", "latency_s": "took", "output_tokens": "n", "performance": "ok",
}  # fmt: skip
HEADER = b"question,model,cost,took,n,ok\n"
ROWS = [("A?", "tiny", "$0.0012", "850ms", "1,234", "50%"), ("B?", "tiny", "0.5 USD", "1.5s", "1.2k", "0.25")]
NAMES = ("prompt", "cost_usd", "latency_s", "output_tokens", "performance")
READ = [("A?", 0.0012, 0.85, 1234, 0.5), ("B?", 0.5, 1.5, 1200, 0.25)]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "dictionary"])
def test_all_formats_alike(tmp_path: Path, kind: str) -> None:
    records = [dict(zip(("question", "model", "cost", "took", "n", "ok"), row, strict=True)) for row in ROWS]
    table = pa.Table.from_pylist(records)
    if kind == "csv":
        lines = "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in ROWS)
        path = write(tmp_path / "t.csv", HEADER + lines.encode())
    elif kind == "jsonl":
        path = write_lines(tmp_path / "t.jsonl", records)
    else:
        path = tmp_path / "t.parquet"
        columns = [c.dictionary_encode() if kind == "dictionary" else c for c in table.columns]
        pq.write_table(pa.table(columns, names=table.column_names), path)
    found = read(Table(map=MAP), path)
    assert [tuple(row.values()) for row in found.normal_table.select(list(NAMES)).to_pylist()] == READ
    assert found.rejected == []
    assert found.notes == [
        'n has numbers with a unit, such as "1.2k": taken as output_tokens in tokens',
        'ok has numbers with a unit, such as "50%": taken as performance from 0 to 1',
        'cost has numbers with a unit, such as "$0.0012": taken as cost_usd in USD',
        'took has numbers with a unit, such as "850ms": taken as latency_s in seconds',
    ]


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("cost", "\u20ac0.5", 'cost (cost_usd) is "\u20ac0.5", expected USD. Remedy: convert it with --map '
         "'cost_usd=cost*RATE', in USD per unit, or leave the column out with --map cost_usd="),
        ("cost", "0,5", 'cost (cost_usd) is "0,5", expected a number with a point before its decimals; commas may only stand '
         "between groups of three digits" + leave_out("cost_usd")),
        ("cost", "5 credits", 'cost (cost_usd) is "5 credits", expected a number, or an amount such as $0.0012'
         + leave_out("cost_usd")),
        ("took", "-5ms", 'took (latency_s) is "-5ms", expected a number, or a time such as 850ms, without a sign'
         + leave_out("latency_s")),
        ("took", "-5", 'took (latency_s) is -5.0, expected a finite number of at least 0' + leave_out("latency_s")),
        ("took", "1e400", 'took (latency_s) is "1e400", expected a finite number' + leave_out("latency_s")),
        ("took", "2 days", 'took (latency_s) is "2 days", expected a number, or a time such as 850ms' + leave_out("latency_s")),
        ("n", "inf", "n (output_tokens) is inf, expected a whole number" + leave_out("output_tokens")),
        ("n", "1.2345k", 'n (output_tokens) is "1.2345k", expected a whole number' + leave_out("output_tokens")),
        ("n", "9,007,199,254,740,993", 'n (output_tokens) is "9,007,199,254,740,993", expected a whole number'
         + leave_out("output_tokens")),
        ("ok", "1,5", 'ok (performance) is "1,5", expected a number with a point before its decimals; commas may only stand '
         "between groups of three digits" + SCORE_WORDS),
        ("ok", "5 points", 'ok (performance) is "5 points", expected a number, or a percentage such as 50%' + SCORE_WORDS),
    ],
)  # fmt: skip
def test_a_reason_names_place_value_and_remedy(tmp_path: Path, column: str, cell: str, reason: str) -> None:
    records = [dict(zip(("question", "model", "cost", "took", "n", "ok"), row, strict=True)) for row in ROWS]
    records[1][column] = cell
    found = read(Table(map=MAP), write_lines(tmp_path / "t.jsonl", records))
    assert found.reasons == [("t.jsonl", 1, reason)]


def test_the_remedies_of_a_wide_table_do_not_name_map(tmp_path: Path) -> None:
    path = write(tmp_path / "w.csv", b"prompt,a,a|usd\nA?,1,$0.5\nB?,1,\xe2\x82\xac1\n")
    found = read(Table(wide={"performance": "{llm}", "cost_usd": "{llm}|usd"}, llms=["a"]), path)
    assert found.column("cost_usd")[2:] == [0.5]
    assert [r.reason for r in found.rejected] == [
        'a|usd (cost_usd) is "\u20ac1", expected USD. Remedy: correct it, or take cost_usd out of the patterns of the wide '
        "table"
    ]


def test_one_factor_is_for_one_currency(tmp_path: Path) -> None:
    rows = [{"prompt": f"{i}?", "llm": "x", "cost": cost} for i, cost in enumerate(["\u20ac1", "$1", "\u00a31", "\u20ac2", 3])]
    found = read(Table(map={"cost_usd": "cost*2"}), write_lines(tmp_path / "t.jsonl", rows))
    assert found.column("cost_usd") == [2.0, 1.0, 4.0, 6.0]
    assert found.reasons == [
        (
            "t.jsonl",
            2,
            'cost (cost_usd) is "\u00a31", expected one currency; the factor is that of \u20ac' + leave_out("cost_usd"),
        )
    ]


def test_a_rate_is_for_one_currency_in_all_files_by_any_of_its_names(tmp_path: Path) -> None:
    files = [
        write_lines(tmp_path / f"{i}.jsonl", [{"prompt": f"{i}?", "llm": "x", "cost": cost}])
        for i, cost in enumerate(["\u20ac1", "1 EUR", "\u00a31", "<$1"])
    ]
    found = read(Table(map={"cost_usd": "cost*2"}), *files)
    assert found.column("cost_usd") == [2.0, 2.0]
    assert [(file, reason.partition(". ")[0]) for file, _, reason in found.reasons] == [
        ("2.jsonl", 'cost (cost_usd) is "\u00a31", expected one currency; the factor is that of \u20ac'),
        ("3.jsonl", 'cost (cost_usd) is "<$1", expected a number, or an amount such as $0.0012'),
    ]


def test_the_unit_of_a_name_is_not_the_rate_of_another_currency(tmp_path: Path) -> None:
    rows = [{"prompt": f"{i}?", "llm": "x", "cost_cents": cost} for i, cost in enumerate(["\u20ac5", "$1", 2])]
    found = read(Table(), write_lines(tmp_path / "t.jsonl", rows))
    assert found.column("cost_usd") == [1.0, 0.02]
    assert [reason for *_, reason in found.reasons] == [
        'cost_cents (cost_usd) is "\u20ac5", expected USD' + leave_out("cost_usd")
    ]


def test_the_remedy_for_a_column_in_another_currency(tmp_path: Path) -> None:
    rows = [{"prompt": f"{i}?", "llm": "x", "cost_usd": cost} for i, cost in enumerate(["\u20ac1", "\u20ac2", "$1"])]
    path = write_lines(tmp_path / "t.jsonl", rows)
    (note,) = read(Table(), path).notes
    assert note.endswith(
        "Remedy: convert it with --map 'cost_usd=cost_usd*RATE', in USD per unit, or leave it out without a warning with "
        "--map cost_usd="
    )
    assert read(Table(map={"cost_usd": "cost_usd*1.5"}), path).column("cost_usd") == [1.5, 3.0, 1.0]


def test_the_remedy_for_percentages_beside_plain_numbers(tmp_path: Path) -> None:
    rows = [{"prompt": f"{i}?", "llm": "x", "performance": score} for i, score in enumerate(["50%", 50, "100%"])]
    path = write_lines(tmp_path / "t.jsonl", rows)
    with pytest.raises(InputError, match=r"or read plain numbers as percentages, too, with --map performance=performance/100$"):
        build("table", [path], tmp_path / "out", workers=1)
    options = {"map": {"performance": "performance/100"}}
    release = build("table", [path], tmp_path / "out", options=options, workers=1)
    assert sorted(release.rows("responses")["performance"].to_pylist()) == [0.5, 0.5, 1.0]


def test_a_pattern_that_fits_no_column_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "w.csv", b"prompt,a,a|usd\nA?,1,$0.5\n")
    with pytest.raises(
        InputError, match=r"no column fits \{llm\}\|usd\*2 for cost_usd; the file has .* Remedy: correct the pat"
    ):
        read(Table(wide={"performance": "{llm}", "cost_usd": "{llm}|usd*2"}, llms=["a"]), path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('llm,input_price,output_price\na,$0.15,"$1,200.5"\n', [0.15, 1200.5]),
        ("llm,input_price_per_1k,output_cents_per_1k\na,$0.5,$0.25\n", [500.0, 250.0]),
    ],
)
def test_prices_may_be_written_as_amounts(tmp_path: Path, text: str, expected: list[float]) -> None:
    rows, _ = read_llms(write(tmp_path / "llms.csv", text.encode()))
    assert [rows[0]["input_price"], rows[0]["output_price"]] == expected


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("0,15", 'input_price is "0,15", expected a number with a point before its decimals'),
        ("\u20ac1", 'input_price is "\u20ac1", expected USD'),
        ("true", 'input_price is "true", expected a number'),
    ],
)
def test_prices_that_are_refused(tmp_path: Path, cell: str, reason: str) -> None:
    path = write(tmp_path / "llms.csv", f'llm,input_price\na,"{cell}"\n'.encode())
    with pytest.raises(InputError) as caught:
        read_llms(path)
    assert reason in str(caught.value)
    assert "and write prices in USD with a point before the decimals, such as 0.15 or $0.15" in str(caught.value)


def test_a_unit_in_a_cell_counts_above_that_of_the_name(tmp_path: Path) -> None:
    rows = [{"prompt": f"{i}?", "llm": "x", "latency_ms": took} for i, took in enumerate(["850ms", "1.5s", "850", "1,500"])]
    found = read(Table(), write_lines(tmp_path / "t.jsonl", rows))
    assert found.column("latency_s") == [0.85, 1.5, 0.85, 1.5]


def test_units_in_cells_make_high_numbers_plausible(tmp_path: Path) -> None:
    rows = [{"prompt": f"{i}?", "llm": "x", "took": "400s", "paid": "$12"} for i in range(3)]
    path = write_lines(tmp_path / "t.jsonl", rows)
    release = build("table", [path], tmp_path / "out", options={"map": {"latency_s": "took", "cost_usd": "paid"}}, workers=1)
    assert (
        release.rows("responses").select(["latency_s", "cost_usd"]).to_pylist() == [{"latency_s": 400.0, "cost_usd": 12.0}] * 3
    )


@pytest.mark.parametrize("options", [{"map": {"performance": "grade 0:100"}}, {"map": {"performance": "grade"}}])
def test_percentages_beside_a_stated_scale_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    rows = [{"prompt": f"{i}?", "llm": "x", "grade": grade} for i, grade in enumerate(["50%", "70%"])]
    path = write_lines(tmp_path / "t.jsonl", rows)
    scale = None if " " in options["map"]["performance"] else {"performance": (0, 100)}
    with pytest.raises(InputError) as caught:
        build("table", [path], tmp_path / "out", options=options, scale=scale, workers=1)
    assert str(caught.value) == (
        "t.jsonl: grade (performance) has percentages such as 50%, expected plain numbers beside the scale 0 to 100. Remedy: "
        "drop the scale, or write all scores without a percent sign"
    )
    assert not (tmp_path / "out").exists()


def test_constants(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", b"prompt,llm\nA?,x\n")
    assert read(Table(map={"cost_usd": "=$0.5"}), path).column("cost_usd") == [0.5]
    with pytest.raises(
        InputError, match=r'the constant performance is "50%", expected a number, such as 0\.5\. Remedy: correct'
    ):
        read(Table(map={"performance": "=50%"}), path)


CSV = b"""question,model,answer,cost,latency,completion_tokens,score
What is 1+1?,tiny,2,$0.0012,850ms,"1,234",50%
What is 1+2?,tiny,3,$0.0400,1.5s,12,100%
What is 1+3?,tiny,3,$0.0400,"1,5s",12,100%
"""


def test_a_csv_on_the_command_line(lfb: Command, tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", CSV)
    maps = ("prompt=question", "llm=model", "response=answer", "cost_usd=cost", "latency_s=latency", "performance=score")
    options = [part for one in maps for part in ("--map", one)]
    status, out, _ = lfb("build", "table", path, "--out", tmp_path / "out", *options)
    assert status == 0
    assert 'latency has numbers with a unit, such as "850ms": taken as latency_s in seconds' in out
    (rejected,) = (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()
    assert "or leave the column out with --map latency_s=" in rejected
    assert lfb("validate", tmp_path / "out")[0] == 0


def test_what_is_proposed_for_such_a_csv(lfb: Command, tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", CSV.replace(b'"1,5s"', b"1.5s"))
    status, out, _ = lfb("inspect-log", path)
    assert status == 0
    assert "cost_usd: cost" in out
    assert "called cost, amounts such as $0.0012" in out
    assert "called latency, times such as 850ms" in out
    assert "called score, percentages such as 50%" in out
    status, out, err = lfb("build", "auto", path, "--out", tmp_path / "out")
    assert "--map cost_usd=cost --map latency_s=latency" in out + err
