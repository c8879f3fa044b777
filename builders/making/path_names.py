"""Names of LLMs and judges that are ends of paths, told apart over all records of a build, whatever their order.

`/ckpt/A/llama-8b` is `llama-8b` as long as no other LLM of the build may have that name. A second path with that end makes both
longer, `A/llama-8b` and `B/llama-8b`. So does a record that calls its LLM `llama-8b` as such: it may mean another one, and two
LLMs in one row are an error that no figure shows, while one LLM in two rows is seen and can be merged. Judges are compared with
judges, in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.views import with_columns
from llmfusionbench.builders.reading.absent import listed
from llmfusionbench.builders.reading.model_names import endings, name_or_path


def told_apart(paths: Iterable[str], others: Container[str] = ()) -> dict[str, str]:
    """Path -> its name: the shortest of its endings that no other path has and that is not one of `others`, else all of it.

    One of `others` that is a path means the same as this path, which then has its whole self as its name.
    """
    distinct = sorted({*paths})
    having = Counter(ending for path in distinct for ending in {*endings(path)})
    return {
        path: path
        if path in others
        else next((ending for ending in endings(path) if having[ending] == 1 and ending not in others), path)
        for path in distinct
    }


class PathNames:
    """The LLMs, or the judges, that the records of a build name, by paths and as such."""

    def __init__(self, column: str, called: str) -> None:
        self.column = column
        self.called = called
        """What those named in the column are called in notes."""
        self._paths: set[str] = set()
        self._plain: set[str] = set()

    def add(self, records: pa.RecordBatch) -> list[str]:
        """Note the names in normal records; those among them, a path for each that is named by one."""
        names, paths = records.column(self.column), records.column(f"{self.column}_path")
        stated = pc.unique(paths.filter(names.is_valid())).drop_null().to_pylist()
        plain = pc.unique(names.filter(paths.is_null()) if stated else names).drop_null().to_pylist()
        self._paths.update(stated)
        self._plain.update(plain)
        return [*plain, *stated]

    def settled(self, given: Iterable[str]) -> dict[str, str]:
        """Name or path, this in any spelling -> the name of what it means."""
        names = told_apart(self._paths, self._plain)
        return {one: one if one in self._plain else names.get(name_or_path(one).path or one, one) for one in given}

    def lengthened(self) -> dict[str, str]:
        """The same for those paths that have not the name that they have by themselves."""
        names = told_apart(self._paths, self._plain)
        return {path: name for path, name in names.items() if name != endings(path)[0]}

    def notes(self) -> Iterator[str]:
        """What the user must know of the names that were made longer, a text for each name that several would have."""
        alike: dict[str, list[str]] = {}
        for path, name in self.lengthened().items():
            alike.setdefault(endings(path)[0], []).append(name)
        for short, names in alike.items():
            other = [short] if short in self._plain else []
            how = "by the end of a path and as such" if other else "by the ends of their paths"
            found = [*other, *sorted(names)]
            if len(found) > 1:
                yield (
                    f"{self.called}: {len(found):,} are named {short}, {how}; they are {listed(found)}. If they are one, "
                    "build the log of each by itself, where the name stays short, and merge the releases"
                )


def with_names(records: pa.Table, names: Mapping[str, Mapping[str, str]]) -> pa.Table:
    """Normal records, with the name of each path among `names`, those of a column."""
    for column, known in names.items():
        if known:
            place = pc.index_in(records[f"{column}_path"], value_set=pa.array([*known], pa.string()))
            values = pa.array([*known.values()], pa.string())
            longer = pa.chunked_array([values.take(chunk) for chunk in place.chunks], pa.string())
            records = with_columns(records, {column: pc.coalesce(longer, records[column])})
    return records
