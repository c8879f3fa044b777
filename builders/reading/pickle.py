"""A pandas DataFrame out of a pickle, without running anything that the pickle names: its columns are made from notes."""

from __future__ import annotations

import math
import pickle
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.builders.reading.pickle_notes import Note, NoteReader
from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import open_binary, reading

_ENDINGS: Final = (".pkl", ".pickle")
_LONGEST: Final = 1 << 40
_MOST_TEXT: Final = 1 << 30
"""Characters in a column: a pickle may name one long text ever so often."""
_DTYPE: Final = re.compile(r"[<>|=]?([biuf][1248]|[OUS]\d{0,9})")

_FAULTS: Final = (
    pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError, MemoryError,
    OverflowError, RecursionError, pa.ArrowException,
)  # fmt: skip


def is_pickle(path: Path) -> bool:
    """Whether a file is a pickle, by its name or its first bytes."""
    with reading(path), open_binary(path) as file:
        head = file.read(2)
    return path.name.lower().removesuffix(".gz").removesuffix(".zst").endswith(_ENDINGS) or (
        len(head) == 2 and head[0] == 0x80 and 2 <= head[1] <= pickle.HIGHEST_PROTOCOL
    )


def read_frame(path: Path) -> pa.Table:
    """The columns of a DataFrame, as texts or numbers.

    Raises:
        InputError: the file is damaged, or holds something other than a DataFrame of plain columns.
    """
    try:
        with reading(path), open_binary(path) as file:
            return _frame(NoteReader(file).load())
    except _FAULTS as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path}: not a pickle of a plain table ({words}). Remedy: write it as CSV where you trust it"
        ) from error


def _frame(found: Any) -> pa.Table:
    if _kind(found) != "frame" or not isinstance(found.state, dict):
        raise ValueError("it holds no DataFrame")
    manager = found.state.get("_mgr", found.state.get("_data"))
    if not isinstance(manager, Note) or manager.kind != "manager":
        raise ValueError("its DataFrame has no columns")
    axes, blocks = _manager(manager)
    names = _array(axes[0]).tolist()
    rows = _length(axes[1])
    columns: dict[int, pa.Array] = {}
    for values, place in blocks:
        places = _places(place, len(names))
        block = _array(values)
        if block.ndim == 1:
            block = block.reshape(1, -1)
        if block.shape != (len(places), rows):
            raise ValueError(f"a block of {block.shape} for {len(places)} columns of {rows} rows")
        for i, position in enumerate(places):
            columns[position] = _column(block[i], names[position])
    if sorted(columns) != list(range(len(names))) or not all(isinstance(n, str) for n in names):
        raise ValueError("its columns have no names, or not each a place")
    if len(set(names)) != len(names):
        raise ValueError("two of its columns have one name")
    return pa.table({name: columns[i] for i, name in enumerate(names)})


def _kind(value: Any) -> str:
    return value.kind if isinstance(value, Note) else ""


def _manager(manager: Note) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """(axes, [(values, places)]) as pandas from 1.3 on writes them, or those before."""
    if len(manager.args) >= 2:
        blocks, axes = manager.args[:2]
        found = [(b.args[0], b.args[1]) for b in blocks if _kind(b) == "block" and len(b.args) >= 2]
        if len(found) != len(blocks):
            raise ValueError("a block of an unknown kind")
    else:
        state = manager.state[3]["0.14.1"]
        axes, found = state["axes"], [(b["values"], b["mgr_locs"]) for b in state["blocks"]]
    if len(axes) != 2:
        raise ValueError(f"{len(axes)} axes, expected 2")
    return list(axes), found


def _places(value: Any, width: int) -> list[int]:
    """The columns that a block holds."""
    if _kind(value) == "slice":
        ends = value.args
        if not all(e is None or isinstance(e, int) for e in ends) or len(ends) != 3:
            raise ValueError("a slice of other things than numbers")
        return list(range(width))[slice(*ends)]
    places: list[int] = _array(value).tolist()
    if not all(isinstance(p, int) and 0 <= p < width for p in places):
        raise ValueError("a column that is not there")
    return places


def _length(index: Any) -> int:
    """The rows of an axis."""
    if _kind(index) == "new_index" and len(index.args) == 2 and isinstance(index.args[1], dict):
        said = index.args[1]
        if "data" in said:
            return len(_array(said["data"]))
        return len(range(said["start"], said["stop"], said["step"]))
    return len(_array(index))


def _array(value: Any) -> npt.NDArray[Any]:
    """The array that notes tell of."""
    match _kind(value):
        case "new_index":
            return _array(value.args[1]["data"])
        case "arrow_texts":
            return _texts(value.state["_pa_array"] if isinstance(value.state, dict) else value.args[0])
        case "reconstruct":
            _, shape, dtype, fortran, data = value.state
            return _filled(_dtype(dtype), shape, data, "F" if fortran else "C")
        case "frombuffer":
            data, dtype, shape, order = value.args
            return _filled(_dtype(dtype), shape, data, "F" if order == "F" else "C")
    raise ValueError(f"an array of the kind {_kind(value) or type(value).__name__}")


def _dtype(note: Any) -> np.dtype[Any]:
    if _kind(note) != "dtype" or not isinstance(note.args[0], str) or not _DTYPE.fullmatch(note.args[0]):
        raise ValueError("a type of numbers that is not plain")
    order = note.state[1] if isinstance(note.state, tuple) and len(note.state) > 1 and note.state[1] in ("<", ">") else ""
    return np.dtype(object) if "O" in note.args[0] else np.dtype(order + note.args[0].lstrip("<>|="))


def _filled(dtype: np.dtype[Any], shape: Any, data: Any, order: Any) -> npt.NDArray[Any]:
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and 0 <= n < _LONGEST for n in shape):
        raise ValueError("an array without a plain shape")
    size = math.prod(shape)
    if dtype.kind == "O":
        if not isinstance(data, list) or len(data) != size:
            raise ValueError(f"an array of {size} objects with other contents")
        flat = np.empty(size, object)
        flat[:] = [_cell(item) for item in data]
    else:
        raw = _bytes(data)
        if dtype.itemsize == 0 or len(raw) != size * dtype.itemsize:
            raise ValueError(f"an array of {size} values in {len(raw)} bytes")
        flat = np.frombuffer(raw, dtype)
    return flat.reshape(shape, order=order)


def _bytes(value: Any) -> bytes:
    if _kind(value) == "encode":
        text, encoding = value.args
        if encoding != "latin1":
            raise ValueError("bytes in an unknown encoding")
        return bytes(text.encode("latin1"))
    if _kind(value) == "bytes":
        return _bytes(value.args[0]) if value.args else b""
    if not isinstance(value, (bytes, bytearray)):
        raise ValueError("an array without bytes")
    return bytes(value)


def _cell(value: Any) -> Any:
    """A cell of a column of objects: a text, a number, None, or the repr of a list of texts."""
    if _kind(value) == "scalar":
        dtype, data = value.args
        return _filled(_dtype(dtype), (1,), data, "C")[0].item()
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        _check_amount(value)
        return repr(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise ValueError(f"a cell of the kind {_kind(value) or type(value).__name__}")


def _texts(value: Any) -> npt.NDArray[Any]:
    """Texts that pyarrow laid out, checked in full before anything reads them."""
    if _kind(value) == "chunked":
        return np.concatenate([np.empty(0, object), *(_texts(chunk) for chunk in value.args[0])])
    if _kind(value) != "restore":
        raise ValueError("texts of an unknown kind")
    dtype, length, nulls, offset, buffers, children, dictionary = value.args[0]
    kinds = {"large_string": pa.large_string(), "large_utf8": pa.large_string(), "string": pa.string(), "utf8": pa.string()}
    kind = kinds.get(dtype.args[0]) if _kind(dtype) == "arrow_type" else None
    if kind is None or children or dictionary is not None or len(buffers) != 3:
        raise ValueError("texts of an unknown kind")
    if not all(isinstance(n, int) and -1 <= n < _LONGEST for n in (length, nulls, offset)) or min(length, offset) < 0:
        raise ValueError("texts without a plain length")
    parts = [None if b is None else pa.py_buffer(_bytes(b)) for b in buffers]
    array = pa.Array.from_buffers(kind, length, parts, -1, offset)
    array.validate(full=True)
    return np.array([*array.to_pylist(), None], object)[:-1]


def _column(values: npt.NDArray[Any], name: Any) -> pa.Array:
    """A column as numbers, or as texts if there is a text in it; NaN is missing."""
    if values.dtype != object and values.dtype.kind in "biuf":
        return pa.array(values.astype(np.float64) if values.dtype.kind == "f" else values, from_pandas=True)
    cells = [None if isinstance(v, float) and math.isnan(v) else v for v in values.tolist()]
    if any(isinstance(v, (str, bytes)) for v in cells):
        texts = [v if v is None or isinstance(v, str) else str(v) for v in cells]
        _check_amount([t for t in texts if t is not None])
        for row, text in enumerate(texts):
            if text is not None and not _is_utf8(text):
                raise ValueError(f"row {row} of column {str(name)[:60]!r} holds half a character")
        return pa.array(texts, pa.string())
    return pa.array([None if v is None else float(v) for v in cells], pa.float64())


def _check_amount(texts: list[str]) -> None:
    if sum(map(len, texts)) > _MOST_TEXT:
        raise ValueError(f"more than {_MOST_TEXT:,} characters in a column")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
