"""Records out of JSON and JSONL files, plain, `.gz` or `.zst`, and checked fields out of records.

A file that cannot be read is an InputError; a record that cannot be taken is a BadRecordError, which its source survives.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final

from ..errors import InputError
from ..files import open_binary
from ..validation.issue import shorten
from .records import Part, Records, Rejected, record_table

_LONGEST_LINE: Final = 64 << 20
_LONGEST_LITERAL: Final = 1_000_000
_BATCH_ROWS: Final = 4096
_BATCH_CHARACTERS: Final = 16 << 20
_NO_OPTIONS: Final = ("", "None", "null", "nan")
_SHOWN_FIELD: Final = 200
_CONSTANTS: Final = {"NaN": None, "Infinity": math.inf, "-Infinity": -math.inf}
_DAMAGED: Final = "Remedy: fetch the file again"


class BadRecordError(ValueError):
    """A record that a source cannot take; the message says which field, its value, and what was expected."""


def read_items(path: Path, file: str) -> Iterator[tuple[int, Any] | Rejected]:
    """The records of a JSON list, of JSON lines or of a single JSON value, with their numbers from 0.

    NaN, which is no JSON but which Python writes, is null. A line that is not JSON is rejected; blank lines are no records.

    Args:
        path: The file.
        file: Its name in rejected records.

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
                yield from _lines(chain([first], _long_lines(stream)), file)
            else:
                yield from _whole(path, first + stream.read(), file)
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read to its end ({error}). {_DAMAGED}") from error


def _first_line(stream: IO[bytes]) -> bytes:
    """The first line that is not blank, of at most `_LONGEST_LINE` bytes."""
    line = stream.readline(_LONGEST_LINE)
    while line and not line.strip():
        line = stream.readline(_LONGEST_LINE)
    return line


def _long_lines(stream: IO[bytes]) -> Iterator[bytes | None]:
    """The lines of `stream`, None for one that is too long."""
    while line := stream.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := stream.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield None
        else:
            yield line


def _lines(lines: Iterable[bytes | None], file: str) -> Iterator[tuple[int, Any] | Rejected]:
    row = 0
    for line in lines:
        if line is None:
            yield Rejected(file, row, f"the line is longer than {_LONGEST_LINE >> 20} MiB, expected a record of JSON", {})
        elif not line.strip():
            continue
        else:
            try:
                yield row, _loads(line.decode())
            except UnicodeDecodeError as error:
                yield Rejected(file, row, f"the line is not UTF-8 at byte {error.start}", {})
            except (ValueError, RecursionError) as error:
                yield Rejected(file, row, f"the line is not JSON ({_words(error)})", {})
        row += 1


def _whole(path: Path, data: bytes, file: str) -> Iterator[tuple[int, Any] | Rejected]:
    try:
        # A stray byte must not cost the other records: it becomes half a surrogate pair, which `text` refuses.
        value = _loads(data.decode(errors="surrogateescape"))
    except (ValueError, RecursionError) as error:
        if data.lstrip()[:1] == b"{" and b"\n" in data.strip():
            yield from _lines(iter(data.splitlines(keepends=True)), file)
            return
        raise InputError(f"{path}: not JSON ({_words(error)}). {_DAMAGED}") from error
    items = value if isinstance(value, list) else [value]
    yield from enumerate(items)


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=_CONSTANTS.__getitem__)


def _is_json(line: bytes) -> bool:
    try:
        _loads(line.decode())
    except (ValueError, RecursionError):
        return False
    return True


def _words(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error)


def labels(paths: Sequence[Path]) -> list[str]:
    """A name for each file: its base name, or as much of its path as tells it from the others."""
    full = [p.absolute().parts for p in paths]
    names = []
    for parts in full:
        depth = 1
        while depth < len(parts) and any(other[-depth:] == parts[-depth:] and other != parts for other in full):
            depth += 1
        names.append("/".join(parts[-depth:]))
    return names


def stem(path: Path) -> str:
    """The name of a file without `.json`, `.jsonl`, `.csv`, ... and without `.gz` or `.zst`."""
    name = path.name
    for endings in ((".gz", ".zst"), (".json", ".jsonl", ".csv", ".tsv", ".parquet", ".pq")):
        ending = next((e for e in endings if name.lower().endswith(e)), "")
        name = name[: len(name) - len(ending)] or name
    return name


def llm_names(paths: Sequence[Path]) -> list[str]:
    """The LLM that each file is named after, without `@provider` where that leaves them distinct."""
    whole = [stem(p) for p in paths]
    short = [name.split("@")[0] or name for name in whole]
    used: dict[str, set[str]] = {}
    for name, full in zip(short, whole, strict=True):
        used.setdefault(name, set()).add(full)
    return [name if len(used[name]) == 1 else full for name, full in zip(short, whole, strict=True)]


def fields(value: Any) -> dict[str, Any]:
    """A record as a dictionary.

    Raises:
        BadRecordError: it is something else.
    """
    if not isinstance(value, dict):
        raise BadRecordError(f"the record is {_named(value)}, expected a JSON object")
    return value


def text(record: Mapping[str, Any], name: str) -> str | None:
    """A field that holds a text or nothing.

    Raises:
        BadRecordError: it holds something else, or a text that UTF-8 cannot write.
    """
    value = record.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadRecordError(f"{name} is {_named(value)}, expected a text")
    return writable(value, name)


def required_text(record: Mapping[str, Any], name: str) -> str:
    """A field that must hold a text with something in it.

    Raises:
        BadRecordError: it does not.
    """
    value = text(record, name)
    if not value:
        raise BadRecordError(f"{name} is {'missing' if value is None else 'empty'}, expected a text")
    return value


def identifier(record: Mapping[str, Any], name: str) -> str | None:
    """A field that holds a name, or a whole number that serves as one.

    Raises:
        BadRecordError: it holds something else.
    """
    value = record.get(name)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(record, name)


def writable(value: str, name: str) -> str:
    """`value`, where UTF-8 can write it.

    Raises:
        BadRecordError: it holds half a surrogate pair, as a text cut in the middle of a character does.
    """
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise BadRecordError(f"{name} is broken at character {error.start}, expected text that UTF-8 can write") from error
    return value


def number(record: Mapping[str, Any], name: str) -> float | None:
    """A field that holds a finite number or nothing; true and false are 1 and 0.

    Raises:
        BadRecordError: it holds something else.
    """
    value = record.get(name)
    if value is None:
        return None
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadRecordError(f"{name} is {_named(value)}, expected a number")
    return float(value)


def count(record: Mapping[str, Any], name: str) -> int | None:
    """A field that holds a whole number or nothing.

    Raises:
        BadRecordError: it holds something else.
    """
    value = number(record, name)
    if value is None:
        return None
    if value != int(value) or abs(value) > 2**53:
        raise BadRecordError(f"{name} is {shorten(value)}, expected a whole number")
    return int(value)


def literal(value: str) -> Any:
    """A Python literal or JSON value written as text; None where it is neither, or too long to be parsed safely."""
    if len(value) > _LONGEST_LITERAL:
        return None
    for parse in (_loads, ast.literal_eval):  # JSON first: it writes rare characters as pairs, which Python reads as halves
        try:
            return parse(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None


def option_texts(value: Any, name: str = "choices") -> list[str] | None:
    """The options of a query in the order of their labels: from a list, `{"text": [...], "label": [...]}`, or the text of one.

    Raises:
        BadRecordError: it is none of these.
    """
    if value is None or (isinstance(value, str) and value.strip() in _NO_OPTIONS):
        return None
    options = literal(value) if isinstance(value, str) else value
    if isinstance(options, dict):
        options = _labelled(options, name)
    if not isinstance(options, (list, tuple)) or not all(isinstance(o, (str, int, float)) for o in options):
        raise BadRecordError(f"{name} is {_named(value)}, expected a list of texts, or texts with their labels")
    return [writable(str(option), name) for option in options]


def _labelled(options: dict[Any, Any], name: str) -> list[Any]:
    texts, tags = options.get("text"), options.get("labels", options.get("label"))
    if not isinstance(texts, list) or (tags is not None and (not isinstance(tags, list) or len(tags) != len(texts))):
        raise BadRecordError(f"{name} is {_named(options)}, expected as many labels as texts")
    if tags is None:
        return texts
    # Labels are letters or numbers; "10" comes after "9".
    order = sorted(range(len(texts)), key=lambda i: (len(str(tags[i])), str(tags[i])))
    return [texts[i] for i in order]


def answer_text(value: Any, name: str = "ground_truth") -> str | None:
    """A reference answer as text; a list of texts, or its Python repr, as the text of a JSON array.

    Raises:
        BadRecordError: it is neither text nor number nor a list of texts.
    """
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    values = value
    if isinstance(value, str):
        values = literal(value) if value.startswith("[") and value.rstrip().endswith("]") else None
    if isinstance(values, list) and values and all(isinstance(v, str) for v in values):
        return writable(json.dumps(values, ensure_ascii=False), name)
    if not isinstance(value, str):
        raise BadRecordError(f"{name} is {_named(value)}, expected a text or a list of texts")
    return writable(value, name)


def same(name: str, known: str | None, found: str | None) -> str | None:
    """The one value that a field has throughout a file.

    Raises:
        BadRecordError: it had another before.
    """
    if known is not None and found is not None and known != found:
        raise BadRecordError(f"{name} is {shorten(found)}, expected {shorten(known)} as before in this file")
    return known or found


def identity_of(value: Any, names: Mapping[str, str], **more: str | None) -> dict[str, Any]:
    """What identifies a record that is refused: the short texts among the named fields (ours -> theirs), and `more`."""
    found = {ours: value.get(theirs) for ours, theirs in names.items()} if isinstance(value, dict) else {}
    short = {k: v for k, v in found.items() if isinstance(v, str) and len(v) <= _SHOWN_FIELD and v.isprintable()}
    return short | {k: v for k, v in more.items() if v is not None}


def _named(value: Any) -> str:
    """What a value is. The contents of lists and objects stay out of messages: there may be secrets among them."""
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, (list, tuple)) else shorten(value)


def batched(parts: Iterable[dict[str, Any] | Part]) -> Iterator[Part]:
    """Single records gathered into `Records`, some thousands at a time; other parts as they come."""
    rows: list[dict[str, Any]] = []
    characters = 0
    for part in parts:
        if not isinstance(part, dict):
            yield part
            continue
        rows.append(part)
        characters += len(part.get("prompt") or "") + len(part.get("response") or "")
        if len(rows) >= _BATCH_ROWS or characters >= _BATCH_CHARACTERS:
            yield Records(record_table(rows))
            rows, characters = [], 0
    if rows:
        yield Records(record_table(rows))
