import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from llmfusionbench.builders.reading import csv as reader
from llmfusionbench.builders.reading.csv import csv_columns, read_csv
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError


def write(folder: Path, data: bytes, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def collect(path: Path, **options: object) -> tuple[list[tuple[int, dict[str, str]]], list[Rejected]]:
    """The records with their numbers, and the rejected ones."""
    rows: list[tuple[int, dict[str, str]]] = []
    rejected: list[Rejected] = []
    for part in read_csv(path, **options):
        number = len(rows) + len(rejected)
        if isinstance(part, Rejected):
            assert part.row == number
            rejected.append(part)
        else:
            assert all(t == pa.string() for t in part.schema.types)
            rows += enumerate(part.to_pylist(), number)
    return rows, rejected


def test_words_for_missing_values_stay_words(tmp_path: Path) -> None:
    rows, rejected = collect(write(tmp_path, b'a,b\nNone,\nNA,nan\nnull,""\n'))
    assert rows == [(0, {"a": "None", "b": ""}), (1, {"a": "NA", "b": "nan"}), (2, {"a": "null", "b": ""})]
    assert rejected == []


@pytest.mark.parametrize("data", [b"a,b", b"a,b\n", b"a,b\r\n", b"\xef\xbb\xbfa,b"])
def test_a_header_alone_has_no_records(tmp_path: Path, data: bytes) -> None:
    path = write(tmp_path, data)
    assert collect(path) == ([], [])
    assert csv_columns(path) == ["a", "b"]


@pytest.mark.parametrize("data", [b"", b"\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_an_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError, match=r"log\.csv: the file is empty, expected a header"):
        collect(write(tmp_path, data))


def test_ragged_records_cost_no_other(tmp_path: Path) -> None:
    data = b"a,b\n1,2\n3\n\n4,5\n6,7,8\n" + b'9,"x\ny"\n' + b"1\n2,2\n"
    for block in (32, 1 << 20):
        rows, rejected = collect(write(tmp_path, data), block_bytes=block)
        assert [(n, r["a"]) for n, r in rows] == [(0, "1"), (2, "4"), (4, "9"), (6, "2")]
        assert [(r.row, r.file) for r in rejected] == [(1, "log.csv"), (3, "log.csv"), (5, "log.csv")]
        assert "has 1 fields, expected 2" in rejected[0].reason


def test_only_ragged_records(tmp_path: Path) -> None:
    rows, rejected = collect(write(tmp_path, b"a,b\n1\n2\n"))
    assert rows == []
    assert [r.row for r in rejected] == [0, 1]


def test_a_cell_that_is_not_utf8_costs_its_record_alone(tmp_path: Path) -> None:
    rows, rejected = collect(write(tmp_path, b"a,b\n1,2\n3,caf\xe9\n5,6\n\xff,\xff\n"))
    assert [(n, r["a"]) for n, r in rows] == [(0, "1"), (2, "5")]
    assert [(r.row, r.reason) for r in rejected] == [
        (1, 'column "b" is not UTF-8 at byte 3 of the cell'),
        (3, 'column "a" is not UTF-8 at byte 0 of the cell'),
    ]


def test_a_record_longer_than_the_block_is_read_again(tmp_path: Path) -> None:
    lines = ["1,2", "3", '4,"' + "long\n" * 3000 + '"', "5", "6,7"] * 3
    rows, rejected = collect(write(tmp_path, ("a,b\n" + "\n".join(lines)).encode()), block_bytes=64)
    assert [(n, r["a"], len(r["b"])) for n, r in rows] == [
        (5 * i + n, a, size) for i in range(3) for n, a, size in ((0, "1", 1), (2, "4", 15_000), (4, "6", 1))
    ]
    assert [r.row for r in rejected] == [1, 3, 6, 8, 11, 13]


def test_compressed_files_and_other_delimiters(tmp_path: Path) -> None:
    data = b"a\tb\n1\tx,y\n"
    zst = write(tmp_path, pa.Codec("zstd").compress(data, asbytes=True), "log.tsv.zst")
    for path in (write(tmp_path, gzip.compress(data)), zst):
        assert collect(path, delimiter="\t")[0] == [(0, {"a": "1", "b": "x,y"})]
        assert csv_columns(path, delimiter="\t") == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a,b,a\n1,2,3\n", 'two columns are called "a"'),
        ("a,b\n1,2\n".encode("utf-16"), "the file is UTF-16"),
        (b"caf\xe9,b\n1,2\n", "the header is not UTF-8"),
        (gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 99, mtime=0)[:-20], "cannot be read after record"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        collect(write(tmp_path, data))


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: No such file"):
        collect(tmp_path / "none.csv")


CELLS = st.one_of(
    st.sampled_from(
        ["", "None", "NA", "nan", "null", "#N/A", " ", '"', '""', ",", "\n", "\r\n", "'", "0", "ü", "a\x00b", "\u2028"]
    ),
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.text('ab",\n \\', max_size=30),
)


@settings(max_examples=2 * settings().max_examples)
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=20),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    block=st.integers(40, 400),
)
def test_reads_back_what_csv_writer_wrote(
    tmp_path: Path, rows: list[list[str]], quoting: int, line_end: str, block: int
) -> None:
    # At the end of a line a "\r" that is not quoted cannot be told from the line's end.
    assume(line_end == "\r\n" or not any(row[-1].endswith("\r") for row in rows))
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting, lineterminator=line_end).writerows([["a", "b", "c"], *rows])
    text = out.getvalue()
    found, rejected = collect(write(tmp_path, text.encode()), block_bytes=block)
    assert found == [(i, dict(zip("abc", row, strict=True))) for i, row in enumerate(rows)]
    assert rejected == []
    if "\r" not in text.replace("\r\n", ""):  # csv.reader takes a lone one for the end of a line
        assert [list(row.values()) for _, row in found] == list(csv.reader(io.StringIO(text, newline="")))[1:]


@pytest.mark.parametrize("block", [24, 64, 1 << 20])
def test_a_lone_return_is_text_where_lines_end_in_newlines_and_an_end_where_they_do_not(tmp_path: Path, block: int) -> None:
    text = b'a,b\n1,x\ry\n\r,"q\r"\n2,\x01\r\x02\n'
    rows, rejected = collect(write(tmp_path, text), block_bytes=block)
    assert [row for _, row in rows] == [{"a": "1", "b": "x\ry"}, {"a": "\r", "b": "q\r"}, {"a": "2", "b": "\x01\r\x02"}]
    assert rejected == []
    rows, _ = collect(write(tmp_path, b"a,b\r1,2\r3,4\r"), block_bytes=block)
    assert [row for _, row in rows] == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


@pytest.mark.parametrize("odd", [b"x\ry", b"\0"])
def test_a_file_with_every_control_character(tmp_path: Path, odd: bytes) -> None:
    control = bytes(range(1, 10)) + b"\x0b\x0c" + bytes(range(14, 32))
    rows, rejected = collect(write(tmp_path, b"a,b\n1," + odd + b"\n2," + control + b"\n"))
    assert [row["b"] for _, row in rows] == [odd.decode(), control.decode()]
    assert rejected == []


def test_an_odd_quotation_mark_before_a_lone_return(tmp_path: Path) -> None:
    rows, rejected = collect(write(tmp_path, b'a,b\n1,5" pipe\ror so\n2,"""\r"\n'))
    assert [row["b"] for _, row in rows] == ['5" pipe\ror so', '"\r']
    assert rejected == []


@pytest.mark.parametrize("rest", [b'2,"' + b"long\n" * 500, b"2," + b"x" * 2000, b"2," + b"x," * 2000, b"2" + b',"\n"' * 2000])
def test_a_record_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rest: bytes) -> None:
    monkeypatch.setattr(reader, "record_bytes", lambda: 1000)
    message = r"at record 1 or soon after, one is longer than 0 MiB\. Remedy: close the quotation mark there"
    with pytest.raises(InputError, match=message):
        collect(write(tmp_path, b"a,b\n1,1\n" + rest), block_bytes=4)


def test_ragged_records_before_a_longer_block_are_given_once(tmp_path: Path) -> None:
    data = "a,b\n" + "1\n" * 40 + "2,2\n" * 40 + '3,"' + "x" * 500 + '"\n' + "4\n" * 3
    rows, rejected = collect(write(tmp_path, data.encode()), block_bytes=64)
    assert [r.row for r in rejected] == [*range(40), 81, 82, 83]
    assert [n for n, _ in rows] == list(range(40, 81))


def test_line_ends_within_quotes_survive_a_block_that_ends_between_them(tmp_path: Path) -> None:
    data = b"a,b\r\n" + b'x,"one\r\ntwo"\r\n' * 30
    for block in range(24, 90):
        rows, rejected = collect(write(tmp_path, data), block_bytes=block)
        assert [r["b"] for _, r in rows] == ["one\r\ntwo"] * 30
        assert rejected == []


def test_a_header_alone_that_is_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"log\.csv: the header is not UTF-8"):
        csv_columns(write(tmp_path, b"caf\xe9,b"))


@pytest.mark.parametrize("block", [24, 64, 1 << 20])
@pytest.mark.parametrize(
    "data", [b'a,b\n"x","y, ""z"""\n1,"one\n\ntwo"\n2,"q"', b'a\n"x\n\n"\n"one""\ntwo"', b'a,b\r\n1,"x"\r\n2,"y\r\nz\r\n"']
)
def test_a_file_cut_off_within_quotes_loses_its_last_record_and_says_so(tmp_path: Path, data: bytes, block: int) -> None:
    header = data.index(b"\n")
    for end in range(header, len(data) + 1):
        path = write(tmp_path, data[:end])
        whole = list(csv.reader(io.StringIO(data[:end].decode(), newline="")))[1:]
        try:
            list(csv.reader(io.StringIO(data[:end].decode(), newline=""), strict=True))
            cut = 0
        except csv.Error:
            cut = 1
        rows, rejected = collect(path, block_bytes=block)
        short = [i for i, row in enumerate(whole) if len(row) < len(csv_columns(path))]
        assert [list(row.values()) for _, row in rows] == whole[: len(whole) - max(cut, len(short))]
        assert len(rejected) == max(cut, len(short)) <= 1
        if cut:
            assert rejected[0].row == len(whole) - 1
            assert rejected[0].reason.startswith(f"the file ends within the quotes of field {len(whole[-1])} of ")
            assert "Remedy: fetch the file again" in rejected[0].reason


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: pa.Codec("zstd").compress(data, asbytes=True)], ids=["gz", "zst"])
def test_a_compressed_file_cut_off_within_quotes_before_it_was_compressed(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    rows, rejected = collect(write(tmp_path, pack(b'a,b\n1,x\n2,"the answer is')))
    assert rows == [(0, {"a": "1", "b": "x"})]
    assert [(r.row, r.reason) for r in rejected] == [
        (
            1,
            'the file ends within the quotes of field 2 of 2, after "the answer is", expected their end: '
            "perhaps it was cut off. Remedy: fetch the file again, or close the quotation mark",
        )
    ]


def test_a_file_cut_off_within_a_character(tmp_path: Path) -> None:
    rows, rejected = collect(write(tmp_path, 'a,b\n1,x\n2,"\N{SNOWMAN}'.encode()[:-1]))
    assert [row["b"] for _, row in rows] == ["x"]
    assert "ends within the quotes" in rejected[0].reason


@pytest.mark.parametrize("data", [b'a,"b', b'a,"b\n1,2\n', b'"'])
def test_a_header_whose_quotes_never_end(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError, match=r"log\.csv: the file ends within the quotes of its header\. Remedy: close them"):
        csv_columns(write(tmp_path, data))


def test_a_header_longer_than_a_block(tmp_path: Path) -> None:
    path = write(tmp_path, b'a,"' + b"long " * 40 + b'"\n1,2\n')
    assert collect(path, block_bytes=24) == ([(0, {"a": "1", "long " * 40: "2"})], [])


@pytest.mark.parametrize("block", [24, 60, 1 << 20])
def test_a_record_that_is_neither_of_the_width_nor_utf8_costs_no_other(tmp_path: Path, block: int) -> None:
    data = (
        "a,\N{SNOWMAN}\n1,d\u00e9\n".encode()
        + b'\xff\xfe\n2,caf\xe9\n3,"\xe2\x98\x83\r\n"\n\xe9,\xe9,\xe9\n4,x\xc2\x80\n5,"\xe9'
    )
    path = write(tmp_path, data)
    rows, rejected = collect(path, block_bytes=block)
    assert rows == [
        (0, {"a": "1", "\N{SNOWMAN}": "d\u00e9"}),
        (3, {"a": "3", "\N{SNOWMAN}": "\N{SNOWMAN}\r\n"}),
        (5, {"a": "4", "\N{SNOWMAN}": "x\x80"}),
    ]
    assert [(r.row, r.reason[:25]) for r in rejected] == [
        (1, "the record has 1 fields, "),
        (2, 'column "\N{SNOWMAN}" is not UTF-8 a'),
        (4, "the record has 3 fields, "),
        (6, "the file ends within the "),
    ]
    assert csv_columns(path) == ["a", "\N{SNOWMAN}"]
    path.write_bytes(b"\xef\xbb\xbf" + data)
    assert collect(path, block_bytes=block)[0] == rows


def test_characters_that_a_block_cuts(tmp_path: Path) -> None:
    text = "a,b\n" + "".join(f"{i},x\u00e9\N{SNOWMAN}\U0001f600\n" for i in range(12))
    for block in range(24, 60):
        rows, rejected = collect(write(tmp_path, text.encode()), block_bytes=block)
        assert [row["b"] for _, row in rows] == ["x\u00e9\N{SNOWMAN}\U0001f600"] * 12
        assert rejected == []


def test_lone_returns_before_all_that_a_block_may_end_in(tmp_path: Path) -> None:
    data = "a,b\n" + "".join(f"{i},x\r\N{SNOWMAN}y\r\rz\r\U0001f600\n" for i in range(8))
    for block in range(24, 60):
        rows, rejected = collect(write(tmp_path, data.encode()), block_bytes=block)
        assert [row["b"] for _, row in rows] == ["x\r\N{SNOWMAN}y\r\rz\r\U0001f600"] * 8
        assert rejected == []


@pytest.mark.parametrize("end", [b"", b"\n", b"\n2,2", b'\n2,"2'])
def test_separators_of_files_are_text(tmp_path: Path, end: bytes) -> None:
    rows, rejected = collect(write(tmp_path, b"a,b\n\x1cEOF\x1c\n1,1\n\x1cEOF\x1c\n\x1cEOF\x1c" + end))
    assert [n for n, _ in rows] == ([1, 4] if end == b"\n2,2" else [1])
    assert [r.row for r in rejected] == ([0, 2, 3, 4] if end == b'\n2,"2' else [0, 2, 3])


def test_a_nul_is_as_any_other_character(tmp_path: Path) -> None:
    """Wherever a batch ends."""
    want = [["", "x" * 12 + '"yyyyy', "\0\0"], ["a\0", '"yyyyyy', ""], ["\0b\0\0aab", "xxx\nyy", ""]]
    lines = [",".join([a, '"' + b.replace('"', '""') + '"', c]) + "\n" for a, b, c in want]
    path = write(tmp_path, ("a,b,c\n" + "".join(lines)).encode())
    for block in range(32, 64):
        rows, rejected = collect(path, block_bytes=block)
        assert [list(row.values()) for _, row in rows] == want
        assert rejected == []


@pytest.mark.parametrize("end", [b"", b"\n3,\xff"])
def test_control_characters_in_names_and_reasons(tmp_path: Path, end: bytes) -> None:
    path = write(tmp_path, b'a\0x,b\n1,\0\x01\r\x02\n2,"\0' + end)
    assert csv_columns(path) == ["a\0x", "b"]
    rows, rejected = collect(path)
    assert rows == [(0, {"a\0x": "1", "b": "\0\x01\r\x02"})]
    assert [r.row for r in rejected] == [1]
    assert r'quotes of field 2 of 2, after "\x00' in rejected[0].reason
