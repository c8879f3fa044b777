"""Answers that decline to help, by how they open.

"I cannot" opens a refusal only before what an assistant declines to do ("provide", "access") or as a sentence of its own;
"I cannot believe" or "I'm sorry for the confusion" does not, and neither does "I don't know", which is an answer. "As an AI, I
do not have access to the news. However, the winner was ..." answers after all; "However, I can help you find it" does not.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import Bools
from llmfusionbench.auditing.signs.columns import confirmed, heads, lengths, matches
from llmfusionbench.texts.lazy_pattern import lazy_pattern

OPENING: Final = 240
"""Characters at the start of an answer that are looked at."""
LONGEST: Final = 700
"""Longest answer that counts, in bytes: a longer one, after "I cannot do X, but", does help."""

_NOT: Final = r"(?:can ?not|can't|(?:am|'m) (?:not able|unable) to|won't|will not|do not have the ability to)"
_DONE: Final = (
    r"(?:assist|help(?: you| with| find| to\b|[.,])|provide|fulfill|complete|comply|generate|create|write|access|answer|respond"
    r"|engage|discuss|offer|give|support|participate|share|do that|do this|continue|process|perform|view|see|open|browse"
    r"|recommend|produce|translate|directly|currently|actually|in good conscience|determine|display|draw|play|send|make)"
)
_AI: Final = r"\ban? (?:ai|artificial intelligence|(?:large )?language model|text-based|virtual)"
_LACKS: Final = r"do(?: not|n't) have (?:the )?(?:access|ability|information)"
_REFUSES: Final = (
    rf"\bi(?: am sorry,? but i| apologi[sz]e,? but i)?,? ?{_NOT} {_DONE}\b",
    rf"\b(?:sorry|apologi[sz]e)\b[^.!?\"\x{{201c}}]{{0,80}}\bi,? ?(?:{_NOT}|{_LACKS})",
    rf"\bas {_AI}[^.!?]{{0,80}}\bi,? ?(?:{_NOT}|do(?: not|n't) (?:have|possess)|am not (?:capable|programmed|designed)|must)",
    rf"\bi(?: am|'m) (?:just |only |simply )?{_AI}[^.!?]{{0,60}}\b(?:can ?not|can't|do(?: not|n't) have)",
    r"\bit (?:is|would be) (?:not appropriate|inappropriate|unethical) (?:for me )?to (?:provide|assist|help|answer|share)",
    r"\bagainst my (?:programming|guidelines|ethical)",
    rf"\bmy (?:purpose|programming|guidelines)[^.!?]{{0,60}}\b{_NOT}",
)
_REFUSAL: Final = "|".join(_REFUSES)
_ANSWERS: Final = (
    r" (?:definitely )?(?:tell|confirm|say|inform|explain"
    r"|provide (?:you with )?(?:some |factual |general |historical |the )?(?:information|facts))"
)
"""What follows "however, I can" where an answer does."""
_OFFERS: Final = lazy_pattern(
    rf"\b(?:however|but)\b,? (?:here|i(?:'d| can| could| would| will| am|'m)(?!{_ANSWERS})|please|feel free"
    r"|i (?:recommend|suggest|encourage)|it(?: is|'s) (?:best|recommended)|the (?:text|context|answers)"
    r"|you (?:can|could|may|might) (?:check|visit|consult|contact|find|search|try|refer|look|ask))"
)
_TURNS: Final = lazy_pattern(r"(?:^|[.!?,] +|\n)(?:however|but)\b")
_STRUCTURED: Final = r"^(?:```|\{|\[)"


def refusals(texts: pa.Array) -> Bools:
    """[n] whether each text is short and opens with a refusal. English only; a missing text is not a refusal."""
    plain = pc.utf8_lower(pc.replace_substring(heads(texts, LONGEST), "\u2019", "'"))
    opens = matches(heads(plain, OPENING), _REFUSAL) & (lengths(texts) <= LONGEST) & ~matches(plain, _STRUCTURED)
    return confirmed(plain, opens, _declines)


def _declines(plain: str) -> bool:
    """Whether no answer follows the refusal: nothing after "however", or only an offer of other help."""
    return _TURNS.search(plain) is None or _OFFERS.search(plain) is not None
