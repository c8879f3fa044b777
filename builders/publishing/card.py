"""The card of a published release: its README.md."""

from __future__ import annotations

from llmfusionbench.auditing import Audit
from llmfusionbench.release import Release
from llmfusionbench.release.card import release_card


def published_card(release: Release, repo_id: str, audit: Audit, *, text: str | None = None, licence: str | None = None) -> str:
    """The text of README.md: that of the user, or the release's own."""
    return release_card(release.manifest) if text is None else text
