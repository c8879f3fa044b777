"""Writes a release with thought templates: the source release, copied byte for byte, and one more table."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.revising.carry import carry_over, described
from llmfusionbench.builders.templates.jobs import Summarizer
from llmfusionbench.builders.templates.make import TABLE, Templates, make_templates, named_summarizer
from llmfusionbench.builders.templates.selection import SPLIT
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release, ReleaseWriter, open_release, write_shard
from llmfusionbench.release.writer import shard_name
from llmfusionbench.types import Progress

STEP: Final = "templates"
_JOURNAL: Final = "replies.jsonl"


@runtime_checkable
class ResumableSummarizer(Summarizer, Protocol):
    """A summarizer whose work is expensive: it keeps replies, so that a run can be resumed."""

    def options(self) -> dict[str, Any]:
        """The settings that its templates depend on."""
        ...

    def journalled(self, path: Path) -> Summarizer:
        """The same, with a file of replies at `path`."""
        ...

    def check(self) -> None:
        """Refuse settings that cannot work."""
        ...


@dataclass(frozen=True)
class BuiltTemplates:
    """A release with templates, and the account of the run."""

    release: Release
    templates: Templates
    """The templates of this run."""
    kept: int
    """Number of templates kept from the source release."""
    replaced: int
    """Number of templates of the source release that were replaced."""


def build_templates(
    release: Release | str | Path,
    out: str | Path,
    *,
    criterion: str = "performance",
    pool: str = "all",
    top: int = 3,
    summarizer: Summarizer | str = "extractive",
    min_judge_score: float = 0.5,
    limit: int | None = None,
    allow_partial: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> BuiltTemplates:
    """Make templates as `make_templates` does, and write them with everything in `release` as another release.

    Existing templates are kept, unless they have the same query, criterion, pool and summarizer. A run with an endpoint that
    is stopped, spends its budget or loses its server writes no release; the same run resumes it with the replies already
    paid for, which are kept in a hidden directory beside `out`.

    Args:
        out: Directory of the new release, written atomically.
        allow_partial: Write the templates made so far when the budget is spent or the server does not answer.
        overwrite: Replace an existing release; it may be `release` itself.

    Raises:
        ReleaseError: `release` is damaged: a file differs from its manifest.
        InputError: As for `make_templates`; or no query has a good answer, or not all templates were made; or `out` cannot be
            written, or another run is making the same.
    """
    source = (release if isinstance(release, Release) else open_release(release)).local()
    writer_of = named_summarizer(summarizer)
    resumable = isinstance(writer_of, ResumableSummarizer)
    settings = {"criterion": criterion, "pool": pool, "top": top, "summarizer": writer_of.name}
    settings |= {"min_judge_score": min_judge_score} if criterion == "judge" else {}
    if isinstance(writer_of, ResumableSummarizer):
        writer_of.check()
        settings |= writer_of.options()
    digest = _digest(source, settings) if resumable else None
    with ReleaseWriter(out, overwrite=overwrite, inputs=source.inputs, resume=digest) as writer:
        if resumable:
            writer.record("templates build", settings | {"release": str(source.path)})
        journal = writer.work / _JOURNAL
        if isinstance(writer_of, ResumableSummarizer):
            writer_of = writer_of.journalled(journal)
        try:
            made = make_templates(
                source, criterion=criterion, pool=pool, top=top, summarizer=writer_of,
                min_judge_score=min_judge_score, limit=limit, progress=progress,
            )  # fmt: skip
            _check(made, Path(out), allow_partial)
        except BaseException:
            if resumable and not journal.exists():
                writer.keep = False  # there is no reply that another run could use
            raise
        rows, replaced = _merged(source, made.table)
        files = dict(carry_over(source, writer.path, but=_redone))
        name = shard_name(TABLE, SPLIT, 0, 1)
        files[name] = write_shard(writer.path, name, rows)
        figures = {"templates": len(made.table), "skipped": made.skipped, "failed": made.failed, "left": made.left}
        options = {**settings, "limit": limit}
        writer.finish(files, described(source, STEP, options, figures))
    return BuiltTemplates(Release(out), made, len(rows) - len(made.table), replaced)


def _digest(source: Release, settings: dict[str, Any]) -> str:
    """A hash of the settings that replies depend on; the budget, the limit and the server's address may change."""
    parts = [STEP, source.manifest_sha256, settings]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _check(made: Templates, out: Path, allow_partial: bool) -> None:
    """Refuse to write an incomplete release."""
    done = len(made.table)
    if made.left and not allow_partial:
        why = "; ".join(f"{count:,}: {reason}" for reason, count in made.left.items())
        raise InputError(
            f"{out}: not written, {done:,} templates are done and {sum(made.left.values()):,} are left ({why}). Remedy: run "
            "the same again, which resumes without paying twice, with a higher budget if it was spent; or use --allow-partial"
        )
    if not done:
        why = "; ".join(f"{count:,}: {reason}" for reason, count in {**made.skipped, **made.failed, **made.left}.items())
        raise InputError(
            f"{out}: not written, there is no template for any of {made.queries:,} train queries ({why}). "
            "Remedy: change the criterion, pool or summarizer"
        )


def _redone(name: str) -> bool:
    return name.startswith(f"{TABLE}/{SPLIT}-")


def _merged(source: Release, new: pa.Table) -> tuple[pa.Table, int]:
    """The source's templates of train queries and the new ones, sorted by id; and the number replaced."""
    names = [name for name in source.manifest["files"] if _redone(name)]
    if not names:
        return new, 0
    old = source.rows(TABLE, SPLIT)
    kept = old.filter(pc.invert(pc.is_in(old["template_id"], value_set=new["template_id"].combine_chunks())))
    merged = pa.concat_tables([kept, new.select(kept.column_names).cast(kept.schema)])
    return merged.sort_by("template_id").combine_chunks(), len(old) - len(kept)
