"""Names of LLMs that are ends of paths, told apart over all records of a build, whatever their order.

`/ckpt/A/llama-8b` is `llama-8b` as long as no other LLM of the build may have that name. A second path with that end makes both
longer, `A/llama-8b` and `B/llama-8b`. So does a record that calls its LLM `llama-8b` as such: it may mean another one, and two
LLMs in one row are an error that no figure shows, while one LLM in two rows is seen and can be merged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.views import with_columns
from llmfusionbench.builders.reading.absent import listed
from llmfusionbench.builders.reading.model_names import endings


def told_apart(paths: Iterable[str], others: Container[str] = ()) -> dict[str, str]:
    """Path -> its name: the shortest of its endings that no other path has and that is not one of `others`, else all of it."""
    distinct = sorted({*paths})
    having = Counter(ending for path in distinct for ending in {*endings(path)})
    return {
        path: next((ending for ending in endings(path) if having[ending] == 1 and ending not in others), path)
        for path in distinct
    }


class PathNames:
    """The LLMs that the records of a build name, by paths and as such."""

    def __init__(self) -> None:
        self._paths: set[str] = set()
        self._plain: set[str] = set()

    def add(self, records: pa.RecordBatch) -> list[str]:
        """Note the LLMs of normal records; those among them, a path for each that is named by one."""
        llms, paths = records.column("llm"), records.column("llm_path")
        stated = pc.unique(paths.filter(llms.is_valid())).drop_null().to_pylist()
        plain = pc.unique(llms.filter(paths.is_null()) if stated else llms).drop_null().to_pylist()
        self._paths.update(stated)
        self._plain.update(plain)
        return [*plain, *stated]

    def settled(self) -> dict[str, str]:
        """Path -> the name of its LLM."""
        return told_apart(self._paths, self._plain)

    def lengthened(self) -> dict[str, str]:
        """The same for those paths whose LLM has not the name that the path has by itself."""
        return {path: name for path, name in self.settled().items() if name != endings(path)[0]}

    def notes(self) -> Iterator[str]:
        """What the user must know of the names that were made longer, a text for each name that several LLMs would have."""
        alike: dict[str, list[str]] = {}
        for path, name in self.lengthened().items():
            alike.setdefault(endings(path)[0], []).append(name)
        for short, names in alike.items():
            other = [short] if short in self._plain else []
            how = "by the end of a path and as such" if other else "by the ends of their paths"
            found = [*other, *sorted(names)]
            yield (
                f"LLMs: {len(found):,} are named {short}, {how}; they are {listed(found)}. If they are one, "
                "build the log of each by itself, where the name stays short, and merge the releases"
            )


def with_names(records: pa.Table, names: Mapping[str, str]) -> pa.Table:
    """Normal records, with the name of the LLM of each path among `names`."""
    if not names:
        return records
    place = pc.index_in(records["llm_path"], value_set=pa.array([*names], pa.string()))
    longer = pa.chunked_array([pa.array([*names.values()], pa.string()).take(chunk) for chunk in place.chunks], pa.string())
    return with_columns(records, {"llm": pc.coalesce(longer, records["llm"])})
