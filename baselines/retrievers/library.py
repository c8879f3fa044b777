"""The library that a retriever is fitted on: thought templates, and the queries they came from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release
from llmfusionbench.release.references import rows_of
from llmfusionbench.texts.near_duplicates import NearDuplicateIndex
from llmfusionbench.types import CRITERIA, POOLS

_KIND: Final = ("criterion", "pool", "summarizer")
_PER_TEMPLATE: Final = ("query_ids", "prompts", "tasks", "domains", "templates")
_PART: Final = 2**16
"""Templates whose prompts are hashed at a time (about 200 MB)."""


@dataclass(frozen=True)
class TemplateLibrary:
    """N templates; every list is as long as `template_ids`."""

    query_ids: list[str]
    """The queries whose answers the templates were distilled from."""
    template_ids: list[str]
    """Unique."""
    prompts: list[str]
    """The texts of those queries, which a new prompt is compared with."""
    tasks: list[str]
    domains: list[str]
    templates: list[str]
    """The texts of the templates."""
    sources: list[list[str]] = field(default_factory=list)
    """The candidates whose answers each was distilled from; empty if the answers are not needed."""

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in _PER_TEMPLATE}
        if self.sources:
            lengths["sources"] = len(self.sources)
        for name, length in lengths.items():
            if length != len(self.template_ids):
                raise InputError(
                    f"TemplateLibrary: {length} {name} for {len(self.template_ids)} template_ids. Remedy: pass one per template"
                )
        if len(set(self.template_ids)) != len(self.template_ids):
            twice = next(i for i in self.template_ids if self.template_ids.count(i) > 1)
            raise InputError(f"TemplateLibrary: template {twice} occurs twice. Remedy: keep one row per template_id")
        if any(prompt is None for prompt in self.prompts):
            raise InputError("TemplateLibrary: a prompt is missing. Remedy: drop templates whose query has no text")

    def __len__(self) -> int:
        return len(self.template_ids)

    def __repr__(self) -> str:
        return f"TemplateLibrary({len(self):,} templates of {len(set(self.tasks))} tasks)"

    @cached_property
    def place(self) -> dict[str, int]:
        """Template id -> position."""
        return {template_id: i for i, template_id in enumerate(self.template_ids)}

    @cached_property
    def near_duplicates(self) -> list[tuple[int, NearDuplicateIndex]]:
        """Per part of the library, its start and an index that finds near-duplicates among its prompts."""
        return [(start, NearDuplicateIndex(self.prompts[start : start + _PART])) for start in range(0, len(self), _PART)]

    @cached_property
    def domain_of(self) -> dict[str, str]:
        """Task -> domain."""
        return dict(zip(self.tasks, self.domains, strict=True))

    def ordered(self) -> TemplateLibrary:
        """The same library, ordered by template id."""
        order = sorted(range(len(self)), key=self.template_ids.__getitem__)
        columns = {name: [getattr(self, name)[i] for i in order] for name in ("template_ids", *_PER_TEMPLATE)}
        return replace(self, **columns, sources=[self.sources[i] for i in order] if self.sources else [])

    @classmethod
    def of(
        cls, release: Release, *, criterion: str = "performance", pool: str = "all", summarizer: str | None = None
    ) -> TemplateLibrary:
        """The templates of one kind that were made from the train queries of a release, by template id.

        Templates of queries whose text the release does not hold are skipped.

        Args:
            release: A release with templates.
            criterion: How the answers behind them were chosen: `performance`, `judge` or `hybrid`.
            pool: The LLMs whose answers were eligible: `small` or `all`.
            summarizer: Their summarizer; needed if the release has several.

        Raises:
            UnknownNameError: There is no such criterion or pool.
            InputError: The release has no such templates, or those of several summarizers and none was named.
        """
        for noun, name, known in (("criterion", criterion, CRITERIA), ("pool", pool, POOLS)):
            if name not in known:
                raise UnknownNameError(noun, name, known)
        rows = _rows(release, criterion, pool, summarizer)
        queries = release.rows("queries", "train", columns=["query_id", "prompt", "task", "domain"])
        texts = queries.take(rows_of(rows["query_id"], queries["query_id"], "thought_templates", "queries"))
        known_text = pc.is_valid(texts["prompt"])
        rows, texts = rows.filter(known_text), texts.filter(known_text)
        if not rows.num_rows:
            raise InputError(f"{release.path}: has no text of any query with a template. Remedy: build it with prompts")
        return cls(
            rows["query_id"].to_pylist(),
            rows["template_id"].to_pylist(),
            texts["prompt"].to_pylist(),
            texts["task"].to_pylist(),
            texts["domain"].to_pylist(),
            rows["template"].to_pylist(),
            rows["sources"].to_pylist(),
        )


def _rows(release: Release, criterion: str, pool: str, summarizer: str | None) -> pa.Table:
    """The rows of one kind."""
    wanted = f"criterion {criterion}, pool {pool}" + (f", summarizer {summarizer}" if summarizer else "")
    found = release.manifest["tables"].get("thought_templates", {"splits": {}})["splits"]
    if "train" not in found:
        raise InputError(f"{release.path}: has no thought templates. Remedy: run llmfusionbench templates build")
    kind = (ds.field("criterion") == criterion) & (ds.field("pool") == pool)
    if summarizer is not None:
        kind &= ds.field("summarizer") == summarizer
    rows = release.rows("thought_templates", "train", filter=kind)
    if not rows.num_rows:
        all_rows = release.rows("thought_templates", "train", columns=list(_KIND))
        kinds = all_rows.group_by(list(_KIND)).aggregate([([], "count_all")]).to_pylist()
        has = sorted(f"{k['criterion']}/{k['pool']} by {k['summarizer']} ({k['count_all']:,})" for k in kinds)
        raise InputError(
            f"{release.path}: no thought templates of {wanted}, it has {', '.join(has) or 'none'}. "
            "Remedy: change --criterion, --pool or --summarizer, or run llmfusionbench templates build"
        )
    names = sorted(pc.unique(rows["summarizer"].cast(pa.string())).to_pylist())
    if len(names) > 1:
        raise InputError(
            f"{release.path}: thought templates of {wanted} by {len(names)} summarizers: {', '.join(names)}. "
            "Remedy: name one with --summarizer"
        )
    return rows.sort_by("template_id")
