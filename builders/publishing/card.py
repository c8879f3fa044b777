"""The card of a published release: README.md for the Hub, from the release and its audit, or from a user's own text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import yaml
from huggingface_hub import DatasetCardData

from llmfusionbench.auditing import Audit
from llmfusionbench.builders.publishing.card_metadata import COMPUTED, metadata
from llmfusionbench.builders.publishing.card_parts import audit_part, defects_part, licences_part
from llmfusionbench.builders.publishing.edited_card import with_sections, without_generated
from llmfusionbench.builders.publishing.public_manifest import public_manifest
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from llmfusionbench.release.card import filled_splits, with_front_matter
from llmfusionbench.release.card_parts import (
    about,
    banner,
    changes,
    cite_paper,
    collected,
    columns_markdown,
    loading,
    row_counts,
    row_total,
    sources_of,
    splits_part,
    version_of,
)
from llmfusionbench.release.card_text import Section, marked, part_names, with_parts
from llmfusionbench.release.opening import is_repository

REFERENCE: Final = "fusionbench"
"""The source whose release is LLMFusionBench itself."""

_FRONT: Final = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)(?<=\n)---[ \t]*(?:\r?\n|\Z)", re.DOTALL)

IS: Final = """\
It is meant for:

- query-level fusion: routers that pick an LLM for each query;
- thought-level fusion: thought templates distilled from the best answers, and retrieved for new queries;
- model-level fusion: corpora for supervised and preference training, distilled from the best answers.

It is not a ranking of LLMs: prompts, limits and prices are those of one log. It is not a sample of what people ask. Scores are
those of a program or of a judge, and both make mistakes. A cost is what the log states, or follows from list prices."""

ETHICS: Final = """\
**Personal data.** Queries and answers are published as they were logged. They can hold names, addresses or keys of people. The
audit looks for e-mail addresses, keys and card numbers by their form; it finds no other personal data. If you find some,
report it in the Community tab, so that the next version leaves it out.

**What answers may contain.** Answers of LLMs can be false, biased, offensive or unsafe, and code in them can do harm when it is
run. No person has read them all.

**Terms of providers.** The terms of some providers of LLMs restrict what their outputs may be used for, such as the training of
competing LLMs. Table `llms` states a licence where the log does. Check the terms before you train on answers.

**Contamination.** Queries may come from public benchmarks, with their right answers. An LLM that was trained on them can no
longer be evaluated on those benchmarks. Do not train on the splits `test` and `partial_test` where there are any, and do not
publish their texts where crawlers collect training data."""

MAINTENANCE: Final = """\
Each version is a commit on the Hub. Name the commit as `revision` to get the same rows again. `manifest.json` lists the SHA-256
of every file, and `llmfusionbench diff` shows what changed between two versions. Report faults in the Community tab."""


def published_card(
    release: Release, repo_id: str, audit: Audit, *, text: str | None = None, edited: bool = False, licence: str | None = None
) -> str:
    """The text of README.md for a release that is published as `repo_id`. The same input gives the same text.

    Args:
        release: The release.
        repo_id: `org/name` on the Hub.
        audit: What the audit of the release found.
        text: A card of the user's own. Its prose is kept, and its generated parts (see `card_text`) are made again; a release
            with simulated rows gets a banner if the card has no place for it. The card's metadata win, except for
            `COMPUTED`; a licence that is passed as well wins over the card's.
        edited: `text` is the card that the release was written with, edited by the user: what it still has of that card is not
            the user's own, and the sections that only a published card has are added, unless no mark is left in it.
        licence: The licence of the release as a whole: an identifier of the Hub, or any name.

    Raises:
        InputError: `repo_id` is not of the form `org/name`, or `text` has metadata or marks that cannot be read.
        ReleaseError: a file differs from the manifest.
    """
    if not is_repository(repo_id):
        raise InputError(f'{repo_id!r}: not a repository on the Hub. Remedy: name it as "org/name"')
    name = "LLMFusionBench" if is_reference(release.manifest) else repo_id.partition("/")[2]
    parts = generated_parts(release, repo_id, audit)
    found = metadata(release, name, licence)
    if text is None:
        return with_front_matter(checked_metadata(found, "the card"), _body(name, parts))
    own, body = read_card(text)
    if edited:
        own = without_generated(own, release.manifest)
        body = with_sections(body, name, _sections(parts), release.manifest)
    if parts["simulated"] and not part_names(body) & {"about", "simulated"}:
        body = f"{marked('simulated', parts['simulated'])}\n\n{body}"
    merged = _merged(own, found, licence)
    return with_front_matter(checked_metadata(merged, "the card"), with_parts(body, parts))


def _merged(own: dict[str, Any], found: dict[str, Any], licence: str | None) -> dict[str, Any]:
    """A user's metadata, with those that are missing or computed; the keys of a licence are of one origin."""
    of_licence = {"license", "license_name", "license_link", "license_details"}
    dropped = {*COMPUTED, *(of_licence if licence is not None else ())}
    kept = {key: value for key, value in own.items() if key not in dropped}
    theirs = of_licence if of_licence & kept.keys() else set()
    merged = {key: kept.get(key, value) for key, value in found.items() if key in kept or key not in theirs}
    return {**merged, **kept}


def generated_parts(release: Release, repo_id: str, audit: Audit) -> dict[str, str]:
    """The generated parts of a card, by name."""
    manifest = public_manifest(release.manifest)
    queries, llms = release.rows("queries", columns=["task", "license"]), release.rows("llms", columns=["license"])
    splits = filled_splits(manifest, "logs") if "logs" in manifest["tables"] else []
    return {
        "about": about(manifest),
        "simulated": banner(manifest),
        "collected": collected(manifest),
        "load": loading(repo_id, splits=splits, ours=True),
        "rows": row_counts(manifest),
        "splits": splits_part(manifest),
        "fields": columns_markdown(),
        "defects": defects_part([source.get("name") for source in sources_of(manifest)]),
        "audit": audit_part(audit, rows={name: row_total(manifest, name) for name in ("queries", "llms")}),
        "licences": licences_part(queries, llms, simulated=release.provenance == ["simulated"]),
        "changes": f"This is version {version_of(manifest)}.\n\n{changes(manifest)}",
        "cite": cite(repo_id, reference=is_reference(manifest)),
    }


def is_reference(manifest: Mapping[str, Any]) -> bool:
    """Whether the rows come from the reference logs alone."""
    return {source.get("name") for source in sources_of(manifest)} == {REFERENCE}


def cite(repo_id: str, *, reference: bool) -> str:
    """How to cite the dataset, and the paper of the reference logs."""
    link = f"https://huggingface.co/datasets/{repo_id}"
    own = f"Cite the dataset by its address and the commit that you used: <{link}>."
    return cite_paper() if reference else f"{own}\n\n{cite_paper()}"


def _sections(parts: dict[str, str]) -> list[Section]:
    """The sections of a whole card, in order."""
    return [
        Section("What it is, and what it is not", IS),
        Section("How it was collected", parts["collected"], "collected"),
        Section("How to load it", parts["load"], "load"),
        Section("Rows", parts["rows"], "rows"),
        Section("Splits", parts["splits"], "splits"),
        Section("Known defects of the source", parts["defects"], "defects"),
        Section("What the audit found", parts["audit"], "audit"),
        Section("Licences", parts["licences"], "licences"),
        Section("Ethics", ETHICS),
        Section("Maintenance", MAINTENANCE),
        Section("Changes", parts["changes"], "changes"),
        Section("Fields", f"Keys are bold. A missing value is null, never 0.\n\n{marked('fields', parts['fields'])}"),
        Section("How to cite", parts["cite"], "cite"),
    ]


def _body(name: str, parts: dict[str, str]) -> str:
    """The card without metadata, for a release without a text of its own."""
    return "\n".join([f"# {name}\n\n{marked('about', parts['about'])}\n", *map(str, _sections(parts))])


def stated_licence(card: str) -> str:
    """The licence that a published card states: an identifier of the Hub, or the words for another one."""
    data = read_card(card)[0]
    name = data.get("license") or "unknown"
    if name == "other":
        words = [data.get("license_details"), data.get("license_name"), data.get("license_link")]
        return str(next(filter(None, words), name))
    return ", ".join(map(str, name)) if isinstance(name, list) else str(name)


def read_card(text: str) -> tuple[dict[str, Any], str]:
    """The metadata of a card and its body. Raises InputError if the metadata are not a mapping in YAML."""
    found = _FRONT.match(text)
    if found is None:
        if text.lstrip("\ufeff").startswith("---"):
            raise InputError("the card line 1: its metadata have no end. Remedy: add a line --- below them")
        return {}, text.lstrip("\ufeff")
    try:
        data = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that does not exist
        mark = getattr(error, "problem_mark", None)
        place = f"the card line {mark.line + 2}" if mark is not None else "the card"
        problem = " ".join(str(getattr(error, "problem", None) or error).split())[:200]
        raise InputError(f"{place}: its metadata are not YAML ({problem}). Remedy: correct this line") from error
    if data is not None and not isinstance(data, dict):
        raise InputError(f"the card: its metadata are {type(data).__name__}, expected keys with values, such as license: mit")
    if odd := [key for key in data or {} if not isinstance(key, str)]:
        raise InputError(f"the card: the key {odd[0]!r} of its metadata is not text. Remedy: put it in quotation marks")
    return data or {}, text[found.end() :].lstrip("\r\n")


def checked_metadata(data: dict[str, Any], place: str) -> dict[str, Any]:
    """Metadata that the Hub's own reader gives back as they are. Raises InputError if it does not."""
    try:
        again: dict[str, Any] = DatasetCardData(**data).to_dict()  # type: ignore[no-untyped-call]
        lost = [key for key, value in data.items() if value is not None and again.get(key) != value]
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{place}: the Hub cannot read its metadata ({error}). Remedy: correct them") from error
    if lost:
        raise InputError(f"{place}: the Hub would lose the key {lost[0]!r} of its metadata. Remedy: rename or remove it")
    return data
