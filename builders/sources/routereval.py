"""RouterEval: npz files with the scores of many LLMs on the prompts (or their embeddings) of each split.

Arrays that need a pickle are refused. Vectors without prompts are not kept; such a query has its place in the file as its id.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.builders.reading.file_names import known_provenance, labelled, provenance_beside, stem
from llmfusionbench.builders.records import Part, Records, Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.types import Candidate

SPLITS: Final = {"train": "train", "val": "partial_test", "test": "test"}
"""Their name of a split -> ours."""

_LARGEST: Final = 4 << 30
_ROWS: Final = 1024


@dataclass(frozen=True, kw_only=True)
class RouterEval:
    """Reads RouterEval's npz files. The task is an array `train_task` ..., the option `task`, or the file's name.

    Args:
        llms: The LLMs in the order of the columns, for files without an array `candidates`.
        task: The task of every query, for files without tasks.
        split: The split of every query, in place of the file's own splits.
        provenance: How the answers came about; by default what the file or an export of ours next to it states, else
            `imported`.
    """

    llms: Sequence[str] | None = None
    task: str | None = None
    split: str | None = None
    provenance: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files."""
        for path, file in labelled(paths):
            with _arrays(path) as arrays:
                made = provenance_beside(path, self.provenance) or _stated_provenance(arrays)
                present = [name for name in SPLITS if f"{name}_score" in arrays]
                if not present:
                    raise InputError(f"{path}: no array train_score, val_score or test_score. Remedy: check the file")
                for name in present:
                    score, prompts, tasks = _split(path, arrays, name)
                    llms = self._llms(path, arrays, score.shape[1])
                    for start in range(0, len(score), _ROWS):
                        part = slice(start, start + _ROWS)
                        yield from self._parts(
                            f"{file}:{name}", start, score[part], None if prompts is None else prompts[part],
                            stem(path).removesuffix(".npz") if tasks is None else tasks[part],
                            llms, self.split or SPLITS[name], made,
                        )  # fmt: skip

    def _llms(self, path: Path, arrays: Any, width: int) -> list[str]:
        names = list(self.llms) if self.llms is not None else None
        if names is None and "candidates" in arrays:
            names = _texts(path, arrays, "candidates").tolist()
        if names is None:
            raise InputError(f"{path}: has no names for the LLMs of its {width} columns. Remedy: set --option llms=NAME,NAME")
        if len(names) != width or len(set(names)) != width or not all(names):
            raise InputError(f"{path}: {len(set(names))} names for {width} columns of scores. Remedy: one name for each")
        return names

    def _parts(
        self, file: str, first: int, score: npt.NDArray[np.float64], prompts: npt.NDArray[np.str_] | None,
        tasks: npt.NDArray[np.str_] | str, llms: list[str], split: str, made: str | None,
    ) -> Iterator[Part]:  # fmt: skip
        """The records of some queries. NaN is a missing score; an infinite score is rejected."""
        queries, width = score.shape
        rows = np.repeat(np.arange(queries), width)
        cells = score.ravel()
        for place in np.flatnonzero(np.isinf(cells)).tolist():
            name = llms[place % width]
            yield Rejected(file, first + place // width, f"score of {name} is infinite, expected 0 to 1", {"llm": name})
        wanted = np.flatnonzero(~np.isinf(cells))
        numbers = pa.array(rows[wanted] + first)
        parsed = [Candidate.parse(name) for name in llms]
        column = pa.array(wanted % width)
        missing = pa.array(np.isnan(cells[wanted]))
        task = self.task if self.task is not None else tasks
        columns = {
            "file": pa.repeat(file, len(wanted)),
            "row": numbers,
            "task": pa.repeat(task, len(wanted)) if isinstance(task, str) else _taken(task, rows[wanted]),
            "split": pa.repeat(split, len(wanted)),
            "source_id": pa.array([f"{file}:{n}" for n in numbers.to_pylist()], pa.string()) if prompts is None else None,
            "prompt": None if prompts is None else _taken(prompts, rows[wanted]),
            "metric": pa.repeat("unknown", len(wanted)),
            "llm": pa.array([c.llm for c in parsed], pa.string()).take(column),
            "mode": pa.array([c.mode for c in parsed], pa.string()).take(column),
            "status": pa.array(["ok", "missing"]).take(missing.cast(pa.int8())),
            "performance": pa.array(cells[wanted], from_pandas=True),
            "provenance": pa.repeat(made, len(wanted)) if made else None,
        }
        yield Records(pa.table({name: values for name, values in columns.items() if values is not None}))


def _taken(texts: npt.NDArray[np.str_], rows: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(texts.tolist(), pa.string()).take(pa.array(rows))


def _split(
    path: Path, arrays: Any, name: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.str_] | None, npt.NDArray[np.str_] | None]:
    """The scores [Q, C], prompts [Q] and tasks [Q] of a split."""
    score = arrays[f"{name}_score"]
    if score.ndim != 2 or score.dtype.kind not in "biuf":
        raise InputError(f"{path}: {name}_score is {score.dtype}{list(score.shape)}, expected numbers [queries, LLMs]")
    found: list[npt.NDArray[np.str_] | None] = []
    for what in ("prompt", "task"):
        texts = _texts(path, arrays, f"{name}_{what}") if f"{name}_{what}" in arrays else None
        if texts is not None and texts.shape != score.shape[:1]:
            raise InputError(f"{path}: {name}_{what} is of {list(texts.shape)}, expected the {len(score)} rows of {name}_score")
        found.append(texts)
    embed = arrays.get(f"{name}_embed")
    if embed is not None and embed.shape[:1] != score.shape[:1]:
        raise InputError(f"{path}: {name}_embed is of {list(embed.shape)}, expected the {len(score)} rows of {name}_score")
    return score.astype(np.float64), found[0], found[1]


def _texts(path: Path, arrays: Any, name: str) -> npt.NDArray[np.str_]:
    """An array of texts."""
    found = arrays[name]
    if found.dtype.kind != "U" or found.ndim != 1:
        raise InputError(f"{path}: {name} is {found.dtype}{list(found.shape)}, expected texts. Remedy: check the file")
    for row, text in enumerate(found.tolist()):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{path}: {name} is broken at row {row}, expected text that UTF-8 can write") from error
    return np.asarray(found)


def _stated_provenance(arrays: Any) -> str | None:
    if "provenance" in arrays and arrays["provenance"].dtype.kind == "U" and arrays["provenance"].size == 1:
        return known_provenance(arrays["provenance"].ravel()[0].item())
    return None


@contextmanager
def _arrays(path: Path) -> Iterator[Any]:
    """The arrays of a file by name, each read when it is asked for."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise InputError(f"{path}: one array, expected an npz of several. Remedy: check the file")
        with loaded as arrays:
            with zipfile.ZipFile(path) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
            if size > _LARGEST:
                raise InputError(f"{path}: {size >> 20:,} MiB unpacked, expected up to {_LARGEST >> 20:,}. Remedy: split it")
            yield arrays
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, MemoryError, NotImplementedError) as error:
        words = " ".join(str(error).split())
        raise InputError(
            f"{path}: not a readable npz file ({words}). Remedy: fetch it again; arrays may hold no objects"
        ) from error
