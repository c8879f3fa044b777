"""Records of JSON and JSONL files, plain, `.gz` or `.zst`; a line that cannot be read is rejected and costs no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final

from llmfusionbench.builders.reading.json_window import Decoder, Window
from llmfusionbench.builders.reading.limits import MOST_REJECTED, REMEDY, open_limited, record_bytes, too_large
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import limited_lines

_DAMAGED: Final = "Remedy: fetch the file again"
Item = tuple[int, Any] | Rejected


def read_items(path: Path, file: str, *, keys_once: bool = True) -> Iterator[Item]:
    """The records of a JSON list, of JSON lines or of a single JSON value, with their numbers from 0.

    NaN, which Python writes although it is not JSON, is null. A line that is not JSON is rejected, and so is a record with a
    key twice in one object, or a longer one than the limit; blank lines are skipped. Without `keys_once`, lines are not
    searched for such keys, which takes a quarter less time.

    Raises:
        InputError: the file is missing, cut short, not UTF-8, or neither JSON nor JSON lines; a record of a list is too long.
    """
    with _opened(path) as (first, stream):
        if first.lstrip().startswith(b"["):
            window = Window(path, first, stream)
            yield from _checked(enumerate(window.elements()), window.decoder, file)
            window.end()
        elif first.lstrip().startswith(b"{") and _is_json(first):
            yield from _lines(chain([first], limited_lines(stream, record_bytes())), file, keys_once=keys_once)
        else:
            yield from _whole(path, first, stream, file)


def read_fields(path: Path, file: str, listed: str, enough: Set[str] = frozenset()) -> tuple[dict[str, Any], bool]:
    """(the fields of the first object of a file without the list `listed`, whether it has that list); none if it is damaged.

    What follows the list is not read if all fields named in `enough` stand before it.

    Raises:
        InputError: the file is missing or cannot be read, or the object gives a key twice.
    """
    found: dict[str, Any] = {}
    faults: list[str | None] = []
    with _opened(path) as (first, stream):
        window = Window(path, first, stream)
        try:
            for name in _names(window):
                faults.append(f"the key {name[:80]!r} is given twice in one object" if name in found else None)
                if name == listed and window.peek() == "[":
                    found[name] = listed
                    if enough and enough <= found.keys():
                        break
                    for _ in _checked(enumerate(window.elements()), window.decoder, file):
                        pass
                else:
                    found[name] = window.value()
                    faults.append(window.decoder.fault)
        except InputError:  # reported when the file is read as lines
            return {}, False
    if found.get(listed) is listed and any(faults):
        raise InputError(f"{path}: {next(filter(None, faults))}. Remedy: correct the file")
    return found, found.pop(listed, None) is listed


def read_listed(path: Path, file: str, listed: str) -> Iterator[Item]:
    """The records of the list in the field `listed` of a file's object, with their numbers from 0."""
    with _opened(path) as (first, stream):
        window = Window(path, first, stream)
        for name in _names(window):
            if name == listed and window.peek() == "[":
                yield from _checked(enumerate(window.elements()), window.decoder, file)
            else:
                window.value()


def read_within(path: Path, file: str, keys: Sequence[str], beside: dict[str, Any]) -> Iterator[Item]:
    """The records of the list that lies at `keys` in a file's object, or at the first of them, with their numbers from 0.

    The other fields on the way to it are added to `beside` as they are read: those before the list come before its records.

    Raises:
        InputError: the file is missing or damaged, or a value in it is too long.
    """
    with _opened(path) as (first, stream):
        window = Window(path, first, stream)
        if window.peek() == "{":
            yield from _within(window, file, keys, beside)


def _within(window: Window, file: str, keys: Sequence[str], beside: dict[str, Any]) -> Iterator[Item]:
    for name in _names(window):
        opening = window.peek() if keys and name == keys[0] else ""
        if opening == "[":
            yield from _checked(enumerate(window.elements()), window.decoder, file)
        elif opening == "{" and len(keys) > 1:
            yield from _within(window, file, keys[1:], beside)
        else:
            beside[name] = window.value()


def read_entries(path: Path, file: str) -> Iterator[tuple[str, Item]]:
    """The keys of a file's object, each with its value as a record with its number from 0; none of a file without an object.

    Raises:
        InputError: the file is missing or damaged, or a value in it is too long.
    """
    with _opened(path) as (first, stream):
        window = Window(path, first, stream)
        if window.peek() != "{":
            return
        names: list[str] = []

        def values() -> Iterator[tuple[int, Any]]:
            for row, name in enumerate(_names(window)):
                names.append(name)
                yield row, window.value()
            window.end()

        for item in _checked(values(), window.decoder, file):
            yield names[-1], item


def _names(window: Window) -> Iterator[str]:
    """The keys of an object; the caller reads each value before the next."""
    window.expect("{")
    if window.take("}"):
        return
    while True:
        name = window.value()
        window.expect(":")
        yield str(name)
        if window.take("}"):
            return
        window.expect(",")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[bytes, IO[bytes]]]:
    """The first line of a file that is not blank, without a byte order mark, and the rest."""
    try:
        with open_limited(path) as stream:
            first = _first_line(stream)
            if first.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise InputError(f"{path}: the file is UTF-16, expected UTF-8. Remedy: convert the file to UTF-8")
            first = first.removeprefix(b"\xef\xbb\xbf")
            if not first.strip():
                raise InputError(f"{path}: the file is empty, expected JSON. Remedy: check where the file comes from")
            yield first, stream
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read to its end ({error}). {_DAMAGED}") from error


def _first_line(stream: IO[bytes]) -> bytes:
    """The first line that is not blank, or the first bytes of it."""
    line = stream.readline(record_bytes())
    while line and not line.strip():
        line = stream.readline(record_bytes())
    return line


def _checked(items: Iterable[tuple[int, Any]], decoder: Decoder, file: str) -> Iterator[Item]:
    """The records, those rejected with which something is wrong although they are JSON.

    Raises:
        InputError: hundreds of thousands of them are not objects with a key. A small file may hold a billion of such.
    """
    useless = 0
    for row, value in items:
        useless += not (isinstance(value, dict) and value)
        if useless > MOST_REJECTED:
            raise _useless(file)
        yield (row, value) if decoder.fault is None else Rejected(file, row, decoder.fault, {})


def _lines(lines: Iterable[bytes | int], file: str, *, keys_once: bool = True) -> Iterator[Item]:
    row, useless, decoder = 0, 0, Decoder(keys_once=keys_once)
    for line in lines:
        if type(line) is bytes and line.isspace():
            continue
        item = _line(line, decoder, file, row)
        if isinstance(item, Rejected) or not item[1] or not isinstance(item[1], dict):
            useless += 1
            if useless > MOST_REJECTED:
                raise _useless(file)
        yield item
        row += 1


def _line(line: bytes | int, decoder: Decoder, file: str, row: int) -> Item:
    """The record in a line, of which only the length is known if it is too long."""
    if isinstance(line, int):
        reason = f"the line is longer than {record_bytes() >> 20} MiB, expected a record of JSON. {REMEDY}"
        return Rejected(file, row, reason, {})
    try:
        value = decoder.decode_bytes(line)
    except UnicodeDecodeError as error:
        return Rejected(file, row, f"the line is not UTF-8 at byte {error.start}", {})
    except (ValueError, RecursionError) as error:
        return Rejected(file, row, f"the line is not JSON ({_words(error)})", {})
    return (row, value) if decoder.fault is None else Rejected(file, row, decoder.fault, {})


def _useless(file: str) -> InputError:
    return InputError(f"{file}: more than {MOST_REJECTED:,} records are not objects with fields. Remedy: check the file")


def _whole(path: Path, first: bytes, stream: IO[bytes], file: str) -> Iterator[Item]:
    """The records of a file that is not a list: one value, or lines of which the first is broken."""
    data = first + stream.read(record_bytes() + 1 - len(first))
    is_cut = len(data) > record_bytes()
    if is_cut and b"\n" not in data[:-1]:
        length = len(data) if data.endswith(b"\n") else len(data) + _rest_of_line(stream)
        second = next(limited_lines(stream, record_bytes()), b"")
        if not isinstance(second, int) and _is_json(second):
            yield from _lines(chain([length, second], limited_lines(stream, record_bytes())), file)
            return
    has_lines = data.lstrip()[:1] == b"{" and b"\n" in data.strip()
    decoder = Decoder()
    try:
        # A stray byte must not cost the other records: it becomes half a surrogate pair, which `text` refuses.
        value = decoder.decode_bytes(data, "surrogateescape")
    except (ValueError, RecursionError) as error:
        if is_cut and not (has_lines and any(map(_is_json, data.splitlines()[1:3]))):
            raise too_large(path, "its JSON is one longer value", record_bytes()) from error
        if has_lines:
            rest = limited_lines(stream, record_bytes()) if is_cut else ()
            *lines, last = data.splitlines(keepends=True)
            yield from _lines(chain(lines, [last + stream.readline(record_bytes())] if is_cut else [last], rest), file)
            return
        raise InputError(f"{path}: not JSON ({_words(error)}). {_DAMAGED}") from error
    yield from _checked([(0, value)], decoder, file)


def _rest_of_line(stream: IO[bytes]) -> int:
    """The length of what is left of a line, which is read."""
    length = 0
    while part := stream.readline(record_bytes()):
        length += len(part)
        if part.endswith(b"\n"):
            break
    return length


def _is_json(line: bytes) -> bool:
    try:
        Decoder().decode_bytes(line)
    except (ValueError, RecursionError):
        return False
    return True


def _words(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error)
