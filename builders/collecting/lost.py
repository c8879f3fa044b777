"""What earlier runs lost, in words: attempts that were in flight when they ended, and damaged lines of the journal."""

from __future__ import annotations

from collections.abc import Container, Iterator

from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.records import lost_record
from llmfusionbench.release.card_text import counted


def lost_lines(journal: RunJournal, asked: Container[str] | None = None) -> Iterator[str]:
    """The lines for the user, before anything is asked. Attempts whose request has an outcome since are not among them.

    Each attempt is reported once: the journal notes that, so that the next start leaves it out.

    Args:
        journal: The journal of the run, entered.
        asked: Keys of the requests that this run is to make; None: all that have no outcome.
    """
    if found := [lost for lost in journal.unreported if asked is None or lost.key in asked]:
        worst = sum(lost.worst_usd for lost in found)
        cost = f", for {worst:.4f} USD at most" if worst else ""
        were, lost, again = ("was", "Its answer is", "It is") if len(found) == 1 else ("were", "Their answers are", "They are")
        yield (
            f"Note: at most {counted(len(found), 'attempt')} {were} in flight when an earlier run ended. {lost} lost, and "
            f"may have been paid for{cost}. {again} asked again."
        )
        for one in found:
            journal.add(lost_record(one.key, one.attempt))
    if damaged := journal.state.damaged:
        are, count = ("is", "counts") if damaged == 1 else ("are", "count")
        yield f"Warning: {counted(damaged, 'line')} of the journal {are} damaged, and {count} as not asked."
