"""Languages by their small words, and scripts by their letters."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.auditing.signs.languages import FREQUENT, language
from llmfusionbench.auditing.signs.scripts import SCRIPTS, script_letters, without_glosses

TEXTS = {
    "English": "The boats of the company leave the harbour in the morning, and they are back before it is dark, which the "
    "people of the town have seen from the walls for many years.",
    "German": "Die Boote der Gesellschaft verlassen den Hafen am Morgen, und sie sind zurück, wenn es dunkel wird, was die "
    "Leute der Stadt seit vielen Jahren von den Mauern aus sehen. Das ist nicht neu.",
    "French": "Les bateaux de la compagnie quittent le port dans la matinée, et ils sont de retour avant la nuit, ce que les "
    "gens de la ville voient des remparts. Cette coutume est connue par tous dans le pays.",
    "Spanish": "Los barcos de la compañía salen del puerto por la mañana y están de vuelta en la tarde, lo que es para la "
    "gente una costumbre que se ve desde las murallas del puerto, pero no es nueva.",
    "Italian": "Le barche della compagnia lasciano il porto di mattina e sono di ritorno la sera, il che è per la gente "
    "una cosa che si vede dalle mura della città, come nel passato, e non è una novità per gli abitanti.",
    "Portuguese": "Os barcos da companhia saem do porto de manhã e estão de volta ao fim da tarde, o que é para as pessoas da "
    "cidade um costume que se vê das muralhas, mas não é uma coisa nova como os jornais dizem.",
    "Dutch": "De boten van de maatschappij verlaten de haven in de ochtend en zijn terug als het donker is, wat voor de mensen "
    "van de stad niet nieuw is. Het is een gewoonte die ook op andere plaatsen te zien is.",
}


@pytest.mark.parametrize("name", FREQUENT)
def test_languages(name: str) -> None:
    assert language(TEXTS[name]) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The answer is 42.",
        TEXTS["German"][:40],
        "```\n" + TEXTS["French"] + "\n```",
        "$" + " + ".join(f"a_{i} y^{i} o^{i}" for i in range(200)) + "$",
        "\n".join(f"**{i}.** a" for i in range(200)),
        "\n".join(["let a = b.de(la, que);"] * 60),
    ],
)
def test_no_language_is_clear(text: str) -> None:
    assert language(text) is None


def test_scripts() -> None:
    texts = ["十分に", "плохо", "좋아", "مرحبا", "plain", None, "α + β = γ"]
    found = [
        {name for name, count in zip(SCRIPTS, counts, strict=True) if count}
        for counts in script_letters(pa.array(texts)).tolist()
    ]
    assert found == [{"Han", "Kana"}, {"Cyrillic"}, {"Hangul"}, {"Arabic"}, set(), set(), set()]
    assert script_letters(pa.array(["плохо"])).sum() == 5


def test_glosses_are_left_out() -> None:
    assert without_glosses("The word is from Hebrew הושיעה and old.\nIt is הושיעה") == "The word is from  .\nIt is הושיעה"
    text = 'Sato (佐藤), "天安門" and `读取`:\n```\n读取\n```\nthen 答案'
    assert [letter for letter in without_glosses(text) if ord(letter) > 0x3000] == ["答", "案"]


@given(st.text(max_size=300))
def test_letters_are_counted_as_they_are(text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()
    counts = script_letters(pa.array([clean, "a", clean]))
    assert counts[0].tolist() == counts[2].tolist()
    assert not counts[1].any()
    assert counts[0].sum() <= len(clean)
