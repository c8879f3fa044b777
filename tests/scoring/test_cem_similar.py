"""cem: answers that look alike and are different, each in the place of the other."""

from __future__ import annotations

import pytest

from llmfusionbench.scoring import score

PAIRS = [
    # first names and surnames
    *(("Anna", "Anne"), ("Maria", "Marie"), ("Julia", "Julian"), ("Norma", "Norman"), ("Mario", "Marian")),
    *(("Paul", "Paula"), ("Michel", "Michael"), ("Eliza", "Elisa"), ("Marianne", "Marian"), ("Christ", "Christian")),
    *(("Ellen Brown", "Ellen Browne"), ("Queen Louise", "Queen Louis"), ("Saint Carla", "Saint Carl")),
    *(("Gray", "Grey"), ("Carlos", "Carl"), ("Simon", "Simone"), ("Spence", "Spense"), ("Clark", "Clarke")),
    # names that are like those of peoples
    *(("Martin", "Martini"), ("Victoria", "Victorian"), ("Roman", "Romania"), ("Martian", "Mars"), ("Austria", "Australia")),
    *(("Niger", "Nigeria"), ("Nigerian", "Niger"), ("the Riverside Indians", "India"), ("Slovenia", "Slovakia")),
    # common words
    *(("mourning", "morning"), ("forth", "fourth"), ("pets", "poets"), ("four", "for"), ("rogue", "rog")),
    *(("the escape plane", "the escape plan"), ("a white win", "a white wine"), ("statue", "statute")),
    *(("sealed", "seal"), ("bearing", "bear"), ("leading", "lead"), ("wicked", "wick"), ("oil painting", "oil paint")),
    *(("criticism", "critic"), ("tourism", "tour"), ("architecture", "architect"), ("computing", "computer")),
    *(("magician", "magic"), ("chemistry", "chemist"), ("a festival game", "festive"), ("classical music", "the classic")),
    *(("catholic tastes", "Catholicism"), ("bad manners", "manner"), ("new spectacles", "spectacle")),
    *(("wedding", "wed"), ("boxing", "box"), ("journalism", "journalist"), ("Egyptology", "Egypt"), ("Indiana", "India")),
    # spaces
    *(("now here", "nowhere"), ("They met to get her home.", "together"), ("all ready", "already"), ("It is land.", "island")),
    # digits after a word that are no citation, and words inside words
    *(("It runs on GPT4.", "GPT"), ("the old iPhone4", "iPhone"), ("It is invalid1.", "valid"), ("an aftershock1", "shock")),
    *(("It is inactive, as GPT4 found.", "active"), ("She was forgiven for group9.", "given")),
    *(("It is inactive1, byAnn Lee.", "active"), ("It was inactiveand byAnn Leein 2004.", "active")),
    # hours, money, ages and temperatures
    *(("9 a.m.", "9 metres"), ("It opens at 9 a.m. sharp.", "9 m"), ("6 p.m.", "6 a.m."), ("5 m", "5 minutes")),
    *(("\u00a35", "5 lb"), ("It lasts 90 seconds.", "the 90s"), ("40 \u00b0F", "40 \u00b0C"), ("3 Gbit/s", "3 GB")),
    *(("in her 30s", "1930s"), ("in her early 30s", "1930s"), ("Highs were in the 70s.", "1970s")),
    # numbers, ordinals and dates
    *(("thirteen", "30"), ("1,500", "15,000"), ("1.5", "15"), ("twenty-one", "20"), ("one second later", "2nd")),
    *(("1/2", "12"), ("3-1", "31"), ("12:30", "1230"), ("June 11", "1 June"), ("1990", "the 1990s"), ("3 March", "3 April")),
    *(("It is twice as large.", "2"), ("At one time he was king.", "1"), ("July 14", "4 July"), ("Only 5 may enter.", "May 5")),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_different_answers_do_not_count(one: str, other: str) -> None:
    assert score("cem", one, other).value == 0.0
    assert score("cem", other, one).value == 0.0
