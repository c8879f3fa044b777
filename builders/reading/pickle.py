"""A pandas DataFrame from a pickle, without running anything that the pickle names: it is read from notes of the calls.

This reader is ours because an `Unpickler` with a list of allowed names would still run the constructors of pandas, numpy and
pyarrow on arguments that an attacker chose: pyarrow would follow forged offsets, and a state could be set on a class of pandas.
"""

from __future__ import annotations

import io
import math
import pickle
import re
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.builders.reading.limits import open_limited, too_large, whole_bytes
from llmfusionbench.builders.reading.pickle_scan import check_pickle
from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import reading

_ENDINGS: Final = (".pkl", ".pickle")
_LONGEST: Final = 1 << 40
_DTYPE: Final = re.compile(r"[<>|=]?([biuf][1248]|[OUS]\d{0,9})")

_FAULTS: Final = (
    pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError, MemoryError,
    OverflowError, RecursionError, pa.ArrowException,
)  # fmt: skip


class _Note:
    """What a pickle called, with which arguments, and the state that it set."""

    kind: str
    args: tuple[Any, ...]
    state: Any

    def __new__(cls, *args: Any) -> Self:
        note = super().__new__(cls)
        note.args, note.state = args, None
        return note

    def __setstate__(self, state: Any) -> None:  # without it, a state would be set on attributes, those of a class included
        self.state = state


_NAMES: Final = {
    "_codecs": "encode",
    "builtins": "bytearray slice",
    "__builtin__": "bytearray slice",
    "numpy": "dtype ndarray",
    "numpy.core.multiarray": "_reconstruct scalar",
    "numpy._core.multiarray": "_reconstruct scalar",
    "numpy.core.numeric": "_frombuffer",
    "numpy._core.numeric": "_frombuffer",
    "pandas": "DataFrame Index RangeIndex StringDtype",
    "pandas.arrays": "ArrowStringArray",
    "pandas.core.frame": "DataFrame",
    "pandas.core.internals": "BlockManager",
    "pandas.core.internals.managers": "BlockManager",
    "pandas._libs.internals": "_unpickle_block",
    "pandas.core.indexes.base": "Index _new_Index",
    "pandas.core.indexes.range": "RangeIndex",
    "pandas.core.indexes.numeric": "Int64Index",
    "pandas.core.arrays.string_": "StringDtype",
    "pandas.core.arrays.string_arrow": "ArrowStringArray",
    "pyarrow.lib": "_restore_array chunked_array py_buffer type_for_alias",
}
"""Module -> what the pickle of a frame may name in it. Any other name refuses the pickle."""
_KINDS: Final = {
    (module, name): type(name, (_Note,), {"kind": name}) for module, names in _NAMES.items() for name in names.split()
}


class _NoteReader(pickle.Unpickler):
    """Finds notes where others find classes and functions."""

    def find_class(self, module: str, name: str) -> type[_Note]:
        if (module, name) not in _KINDS:
            full = f"{module}.{name}"
            raise pickle.UnpicklingError(f"it names {full[:120]!r}, which is not part of a table")
        return _KINDS[module, name]


def is_pickle(path: Path) -> bool:
    """Whether a file is a pickle, by its name or its first bytes."""
    with reading(path), open_limited(path) as file:
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
        with reading(path), open_limited(path) as file:
            data = file.read(whole_bytes() + 1)
        if len(data) > whole_bytes():
            raise too_large(path, "the pickle is larger", whole_bytes())
        check_pickle(data, 2 * whole_bytes())
        return _frame(_NoteReader(io.BytesIO(data)).load())
    except _FAULTS as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path}: not a pickle of a plain table ({words}). Remedy: write it as CSV where you trust it"
        ) from error


def _frame(found: Any) -> pa.Table:
    if _kind(found) != "DataFrame" or not isinstance(found.state, dict):
        raise ValueError("it holds no DataFrame")
    manager = found.state.get("_mgr", found.state.get("_data"))
    if not isinstance(manager, _Note) or manager.kind != "BlockManager":
        raise ValueError("its DataFrame has no columns")
    axes, blocks = _manager(manager)
    names = _array(axes[0]).ravel().tolist()  # ravelled, no shape with a 0 makes a long list
    rows = _length(axes[1])
    if 8 * rows * len(names) > whole_bytes():
        raise ValueError(f"{rows:,} rows of {len(names):,} columns")
    columns: dict[int, pa.Array] = {}
    characters = 0
    for values, place in blocks:
        places = _places(place, len(names))
        block = _array(values)
        if block.ndim == 1:
            block = block.reshape(1, -1)
        if block.shape != (len(places), rows):
            raise ValueError(f"a block of {block.shape} for {len(places)} columns of {rows} rows")
        for i, position in enumerate(places):
            if position in columns:
                raise ValueError("two of its blocks hold one column")
            characters += sum(map(_characters, block[i])) if block.dtype == object else 0
            _check_characters(characters)
            columns[position] = _column(block[i], names[position])
    if sorted(columns) != list(range(len(names))) or not all(isinstance(n, str) for n in names):
        raise ValueError("its columns do not all have a name and a place")
    if len(set(names)) != len(names):
        raise ValueError("two of its columns have one name")
    return pa.table({name: columns[i] for i, name in enumerate(names)})


def _kind(value: Any) -> str:
    return value.kind if isinstance(value, _Note) else ""


def _manager(manager: _Note) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """(axes, [(values, places)]), as pandas 1.3 and later or earlier versions write them."""
    if len(manager.args) >= 2:
        blocks, axes = manager.args[:2]
        found = [(b.args[0], b.args[1]) for b in blocks if _kind(b) == "_unpickle_block" and len(b.args) >= 2]
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
        return list(range(width))[slice(*value.args)]
    places: list[int] = _array(value).ravel().tolist()
    return places


def _length(index: Any) -> int:
    """The number of rows of an axis."""
    if _kind(index) == "_new_Index" and len(index.args) == 2 and isinstance(index.args[1], dict):
        state = index.args[1]
        if "data" not in state:
            return len(range(state["start"], state["stop"], state["step"]))
    return len(_array(index))


def _array(value: Any) -> npt.NDArray[Any]:
    """The array that a note describes."""
    match _kind(value):
        case "_new_Index":
            return _array(value.args[1]["data"])
        case "ArrowStringArray":
            return _texts(value.state["_pa_array"] if isinstance(value.state, dict) else value.args[0])
        case "_reconstruct":
            _, shape, dtype, fortran, data = value.state
            return _filled(_dtype(dtype), shape, data, "F" if fortran else "C")
        case "_frombuffer":
            data, dtype, shape, order = value.args
            return _filled(_dtype(dtype), shape, data, "F" if order == "F" else "C")
    raise ValueError(f"an array of the kind {_kind(value) or type(value).__name__}")


def _dtype(note: Any) -> np.dtype[Any]:
    if _kind(note) != "dtype" or not isinstance(note.args[0], str) or not _DTYPE.fullmatch(note.args[0]):
        raise ValueError("a dtype that is not plain")
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
        for i, item in enumerate(data):  # one by one: numpy would spread lists over the array
            flat[i] = _cell(item)
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
    if _kind(value) in ("bytearray", "py_buffer"):
        return _bytes(value.args[0]) if value.args else b""
    if not isinstance(value, (bytes, bytearray)):
        raise ValueError("an array without bytes")
    return bytes(value)


def _cell(value: Any) -> Any:
    """A cell of a column of objects: a text, a number, None, or a list of texts."""
    if _kind(value) == "scalar":
        dtype, data = value.args
        return _filled(_dtype(dtype), (1,), data, "C")[0].item()
    texts = value if isinstance(value, list) else ()
    if (value is None or isinstance(value, (str, int, float, list))) and all(isinstance(text, str) for text in texts):
        return value
    raise ValueError(f"a cell of the kind {_kind(value) or type(value).__name__}")


def _texts(value: Any) -> npt.NDArray[Any]:
    """Texts in the layout of pyarrow, checked in full before anything reads them."""
    if _kind(value) == "chunked_array":
        texts: list[npt.NDArray[Any]] = [np.empty(0, object)]
        characters = 0
        for chunk in value.args[0]:
            if _kind(chunk) != "_restore_array":
                raise ValueError("texts of an unknown kind")
            texts.append(_texts(chunk))
            characters += sum(map(_characters, texts[-1])) + 8 * len(texts[-1])
            _check_characters(characters)
        return np.concatenate(texts)
    if _kind(value) != "_restore_array":
        raise ValueError("texts of an unknown kind")
    dtype, length, nulls, offset, buffers, children, dictionary = value.args[0]
    kinds = {"large_string": pa.large_string(), "large_utf8": pa.large_string(), "string": pa.string(), "utf8": pa.string()}
    kind = kinds.get(dtype.args[0]) if _kind(dtype) == "type_for_alias" else None
    if kind is None or children or dictionary is not None or len(buffers) != 3:
        raise ValueError("texts of an unknown kind")
    if not all(isinstance(n, int) and -1 <= n < _LONGEST for n in (length, nulls, offset)) or min(length, offset) < 0:
        raise ValueError("texts without a plain length")
    parts = [None if b is None else pa.py_buffer(_bytes(b)) for b in buffers]
    array = pa.Array.from_buffers(kind, length, parts, -1, offset)
    array.validate(full=True)
    return np.array([*array.to_pylist(), None], object)[:-1]


def _column(values: npt.NDArray[Any], name: Any) -> pa.Array:
    """A column as numbers, or as texts if there is a text or a list in it; a list becomes its repr, NaN is missing."""
    if values.dtype != object and values.dtype.kind in "biuf":
        return pa.array(values.astype(np.float64) if values.dtype.kind == "f" else values, from_pandas=True)
    cells = [None if isinstance(v, float) and math.isnan(v) else v for v in values.tolist()]
    if any(isinstance(v, (str, bytes, list)) for v in cells):
        texts = [v if v is None or isinstance(v, str) else str(v) for v in cells]
        try:
            return pa.array(texts, pa.string())
        except UnicodeEncodeError as error:
            row = texts.index(error.object)
            raise ValueError(f"row {row} of column {str(name)[:60]!r} holds half a character") from error
    return pa.array([None if v is None else float(v) for v in cells], pa.float64())


def _check_characters(count: int) -> None:
    """A small pickle may refer to one long text many times."""
    if count > whole_bytes():
        raise ValueError(f"more than {whole_bytes():,} characters in its columns")


def _characters(cell: Any) -> int:
    """The characters of a text, or at least those of a list of texts with quotes and commas."""
    if isinstance(cell, list):
        return sum(map(len, cell)) + 4 * len(cell)
    return len(cell) if isinstance(cell, (str, bytes)) else 0
