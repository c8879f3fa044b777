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
DENYING: Final = _set("not except never without cannot neither nor isn aren doesn didn don won wouldn")
NUMBERS: Final = {word: str(number) for number, word in enumerate(("zero", *UNITS, *TEENS))} | {
    **{word: str(10 * place) for place, word in enumerate(TENS[:5], 2)},
    "hundred": "100",
    "thousand": "1000",
}
"""A number in words -> in digits."""
