"""The card that a release was written with, after its user has edited it: what is the user's own, and what it never had."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from llmfusionbench.release.card import TITLE, front_matter, release_card
from llmfusionbench.release.card_parts import tables_of
from llmfusionbench.release.card_text import Section, part_names, with_parts

_BY_EARLIER_VERSIONS: Final[dict[str, Any]] = {"language": ["en"]}
"""Metadata that earlier versions wrote into every card."""
_HEADING: Final = re.compile(r"^## (.*)$", re.MULTILINE)


def without_generated(own: Mapping[str, Any], manifest: dict[str, Any]) -> dict[str, Any]:
    """The metadata of an edited card without those that the release was written with."""
    written = {**_BY_EARLIER_VERSIONS, **front_matter(manifest, tables_of(manifest))}
    return {key: value for key, value in own.items() if key not in written or value != written[key]}


def with_sections(body: str, name: str, sections: Sequence[Section], manifest: dict[str, Any]) -> str:
    """The body of an edited card, with the title of a published one, and with the sections that it lacks.

    Each is put where it stands in a whole card: after the section before it. What the user wrote below that one stays there.
    A section that the release was written with, and that is not there any more, was taken out by the user; so were all if no
    mark is left.

    Args:
        body: The body.
        name: The title of a published card.
        sections: Those of a whole card, in order.
        manifest: That of the release, from which its card was written.

    Raises:
        InputError: a mark has no counterpart.
    """
    body = with_parts(body, {})
    if not part_names(body):
        return body
    written = _HEADING.findall(release_card(manifest))
    body = re.sub(rf"\A# {TITLE}(?=\r?\n)", lambda _: f"# {name}", body)
    place = _end(body, "about", _next_heading(body, 0))
    for section in sections:
        heading = re.search(rf"^## {re.escape(section.heading)}[ \t]*$", body, re.MULTILINE)
        if section.name in part_names(body):
            place = _end(body, section.name, place)
        elif heading is not None:
            place = _next_heading(body, heading.end())
        elif section.heading not in written:
            before, after = body[:place].rstrip("\n"), body[place:]
            added = f"{before}\n\n{section}"
            body, place = f"{added}\n{after}" if after else added, len(added) + bool(after)
    return body


def _end(body: str, part: str | None, otherwise: int) -> int:
    """Where the section ends that holds a part: at the next heading, or at the end."""
    mark = f"<!-- generated: {part}: end -->"
    return _next_heading(body, body.index(mark) + len(mark)) if mark in body else otherwise


def _next_heading(body: str, place: int) -> int:
    found = _HEADING.search(body, place)
    return len(body) if found is None else found.start()
