"""Two tables of the same columns become one by key: every row once, with what either side knows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.known.tasks import OTHER, UNSTATED
from llmfusionbench.builders.making.views import with_columns
from llmfusionbench.errors import ReleaseError
from llmfusionbench.release.diff import differing
from llmfusionbench.release.references import REMEDY
from llmfusionbench.schema import table_schema
from llmfusionbench.validation.issue import shorten

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

SHOWN: Final = 10
"""Number of conflicts that are kept with their values; all are counted."""

PREFERENCES: Final = ("old", "new")
"""The side that counts where both have a value: the release (`old`), or what is appended (`new`)."""


class Group(NamedTuple):
    """Columns that describe one thing: if one of them is in conflict, all are taken from the same side, with their nulls."""

    columns: tuple[str, ...]
    named: str | None = None
    """The column that names what made the other values, such as the tokenizer of counts."""
    apart: bool = False
    """Whether each side may give some of the values. If not, one side must give all, or both must agree on `named`."""


TOGETHER: Final[dict[str, tuple[Group, ...]]] = {
    "queries": (Group(("ground_truth", "choices", "metric")),),
    "llms": (Group(("parameters_b", "scale")), Group(("input_price", "output_price", "prices"))),
    "responses": (
        Group(("performance", "metric_version"), "metric_version"),
        Group(("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "tokenizer"), "tokenizer"),
        Group(
            (
                *("requested_model", "served_model", "endpoint", "service_tier"),
                *("attempts", "created_at", "sampling", "latency_s"),
            ),
            apart=True,
        ),
    ),
    "judge_scores": (Group(("score", "reason", "rubric", "served_model", "prompt_sha256", "distribution"), "score"),),
}
"""The groups of each table. The last one of `responses` describes the call."""

_OF_ONE_PROMPT: Final = Group(TOGETHER["queries"][0].columns, apart=True)
"""The group of a query in the logs of two tools: what one of them states holds for the prompt of both."""

FOLLOWS: Final = {"cost_usd": ("input_tokens", "output_tokens")}
"""Column -> those that its value follows from, unless it is stated; a conflict in their group is one of theirs."""

WHOLE: Final[dict[str, tuple[str, ...]]] = {
    "responses": ("response", "reasoning", "status", "error", "finish_reason"),
    "judge_scores": ("score", "reason", "rubric", "served_model", "prompt_sha256", "distribution", "created_at"),
    "thought_templates": ("template", "sources"),
}
"""Columns that tell one answer from another: if one of them is in conflict, the whole row is taken from the same side."""

SAME: Final = {"responses": "response"}
"""Table -> the text by which two rows are known to be the same answer. Without it, a row in conflict is taken whole, too."""


LOOSE: Final = ("source_id", "prompt", "prompt_think", "messages")
"""Columns of a query that logs of two tools write in their own ways. Equal ids show that the prompts say the same."""


@dataclass(frozen=True)
class Rules:
    """How two values for the same row become one."""

    prefer: str | None = None
    """Side whose values count in a conflict; by default those of `old`, for the caller to reject."""
    loose: bool = False
    """Whether the two are logs of different tools. Then the first `source_id` and prompt of a query count, white space around
    a ground truth does not, and the metrics of `UNSTATED` and the domain `other` give way to one that says more."""
    replicates: bool = False
    """Whether two different answers of a candidate to a query are both kept, those of `new` under higher numbers."""


@dataclass(frozen=True)
class Clash:
    """A value that both sides state differently."""

    table: str
    column: str
    key: str
    old: str
    new: str


@dataclass
class Clashes:
    """The conflicts of some rows: all of them counted, the first ones with their values."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    """(table, column) -> number of rows."""
    shown: list[Clash] = field(default_factory=list)

    def add(self, other: Clashes) -> None:
        """Add those of other rows."""
        for place, count in other.counts.items():
            self.counts[place] = self.counts.get(place, 0) + count
        self.shown = [*self.shown, *other.shown][:SHOWN]


class Merged(NamedTuple):
    """The rows of both sides."""

    rows: pa.Table
    """Sorted by key."""
    clashes: Clashes
    torn: pa.Table
    """Keys of the rows that are, or may be, two different answers, of which the preferred one was taken."""


def merge(
    name: str,
    old: pa.Table,
    new: pa.Table,
    rules: Rules,
    places: tuple[object, object],
    derived: Mapping[str, tuple[Mask, Mask]] | None = None,
) -> Merged:
    """The rows of both, and the conflicts between them.

    A null of one side gives way to the value of the other, and an answer that was never asked for (`missing`) to one that was.

    Args:
        name: The table.
        old: [n] rows of the release.
        new: [m] rows to append, in the same columns.
        rules: How two values become one.
        places: The two releases, for messages.
        derived: Column -> [n] and [m] whether its value follows from others; two such values are no conflict.

    Raises:
        ReleaseError: one side has a key twice.
    """
    schema = table_schema(name)
    key = list(schema.key)
    if not new.num_rows and not old.num_rows:
        return Merged(old, Clashes(), old.select(key))
    codes = key_codes(old.select(key), new.select(key))
    for rows, mine, place in zip((old, new), codes, places, strict=True):
        _check_once(name, rows.select(key), mine, place)
    both, mates, extra = _match(*codes)
    values = [c for c in schema.arrow.names if c not in key]
    taken, clashes, torn = _choose(name, old, new, values, (both, mates), rules, derived or {})
    base = np.concatenate([np.arange(old.num_rows), old.num_rows + extra])
    keys = pa.concat_tables([old.select(key), new.select(key).take(pa.array(extra))])
    order = pc.sort_indices(keys, sort_keys=[(k, "ascending") for k in key]).to_numpy()
    unchanged = not len(extra) and bool((order == np.arange(len(order))).all())
    columns = []
    for column in old.column_names:
        mask = taken.get(column)
        if unchanged and (mask is None or not mask.any()):
            columns.append(old[column])
            continue
        index = base.copy()
        if mask is not None:
            index[both[mask]] = old.num_rows + mates[mask]
        stacked = pa.chunked_array([*old[column].chunks, *new[column].chunks], old.schema.field(column).type)
        columns.append(stacked.combine_chunks().take(pa.array(index[order])))
    return Merged(pa.table(columns, schema=old.schema), clashes, old.select(key).take(pa.array(torn)))


def key_codes(old: pa.Table, new: pa.Table) -> tuple[Rows, Rows]:
    """[n] and [m] a number for the key of every row, the same for the same key; null is a value of its own."""
    codes = np.zeros(old.num_rows + new.num_rows, np.int64)
    span = 1
    for column in old.column_names:
        values = pa.chunked_array([*old[column].chunks, *new[column].chunks], old.schema.field(column).type)
        encoded = pc.dictionary_encode(values, null_encoding="encode").combine_chunks()
        size = max(1, len(encoded.dictionary))
        if span * size >= 2**62:
            codes = np.unique(codes, return_inverse=True)[1].reshape(-1).astype(np.int64)
            span = len(codes)
        codes = codes * size + encoded.indices.to_numpy()
        span *= size
    return codes[: old.num_rows], codes[old.num_rows :]


def _check_once(name: str, keys: pa.Table, codes: Rows, place: object) -> None:
    _, first = np.unique(codes, return_index=True)
    if len(first) < len(codes):
        again = int(np.setdiff1d(np.arange(len(codes)), first)[0])
        raise ReleaseError(f"{place}: table {name}, row {_shown_key(keys, again)} is there twice, expected once. {REMEDY}")


def _match(old: Rows, new: Rows) -> tuple[Rows, Rows, Rows]:
    """Rows of `old` with a key that `new` has, the rows of `new` with these keys, and the other rows of `new`."""
    order = np.argsort(old, kind="stable")
    place = np.searchsorted(old, new, sorter=order)
    rows = np.append(order, -1)[place]
    found = (rows >= 0) & (np.append(old, -1)[rows] == new)
    both, mates = rows[found], np.flatnonzero(found)
    by_row = np.argsort(both)
    return both[by_row], mates[by_row], np.flatnonzero(~found)


def _choose(
    name: str,
    old: pa.Table,
    new: pa.Table,
    values: Sequence[str],
    pairs: tuple[Rows, Rows],
    rules: Rules,
    derived: Mapping[str, tuple[Mask, Mask]],
) -> tuple[dict[str, Mask], Clashes, Rows]:
    """Column -> whether each pair of rows takes its value from `new`; the conflicts; and the rows of other answers in `old`."""
    both, mates = pairs
    if not len(both):
        return {}, Clashes(), both
    left, right = old.select(values).take(pa.array(both)), new.select(values).take(pa.array(mates))
    yields, stays = _never_asked(left, right) if name == "responses" else (np.zeros(len(both), bool),) * 2
    loose = rules.loose and name == "queries"
    compared = _as_said(left, right) if loose else [left, right]
    newer = rules.prefer == "new"
    fills, gives, clashing = {}, {}, {}
    for column in values:
        absent, other = (side[column].is_null().to_numpy() for side in compared)
        fills[column], gives[column] = (mask & ~yields & ~stays for mask in (absent & ~other, other & ~absent))
        clash = differing(*(side[column] for side in compared)) & ~absent & ~other & ~yields & ~stays
        clash &= not (loose and column in LOOSE)
        if column in derived:
            here, there = derived[column]
            clash &= ~(here[both] & there[mates])
        clashing[column] = clash
    taken = dict(fills)
    unsettled: dict[str, Mask] = {}
    for group in [*(Group((column,)) for column in values), *((_OF_ONE_PROMPT,) if loose else TOGETHER.get(name, ()))]:
        clash = _any(clashing, group.columns)
        split = _split(group, fills, gives) & ~clash
        clashing |= {column: clashing[column] | split & (fills[column] | gives[column]) for column in group.columns}
        unsettled |= dict.fromkeys(group.columns, clash | split)
        taken |= {column: np.where(clash | split, newer, fills[column]) for column in group.columns}
    for column, (follows, _) in derived.items():
        clash = _any(unsettled, FOLLOWS[column])
        clash &= follows[both] | left[column].is_null().to_numpy()
        taken[column] = np.where(clash, newer, taken[column])
    torn = np.zeros(len(both), bool) if name not in WHOLE else _any(clashing, WHOLE[name])
    if name in SAME:
        same = pc.fill_null(pc.equal(left[SAME[name]], right[SAME[name]]), False).to_numpy()
        torn |= _any(clashing, values) & ~(same & ~_any(fills, WHOLE[name]) & ~_any(gives, WHOLE[name]))
    taken = {column: np.where(torn, newer, mask) for column, mask in taken.items()}
    taken = {column: (mask | yields) & ~stays for column, mask in taken.items()}
    return taken, _described(name, (old, left, right), both, clashing), both[torn]


_DEFAULTS: Final = {"metric": UNSTATED, "domain": (OTHER,)}
"""Column of a query -> its values where a log states none, those that say more first."""


def _as_said(*sides: pa.Table) -> list[pa.Table]:
    """The same queries of two tools as they are compared: ground truths without white space around them, and a null in place
    of a metric or a domain that is a default, if that of the other side says more."""
    said = [{"ground_truth": pc.utf8_trim_whitespace(side["ground_truth"])} for side in sides]
    for column, defaults in _DEFAULTS.items():
        ranks = [pc.fill_null(pc.index_in(side[column], value_set=pa.array(defaults)), -1) for side in sides]
        for i, side in enumerate(sides):
            yields = pc.greater(ranks[i], ranks[1 - i])
            said[i][column] = pc.if_else(yields, pa.scalar(None, pa.string()), side[column])
    return [with_columns(side, columns) for side, columns in zip(sides, said, strict=True)]


def _split(group: Group, fills: Mapping[str, Mask], gives: Mapping[str, Mask]) -> Mask:
    """Whether each side has a part of a group which the other lacks, and the parts may not be of the same whole."""
    split = _any(fills, group.columns) & _any(gives, group.columns)
    if group.named is not None:
        split &= fills[group.named] | gives[group.named]
    return split if not group.apart else np.zeros_like(split)


def _any(masks: Mapping[str, Mask], columns: Sequence[str]) -> Mask:
    """Where one of some columns is marked."""
    return np.asarray(np.logical_or.reduce([masks[column] for column in columns]), bool)


def _never_asked(left: pa.Table, right: pa.Table) -> tuple[Mask, Mask]:
    """Whether the left of each pair of answers was never asked for and the right was; and the other way round."""
    lost, other = (pc.equal(side["status"], "missing").to_numpy() for side in (left, right))
    return lost & ~other, other & ~lost


def _described(name: str, sides: tuple[pa.Table, pa.Table, pa.Table], both: Rows, clashing: dict[str, Mask]) -> Clashes:
    old, left, right = sides
    found = Clashes({(name, column): int(mask.sum()) for column, mask in clashing.items() if mask.any()})
    places = sorted((row, column) for _, column in found.counts for row in np.flatnonzero(clashing[column])[:SHOWN].tolist())
    keys = old.select(list(table_schema(name).key))
    for row, column in places[:SHOWN]:
        said = [shorten(side[column][row].as_py()) for side in (left, right)]
        found.shown.append(Clash(name, column, _shown_key(keys, int(both[row])), *said))
    return found


def _shown_key(keys: pa.Table, row: int) -> str:
    values = (keys[name][row].as_py() for name in keys.column_names)
    return ", ".join(shorten(value).strip('"') for value in values if value is not None)
