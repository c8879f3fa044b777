"""What a pickle would take of the memory, found from its opcodes before it is loaded: one opcode can ask for gigabytes."""

from __future__ import annotations

import pickle
import pickletools
import sys
from typing import Final

_SLOT: Final = 16
"""Bytes for a place on the stack or in the memo."""
_MADE: Final = {
    "EMPTY_SET": 232, "FROZENSET": 232, "EMPTY_DICT": 80, "DICT": 240, "EMPTY_LIST": 80, "LIST": 80, "EMPTY_TUPLE": 0,
    "TUPLE": 64, "TUPLE1": 64, "TUPLE2": 64, "TUPLE3": 80, "REDUCE": 300, "NEWOBJ": 300, "NEWOBJ_EX": 300, "OBJ": 300,
    "INST": 300, "SETITEM": 120, "SETITEMS": 120, "ADDITEMS": 120,
}  # fmt: skip
"""Bytes for what an opcode makes, beside its argument."""
_MEMO: Final = ("PUT", "BINPUT", "LONG_BINPUT")


def check_pickle(data: bytes, budget: int) -> None:
    """Raises UnpicklingError if loading `data` would take more than about `budget` bytes."""
    taken = 0
    for number, (opcode, argument, place) in enumerate(pickletools.genops(data)):
        name, size = opcode.name, argument if isinstance(argument, int) else 0
        if name in _MEMO and size > number:
            raise pickle.UnpicklingError(f"opcode {number} puts value {size:,} into the memo, expected up to {number:,}")
        if name == "FRAME" and size > len(data) - (place or 0):
            raise pickle.UnpicklingError(f"a frame of {size:,} bytes, expected up to the end of the file")
        taken += _SLOT + _MADE.get(name, 0) + (0 if argument is None else sys.getsizeof(argument))
        if taken > budget:
            raise pickle.UnpicklingError(f"it would take more than {budget >> 20:,} MiB of memory. See --max-record-mib")
