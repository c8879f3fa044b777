"""CARD.md, the card of the reference release, as far as it can be made without that release: `make card`.

`llmfusionbench publish --card CARD.md` makes all its parts again, from the release that is published.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from llmfusionbench.auditing import Audit, audit
from llmfusionbench.builders.known.tasks import DOMAINS
from llmfusionbench.builders.publishing.card import REFERENCE
from llmfusionbench.builders.publishing.card_parts import audit_part, defects_part, task_licences
from llmfusionbench.errors import InputError, ReleaseError
from llmfusionbench.release import open_release
from llmfusionbench.release.card_parts import cite_paper, columns_markdown
from llmfusionbench.release.card_text import part_names, with_parts

CARD: Final = Path("CARD.md")
_OF_SAMPLE: Final = (
    "> **This is the audit of the embedded sample, whose answers are simulated.** It shows what an audit reports, and nothing "
    "about the LLMs. A publish of the reference release puts the audit of its real answers here."
)


def refresh(card: str, found: Audit | None) -> str:
    """The text of CARD.md with the parts that need no release made again.

    Args:
        card: The text of CARD.md.
        found: The audit of the embedded sample; None keeps the part on it.

    Raises:
        InputError: CARD.md lacks the marks of a part.
    """
    parts = {
        "defects": defects_part([REFERENCE]),
        "licences": task_licences(list(DOMAINS)),
        "fields": columns_markdown(),
        "cite": cite_paper(),
    }
    if found is not None:
        parts["audit"] = f"{_OF_SAMPLE}\n\n{audit_part(found, of='the embedded sample')}"
    if absent := sorted(parts.keys() - part_names(card)):
        raise InputError(
            f"CARD.md: no place for the part {absent[0]}. Remedy: put <!-- generated: {absent[0]}: begin --> and "
            f"<!-- generated: {absent[0]}: end --> where it belongs"
        )
    return with_parts(card, parts, "CARD.md")


def main() -> None:
    """Write CARD.md again, in the folder in which this is run."""
    try:
        found = audit(open_release("sample"))
    except ReleaseError as error:  # after a change of the schemas
        print(f"The audit in {CARD} stays, for the embedded sample cannot be read: {error}. Then run `make sample card`")
        found = None
    CARD.write_text(refresh(CARD.read_text(encoding="utf-8"), found), encoding="utf-8")


if __name__ == "__main__":
    main()
