"""The card of a release: its README.md, with the `configs:` by which plain `datasets` loads every table."""

from __future__ import annotations

from typing import Any, Final

import yaml

from llmfusionbench.errors import InputError
from llmfusionbench.schema import TABLES, table_schema

CITATION: Final = """@article{feng2025fusionfactory,
  title   = {Fusing LLM Capabilities with Routing Data},
  author  = {Feng, Tao and Zhang, Haozhen and Lei, Zijie and Han, Pengrui and Patwary, Mostofa and Shoeybi, Mohammad
             and Catanzaro, Bryan and You, Jiaxuan},
  journal = {arXiv preprint arXiv:2507.10540},
  year    = {2025}
}"""

SIMULATED: Final = (
    "> **Simulated data.** No LLM was asked: queries and answers come from a seeded program, and every row says so "
    "(`provenance` is `simulated`). Use it to learn the tables and to test code, never to compare LLMs."
)


def release_card(manifest: dict[str, Any]) -> str:
    """The text of README.md for a release with this manifest."""
    tables = [t for t in TABLES if t in manifest["tables"]]
    source = manifest.get("source", {}).get("name", "unknown")
    provenance = manifest.get("provenance", [])
    lines = [
        "---",
        yaml.safe_dump(_front_matter(manifest, tables), sort_keys=False, allow_unicode=True).strip(),
        "---",
        "",
        "# LLMFusionBench release",
        "",
    ]
    if "simulated" in provenance:
        lines += [SIMULATED, ""]
    lines += [
        f"Answers of many LLMs to the same queries, read from the source `{source}`"
        f" and validated against schema version {manifest['schema_version']}.",
        "",
        "```python",
        "from datasets import load_dataset",
        "",
        'logs = load_dataset("path/to/this/directory")  # one self-contained row an answer',
        'queries = load_dataset("path/to/this/directory", "queries")  # or any other table',
        "```",
        "",
        "## Rows",
        "",
        _row_counts(manifest, tables),
        "",
        "## Columns",
        "",
        columns_markdown(),
        "",
        "## Citation",
        "",
        "```bibtex",
        CITATION,
        "```",
        "",
    ]
    return "\n".join(lines)


def columns_markdown() -> str:
    """Every table with its columns, as Markdown; keys are bold."""
    parts = []
    for name in TABLES:
        table = table_schema(name)
        parts.append(f"### {name}\n\n{table.description}\n\n{table.markdown()}")
    return "\n\n".join(parts)


def _front_matter(manifest: dict[str, Any], tables: list[str]) -> dict[str, Any]:
    configs = []
    for name in sorted(tables, key=lambda t: t != "logs"):
        rows = manifest["tables"][name]["splits"]
        # `datasets` cannot load a split without rows.
        files = [{"split": s, "path": f"{name}/{s}-*.parquet"} for s in _splits(manifest, name) if rows[s]["rows"]]
        if not files:
            continue
        configs.append({"config_name": name, **({"default": True} if name == "logs" else {}), "data_files": files})
    return {
        "pretty_name": "LLMFusionBench",
        "language": ["en"],
        "task_categories": ["text-generation", "question-answering"],
        "tags": ["llm-routing", "llm-fusion", *manifest.get("provenance", [])],
        "configs": configs,
    }


def _splits(manifest: dict[str, Any], table: str) -> list[str]:
    return sorted(manifest["tables"][table]["splits"], key=lambda s: (s != "train", s))


def _row_counts(manifest: dict[str, Any], tables: list[str]) -> str:
    splits = sorted({s for t in tables for s in _splits(manifest, t)}, key=lambda s: (s != "train", s))
    lines = ["| table | " + " | ".join(splits) + " |", "|---|" + "---:|" * len(splits)]
    for name in tables:
        rows = manifest["tables"][name]["splits"]
        lines.append(f"| {name} | " + " | ".join(f"{rows[s]['rows']:,}" if s in rows else "" for s in splits) + " |")
    return "\n".join(lines)


BEGIN: Final = "<!-- generated from schemas/ by `make card`: begin -->"
END: Final = "<!-- generated from schemas/ by `make card`: end -->"


def refresh(card: str) -> str:
    """The text of CARD.md with its column tables made anew.

    Raises:
        InputError: the marks that the tables stand between are not there.
    """
    before, begin, rest = card.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise InputError(f"CARD.md: no column tables to make anew. Remedy: put {BEGIN} and {END} where they belong")
    return f"{before}{BEGIN}\n\n{columns_markdown()}\n\n{END}{after}"
