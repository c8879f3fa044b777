"""What earlier runs lost, in words: attempts that were in flight when they ended, and damaged lines of the journal."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.journal_state import Lost
from llmfusionbench.builders.collecting.records import lost_record
from llmfusionbench.builders.collecting.shown import usd
from llmfusionbench.release.card_text import counted


def lost_lines(journal: RunJournal, asked: Container[str] | None = None) -> Iterator[str]:
    """The lines for the user, before anything is asked. Attempts whose request has an outcome since are not among them.

    Each attempt is reported once: the journal notes that, so that the next start leaves it out.

    Args:
        journal: The journal of the run, entered.
        asked: Keys of the requests that this run is to make; None: all that have no outcome.
    """
    if found := [lost for lost in journal.unreported if asked is None or lost.key in asked]:
        cost = _cost(found)
        were, lost, again = ("was", "Its answer is", "It is") if len(found) == 1 else ("were", "Their answers are", "They are")
        yield (
            f"Note: at most {counted(len(found), 'attempt')} {were} in flight when an earlier run ended. {lost} lost, and "
            f"may have been paid for{cost}. {again} asked again."
        )
        for one in found:
            journal.add(lost_record(one.key, one.attempt))
    if damaged := journal.state.damaged:
        are, count, lines = ("is", "counts", "line") if damaged == 1 else ("are", "count", "lines")
        listed = journal.state.damaged_lines
        numbers = ", ".join(f"{number:,}" for number in listed)
        numbers += f" and {damaged - len(listed):,} more" if damaged > len(listed) else ""
        yield f"Warning: {counted(damaged, 'line')} of the journal {are} damaged ({lines} {numbers}), and {count} as not asked."


def _cost(found: Sequence[Lost]) -> str:
    """What they may have cost, after "may have been paid for"."""
    known = [lost.worst_usd for lost in found if lost.worst_usd is not None]
    unknown = len(found) - len(known)
    if not known:
        return ", at a price that is not known"
    more = f", and {unknown:,} of unknown price" if unknown else ""
    worst = sum(known)
    return f", for {usd(worst)} at most{more}" if worst or more else ""
