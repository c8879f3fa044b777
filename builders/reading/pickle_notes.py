"""Pickles taken down as notes of what they would call, without calling it: data for whoever makes sense of them.

The classes and functions of pandas, numpy and pyarrow that a frame's pickle names are inert here; any other name refuses it.
"""

from __future__ import annotations

import pickle
from typing import IO, Any, Final

_ARRAYS: Final = ("numpy.core.multiarray", "numpy._core.multiarray")
_NAMES: Final = {
    **{f"{m}._reconstruct": "reconstruct" for m in _ARRAYS},
    **{f"{m}.scalar": "scalar" for m in _ARRAYS},
    **{f"{m}._frombuffer": "frombuffer" for m in ("numpy.core.numeric", "numpy._core.numeric")},
    "numpy.ndarray": "ndarray",
    "numpy.dtype": "dtype",
    "builtins.slice": "slice",
    "builtins.bytearray": "bytes",
    "__builtin__.slice": "slice",
    "__builtin__.bytearray": "bytes",
    "_codecs.encode": "encode",
    "pandas.core.frame.DataFrame": "frame",
    "pandas.DataFrame": "frame",
    "pandas.core.internals.managers.BlockManager": "manager",
    "pandas.core.internals.BlockManager": "manager",
    "pandas._libs.internals._unpickle_block": "block",
    "pandas.core.indexes.base._new_Index": "new_index",
    "pandas.core.indexes.base.Index": "index",
    "pandas.Index": "index",
    "pandas.core.indexes.range.RangeIndex": "range",
    "pandas.RangeIndex": "range",
    "pandas.core.indexes.numeric.Int64Index": "index",
    "pandas.arrays.ArrowStringArray": "arrow_texts",
    "pandas.core.arrays.string_arrow.ArrowStringArray": "arrow_texts",
    "pandas.StringDtype": "string_dtype",
    "pandas.core.arrays.string_.StringDtype": "string_dtype",
    "pyarrow.lib._restore_array": "restore",
    "pyarrow.lib.chunked_array": "chunked",
    "pyarrow.lib.type_for_alias": "arrow_type",
    "pyarrow.lib.py_buffer": "bytes",
}
"""What a frame's pickle may name, and the kind of note that is taken of it."""


class Note:
    """What a pickle called, and with what."""

    kind = ""

    def __new__(cls, *args: Any) -> Note:
        note = super().__new__(cls)
        note.args = args
        note.state = None
        return note

    def __init__(self, *args: Any) -> None:
        self.args: tuple[Any, ...] = args
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class NoteReader(pickle.Unpickler):
    """Finds notes where others find classes and functions; `load` raises UnpicklingError at any other name."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self._kinds: dict[str, type[Note]] = {}

    def find_class(self, module: str, name: str) -> type[Note]:
        full = f"{module}.{name}"
        if full not in _NAMES:
            raise pickle.UnpicklingError(f"it names {full[:120]!r}, which is no part of a table")
        return self._kinds.setdefault(full, type(name, (Note,), {"kind": _NAMES[full]}))
