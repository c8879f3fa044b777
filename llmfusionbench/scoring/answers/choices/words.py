"""How a text chooses an option in words. The text is in lower case, with mentions (`mentions`).

Every repetition is bounded or possessive, so that each search is linear in the length of the text.
"""

from __future__ import annotations

from llmfusionbench.scoring.answers.choices.mark_words import ARTICLES
from llmfusionbench.scoring.answers.choices.mention_places import OTHER
from llmfusionbench.scoring.answers.choices.mentions import CLEAR, STRONG
from llmfusionbench.texts.lazy_pattern import lazy_pattern

_OPTION = r"(?:(?:the|my|option|answer|choice|letter|correct|best|final)[\s:]{1,3}){0,3}"
_KIND = (
    r"(?:option|choice|statement|one|response|letter|match|answer|guess|pick|selection|conclusion|alternative|candidate"
    r"|explanation"
    r"|description|interpretation|fit|result|value|product|compound|sequence|solution)"
)
CHOICE = lazy_pattern(
    rf"(?:\b(?:(?:choose|pick|select|go(?:ing)? (?:with|for)|opt(?:ing)? for|settle (?:on|for)|vote for"
    rf"|leaning(?: towards?)?|lean towards?|chose|picked"
    rf"|selected)[,:]?\s{_OPTION}(?P<chosen>)"
    rf"|(?:correct|right|best|final|closest|nearest|only|likely|plausible|accurate|appropriate|suitable|reasonable"
    rf"|probable|my)"
    rf"\s{_KIND}(?:\s(?:here|then|overall|therefore|from the list|among the options|given|choice|option)){{0,1}}"
    rf"(?:(?:,\s(?:which|that))?\s(?:is|would be|must be|should be|seems to be)(?:\s(?:therefore|thus|then|clearly"
    rf"|probably|likely"
    rf"|most likely)){{0,1}}"
    rf"|\s?(?:[:=\u2192\u2013\u2014-]|->))[\s:$]{{0,3}}(?:(?:that|the one)\s(?:in|of|from)\s)?{_OPTION}(?P<best>)"
    rf"|best (?:described|explained|represented|captured|summari[sz]ed) (?:by|in)\s{_OPTION}(?P<described>)"
    rf"|only\s(?:statements?\s)?(?P<only>)"
    r"|(?<![\w)\ue000-\uf76f]\s)correct:\s{1,2}(?P<graded>)"
    rf"|(?:all|every|each|everything|every one)\b{OTHER}{{0,60}}\b(?:except|but)(?: for)?\s(?P<except>)"
    rf"|(?:exception|odd one out|(?:false|incorrect|wrong|untrue|inaccurate) (?:statement|one|option|claim|choice)"
    rf"|(?:statement|option|one|claim) that (?:is|does|are) (?:not [a-z]{{2,12}}|false|incorrect|wrong|untrue))"
    rf"\s?(?:is|would be|must be|:)[\s:]{{0,3}}{_OPTION}(?P<exception>)"
    rf"|(?:correct|right|best|final|closest|likely|plausible|probable|reasonable|accurate)\s(?:is|would be"
    rf"|:)[\s:]{{0,3}}{_OPTION}(?P<bare>)"
    rf"|(?:must be|i now say|i (?:would |will |'d |\u2019d )?(?:guess|think|believe|say)|i'd (?:guess|say)"
    rf"|i\u2019d (?:guess"
    rf"|say)|guess(?:ing)? (?:is|would be)"
    rf"|conclude(?: that)? (?:it|the answer)|think|believe)\s(?:(?:that|it|it's|it\u2019s|is|must|be|the|answer"
    rf"|definitely|probably)\s){{0,4}}(?P<thought>)"
    rf"|(?:so|therefore|thus|hence|consequently|accordingly|ergo|leaves|leaving|leaves us with|leaving us with"
    rf"|left with|remains|makes it|making it|most probably|most likely"
    rf"|(?:evidence|data|analysis|reasoning|everything|all of this) (?:\w{{1,12}} )?points? to)\b,?\s"
    rf"(?:(?:it's|it\u2019s|it|is|must|be|the|answer|only|just|i|choose|pick|we|get|have)\s){{0,4}}(?P<hence>)"
    rf"|(?:opci[o\u00f3]n|op[c\u00e7][a\u00e3]o|alternativa|opzione|option|variante)\s(?:correcta|correta|certa"
    rf"|corretta|giusta|correcte)"
    rf"\s(?:es|\u00e9|\u00e8|est)\s{ARTICLES}(?P<foreign>)"
    rf"|(?:correspond(?:s|ing)?|match(?:es|ing)?|clos(?:e|er|est)|nearest|equivalent|consistent|agrees?|align(?:s|ed)?"
    rf"|leads?(?: us)?"
    rf"|points?|refers?|equal|fits?|identical|supports?|leav(?:es|ing)|indicat(?:es|ing)|which is|this is|that is|it is"
    rf"|it's|it\u2019s)"
    rf"\s(?:(?:most|best|closely|directly|exactly|only|just|us|in|listed|given|as|the)\s){{0,3}}(?:(?:to|with|by|toward"
    rf"|towards)\s)?"
    rf"(?:(?:only|the|answer)\s){{0,2}}(?P<match>))"
    rf"|(?<=[\ue000-\uf76f])[\s).,]{{1,4}}(?:but|sondern|sino|mais)\s(?:(?:rather|instead|option|answer|it is"
    rf"|it's)\s){{0,2}}(?P<instead>)"
    rf"|(?:donc|par cons\u00e9quent|ainsi),?\s(?:c['\u2019]est|il s['\u2019]agit de)\s{ARTICLES}(?P<foreign_so>)"
    rf"|(?:\u9009\u9879|\u9078\u9805|\u6b63\u786e\u7684"
    rf"|\u6b63\u78ba\u7684)\w{{0,2}}?[\u662f\u4e3a\u70ba:\s]{{1,3}}(?P<listed>)"
    rf"|(?<![\u4e0d\u5907\u5019])(?:\u9009|\u9078)(?:\u62e9"
    rf"|\u64c7)?[\u4e3a\u662f\u70ba\uff1a:\s\u7b54\u6848]{{0,4}}(?P<chinese>))\Z"
)
"""The end of the words before an option that is chosen. One empty group tells how: its name."""
BEFORE_CHOICE = frozenset(
    [
        "choose",
        "except",
        "but",
        "pick",
        "select",
        "with",
        "for",
        "on",
        "chose",
        "picked",
        "selected",
        "the",
        "my",
        "option",
        "answer",
        "choice",
        "letter",
        "correct",
        "best",
        "final",
        "is",
        "be",
        "therefore",
        "thus",
        "then",
        "clearly",
        "probably",
        "likely",
        "guess",
        "think",
        "believe",
        "say",
        "it",
        "that",
        "it's",
        "it’s",
        "must",
        "definitely",
        "so",
        "hence",
        "consequently",
        "accordingly",
        "ergo",
        "leaves",
        "leaving",
        "us",
        "remains",
        "only",
        "i",
        "we",
        "get",
        "have",
        "to",
        "most",
        "closely",
        "directly",
        "exactly",
        "just",
        "in",
        "listed",
        "given",
        "as",
        "by",
        "toward",
        "towards",
        "correspond",
        "corresponds",
        "corresponding",
        "match",
        "matches",
        "matching",
        "close",
        "closer",
        "closest",
        "nearest",
        "equivalent",
        "consistent",
        "agree",
        "agrees",
        "align",
        "aligns",
        "aligned",
        "lead",
        "sondern",
        "sino",
        "mais",
        "instead",
        "statement",
        "leaning",
        "making",
        "makes",
        "leads",
        "point",
        "points",
        "refer",
        "refers",
        "equal",
        "fit",
        "fits",
        "identical",
        "support",
        "supports",
        "indicates",
        "indicating",
        "wait",
        "actually",
        "no",
        "sorry",
        "oops",
        "hmm",
        "correction",
        "that's",
        "should",
        "make",
        "mean",
        "meant",
        "rather",
        "reflection",
        "thought",
        "are",
        "was",
        "be",
        "la",
        "el",
        "a",
        "die",
        "der",
        "het",
        "es",
        "est",
        "ist",
    ]
)
"""The last words that `CHOICE` and `CORRECTION` end with."""
CHOICE_ENDS = lazy_pattern(
    r"[\s).]{0,3}(?:\Z|\n|[.,;!](?:\s|\Z)|that (?:fits|works|matches|holds)\b|because\b|since\b|as\b|it is\b"
    r"|[-\u2013\u2014:])"
)
"""After an option that "so" or "hence" introduces."""
ONLY_ONE = lazy_pattern(
    r"[\s),]{0,3}(?:alone\s)?(?:satisf|works?\b|fits?\b|meets?\b|match|remains?\b|is\b|makes\b|explains\b|agrees?\b"
    r"|holds?\b|survives?\b|passes\b"
    r"|gives\b|has\b|can\b|describes\b|contains\b|shows\b|accounts\b|applies\b)"
)
"""After "only" and an option."""
ONLY_FITS = lazy_pattern(r"[\s),]{0,3}(?:satisfies|survives|fits|works|matches|remains|meets|passes|agrees)\b")
"""The same after a bare letter, which may be the name of something in the question."""
MATCHES = lazy_pattern(r"(?:match|correspond|clos|nearest|consistent|agree|align|fit)")
"""The words that compare a result with an option."""
CORRECTION = lazy_pattern(
    r"\b(?:correction|wait|actually|no(?=[,.;:!])|sorry|oops|hmm|scratch that|on (?:reflection"
    r"|second thought))\b[\s,.:;!\u2014-]{0,4}"
    r"(?:(?:no|wait|actually|hmm|it's|it\u2019s|it|is|that|that's|should|must|be|the|answer|make|i|mean|meant|rather"
    r"|to)[\s,.:]{1,3}){0,6}\Z"
)
"""The end of a change of mind: "Wait, it's "."""
_BEST = (
    r"(?:correct|right|best|answer|likely|appropriate|accurate|suitable|plausible|closest|nearest|fitting"
    r"|reasonable|probable"
    r"|valid choice"
    r"|odd one out|exception|remaining|(?<=most )consistent)"
)
VERDICT = lazy_pattern(
    rf"{CLEAR}(?P<text>[\s).,:*\"]{{0,4}}(?:{OTHER}{{0,80}}?\b|))(?:(?:is|seems|appears|looks|remains|stands out as"
    rf"|must be|would be)"
    rf"\s(?:to be\s)?(?:(?:indeed|clearly|therefore|thus|probably|most|very|more|the|my|our|your|only|also|hence"
    rf"|then|by far"
    rf"|definitely|likely|single)\s){{0,4}}"
    rf"{_BEST}\b(?!\sthat\b|\sif\b|\sin (?:that|saying)\b|,?\s(?:but|yet)\b|\sabout\b|\sat first\b|\s(?:initially"
    rf"|superficially)\b)|fits best|fits the best|is the one\b"
    rf"|remains(?=[.!]|\s*\Z)|is left(?=[.!]|\s*\Z)"
    rf"|it is\b(?=[.!]|\s*\Z)|is the only"
    rf"|(?:as )?the (?:only )?(?:correct|best|right|most \w{{1,14}}) (?:answer|option|choice|one)"
    rf"|as the (?:most \w{{1,14}}|best|correct|right)\b|comes? (?:the )?closest|best (?:fits|matches"
    rf"|describes|explains|answers|captures|reflects|represents|aligns|characterizes)|makes the most sense|(?:describes"
    rf"|explains|fits|matches|captures) (?:it|this|that|them) best"
    rf"|(?:is )?\u2705|\u2713|\u2714|(?:\u662f|\u4e3a|\u9879|\u9805|\u9009\u9879)?(?:\u6700)?(?:\u6b63\u786e"
    rf"|\u6b63\u78ba|\u5bf9\u7684|\u5c0d\u7684|\u7b26\u5408|\u5408\u9002)"
    rf"|ist (?:die )?(?:richtig|korrekt)|es (?:la )?correct|est (?:la )?(?:correct|bonne)"
    rf"|\u3092\u9078(?![\u3070\u3079])|[\u304c\u306f](?:\u6700\u3082)?(?:\u6b63\u3057\u3044|\u6b63\u89e3"
    rf"|\u9069\u5207)|\u00e9 (?:a )?corret)"
)
"""Said of an option that it is right, which may be the answer or, in a list of statements, an aside."""
RIGHT_IN_LIST = lazy_pattern(
    rf"{STRONG}(?:[\s).:*\"]{{1,5}}|{OTHER}{{0,80}}?[:(\u2013\u2014-]\s?)(?:this is |that is |that's )?(?:correct|right"
    rf"|yes)\b(?!\s(?:that|if|in|but)\b)"
)
"""A line of a list of options that ends or begins with "correct"."""
AS_STATEMENT = lazy_pattern(
    r"(?:is|seems)\s(?:to be\s)?(?:(?:indeed|clearly|therefore|thus|also|likely)\s)?(?:correct|right|accurate"
    r"|appropriate|plausible|suitable)\Z"
)
"""The verdicts that may be an aside."""
CONTRAST = lazy_pattern(r"(?:\bbut|\bhowever,?|\byet)\s\Z")
"""The end of the words before an option that is set against another one."""
CONTRASTED = lazy_pattern(rf"{CLEAR}[\s)]{{0,2}}is\s(?:indeed\s|clearly\s)?(?:correct|right)(?:[.;!,]\s?|\s?\n\s?|)")
"""A statement that an option is right, up to the end of its clause."""
NOT_RIGHT = lazy_pattern(
    r",?\s(?:but|yet|though|although|however,?)\s(?:(?:it|this|that)(?:\s|['\u2019]s\s))?(?:is\s)?(?:still\s)?"
    r"(?:wrong|incorrect|not (?:correct|right))(?=\s?(?:[.,;!\n]|\Z))"
)
"""After an option that comes closest: that it is wrong."""
COPULA = lazy_pattern(
    r"(?:\b(?:is|be|was)(?P<strong>)|\bit['\u2019]s(?P<its>)|\b(?:are|to|with|by|as)(?P<paired>))"
    r"(?:\s(?:likely|probably|most likely|therefore|thus|the|definitely|clearly|surely|certainly|obviously"
    r"|actually)){0,2}[ \t:]{1,3}\Z"
)
"""The end of the words before an option that something is, or is compared to."""
