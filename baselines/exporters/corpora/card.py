"""The card of a corpus: its README.md, one page, with the `configs:` by which plain `load_dataset` reads the directory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import yaml

from llmfusionbench.baselines.exporters.corpora.drops import REASONS
from llmfusionbench.release.card_parts import SIMULATED

_ROWS: Final = 20
_KINDS: Final = {
    "sft": "Answers of LLMs to queries, for supervised fine-tuning.",
    "preference": "Pairs of a better and a worse answer to the same query, for preference optimisation.",
    "kto": "Answers of LLMs to queries, each labelled good or bad, for KTO.",
}
_REASONED: Final = {
    "tagged": "texts came with tags",
    "unclosed": "of these cut off in their reasoning",
    "unanswered": "of these without an answer",
    "wrapped": "texts without tags got a block",
    "unsplit": "texts without tags are unchanged because the start of their answer is uncertain",
}
_INCLUDED: Final = (
    "> **This corpus includes test queries** (`--include-test`). Do not evaluate a model trained on it on the release it was "
    "made from."
)


def corpus_card(about: Mapping[str, Any], schema: pa.Schema) -> str:
    """The text of README.md for a corpus whose corpus.json is `about`, with records of `schema`."""
    counts, source = about["counts"], about["release"]
    revision = "" if source["revision"] is None else f", revision {_text(source['revision'])}"
    chosen_by = {**about["selection"], **about["filters"]}
    lines = [
        "---",
        yaml.safe_dump(_front_matter(about, schema), sort_keys=False, allow_unicode=True).strip(),
        "---",
        "",
        f"# {about['kind']} corpus, format {about['format']}",
        "",
        *([SIMULATED, ""] if "simulated" in counts["provenance"] else []),
        *([_INCLUDED, ""] if about["guard"]["include_test"] else []),
        f"{_KINDS[about['kind']]} {about['records']:,} records of {about['queries']:,} queries, made with llmfusionbench "
        f"{about['tool']['version']} from a release of the source {_text(source['source'] or 'unknown')}"
        f"{revision} (manifest SHA-256 `{source['manifest_sha256'][:16]}`).",
        "",
        "```python",
        "from datasets import load_dataset",
        "",
        'corpus = load_dataset("path/to/this/directory", split="train")',
        "```",
        "",
        "## How it was chosen",
        "",
        *(f"- `{name}`: {_text(value)}" for name, value in chosen_by.items() if value is not False),
        f"- {_reasoning(about['reasoning'])}",
        f"- seed: {about['seed']}",
        f"- {_guard(about['guard'])}",
        "",
        *_table("Records by task", "task", counts["tasks"]),
        *_table("Answers by LLM", "LLM", counts["llms"]),
        *_table("Licences of the queries", "licence", counts["licenses"]),
        *_table("Licences of the LLMs", "licence", counts["llm_licenses"]),
        *_labels(about["labels"]),
        "## Dropped",
        "",
        *_dropped(about["dropped"]),
        "",
        f"Output tokens: {about['tokens']['output']:,} counted, {about['tokens']['uncounted']:,} answers without a count. "
        "`corpus.json` holds the same for programs; `dropped.jsonl` lists the queries that the guard kept out.",
        "",
    ]
    return "\n".join(lines)


def _front_matter(about: Mapping[str, Any], schema: pa.Schema) -> dict[str, Any]:
    files = [{"split": "train", "path": f"data/train-*.{about['container']}"}]
    return {
        "pretty_name": f"LLMFusionBench {about['kind']} corpus",
        "task_categories": ["text-generation"],
        "tags": ["llm-fusion", about["kind"], *sorted(about["counts"]["provenance"])],
        "configs": [{"config_name": "default", "data_files": files}],
        # A column of JSON lines that holds only nulls does not show its type.
        "dataset_info": {"config_name": "default", "features": [_feature(field) for field in schema]},
    }


def _feature(field: pa.Field) -> dict[str, Any]:
    """A column as `datasets` writes it into a card."""
    if pa.types.is_list(field.type):
        return {"name": field.name, "list": [_feature(part) for part in field.type.value_type]}
    if pa.types.is_struct(field.type):
        return {"name": field.name, "struct": [_feature(part) for part in field.type]}
    return {"name": field.name, "dtype": {"float": "float32"}.get(str(field.type), str(field.type))}


def _reasoning(about: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{n:,} {_REASONED[what]}" for what, n in about.items() if what != "how")
    return f"reasoning: {about['how']}" + (f" ({counts})" if counts else "")


def _guard(guard: Mapping[str, Any]) -> str:
    if guard["include_test"]:
        return "leakage guard: off (--include-test)"
    if not guard["test_queries"]:
        return "leakage guard: had nothing to keep out because the release has no test split"
    return (
        f"leakage guard: no test query ({guard['test_queries']:,}) is in it, and {guard['exact']:,} equal and "
        f"{guard['near']:,} nearly equal train queries (Jaccard similarity {guard['threshold']} of word triples) were kept out"
    )


def _table(title: str, noun: str, counts: Mapping[str, int]) -> list[str]:
    if not counts:
        return []
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [f"| {_text(name)} | {count:,} |" for name, count in most[:_ROWS]]
    if len(most) > _ROWS:
        rows.append(f"| {len(most) - _ROWS} more | {sum(count for _, count in most[_ROWS:]):,} |")
    return [f"## {title}", "", f"| {noun} | |", "|---|---:|", *rows, ""]


def _labels(labels: Mapping[str, Any] | None) -> list[str]:
    if labels is None:
        return []
    warning = [] if labels["warning"] is None else [f"> **Warning**: {labels['warning']}.", ""]
    return ["## Labels", "", f"{labels['good']:,} good, {labels['bad']:,} bad.", "", *warning]


def _dropped(dropped: Mapping[str, Mapping[str, int]]) -> list[str]:
    rows = [f"- {noun}: {n:,} {REASONS[reason][0]}" for noun, counts in dropped.items() for reason, n in counts.items()]
    return rows or ["No records."]


def _text(value: object) -> str:
    """Text that Markdown shows as it is, on one line."""
    words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    plain = "".join(c if c.isprintable() else " " for c in words)
    return re.sub(r"([\\`*_{}\[\]<>#|!~$&])", r"\\\1", plain)
