"""The parts of a card that need the manifest and the schemas alone. What needs more is in `builders.publishing`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from llmfusionbench.release.card_text import ROWS, counted, named, plain, table
from llmfusionbench.schema import SIDECARS, TABLES, table_schema
from llmfusionbench.types import sorted_splits

CITATION: Final = """@article{feng2025fusionfactory,
  title   = {Fusing LLM Capabilities with Routing Data},
  author  = {Feng, Tao and Zhang, Haozhen and Lei, Zijie and Han, Pengrui and Patwary, Mostofa and Shoeybi, Mohammad
             and Catanzaro, Bryan and You, Jiaxuan},
  journal = {arXiv preprint arXiv:2507.10540},
  year    = {2025}
}"""
PAPER: Final = "[arXiv:2507.10540](https://arxiv.org/abs/2507.10540)"

SIMULATED: Final = (
    "> **Simulated data.** No LLM was asked: queries and answers come from a seeded program, and every row is marked "
    "(`provenance` is `simulated`). Use it to learn the tables and to test code, never to compare LLMs."
)
PARTLY_SIMULATED: Final = (
    "> **Partly simulated data.** Rows whose `provenance` is `simulated` were made by a program: no LLM was asked. "
    "Leave them out before you compare LLMs."
)

FIRST_VERSION: Final = 1
"""The version of a release to which no step has given a number."""

_PROVENANCE: Final = {
    "collected": "collected: the LLMs were asked by this tool",
    "imported": "imported: the answers were read from a log",
    "simulated": "simulated: a program wrote them, and no LLM was asked",
}
_SPLITS: Final = {
    "train": "for fitting routers and for training",
    "test": "for the final evaluation",
    "partial_test": "the part of the test queries that the source published; also for evaluation only",
}
_INPUTS: Final = 10
"""Files of the source that a card names."""
_WARNINGS: Final = 10
_STEPS: Final = 20
_EXAMPLES: Final = 3


def banner(manifest: Mapping[str, Any]) -> str:
    """What a reader must know first of a release with simulated rows; empty if it has none."""
    provenance = manifest.get("provenance", [])
    if "simulated" not in provenance:
        return ""
    return SIMULATED if provenance == ["simulated"] else PARTLY_SIMULATED


def tables_of(manifest: Mapping[str, Any]) -> list[str]:
    """The tables of a release, sidecars included, in the order of the schemas."""
    return [t for t in TABLES + SIDECARS if t in manifest["tables"]]


def row_total(manifest: Mapping[str, Any], name: str) -> int:
    """Number of rows of a table."""
    return sum(split["rows"] for split in manifest["tables"].get(name, {"splits": {}})["splits"].values())


def about(manifest: Mapping[str, Any]) -> str:
    """What the release is, in figures, below its banner."""
    return "\n\n".join(filter(None, [banner(manifest), counted_about(manifest)]))


def counted_about(manifest: Mapping[str, Any]) -> str:
    """What the release is, in figures; it states whether rows are simulated."""
    simulated = "simulated" in manifest.get("provenance", [])
    made = "" if not simulated else "simulated " if manifest["provenance"] == ["simulated"] else "partly simulated "
    return (
        f"{counted(row_total(manifest, 'responses'), f'{made}answer')} of {counted(row_total(manifest, 'llms'), 'LLM')} to "
        f"{counted(row_total(manifest, 'queries'), 'query', 'queries')}, with scores and costs where they are known: one "
        f"validated, typed dataset (schema version {plain(manifest['schema_version'])})."
    )


def row_counts(manifest: Mapping[str, Any]) -> str:
    """Rows by table and split, as a Markdown table."""
    tables = tables_of(manifest)
    rows = {t: {s: f"{n['rows']:,}" for s, n in manifest["tables"][t]["splits"].items()} for t in tables}
    splits = sorted_splits({s for counts in rows.values() for s in counts})
    cells = [[f"`{name}`", *(rows[name].get(s, "") for s in splits)] for name in tables]
    return table(["table", *map(named, splits)], cells, numbers=len(splits))


def splits_part(manifest: Mapping[str, Any]) -> str:
    """What the splits of the queries are for."""
    splits = sorted_splits(manifest["tables"].get("queries", {"splits": {}})["splits"])
    lines = [f"- {named(split)}: {_SPLITS.get(split, 'a split of the source')}" for split in splits]
    ours = (
        "Each query is in one split only. If a log has it in several, it goes to the most protected one (`partial_test`, then "
        "`test`, then `train`). `split` is the split of this release, not the split of the benchmark that the query came from. "
        "LLMs are the same in all splits; table `llms` has one split, `train`."
    )
    return "\n".join([*lines, "", ours]) if lines else ours


def sources_of(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The sources of a release, one for each release that was put into it; each has the counts of its records."""
    several = manifest.get("sources")
    if isinstance(several, list):
        return [{**source, "name": _text(source.get("name"))} for source in several if isinstance(source, dict)]
    return [{**manifest.get("source", {}), "records": manifest.get("records")}]


def collected(manifest: Mapping[str, Any]) -> str:
    """Where the rows come from: provenance, sources with revision and inputs, steps since then, and warnings of the build."""
    lines = [
        *(f"- Provenance: {_PROVENANCE[kind]}" for kind in manifest.get("provenance", [])),
        *(line for source in sources_of(manifest) for line in _source(source)),
        *(f"- Step {number}: {words}" for number, words in enumerate(_history(manifest), start=1)),
    ]
    warnings = manifest.get("warnings")
    if isinstance(warnings, list) and warnings:
        shown = [f"- {plain(warning, 600)}" for warning in warnings[:_WARNINGS]]
        more = [f"- {len(warnings) - _WARNINGS:,} more in `manifest.json`"] if len(warnings) > _WARNINGS else []
        lines += ["", "The build warned:", "", *shown, *more]
    return "\n".join(lines)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _source(source: Mapping[str, Any]) -> Iterator[str]:
    revision = source.get("revision")
    stated = f"revision {named(revision)}" if revision else "no revision stated"
    yield f"- Source: {named(source.get('name') or 'unknown')}, {stated}"
    yield from _data(source.get("data"))
    yield from _inputs(source.get("inputs"))
    records = dict(_pairs(source.get("records")))
    taken, rejected = records.get("taken"), records.get("rejected")
    if isinstance(taken, int) and isinstance(rejected, int):
        told = "" if rejected == 0 else ", which `rejected.jsonl` lists with the reason"
        yield f"- Records: {taken:,} taken, {rejected:,} rejected{told}"


def _data(data: object) -> Iterator[str]:
    """What the queries were read from: data sets on the Hub with their commits, and files."""
    known = [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
    for entry in known[:ROWS]:
        if "dataset" in entry:
            read = f"{named(entry['dataset'])} at commit {named(entry.get('revision') or 'unknown')}"
        else:
            read = f"{named(entry.get('file', 'unnamed'))} (SHA-256 {named(str(entry.get('sha256'))[:16])}…)"
        yield f"- Queries of {named(entry.get('task', 'unnamed'))}: read from {read}"
    if len(known) > ROWS:
        yield f"- {counted(len(known) - ROWS, 'more source')} of queries, listed in `manifest.json`"


def _inputs(inputs: object) -> Iterator[str]:
    """The files that the release was made from, by name, with the start of their SHA-256."""
    known = [i for i in inputs if isinstance(i, dict)] if isinstance(inputs, list) else []
    known.sort(key=lambda entry: str(entry.get("name")))
    for entry in known[:_INPUTS]:
        size, digest = entry.get("bytes"), entry.get("sha256")
        facts = [counted(size, "byte")] if isinstance(size, int) else []
        facts += [f"SHA-256 {named(str(digest)[:16])}…"] if digest else []
        yield f"- Input {named(entry.get('name', 'unnamed'))}" + (f" ({', '.join(facts)})" if facts else "")
    if len(known) > _INPUTS:
        yield f"- {counted(len(known) - _INPUTS, 'more input')}, listed in `manifest.json`"


def _history(manifest: Mapping[str, Any]) -> Iterator[str]:
    """The steps that made the release from an earlier one, each in a line."""
    steps = [step for step in manifest.get("history", []) if isinstance(step, dict)]
    for step in steps[-_STEPS:]:
        settings = _pairs(step.get("options"))[:ROWS]
        stated = ", ".join(f"{plain(name)} {plain(value)}" for name, value in settings if value is not None)
        yield named(step.get("step", "unnamed")) + (f" ({stated})" if stated else "")


def loading(place: str, *, splits: Sequence[str] = (), ours: bool = False) -> str:
    """Code that opens the tables, from a directory or a repository on the Hub.

    Args:
        place: What `load_dataset` takes; it is quoted in the code.
        splits: Those of the logs; the first is streamed.
        ours: Also show this package, which opens a repository without downloading it.
    """
    lines = [
        "```python",
        "from datasets import load_dataset",
        "",
        f'logs = load_dataset("{place}")  # one self-contained row per answer',
        f'queries = load_dataset("{place}", "queries")  # or any other table that has rows',
    ]
    if splits:
        lines.append(f'stream = load_dataset("{place}", "logs", split="{splits[0]}", streaming=True)  # without a download')
    if ours:
        lines += [
            "",
            "import llmfusionbench as lfb",
            "",
            f'release = lfb.open_release("{place}")',
            "scores = release.routing()  # queries x candidates, as matrices",
        ]
    return "\n".join([*lines, "```"])


def columns_markdown() -> str:
    """Every table with its columns, as Markdown; keys are bold."""
    tables = [table_schema(name) for name in TABLES]
    return "\n\n".join(f"### {table.name}\n\n{table.description}\n\n{table.markdown()}" for table in tables)


def version_of(manifest: Mapping[str, Any]) -> int:
    """The version of a release: the highest that a step of its history states."""
    stated = [entry.get("version") for entry in manifest.get("history", []) if isinstance(entry, dict)]
    return max([FIRST_VERSION, *(v for v in stated if isinstance(v, int) and not isinstance(v, bool))])


def changes(manifest: Mapping[str, Any]) -> str:
    """What each version added, removed and changed, the newest first."""
    noted = [
        entry for entry in manifest.get("history", []) if isinstance(entry, dict) and isinstance(entry.get("changes"), dict)
    ]
    texts = [_version_changes(entry) for entry in reversed(noted[-ROWS:])]
    return "\n\n".join(texts) or f"Version {version_of(manifest)}: no changes of rows are recorded."


def _version_changes(entry: Mapping[str, Any]) -> str:
    rows = [[named(name), *_changed(change)] for name, change in entry["changes"].items() if isinstance(change, dict)]
    version = entry.get("version")
    title = f"**Version {version}**" if isinstance(version, int) else "**A version without a number**"
    head = ["table", "added", "removed", "changed", "values changed, by column"]
    lines = [f"{title}, by {named(entry.get('step', 'unnamed'))}:", "", table(head, rows) if rows else "No rows changed."]
    examples = entry.get("examples")
    shown = [e for e in examples if isinstance(e, dict)][:_EXAMPLES] if isinstance(examples, list) else []
    return "\n".join([*lines, *(["", *map(_example, shown)] if shown else [])])


def _changed(change: Mapping[str, Any]) -> list[str]:
    """Rows added, removed and changed in a table, and the columns with the number of rows in which they changed."""
    columns = _pairs(change.get("columns"))
    return [
        *(_number(change.get(what)) for what in ("added", "removed", "changed")),
        ", ".join(f"{named(column)} {_number(rows)}" for column, rows in columns[:ROWS]),
    ]


def _pairs(value: object) -> list[tuple[str, Any]]:
    """The entries of a JSON object; none of anything else."""
    return list(value.items()) if isinstance(value, dict) else []


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else "?"


def _example(example: Mapping[str, Any]) -> str:
    """One changed row: its table and key, and the column; texts are not shown."""
    parts = [plain(example.get("what", "changed"))]
    parts += [named(example["table"])] if "table" in example else []
    parts += [f"{plain(name)} {named(value)}" for name, value in _pairs(example.get("key"))[:ROWS] if value is not None]
    parts += [f"column {named(example['column'])}"] if "column" in example else []
    return f"- for example: {', '.join(parts)}"


def cite_paper() -> str:
    """The paper that describes the reference logs, as a link and as BibTeX."""
    return f"The tables follow LLMFusionBench, whose reference logs are described in {PAPER}:\n\n```bibtex\n{CITATION}\n```"
