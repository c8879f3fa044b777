"""The card of a release: its README.md, with the `configs:` that let plain `datasets` load every table."""

from __future__ import annotations

from typing import Any, Final

import yaml

from llmfusionbench.errors import InputError
from llmfusionbench.schema import SIDECARS, TABLES, table_schema
from llmfusionbench.types import sorted_splits

CITATION: Final = """@article{feng2025fusionfactory,
  title   = {Fusing LLM Capabilities with Routing Data},
  author  = {Feng, Tao and Zhang, Haozhen and Lei, Zijie and Han, Pengrui and Patwary, Mostofa and Shoeybi, Mohammad
             and Catanzaro, Bryan and You, Jiaxuan},
  journal = {arXiv preprint arXiv:2507.10540},
  year    = {2025}
}"""

SIMULATED: Final = (
    "> **Simulated data.** No LLM was asked: queries and answers come from a seeded program, and every row is marked "
    "(`provenance` is `simulated`). Use it to learn the tables and to test code, never to compare LLMs."
)


def release_card(manifest: dict[str, Any]) -> str:
    """The text of README.md for a release with this manifest."""
    tables = [t for t in TABLES if t in manifest["tables"]]
    simulated = f"{SIMULATED}\n\n" if "simulated" in manifest.get("provenance", []) else ""
    changes = changes_markdown(manifest.get("history", []))
    return f"""---
{yaml.safe_dump(_front_matter(manifest, tables), sort_keys=False, allow_unicode=True).strip()}
---

# LLMFusionBench release

{simulated}Answers of many LLMs to the same queries, read from the source `{manifest.get("source", {}).get("name", "unknown")}`\
 and validated against schema version {manifest["schema_version"]}.

```python
from datasets import load_dataset

logs = load_dataset("path/to/this/directory")  # one self-contained row per answer
queries = load_dataset("path/to/this/directory", "queries")  # or any other table
```

## Rows

{_row_counts(manifest, tables)}

{changes}## Columns

{columns_markdown()}

## Citation

```bibtex
{CITATION}
```
"""


def columns_markdown() -> str:
    """Every table with its columns, as Markdown; keys are bold."""
    tables = [table_schema(name) for name in TABLES]
    return "\n\n".join(f"### {table.name}\n\n{table.description}\n\n{table.markdown()}" for table in tables)


def changes_markdown(history: list[Any]) -> str:
    """What `append` changed from version to version, the last one first, as Markdown; empty without such a step.

    What is not a count of a known table or column is left out: an older manifest may come from anywhere.
    """
    steps = [step for step in history if isinstance(step, dict) and step.get("step") == "append"]
    parts = ["## Changes"] if steps else []
    for step in reversed(steps):
        lines = ["| table | added | removed | changed | columns that changed |", "|---|---:|---:|---:|---|"]
        for table in TABLES + SIDECARS:
            change = _part(_part(step, "changes"), table)
            if change:
                counts = [_count(change.get(name)) for name in ("added", "removed", "changed")]
                columns = _part(change, "columns")
                changed = ", ".join(f"{c} {_count(columns[c])}" for c in table_schema(table).arrow.names if c in columns)
                lines.append(f"| {table} | {' | '.join(counts)} | {changed} |")
        parts += [f"### Version {_count(step.get('version'))}", "\n".join(lines)]
    return "".join(f"{part}\n\n" for part in parts)


def _part(said: dict[str, Any], name: str) -> dict[str, Any]:
    found = said.get(name)
    return found if isinstance(found, dict) else {}


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "?"


def _front_matter(manifest: dict[str, Any], tables: list[str]) -> dict[str, Any]:
    configs: list[dict[str, Any]] = []
    for name in sorted(tables, key=lambda t: t != "logs"):
        splits = manifest["tables"][name]["splits"]
        # `datasets` cannot load a split without rows.
        files = [{"split": s, "path": f"{name}/{s}-*.parquet"} for s in sorted_splits(splits) if splits[s]["rows"]]
        if files:
            configs.append({"config_name": name, **({"default": True} if name == "logs" else {}), "data_files": files})
    return {
        "pretty_name": "LLMFusionBench",
        "language": ["en"],
        "task_categories": ["text-generation", "question-answering"],
        "tags": ["llm-routing", "llm-fusion", *manifest.get("provenance", [])],
        "configs": configs,
    }


def _row_counts(manifest: dict[str, Any], tables: list[str]) -> str:
    rows = {t: {s: f"{n['rows']:,}" for s, n in manifest["tables"][t]["splits"].items()} for t in tables}
    splits = sorted_splits({s for counts in rows.values() for s in counts})
    lines = ["| table | " + " | ".join(splits) + " |", "|---|" + "---:|" * len(splits)]
    lines += [f"| {name} | " + " | ".join(rows[name].get(s, "") for s in splits) + " |" for name in tables]
    return "\n".join(lines)


BEGIN: Final = "<!-- generated from schemas/ by `make card`: begin -->"
END: Final = "<!-- generated from schemas/ by `make card`: end -->"


def refresh(card: str) -> str:
    """The text of CARD.md with its column tables up to date. Raises InputError if the marks around them are missing."""
    before, begin, rest = card.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise InputError(f"CARD.md: no place for the column tables. Remedy: put {BEGIN} and {END} where they belong")
    return f"{before}{BEGIN}\n\n{columns_markdown()}\n\n{END}{after}"
