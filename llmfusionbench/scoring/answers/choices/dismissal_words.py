"""How a text withdraws or dismisses an option, or declines to choose. The text is in lower case, with mentions (`mentions`).

Every repetition is bounded or possessive, so that each search is linear in the length of the text.
"""

from __future__ import annotations

import re

from llmfusionbench.texts.lazy_pattern import lazy_pattern

_WRONG_ADJECTIVES = (
    r"wrong|incorrect|false|ruled|unlikely|implausible|eliminated|less|irrelevant|out\b|dismissed|invalid"
    r"|excluded|inconsistent"
    r"|impossible|inaccurate|insufficient|too\b|unrelated|never|inappropriate|unsuitable|discarded|rejected"
    r"|misleading|untrue"
    r"|improbable|inadequate|no\b|neither|nonsens|flawed|unsupported|the opposite|contra\w+|incompatible"
    r"|distractor|ineffective"
)
_ADVERBS = (
    r"(?:(?:also|clearly|therefore|thus|then|both|all|definitely|simply|very|highly|just|generally|likely"
    r"|obviously|hence)\s+)"
    r"{0,2}"
)
NEGATIVE = (
    "not", "n't", "n\u2019t", "wrong", "incorrect", "false", "fail", "unlikely", "rule", "out", "elimin", "implaus",
    "irrelev", "incons", "inco", "inval", "inacc", "insuff", "imposs", "improb", "inadeq", "inapp", "ineff", "unrel",
    "unsu", "untrue", "never", "less", "mis", "contra", "confus", "ignor", "lack", "too ", "no,", "no.", "no!", "is no",
    "are no", "neither", "nonsens", "flawed", "opposite", "distract", "dismiss", "exclu", "reject", "discard", "overstat",
    "understat", "overlook", "makes no", "nothing",
)  # fmt: skip
"""One of these is in every English dismissal."""
RULING_OUT = frozenset(
    ("dou", "wro", "inc", "not", "tha", "ins", "exc", "rul", "out", "eli", "dis", "rej", "nei", "nor",
     "unl", "wit", "aga", "if", "whe", "why", "con", "no", "nic", "pas")
)  # fmt: skip
"""The first three letters of a word that rules out the option after it, in Latin letters."""
UNDECIDED_SIGNS = (
    "not", "n't", "n\u2019t", "unable", "impossible", "difficult", "none of", "no ", "insufficient", "lack of", "without",
    "more than one", "both ", "need ", "between", "\u65e0\u6cd5",
)  # fmt: skip
"""One of these is in every text that declines to choose."""
_SAID_WRONG = (
    rf"\b(?:is|are|was|were|be|seems?|appears?|looks?|becomes?|being)\s+{_ADVERBS}(?:not\b|{_WRONG_ADJECTIVES})"
    r"|(?:is|are|was|were|does|do|did|can|could|would|has|wo)n['\u2019]t\b|\b(?:does|do|did|can|could|would|will|may"
    r"|might)\s?not\b"
    r"|\bcannot\b|\b(?:misstates?|misrepresents?|contradicts?|ignores?|overlooks?|fails?|lacks?|overstates?|confuses?)\b"
)
SAID_WRONG = lazy_pattern(rf"{_SAID_WRONG}|\u9519|\u932f|\u4e0d\u6b63\u786e|\u4e0d\u5bf9|\u4e0d\u7b26|\u4e0d\u662f")
"""A predicate that dismisses the option before it."""
DISMISSED = lazy_pattern(
    rf"(?:{_SAID_WRONG}"
    r"|\bfails?\b|\bcontradict|\bmisstate|\bmisrepresent|\bmisinterpret|\bconfus|\bignor|\black(?:s|ing)?\b"
    r"|\bha(?:s|ve) (?:the|a) wrong\b|\boverstate|\bunderstate|\bmakes? no sense|\bno[,.!]|\brules? (?:it|this"
    r"|that|them) out\b"
    r"|\bdo(?:es)? nothing\b|\bincorrect(?:ly)?\b|\bwrong(?:ly)?\b|\bfalse\b|\bruled out\b|\beliminated?\b|\bunlikely\b"
    r"|\bimplausible\b"
    r"|\bnot\b|\birrelevant\b|\btoo (?:small|large|high|low|big|broad|narrow|strong|weak|short|long|few|many)\b|\u274c"
    r"|\u2717|\u2718|\u00d7"
    r"|\u9519|\u932f|\u4e0d\u6b63\u786e|\u4e0d\u5bf9|\u4e0d\u7b26|\u4e0d\u662f|\u6392\u9664|\u4e0d\u80fd|\u4e0d\u5408)"
)
"""Said of an option that it is not the answer."""
SURELY_DISMISSED = lazy_pattern(
    r"\b(?:incorrect|wrong|ruled out|eliminated|unlikely|implausible|not (?:the |a |very |as )?(?:correct|right|best"
    r"|answer|likely|plausible|consistent"
    r"|possible|relevant|fit|match|true|valid|good|accurate|appropriate))\b|\u274c|\u2717|\u2718|\u9519\u8bef"
    r"|\u4e0d\u6b63\u786e|\u6392\u9664"
)
"""The same, in words that the text of an option itself hardly has."""
RULED_OUT = lazy_pattern(
    r"(?:n['\u2019]t|\b(?:not|(?:wrong|incorrect) (?:answer|choice)s?|doubt|than|instead of|except|rul(?:es?|ed"
    r"|ing)(?: out)?|out|eliminat\w{1,4}|exclud\w{1,4}"
    r"|dismiss\w{0,4}|reject\w{0,4}|discard\w{0,4}|neither|nor|cannot|can not|unlike|without|against"
    r"|unless|if|whether|why|contradict\w{0,3}|conflicts? with|(?:inconsistent|incompatible) with|contrary to"
    r"|disagrees? with|no es|nicht|pas)|\u4e0d\u662f|\u4e0d\u9009|\u6392\u9664|\u4e0d\u5e94\u9009|\u043d\u0435)"
    r"[\s:]{0,2}(?:(?:be|have been|choose|pick|select|guess|say|it|is|both|either|just|only|necessarily|quite|answer|the"
    r"|be the)\s+){0,2}\Z"
)
"""The end of the words before an option that is not the answer."""
CONSIDERED = lazy_pattern(
    r"\b(?:consider|examin|check|evaluat|try|test|analy[sz]|look(?:ing)? at|start(?:ing)? with|tak|suppos|assum"
    r"|compar)(?:ing|es?|ed)?(?:\sthe)?\s\Z"
)
"""The end of the words before an option that is about to be examined."""
_HEDGED = r"(?:\b(?:if|would|might|could|some|students?|people|they|not|never|who|to|may|one|reason)|n['\u2019]t)"
HEDGED = lazy_pattern(rf"{_HEDGED}\s(?:also\s|then\s|even\s|they\s|you\s|we\s|i\s|be\s)?(?:tempted to\s)?\Z")
FIRST_PERSON = lazy_pattern(
    r"(?:\bi(?:['\u2019]d|\s(?:would|will|must|have to))|\bi am going to|\bi['\u2019]ll|\bi['\u2019]m going to"
    r"|\bi want to|\bhave to|\binclined to|\bi would like to|\bi am ready to)\s\Z"
)
NOT_A_VERDICT = lazy_pattern(
    r"(?:\bnot|n't|n\u2019t|\bnever|\bthan|though|\bnor|\bif|\bwhether|\bsuppose|\bassum(?:e|ing)|\bunless|\bwhy"
    r"|\bneither|\bnone of|\bfor|\bwhen|\bdoubt|\bunlikely|(?:\bnot|n['\u2019]t) (?:think|believe|sure))"
    r"[\s:]{0,2}(?:(?:both|either|that|option|the|it|this|answer)\s){0,2}\Z"
)
SUPPOSES = lazy_pattern(r"\s{0,3}(?:but |and |so )?(?:if|suppose|assum(?:e|ing)|whether|unless|why|what if|let)\b")
"""The beginning of a sentence that only supposes an answer."""
NONE_OF = lazy_pattern(r"\b(?:neither|none of)\s(?:[^\w\n]|\b(?:or|nor|and|options?|the)\b|[\ue000-\uf76f]){0,12}\Z")
OTHERS = lazy_pattern(
    r"^[^\n\ue000-\uf76f]{0,30}(?:\bwhy (?:the )?(?:others?|other (?:options|choices|answers)|not|remaining|rest"
    r"|incorrect|wrong)"
    r"|\b(?:other|remaining|incorrect|wrong|rest of the) (?:options|choices|answers|ones|statements|possibilities)\b"
    r"|\bthe others\b|\bthe rest\b|\u5176\u4ed6\u9009\u9879|\u5176\u5b83\u9009\u9879|\u5176\u4ed6\u9078\u9805)",
    re.MULTILINE,
)
"""The heading or sentence from which on the options that are not the answer are discussed."""
NOT_THE_ANSWER = lazy_pattern(
    r"(?:[^.!?;\n\ue000-\uf76f]|\.\d){0,80}?(?:[,(.]\s?|\s)(?:but|however,?|though|although|which|yet)\s"
    r"(?:(?:this|that|it|still|also|option|value)\s){0,3}(?:is|isn['\u2019]t|was)\s(?:(?:still|also|really)\s)?"
    r"(?:(?:not|n['\u2019]t)\s(?:really\s)?(?:(?:the\s)?(?:(?:correct|right|actual)\s)?answer|(?:correct|right)\s?[.,;\n])"
    r"|(?<=n't\s)(?:the\s)?(?:(?:correct|right|actual)\s)?answer)\b"
)
"""After an option that comes closest: that it is not the answer."""
_NO_OPTION = (
    r"(?:none of (?:the|these|those)\s(?:(?:given|provided|listed|available|above|answer)\s){0,3}(?:options"
    r"|choices|answers)?\s?"
    r"(?:(?:provided|given|listed|above)\s)?(?:is|are|was|were|do|does|can|exactly|accurately|directly|truly"
    r"|really|correctly"
    r"|fully|match|fit|correspond|represent|reflect)"
    r"|(?:the )?(?:question|problem) (?:is not answerable|cannot be answered|can['\u2019]t be answered)"
    r"|(?:the )?(?:correct|right|true) (?:answer|option|choice) is (?:not|n['\u2019]t) (?:listed|given|provided"
    r"|available|among|in)"
    r"|there is no (?:correct|right|valid) (?:answer|option|choice)|no option is (?:correct|right))"
)
NO_OPTION_FITS = lazy_pattern(
    rf"(?:\b(?:therefore|thus|hence|so|conclude|consequently)|[.!\n]\s{{0,2}}since)\b[^.!?\n]{{0,80}}?{_NO_OPTION}(?!\w)"
    r"(?![^\n]{0,160}\b(?:closest|nearest|but|however|although)\b)"
)
"""A conclusion that no option is right."""
NONE_FITS = lazy_pattern(
    r"[\s(*\"'$:-]{0,6}(?:none of (?:the|these|them|those)\b(?! other)|no(?:ne)? (?:of the )?(?:correct|given|provided)\b"
    r"|none[\s).*]{0,4}(?:\n|\Z)|not (?:listed|available|provided|given|among|in the|on the list|applicable)\b"
    r"|no (?:option|answer|choice)\b)"
)
"""A marked answer that says that it is no option."""
OPEN_OPTIONS = lazy_pattern(
    r"\b(?:remaining|other possible|leftover) (?:options|choices|answers|candidates|possibilities) are\b"
)
"""Several options are still to be decided between."""
GIVES_UP = lazy_pattern(
    r"(?:\bcannot|\bcan['\u2019]t|\bunable to|\bnot able to|\bimpossible to|\bnot possible to)\s(?:determine|provide"
    r"|give|choose|select|pick|identify)"
    r"\s(?:an?|the|any)\s(?:(?:correct|right|definitive|definite|single|accurate|exact|final|precise)\s){0,2}(?:answer"
    r"|option|choice)"
)
"""The text takes its answer back."""
UNDECIDED = lazy_pattern(
    r"(?:\bcannot|\bcan['\u2019]t|\bcan not|\bcould not|\bunable to|\bimpossible to|\bnot possible to|\bdifficult to"
    r"|\bnot able to)\s(?:be\s)?"
    r"(?:\w+ly\s)?(?:determin|answer|choos|select|decid|provid|tell|say|conclu|identif|pick|give|assist)"
    r"|\bnone of (?:the|these|those|them|which|your)\b(?! (?:other|others|remaining|rest|alternatives)\b)"
    r"|\bno (?:correct|right|suitable|valid|single|definitive"
    r"|clear) (?:answer|option|choice)"
    r"|\b(?:insufficient|not enough|lack of|without (?:more|further|additional|sufficient|enough)) (?:information|data"
    r"|context|detail)"
    r"|\bi (?:do not|don['\u2019]t) know\b|\b(?:not|isn['\u2019]t|aren['\u2019]t) (?:listed|among|one of|in) (?:the "
    r"|any )?(?:\w+ )?(?:options|choices|answers|answer choices|list)"
    r"|\bdoes(?: not|n['\u2019]t) match any\b|\bmore than one (?:option|answer)|\bboth (?:options|answers|are)"
    r"|\bneed (?:more|additional|further) (?:data|information|context|detail)|\b(?:choose|decide) between\b"
    r"|\bno option\b|\u65e0\u6cd5(?:\u786e\u5b9a|\u5224\u65ad|\u56de\u7b54)"
)
"""The text declines to choose."""
