"""cem: an accepted answer counts in other forms of its words, and not inside words that mean something else."""

from __future__ import annotations

import pytest

from llmfusionbench.scoring import score


@pytest.mark.parametrize(
    ("response", "truth"),
    [
        # plurals
        ("They grow tomatoes there.", "tomato"),
        ("A tomato is thrown.", "tomatoes"),
        ("Mosquitoes carry it.", "mosquito"),
        ("Two fungi live on it.", "fungus"),
        ("They are bacteria.", "bacterium"),
        ("Three of its theses are known.", "thesis"),
        ("some strange phenomena", "phenomenon"),
        ("a trap for mice", "mouse"),
        ("It was made for children.", "child"),
        ("Wolves live there.", "wolf"),
        # groups with a capital
        ("The Covenanters lost that battle.", "Covenanter"),
        ("In that year the Whigs held the house.", "Whig"),
        ("It is one of these: Badgers.", "BADGER"),
        ("Acoustics.", "Acoustic"),
        # what is derived
        ("The faith of the island is Lutheranism.", "Lutheran"),
        ("He was Lutheran.", "Lutheranism"),
        ("They follow the Jainists.", "Jainism"),
        ("They used the spears to fish, and fishing was easy.", "Fish"),
        ("They were woodcarvers.", "woodcarving"),
        ("The song is about parliamental reform.", "the parliament"),
        ("It treats of textual questions.", "text"),
        # peoples
        ("She is Bolivian.", "Bolivia"),
        ("He has Canadian nationality.", "Canada"),
        ("The skater was Moroccan.", "Morocco"),
        ("The skater was Egyptian.", "Egypt"),
        ("The Iranian volleyball team won it.", "Iran"),
        ("The skater was Kuwaiti.", "Kuwait"),
        ("It was won by the Algerians.", "Algeria"),
        ("She is Chinese.", "China"),
        ("She is Burmese, he is not.", "Burma"),
        ("The skater was Argentine.", "Argentina"),
        ("She was born a South African.", "South Africa"),
        # compounds
        ("Glycoproteins are in it.", "proteins"),
        ("It is made of glycoproteins.", "Proteins"),
        # spelling
        ("It carries hemoglobin.", "haemoglobin"),
        ("It carries haemoglobin.", "hemoglobin"),
        ("the old harbour", "the old harbor"),
        ("in the city center", "city centre"),
        ("a labor dialog", "labour dialogue"),
        ("They were organized.", "organised"),
        ("Harbor Road", "Harbour Road"),
        ("multicolored flags", "multicoloured flags"),
        ("a case of anemia", "anaemia"),
        ("three kilograms", "three kilogrammes"),
        ("the minister of defense", "minister of defence"),
    ],
)
def test_other_forms(response: str, truth: str) -> None:
    assert score("cem", response, truth).value == 1.0


@pytest.mark.parametrize(
    ("response", "truth"),
    [
        # names
        ("He met Roberts.", "Robert"),
        ("It is in 2 Judges 3.", "judge"),
        ("They live near the Owens River.", "Owen"),
        ("They passed Reading on the way.", "Read"),
        ("He returned to it.", "The Return"),
        # what means something else
        ("It was in the evening.", "even"),
        ("It is the actual one.", "act"),
        ("It is a manual.", "man"),
        ("It is an organism.", "organ"),
        ("That is capitalism.", "capital"),
        ("on every occasional visit", "occasion"),
        ("It is environmental.", "environment"),
        ("It is parliamental and old.", "parliament"),
        ("a town in the state of Indiana", "India"),
        ("the corner", "corn"),
        ("a master", "mast"),
        ("a sailor", "sail"),
        # a people that does not stand for its land
        ("It was sung by a Canadian singer.", "Canada"),
        ("The Iranian actor lives in Rome.", "Iran"),
        ("an Algerian-born poet", "Algeria"),
        ("She speaks bolivian.", "Bolivia"),
        # inside a word
        ("a stepdaughter", "daughter"),
        ("his smiling face", "ace"),
        ("It was information.", "formation"),
        ("many kilogramms", "gramms"),
        ("a microsecond", "second"),
        ("That is Czechoslovakia.", "Slovakia"),
        # one-word names
        ("That was Roberta.", "Robert"),
        ("It was Paula.", "Paul"),
    ],
)
def test_other_meanings(response: str, truth: str) -> None:
    assert score("cem", response, truth).value == 0.0
