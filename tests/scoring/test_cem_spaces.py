"""cem: spaces that a response lost or gained, units, counts and decades."""

from __future__ import annotations

import pytest

from llmfusionbench.scoring import score


@pytest.mark.parametrize(
    ("response", "truth"),
    [
        # words joined or split
        ("They kept a light house.", "lighthouse"),
        ("They kept a lighthouse.", "light house"),
        ("It was K.L. Menon.", "K. L. Menon"),
        ("It opens at 9:45pm.", "9:45 pm"),
        # links without spaces around them, and their citations
        ("It was sung byAnn Leein 2004.", "Ann Lee"),
        ("The film stars actressAnn Lee12.", "Ann Lee"),
        ("It was sung by Ann Lee123.", "Ann Lee"),
        ("TheOld Bridgeis the last one in town1.", "the Old Bridge"),
        ("It opened in1987after a long delay.", "1987"),
        ("It opened in 19871.", "1987"),
        ("It opened in19872. Then it closed.", "1987"),
        ("It opened on June 3, 198712.", "3 June 1987"),
        ("It cost $45,0001.", "$45,000"),
        ("It has a total of12 rooms1.", "12"),
        ("It is set in the 1870s2.", "1870s"),
        ("The theme is sung by the groupABBA1.", "ABBA"),
        ("The kiln has4 doors.", "4"),
        ("Their main trade wasbasketryfor long1.", "basketry"),
        ("They signed it inOsloon May 1, 19241.", "Oslo"),
        # letters that the data lost
        ("It was Andr\u00e9 Mu\u00f1oz.", "Andr Muoz"),
        # units
        ("It is 7.25 meters long.", "7.25 m"),
        ("It is 7.25 metres long.", "7.25 meters"),
        ("a 3-inch nail", "3 in"),
        ("It ran 50km.", "50 kilometers"),
        ("It is 12 feet 3 inches.", "12ft 3in"),
        ("It sends 20 Mbps.", "20 Mbit/s"),
        ("It sends 20Mbps.", "20 Mbit"),
        ("It sends 2.5 gigabits per second.", "2.5 Gbit/s"),
        ("It was 40 degrees Celsius.", "40\u00b0C"),
        ("It was 40 \u00b0C.", "40\u00b0C"),
        ("It has 16GB of it.", "16"),
        ("It fell in 240 BCE.", "240 BC"),
        ("It ran 50km.", "50"),
        ("some 30%", "30 percent"),
        ("It cost $6 million.", "6 million dollars"),
        ("It cost \u00a36.", "6 pounds"),
        ("It cost \u00a36 million.", "6 million pounds"),
        ("It weighs 6 lbs.", "6 pounds"),
        ("It weighs 6 pounds.", "6 lb"),
        ("It shuts at nine a.m. on Sundays.", "9 am"),
        ("seven of them", "$7"),
        # counts
        ("They won it once.", "1"),
        ("They won it once, in May.", "1"),
        ("They won it one time only.", "1"),
        ("They won it twice in all.", "2"),
        ("They won it two times.", "twice"),
        # decades
        ("It ended in the late 1970s.", "the 70s"),
        ("It ended in the '70s.", "1970s"),
        ("It ended in the early 70s.", "1970s"),
    ],
)
def test_other_ways_of_writing(response: str, truth: str) -> None:
    assert score("cem", response, truth).value == 1.0


@pytest.mark.parametrize(
    ("response", "truth"),
    [
        ("the therapist", "the rapist"),
        ("Game 5 10 minutes later", "510"),
        ("Room 510", "5 10"),
        ("He is from Anna Leeds.", "Ann Lee"),
        ("Ann Lee321", "Ann Lee"),
        ("some 19871 people", "1987"),
        ("Flat 198765.", "1987"),
        ("It begins with 07.", "0"),
        ("13 of them", "3"),
        ("It has 10% of it.", "1%"),
        ("It has3.14 as its value1.", "14"),
        ("The isles of Ireland2.", "land"),
        ("They live on an island, byAnn Lee.", "land"),
        ("They met McDonald at his house.", "Donald"),
        ("She watches YouTube.", "Tube"),
        ("They were once friends.", "1"),
        ("more than once.", "1"),
        ("They came at once.", "1"),
        ("It ended in the 1870s.", "the 70s"),
        ("It is 5 miles long.", "5 meters"),
        ("the r\u00e9sum\u00e9", "rsum\u00e9s"),
    ],
)
def test_other_words(response: str, truth: str) -> None:
    assert score("cem", response, truth).value == 0.0


def test_long_responses_are_read_as_they_are() -> None:
    text = "They kept a light house. "
    assert score("cem", text, "lighthouse").value == 1.0
    assert score("cem", text * 1000, "lighthouse").value == 0.0
    assert score("cem", text * 1000, "light house").value == 1.0
