"""Counting tokens again: a new release with the token counts of one tokenizer, and their costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.prices import cost_of
from llmfusionbench.builders.making.views import with_columns
from llmfusionbench.builders.revising.derive import Conclusion, Revised, derive
from llmfusionbench.engines import Engine
from llmfusionbench.release import Release
from llmfusionbench.release.references import lookup
from llmfusionbench.release.shard_store import ShardStore
from llmfusionbench.release.shards import Shard, ShardTables
from llmfusionbench.texts.tokens import count_tokens, encoding, fast_counter
from llmfusionbench.types import THINK, Progress

_COUNTS: Final = "counts"


@dataclass(frozen=True)
class RecountReport:
    """Results of a recount. Sums are over the answers that have the figure."""

    answers: int
    counted: int
    """Answers whose tokens were counted, because they have a prompt and a text. The others keep the counts of their log."""
    input_tokens: int
    output_tokens: int
    costed: int
    """Answers with a cost, because they have both counts and their LLM has both prices."""
    cost_before: float
    """USD, as the release had it."""
    cost_after: float
    """USD, at list price."""
    release: Release | None = None
    resumed: int = 0
    """Shards that an interrupted earlier run had finished."""


def recount(
    release: Release | str | Path,
    out: str | Path,
    *,
    tokenizer: str,
    fast: bool = False,
    workers: int | None = None,
    engine: str | Engine = "local",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> RecountReport:
    """Count the tokens of every prompt and answer, price them, and write the result as another release.

    The cost of an answer is (input tokens x input price + output tokens x output price) / 1e6 by the table `llms`, and null
    where any of these is null; a cost that the log states is not used.

    Args:
        release: A release, or its name: "sample", a directory, "org/name".
        out: Directory of the new release, written atomically.
        tokenizer: A tiktoken encoding such as `cl100k_base`; every row that it counted names it.
        fast: Count with toktok-rs and check a sample against tiktoken.
        workers: Number of processes; by default one per core. Any number gives the same bytes.
        engine: What runs the shards: `local`, processes of this machine, or `ray`, tasks of a Ray cluster; with the same bytes.
        overwrite: Replace an existing release, which may be `release` itself.
        progress: Called as progress(stage, done, total).

    Raises:
        UnknownNameError: the tokenizer is not known.
        InputError: its ranks are not available, or `out` cannot be written.
        MissingExtraError: `fast`, and toktok-rs is not installed.
        ReleaseError: `release` is damaged.
    """
    encoding(tokenizer)
    if fast:
        fast_counter(tokenizer)
    revision = Recounting(tokenizer, fast)
    report: RecountReport = derive(
        release, out, revision, workers=workers, engine=engine, overwrite=overwrite, progress=progress
    )
    return report


@dataclass(frozen=True)
class Recounting:
    """The revision that counts tokens again."""

    tokenizer: str
    fast: bool

    @property
    def name(self) -> str:
        return "tokens"

    @property
    def table(self) -> Literal["responses"]:
        return "responses"

    def options(self) -> dict[str, Any]:
        return {"tokenizer": self.tokenizer}  # the faster counter gives the same counts

    def prepare(self, shards: Sequence[Shard], store: ShardStore, workers: int, tell: Progress) -> None:
        """Nothing to prepare."""

    def revise(self, shard: Shard, tables: ShardTables, store: ShardStore, workers: int) -> Revised:
        """Count the tokens of the shard's responses, and price them."""
        old = tables.responses
        sent, answered, thought = self._counts(tables)
        counted = pc.and_(sent.is_valid(), answered.is_valid())
        thought = pc.coalesce(thought, old["reasoning_tokens"])  # of reasoning whose text the log lacks, its own count
        written = pc.add(answered, pc.fill_null(thought, 0))
        columns = {
            "input_tokens": pc.if_else(counted, sent, old["input_tokens"]),
            "output_tokens": pc.if_else(counted, written, old["output_tokens"]),
            "reasoning_tokens": pc.if_else(pc.and_(counted, thought.is_valid()), thought, old["reasoning_tokens"]),
            "tokenizer": pc.if_else(counted, self.tokenizer, old["tokenizer"]),
        }
        cached = old["cached_tokens"]  # by the log's count, which may be above this one
        columns["cached_tokens"] = pc.if_else(pc.greater(cached, columns["input_tokens"]), pa.scalar(None, pa.int64()), cached)
        new = with_columns(old, columns)
        new = with_columns(new, {"cost_usd": cost_of(new, tables.llms)})
        figures = {
            "answers": new.num_rows,
            "counted": pc.sum(counted).as_py() or 0,
            "input_tokens": pc.sum(new["input_tokens"]).as_py() or 0,
            "output_tokens": pc.sum(new["output_tokens"]).as_py() or 0,
            "costed": new.num_rows - new["cost_usd"].null_count,
            "cost_before": pc.sum(old["cost_usd"]).as_py() or 0.0,
            "cost_after": pc.sum(new["cost_usd"]).as_py() or 0.0,
        }
        return Revised(new, {_COUNTS: pa.Table.from_pylist([figures])})

    def _counts(self, tables: ShardTables) -> tuple[pa.Array, pa.Array, pa.Array]:
        """[n] each: tokens of the prompt that was sent, of the answer and of its reasoning; null where the text is missing."""
        queries, responses = tables.queries, tables.responses
        prompts = queries["prompt"], pc.coalesce(queries["prompt_think"], queries["prompt"])
        together = pa.chunked_array([*prompts[0].chunks, *prompts[1].chunks], prompts[0].type)
        tokens = self._tokens(together)  # in one go, since most are the same
        counted = {
            name: pa.table({"query_id": queries["query_id"], "tokens": tokens.slice(start, len(queries))})
            for name, start in (("direct", 0), ("think", len(queries)))
        }
        sent = {name: lookup(t, "query_id", responses["query_id"], ("tokens",))["tokens"] for name, t in counted.items()}
        thinking = pc.equal(responses["mode"], THINK)
        by_mode = pc.if_else(thinking, sent["think"], sent["direct"])
        return by_mode.combine_chunks(), self._tokens(responses["response"]), self._tokens(responses["reasoning"])

    def _tokens(self, texts: pa.ChunkedArray) -> pa.Array:
        return count_tokens(texts.combine_chunks(), self.tokenizer, fast=self.fast)

    def conclude(self, shards: Sequence[Shard], store: ShardStore, root: Path) -> Conclusion:
        """Add up the shards, in their order."""
        notes = [note for shard in shards if (note := store.read(_COUNTS, shard)) is not None]
        totals = {name: sum(n[name][0].as_py() for n in notes) for name in notes[0].column_names} if notes else {}
        report = RecountReport(**totals)
        return Conclusion({}, {"answers": report.answers, "counted": report.counted}, report)
