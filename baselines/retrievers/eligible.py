"""Which templates a query may retrieve: restrictions to task or domain, and the exclusion of templates made from itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.retrievers.library import TemplateLibrary
from llmfusionbench.errors import InputError, UnknownNameError

WITHIN: Final = ("any", "domain", "task")
"""The scope of hits: any template, the query's domain, or its task."""

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Eligible:
    """For n queries and N templates: a query may retrieve the templates of its group, except those excluded."""

    row_group: Places
    """[n] group of every query; -1 for a query that retrieves none, such as one without a text."""
    column_group: Places
    """[N] group of every template."""
    shut_rows: Places
    """[m] sorted; with `shut_columns`, the excluded pairs of query and template."""
    shut_columns: Places
    """[m]"""

    def groups(self) -> Iterator[tuple[Places, Places]]:
        """Positions of the queries and of the templates of every group that has both."""
        for group in np.unique(self.row_group[self.row_group >= 0]).tolist():
            columns = np.flatnonzero(self.column_group == group)
            if len(columns):
                yield np.flatnonzero(self.row_group == group), columns

    def shut(self, rows: Places, columns: Places) -> tuple[Places, Places]:
        """The excluded pairs, as positions within `rows` and `columns` (both sorted)."""
        if not len(rows) or not len(columns):
            return rows[:0], columns[:0]
        at_row = np.minimum(np.searchsorted(rows, self.shut_rows), len(rows) - 1)
        at_column = np.minimum(np.searchsorted(columns, self.shut_columns), len(columns) - 1)
        inside = (rows[at_row] == self.shut_rows) & (columns[at_column] == self.shut_columns)
        return at_row[inside], at_column[inside]

    def may(self, rows: Places, columns: Places) -> npt.NDArray[np.bool_]:
        """[m] of each pair, whether the query may retrieve the template."""
        width = len(self.column_group) + 1
        shut = np.isin(rows * width + columns, self.shut_rows * width + self.shut_columns)
        groups = self.row_group[rows]
        inside: npt.NDArray[np.bool_] = ~shut & (groups >= 0) & (groups == self.column_group[columns])
        return inside

    def counts(self) -> Places:
        """[n] the number of templates that each query may retrieve."""
        sizes = np.bincount(self.column_group, minlength=int(self.row_group.max(initial=-1)) + 1)
        found = np.where(self.row_group >= 0, sizes[np.maximum(self.row_group, 0)], 0)
        inside = self.row_group[self.shut_rows] == self.column_group[self.shut_columns]
        return found - np.bincount(self.shut_rows[inside], minlength=len(found))

    def pairs(self) -> int:
        """The number of excluded pairs within the groups."""
        return int((self.row_group[self.shut_rows] == self.column_group[self.shut_columns]).sum())


def eligible(
    library: TemplateLibrary,
    prompts: Sequence[str | None],
    *,
    query_ids: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    domains: Sequence[str] | None = None,
    within: str = "any",
) -> Eligible:
    """The templates that each of n queries may retrieve from a library.

    Excluded are templates made from the query itself (the same query_id, or an equal prompt once normalised) and those
    made from a near-duplicate (`llmfusionbench.texts.near_duplicates`: similar word triples, and the same question).
    That depends on the library and the one prompt, not on the other prompts.

    Raises:
        UnknownNameError: There is no restriction of this name.
        InputError: The restriction needs tasks or domains that were not given, or lengths differ.
    """
    if within not in WITHIN:
        raise UnknownNameError("restriction", within, WITHIN)
    for name, values in (("query_ids", query_ids), ("tasks", tasks), ("domains", domains)):
        if values is not None and len(values) != len(prompts):
            raise InputError(f"topk: {len(values)} {name} for {len(prompts)} prompts. Remedy: pass one per prompt")
    wanted = {"any": [""] * len(prompts), "task": tasks, "domain": domains}[within]
    if wanted is None:
        raise InputError(f'topk: within is "{within}" and no {within}s are given. Remedy: pass {within}s=, one per prompt')
    held = {"any": [""] * len(library), "task": library.tasks, "domain": library.domains}[within]
    code = {name: i for i, name in enumerate(sorted(set(held)))}
    blank = [prompt is None or not prompt.strip() for prompt in prompts]
    row_group = np.array([-1 if b else code.get(name, -1) for name, b in zip(wanted, blank, strict=True)], np.int64)
    shut = _own_and_near(library, prompts, query_ids)
    return Eligible(row_group, np.array([code[name] for name in held], np.int64), shut[:, 0], shut[:, 1])


def _own_and_near(library: TemplateLibrary, prompts: Sequence[str | None], query_ids: Sequence[str] | None) -> Places:
    """[m, 2] pairs, sorted by query: of its own id, or with a prompt that equals or nearly equals the template's."""
    pairs = {(row, start + column) for start, index in library.near_duplicates for row, column in index.pairs(prompts).tolist()}
    if query_ids is not None:
        made_of: dict[str, list[int]] = {}
        for column, name in enumerate(library.query_ids):
            made_of.setdefault(name, []).append(column)
        pairs |= {(row, column) for row, name in enumerate(query_ids) for column in made_of.get(name, ())}
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)
