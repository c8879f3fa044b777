"""The pieces that Arrow parses say what Python's parser says of the whole file."""

import io
import random
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmfusionbench.builders.reading import csv as reader
from llmfusionbench.builders.reading.csv import read_csv
from llmfusionbench.builders.reading.csv_pieces import parsed, pieces
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError

HOSTILE = ['"', '"', ",", "\n", "\n", "\r\n", "\r", "\0", " ", "x", "é", "\\", '""', '"\n', ',"', '",', "\ufeff", "\x1c", "'"]

ODD = [b"\xff", b"\xe9", b"\xed\xa0\x80", b"\0", b'"', b"\r"]


def said(path: Path, *, fast: bool, block: int, delimiter: str = ",") -> list[object]:
    """All that the reader gives, with or without Arrow's parser: one row for each record, and the error that ends them."""
    with pytest.MonkeyPatch.context() as patch:
        if not fast:
            patch.setattr(reader, "pieces", lambda stream, *_: [stream])
        found: list[object] = []
        try:
            for part in read_csv(path, delimiter=delimiter, block_bytes=block):
                found += [part] if isinstance(part, Rejected) else part.to_pylist()
        except InputError as error:
            found.append(str(error))
        return found


@settings(max_examples=4 * settings().max_examples)
@given(
    text=st.lists(st.sampled_from(HOSTILE), max_size=60).map("".join),
    header=st.sampled_from(["a\n", "a,b\n", "a,b\r\n", '"a","b"\n', '\n\n"a\n",b\n', "\ufeffa,b\n", "a,a\n", "a,b\r", "a"]),
    block=st.integers(1, 80),
)
@example(text='1,""\n\n"",\n', header="a,b\n", block=3)
@example(text='""\n\n""\n', header="a\n", block=80)
@example(text='1,2\r\n3,"4"\r\n', header="a,b\n", block=1)
def test_hostile_texts_are_read_as_python_reads_them(tmp_path: Path, text: str, header: str, block: int) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes((header + text).encode())
    assert said(path, fast=True, block=block) == said(path, fast=False, block=block)


@settings(max_examples=2 * settings().max_examples)
@given(
    cells=st.lists(
        st.lists(st.one_of(st.text(max_size=6), st.sampled_from(['"a"', '"a""b"', '"a\nb"', '"a,b"', '""', ""])), max_size=4),
        max_size=25,
    ),
    bad=st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from([b"\xff", b"\xe9", b"\xed\xa0\x80", b"\0", b'"', b"\r"])), max_size=3
    ),
    delimiter=st.sampled_from([",", "\t", ";"]),
    block=st.integers(1, 200),
)
def test_records_of_any_width_and_bytes_that_are_not_text(
    tmp_path: Path, cells: list[list[str]], bad: list[tuple[int, bytes]], delimiter: str, block: int
) -> None:
    data = "\n".join(delimiter.join(record) for record in [["a", "b"], *cells]).encode(errors="replace")
    for place, odd in bad:
        at = min(len(data), 4 + place)
        data = data[:at] + odd + data[at:]
    path = tmp_path / "log.csv"
    path.write_bytes(data)
    given = {"block": block, "delimiter": delimiter}
    assert said(path, fast=True, **given) == said(path, fast=False, **given)


def test_arrow_parses_all_that_a_writer_quotes_as_it_should() -> None:
    """So the speed is not lost without notice."""
    data = ('1,"a ""b"", c"\n\n' + '2,"line\nline"\n' + '3,"""x"""\r\n' + '4,""\n' + "5,\\\\\n") * 40
    taken = list(pieces(io.BytesIO(data.encode()), ",", 64, 1 << 20))
    assert len(taken) > 20
    assert b"".join(piece for piece in taken if isinstance(piece, bytes)) == data.encode()
    batches = [parsed(piece, ",", ["n", "text"]) for piece in taken if isinstance(piece, bytes)]
    rows = [row["text"] for batch in batches if batch is not None for row in batch.to_pylist()]
    assert rows == ['a "b", c', "line\nline", '"x"', "", "\\\\"] * 40


@pytest.mark.parametrize("odd", [b"\xef\xbb\xbf1,2\n", b"1,\0\n", b"1,x\ry\n", b"1\n", b"1,2,3\n", b"1,\xff\n"])
def test_a_piece_that_arrow_would_misread_or_refuse_costs_no_other(odd: bytes) -> None:
    stream = io.BytesIO(b"1,2\n" * 20 + odd + b"3,4\n" * 20)
    found = [parsed(piece, ",", ["a", "b"]) for piece in pieces(stream, ",", 16, 1 << 20) if isinstance(piece, bytes)]
    assert found.count(None) == 1
    assert sum(batch.num_rows for batch in found if batch is not None) >= 34


@pytest.mark.parametrize("odd", [b'1,5" pipe\n', b'1,"a"b\n', b' "a",1\n', b'"a""b,1\n'])
def test_the_rest_after_a_quotation_mark_in_an_odd_place_is_a_stream(odd: bytes) -> None:
    data = b"1,2\n" * 20 + odd + b"3,4\n" * 20
    *before, rest = pieces(io.BytesIO(data), ",", 16, 1 << 20)
    assert not isinstance(rest, bytes)
    left = rest.read()
    assert odd in left
    assert b"".join(piece for piece in before if isinstance(piece, bytes)) + left == data


def test_a_long_record_is_left_to_the_parser_that_limits_it() -> None:
    data = b"1,2\n" + b'3,"' + b"long\n" * 400
    taken = list(pieces(io.BytesIO(data), ",", 16, 256))
    assert [piece for piece in taken if isinstance(piece, bytes)] == [b"1,2\n"]
    assert not isinstance(taken[-1], bytes)
    assert taken[-1].read() == data[4:]


def test_pieces_of_any_size_join_to_the_file() -> None:
    rows = [f'{i},"{"x" * random.Random(i).randrange(60)}\n""{i}"""\n' for i in range(50)]
    data = "".join(rows).encode()
    for size in range(1, 200):
        taken = [piece for piece in pieces(io.BytesIO(data), ",", size, 1 << 20) if isinstance(piece, bytes)]
        assert b"".join(taken) == data
        assert all(piece.endswith(b'"""\n') for piece in taken)
