"""Records of JSON and JSONL files, plain, `.gz` or `.zst`; a line that cannot be read is rejected and costs no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final

from llmfusionbench.builders.reading.fields import loads
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import limited_lines, open_binary

_LONGEST_LINE: Final = 64 << 20
_DAMAGED: Final = "Remedy: fetch the file again"


def read_items(path: Path, file: str) -> Iterator[tuple[int, Any] | Rejected]:
    """The records of a JSON list, of JSON lines or of a single JSON value, with their numbers from 0.

    NaN, which Python writes although it is not JSON, is null. A line that is not JSON is rejected; blank lines are skipped.

    Raises:
        InputError: the file is missing, cut short, not UTF-8, or neither JSON nor JSON lines.
    """
    try:
        with open_binary(path) as stream:
            first = _first_line(stream)
            if first.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise InputError(f"{path}: the file is UTF-16, expected UTF-8. Remedy: convert the file to UTF-8")
            first = first.removeprefix(b"\xef\xbb\xbf")
            if not first.strip():
                raise InputError(f"{path}: the file is empty, expected JSON. Remedy: check where the file comes from")
            if first.lstrip().startswith(b"{") and _is_json(first):
                yield from _lines(chain([first], limited_lines(stream, _LONGEST_LINE)), file)
            else:
                yield from _whole(path, first + stream.read(), file)
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read to its end ({error}). {_DAMAGED}") from error


def _first_line(stream: IO[bytes]) -> bytes:
    """The first line that is not blank, up to `_LONGEST_LINE` bytes of it."""
    line = stream.readline(_LONGEST_LINE)
    while line and not line.strip():
        line = stream.readline(_LONGEST_LINE)
    return line


def _lines(lines: Iterable[bytes | int], file: str) -> Iterator[tuple[int, Any] | Rejected]:
    row = 0
    for line in lines:
        if isinstance(line, int):
            yield Rejected(file, row, f"the line is longer than {_LONGEST_LINE >> 20} MiB, expected a record of JSON", {})
        elif not line.strip():
            continue
        else:
            try:
                yield row, loads(line.decode())
            except UnicodeDecodeError as error:
                yield Rejected(file, row, f"the line is not UTF-8 at byte {error.start}", {})
            except (ValueError, RecursionError) as error:
                yield Rejected(file, row, f"the line is not JSON ({_words(error)})", {})
        row += 1


def _whole(path: Path, data: bytes, file: str) -> Iterator[tuple[int, Any] | Rejected]:
    try:
        # A stray byte must not cost the other records: it becomes half a surrogate pair, which `text` refuses.
        value = loads(data.decode(errors="surrogateescape"))
    except (ValueError, RecursionError) as error:
        if data.lstrip()[:1] == b"{" and b"\n" in data.strip():
            yield from _lines(iter(data.splitlines(keepends=True)), file)
            return
        raise InputError(f"{path}: not JSON ({_words(error)}). {_DAMAGED}") from error
    items = value if isinstance(value, list) else [value]
    yield from enumerate(items)


def _is_json(line: bytes) -> bool:
    try:
        loads(line.decode())
    except (ValueError, RecursionError):
        return False
    return True


def _words(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error)
