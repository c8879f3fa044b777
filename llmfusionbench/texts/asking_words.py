"""English words that decide what a sentence asks, and words that say little about it."""

from __future__ import annotations

from typing import Final

from llmfusionbench.texts.number_names import TEENS, TENS, UNITS


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


EMPTY: Final = _set("""
a an the of to in on at by for from with as and or is are was were be been do does did has have had will would can could
should it its this that these those there their his her he she they you your i we our s t
""")
ASKING: Final = _set("what who whom whose when where why how")
DEGREES: Final = _set("many much long old far tall often high fast big large deep wide heavy soon hot cold")
"""Words after "how"."""
TURNING: Final = _set("""
first second third fourth fifth sixth seventh last next previous before after above below left right up down inside
outside most least more less fewer many few all any none both either largest smallest larger smaller greatest highest
lowest higher lower longest shortest longer shorter maximum minimum max min best worst oldest youngest earliest latest
increase decrease increases decreases increasing decreasing increased decreased ascending descending positive negative
odd even true false correct incorrect always never sum product difference division quotient square cube squares cubes
area perimeter volume radius diameter row column rows columns prefix suffix uppercase lowercase upper add subtract
multiply divide half twice double triple win lose won lost advantages disadvantages cause effect causes effects
strengths weaknesses
""")
"""Words that make another question of a sentence if one stands for another."""
_OPPOSED: Final = """
father/mother son/daughter brother/sister husband/wife uncle/aunt boy/girl boys/girls man/woman men/women king/queen
male/female males/females old/new older/newer old/young older/younger oldest/newest big/small bigger/smaller biggest/smallest
long/short longer/shorter tall/short taller/shorter high/low hot/cold hotter/colder hottest/coldest warm/cold warmer/colder
fast/slow faster/slower fastest/slowest heavy/light heavier/lighter heaviest/lightest cheap/expensive rich/poor good/bad
better/worse early/late earlier/later easy/hard strong/weak stronger/weaker same/different near/far inner/outer
raise/cut raised/cut raise/lower raised/lowered rise/fall rose/fell gain/lose gained/lost buy/sell bought/sold import/export
imports/exports open/close opened/closed begin/end began/ended start/end started/ended start/stop started/stopped
accept/reject accepted/rejected agree/disagree support/oppose supported/opposed allow/forbid allowed/forbidden
love/hate like/dislike remember/forget arrive/leave arrived/left push/pull send/receive sent/received lend/borrow
encode/decode encrypt/decrypt encourage/discourage enter/exit insert/delete append/remove add/remove added/removed
possible/impossible legal/illegal necessary/unnecessary safe/dangerous alive/dead present/absent present/past future/past
north/south east/west northern/southern eastern/western day/night morning/evening summer/winter
credit/debit profit/loss profits/losses income/expense supply/demand question/answer synonym/antonym synonyms/antonyms
numerator/denominator dividend/divisor sine/cosine sin/cos row/column rows/columns vertical/horizontal
"""
OPPOSITES: Final = {
    word: frozenset(b for pair in _OPPOSED.split() for a, b in (pair.split("/"), pair.split("/")[::-1]) if a == word)
    for word in _OPPOSED.replace("/", " ").split()
}
"""A word -> those that make another question if they stand for it."""
DENYING: Final = _set("not except never without cannot neither nor isn aren doesn didn don won wouldn")
NUMBERS: Final = {word: str(number) for number, word in enumerate(("zero", *UNITS, *TEENS))} | {
    **{word: str(10 * place) for place, word in enumerate(TENS[:5], 2)},
    "hundred": "100",
    "thousand": "1000",
}
"""A number in words -> in digits."""
