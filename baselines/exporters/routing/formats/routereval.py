"""RouterEval's npz: per split, the prompts and a matrix of scores."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import IO, Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.exporters.routing.selection import Selection
from llmfusionbench.errors import InputError

SPLITS: Final = {"train": "train", "partial_test": "val", "test": "test"}
"""Our split -> its name in the file."""

_LARGEST: Final = 2 << 30
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


class RouterEval:
    """`{train,val,test}_{prompt,score}`, and beside them `_task`, `candidates` and `provenance`. No array needs a pickle.

    Every text in an array takes the space of the longest, so one huge prompt makes all of them huge.
    """

    reader: str | None = "routereval"
    holds = "prompt, task, performance as float64"
    missing = "NaN"
    lost = "costs, answers, tokens, references, metrics, judges' scores"

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """One file.

        Raises:
            InputError: A text ends in a zero character, which numpy removes; or the texts need more than 2 GiB.
        """
        selection.check_prompts("routereval")
        name = "routereval.npz"
        queries = 0
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for split in selection.splits:
                theirs = SPLITS[split]
                for column, member in (("prompt", f"{theirs}_prompt"), ("task", f"{theirs}_task")):
                    _write_texts(archive, member, selection, split, column)
                score = selection.measures(split)["performance"]
                with _member(archive, f"{theirs}_score") as file:
                    np.lib.format.write_array(file, np.ascontiguousarray(score), allow_pickle=False)
                queries += len(score)
            for member, texts in (("candidates", selection.candidates), ("provenance", [selection.provenance])):
                _check_ends(texts, f"routereval: {member}")
                with _member(archive, member) as file:
                    np.lib.format.write_array(file, np.array(texts, np.str_), allow_pickle=False)
        return {name: queries}


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    entry = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return archive.open(entry, "w", force_zip64=True)


def _write_texts(archive: zipfile.ZipFile, member: str, selection: Selection, split: str, column: str) -> None:
    """Write the texts of a column as an array, one block in memory at a time."""
    longest, rows = 1, 0
    for block in selection.blocks(split):
        texts = block.queries[column].to_pylist()
        _check_ends(texts, f"routereval: {column} of split {split}")
        longest, rows = max(longest, *map(len, texts)), rows + len(texts)
    if 4 * longest * rows > _LARGEST:
        raise InputError(
            f"routereval: {rows:,} texts with the room of the longest, {longest:,} characters, "
            f"need {4 * longest * rows >> 20:,} MiB, expected up to 2,048. "
            "Remedy: choose another format, or drop the query with the huge text"
        )
    dtype = np.dtype(f"<U{longest}")
    with _member(archive, member) as file:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": dtype.str, "fortran_order": False, "shape": (rows,)})
        file.write(header.getvalue())
        for block in selection.blocks(split):
            array: npt.NDArray[np.str_] = np.array(block.queries[column].to_pylist(), dtype)
            file.write(array.tobytes())


def _check_ends(texts: list[str], what: str) -> None:
    for text in texts:
        if text.endswith("\0"):
            raise InputError(f"{what}: a text ends in a zero character, which numpy removes. Remedy: choose another format")
