"""The card of a release on disk: its README.md, with the `configs:` that let plain `datasets` load every table.

It has the sections that need the manifest alone. The card of a published release is made by `builders.publishing.card`.
"""

from __future__ import annotations

from typing import Any, Final

import yaml

from llmfusionbench.release.card_parts import (
    about,
    changes,
    cite_paper,
    collected,
    columns_markdown,
    loading,
    row_counts,
    splits_part,
)
from llmfusionbench.release.card_text import Section, marked
from llmfusionbench.schema import TABLES
from llmfusionbench.types import sorted_splits

TITLE: Final = "LLMFusionBench release"

HERE: Final = "path/to/this/directory"
"""A release on disk does not know where it lies."""


def release_card(manifest: dict[str, Any]) -> str:
    """The text of README.md for a release with this manifest."""
    tables = [t for t in TABLES if t in manifest["tables"]]
    sections = [
        Section("How it was collected", collected(manifest), "collected"),
        Section("How to load it", loading(HERE), "load"),
        Section("Rows", row_counts(manifest), "rows"),
        Section("Splits", splits_part(manifest), "splits"),
        Section("Changes", changes(manifest), "changes"),
        Section("Fields", columns_markdown(), "fields"),
        Section("How to cite", cite_paper(), "cite"),
    ]
    head = f"# {TITLE}\n\n{marked('about', about(manifest))}\n"
    return with_front_matter(front_matter(manifest, tables), "\n".join([head, *map(str, sections)]))


def with_front_matter(data: dict[str, Any], body: str) -> str:
    """A card: its metadata as YAML between rulers, and its body."""
    return f"---\n{yaml.safe_dump(data, sort_keys=False, allow_unicode=True).strip()}\n---\n\n{body}"


def front_matter(manifest: dict[str, Any], tables: list[str]) -> dict[str, Any]:
    """The metadata of a card that need no other file than the manifest. It does not tell the language of the prompts."""
    return {
        "pretty_name": "LLMFusionBench",
        "task_categories": ["text-generation", "question-answering"],
        "tags": ["llm-routing", "llm-fusion", *manifest.get("provenance", [])],
        "configs": configs(manifest, tables),
    }


def configs(manifest: dict[str, Any], tables: list[str]) -> list[dict[str, Any]]:
    """The tables as configurations of the dataset, `logs` first and by default."""
    found: list[dict[str, Any]] = []
    for name in sorted(tables, key=lambda t: t != "logs"):
        splits = filled_splits(manifest, name)
        if splits:
            files = [{"split": s, "path": f"{name}/{s}-*.parquet"} for s in splits]
            found.append({"config_name": name, **({"default": True} if name == "logs" else {}), "data_files": files})
    return found


def filled_splits(manifest: dict[str, Any], table: str) -> list[str]:
    """The splits of a table that have rows: `datasets` cannot load a split without."""
    splits = manifest["tables"][table]["splits"]
    return [s for s in sorted_splits(splits) if splits[s]["rows"]]
