"""cem: an accepted answer counts in any of the ways in which people write it, and as whole words only."""

from __future__ import annotations

import pytest

from llmfusionbench.scoring import score


@pytest.mark.parametrize(
    ("response", "truth"),
    [
        # signs and accents
        ("They sang for the Friends\u2019 Choir.", "Friends' Choir"),
        ("It is sold at Miller's.", "Miller\u2019s"),
        ("He wrote \u201cOver the Hill\u201d there.", '"Over the Hill"'),
        ("the war of 1812\u201315", "1812-15"),
        ("the 1994\u201295 season", "1994\u201495 season"),
        ("That was Zoe Muller.", "Zo\u00eb M\u00fcller"),
        ("a visit to \u0141\u00f3d\u017a", "Lodz"),
        ("She lives in Malm\u00f6.", "Malmo"),
        ("the Stra\u00dfe", "Strasse"),
        ("CO\u2082 is left over", "CO2"),
        ("12\u00a0km away", "12 km"),
        # marks of citations
        ("It was played by Ann Lee1.", "Ann Lee"),
        ("It was played by Ann Lee12. She won.", "Ann Lee"),
        ("It was played by Ann Lee\u00b9\u00b2.", "Ann Lee"),
        ("It was played by Ann Lee[3].", "Ann Lee"),
        ("It opened in 1994\u2076.", "1994"),
        # plural, singular, possessive
        ("They turn into igneous stones.", "Igneous stone"),
        ("Berries, mostly cherries.", "cherry"),
        ("It lives in a marsh.", "marshes"),
        ("The city decides.", "the cities"),
        ("two churches", "Church"),
        ("Owls.", "owl"),
        ("That is Ann Lee's dog.", "Ann Lee"),
        # numbers, ordinals, dates
        ("It is the 7th largest lake.", "7"),
        ("It is the 21st-largest lake.", "21"),
        ("It has seven seasons.", "7"),
        ("It has 7 seasons.", "seven"),
        ("twenty-two players", "22"),
        ("in the 5th round", "the fifth round"),
        ("in the 20th century", "the twentieth century"),
        ("on the nineteenth floor", "19th floor"),
        ("the twenty-first rider", "21st rider"),
        ("the 40th", "fortieth"),
        ("some 14,500 people", "14500"),
        ("36", "36.0"),
        ("It closed on May 3, 1911.", "3 May 1911"),
        ("It closed on the 3rd of May 1911.", "May 3, 1911"),
        ("on June 2nd", "2 June"),
        # and, hyphens, full stops
        ("It was Black and White Films.", "Black & White Films"),
        ("It was Black & White Films.", "Black and White Films"),
        ("a side view window", "side-view window"),
        ("He is A. B. Carter.", "A.B. Carter"),
    ],
)
def test_other_ways_of_writing(response: str, truth: str) -> None:
    assert score("cem", response, truth).value == 1.0


@pytest.mark.parametrize(
    ("response", "truth"),
    [
        ("It was Peter Williams.", "William"),
        ("Williams won.", "William"),
        ("He met Adams.", "Adam"),
        ("It is new.", "news"),
        ("It is in the news.", "new"),
        ("She met the others.", "other"),
        ("the one hundred and twentieth time", "20th"),
        ("the one hundred fifth time", "5th"),
        ("a good idea", "goods"),
        ("an economic idea", "economics"),
        ("741 weeks", "a week"),
        ("stonework", "stone"),
        ("a gasket", "gas"),
        ("vitamin B12", "B"),
        ("the F16", "F1"),
        ("a car from 1980s", "198"),
        ("10\u2075 of them", "10"),
        ("15 of them", "5"),
        ("It covers 6.8% of the land.", "8%"),
        ("It covers 6.8% of the land.", "68%"),
        ("about 1,200 people", "200"),
        ("in the 18th century", "18"),
        ("one third of it", "3"),
        ("two hundred of them", "2"),
        ("the fifth of them", "five"),
        ("one of them", "1"),
        ("May 4, 1911", "3 May 1911"),
        ("May 1911", "3 May 1911"),
        ("r\u00e9sum\u00e9s of the season", "reason"),
        ("Anna Leeds", "Ann Lee"),
        ("Ann Lee100", "Ann Lee"),
    ],
)
def test_other_words(response: str, truth: str) -> None:
    assert score("cem", response, truth).value == 0.0


def test_the_answer_that_was_found_is_named() -> None:
    assert score("cem", "It has seven seasons.", '["6", "7"]').extracted == "7"
    assert score("cem", "stones", '["stone", "stones"]').extracted == "stones"


@pytest.mark.parametrize("metric", ["em", "f1_score"])
def test_the_published_metrics_keep_signs_apart(metric: str) -> None:
    assert score(metric, "caf\u00e9", "cafe").value == 0.0
    assert score(metric, "seven", "7").value == 0.0
    assert score(metric, "stones", "stone").value == 0.0


def test_scripts_without_spaces_and_combining_marks() -> None:
    assert score("cem", "\ud55c\uad6d\uc740 \ub098\ub77c", "\ud55c\uad6d").value == 1.0
    assert score("cem", "\u0939\u093f\u0928\u094d\u0926\u0940", "\u0939\u093f\u0928\u094d\u0926\u0940").value == 1.0
    assert score("cem", "\u304c\u3044\u3053\u304f", "\u304b").value == 0.0
