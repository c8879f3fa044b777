"""Where mentions stand: in lists, at the beginning of lines, at the end of sentences. The text is in lower case (`mentions`).

Every repetition is bounded or possessive, so that each search is linear in the length of the text.
"""

from __future__ import annotations

import re

from llmfusionbench.scoring.answers.choices.mentions import ANY, CLEAR
from llmfusionbench.texts.lazy_pattern import lazy_pattern

OTHER = "[^\ue000-\uf76f\n]"
"""A character of a line that is not a mention."""
SEPARATOR = (
    r"(?:,\s?(?:or|and)\b|,|/|&|;|\bor\b|\band\b|\band/or\b|\boder\b|\bund\b|\bou\b|\bet\b|\by\b|\bo\b|\u3001|\u548c"
    r"|\u6216|\u0438\u043b\u0438"
    r"|\u4e0e|\u53ca)"
)
HOP = lazy_pattern(
    rf"[\s)\].,:*]{{0,3}}(?:(?!\b(?:because|since|as|not|while|but|which|that|is|are|was|rather|than|so|if|whereas"
    rf"|unlike|with|though"
    rf"|although|both|all|for|due|where|when|would|has|have)\b)(?:[^\ue000-\uf76f\n.;]|\.\d)){{0,60}}?"
    rf"(?:{SEPARATOR}|\bthrough\b)\s{{0,2}}(?:(?:also|maybe|possibly|perhaps|option|even)\s)?(?P<mention>{ANY})"
)
"""From one mention of a list of answers to the next: "A or B", "(A) the quay, (C) the market"."""
ORDINALS = ("first", "second", "third", "fourth", "fifth")
ORDINAL = lazy_pattern(rf"\W{{0,6}}(?:the\s)?({'|'.join(ORDINALS)})\s(?:option|choice|one|answer|statement|alternative)\b")
"""An option that is named by its place: "the third option"."""
ALTERNATIVE = lazy_pattern(
    rf"[\s).,]{{0,3}}(?<!\()(?:if|when|unless|provided|assuming)\b{OTHER}{{1,80}}?(?:\band|\bor|\bbut|,|;"
    rf"|\botherwise)\s{{1,2}}"
    rf"(?:it is\s|option\s|otherwise\s)?(?P<mention>{ANY})(?=[\s).,]{{0,3}}(?:if\b|when\b|unless\b|otherwise"
    rf"|provided\b|assuming\b|\Z|\n))"
)
"""From one answer to the other, where a condition decides between them: "A if it is ideal and B if not"."""
PREDICATE = lazy_pattern(
    r"[\s).,]{0,3}(?:is|are|was|were|does|do|did|has|have|would|could|can|cannot|both|being|isn't|aren't|don't|doesn't"
    r"|might|may"
    r"|seems?|will|fails?|involve|describe|only|\u662f|\u90fd|\u5747|\u4e0d)(?!\w)"
)
"""After a mention that begins a statement about it, and so ends no list."""
LIST = lazy_pattern(rf"(?:[\s).,]{{0,3}}{SEPARATOR}\s{{0,2}}{ANY}){{1,12}}")
"""The rest of a list of mentions, after the first: ", B and C"."""
JOINED = lazy_pattern(rf"{ANY}[\s).,]{{0,3}}(?:and|or|&|/|\u548c|\u6216)\s{{0,2}}\Z")
"""Before the second of two options: "A and B are correct"."""
LEAD_IN = lazy_pattern(
    r"(?:\b(?:is|are|be|was|because|as follows|answer|choice|option|statement|conclude|select|choose|with"
    r"|to)[^\S\n]{0,2}:)[^\S\n]{0,2}\Z"
)
"""The end of a line that announces the answer on the next one."""
NOT_LEAD_IN = lazy_pattern(
    r"(?:\b(?:options|choices|statements|candidates|possibilities|alternatives)(?:\s\w+){0,2}\s(?:are|is|were)\s?:\s{0,2}\Z"
    r"|\b(?:each|evaluate|consider|examine|analy[sz]e|review|looks? at|check|eliminate|rule out|incorrect (?:option"
    r"|answer|choice)s?)\b[^,.]{0,200}\Z)"
)
"""A line that announces a discussion of the options."""
LINE_MENTION = lazy_pattern(
    rf"^[ \t#>*+_\u2022-]{{0,8}}(?:\d{{1,2}}[.)]\s)?(?P<mention>{CLEAR})(?P<rest>[^\n]*+)$", re.MULTILINE
)
"""A line that begins with a mention."""
LINE_START = lazy_pattern(r"(?:\A|\n)[ \t#>*+_\u2022-]{0,8}(?:\d{1,2}[.)]\s)?\Z")
LINE_ALONE = lazy_pattern(rf"(?:\A|\n)[ \t*_#>\"'(-]{{0,8}}(?P<mention>{CLEAR})[ \t*_.\"')]{{0,8}}(?=\n|\Z)")
"""A line that is a mention and no more."""
LINE_WEAK_MENTION = lazy_pattern(LINE_MENTION.pattern.replace(CLEAR, ANY), re.MULTILINE)
LAST_CLEAR = CLEAR[-2]
CONCLUDES = lazy_pattern(
    r"\b(?:so|therefore|thus|hence|consequently|in conclusion|in summary|finally|conclude|overall|i think|most|best"
    r"|correct|must be|final"
    r"|only|this is|it is|clearly|which is|that is|it's)\b|\u56e0\u6b64|\u6240\u4ee5|\u6545|\u7efc\u4e0a"
)
MENTION_ENDS = lazy_pattern(r"[)\s*\"]{0,3}(?:[.!?;](?:\s|\Z)|\n|\Z)")
"""The end of a sentence right after a mention."""
SENTENCE_END = lazy_pattern(r"(?<![\ue000-\uf76f])[.!?](?=\s|\Z)|;\s|\n|[\u3002\uff01\uff1f\uff1b]")
CLAUSE_END = lazy_pattern(r"(?<=[\w)*\]])[.!?](?=\s|\Z)|;\s|\n|[\u3002\uff01\uff1f\uff1b]")
