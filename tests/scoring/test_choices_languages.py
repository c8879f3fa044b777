"""Multiple choice answered in other languages, and with the options' own texts."""

from __future__ import annotations

import pytest

from llmfusionbench.scoring import score

LABELS = {"label": list("ABCD")}

CHOSEN = [
    # Chinese: nothing parts the letter from the words around it
    ("答案是C", "C"),
    ("答案：B", "B"),
    ("故选C。", "C"),
    ("因此选(D)", "D"),
    ("只有选项A是对的", "A"),
    ("正确答案为 B", "B"),
    ("选D。", "D"),
    ("应选B", "B"),
    ("所以正确答案是（Ａ）。", "A"),
    ("A项错误，B项错误，C项正确，D项错误。", "C"),
    ("答案应该是D。A不正确。", "D"),
    ("本题答案选择B选项。", "B"),
    ("综上所述，最合适的选项是C。", "C"),
    ("排除A和B，故本题选D。", "D"),
    ("根据题意，故答案选A。", "A"),
    ("【答案】B", "B"),
    ("答案：**C**", "C"),
    ("Ｂ", "B"),
    ("选项D正确。", "D"),
    ("正确选项是B。", "B"),
    ("答案為「A」", "A"),
    ("因此，答案是 C. 地球", "C"),
    # other languages
    ("La respuesta correcta es B.", "B"),
    ("La respuesta es la opción C.", "C"),
    ("Respuesta: D", "D"),
    ("La opción correcta es la A.", "A"),
    ("La bonne réponse est C.", "C"),
    ("Réponse : B", "B"),
    ("La réponse correcte est la (D).", "D"),
    ("La réponse est la lettre A.", "A"),
    ("Die richtige Antwort ist B.", "B"),
    ("Antwort: C", "C"),
    ("Die Antwort lautet D.", "D"),
    ("Lösung: A", "A"),
    ("Die korrekte Antwort ist Option C.", "C"),
    ("A resposta correta é a letra B.", "B"),
    ("Resposta: C", "C"),
    ("A resposta certa é D.", "D"),
    ("A alternativa correta é a C.", "C"),
    ("La risposta corretta è la B.", "B"),
    ("Risposta: A", "A"),
    ("La risposta giusta è D.", "D"),
    ("Правильный ответ: B", "B"),
    ("Ответ — C.", "C"),
    ("Ответ: (D)", "D"),
    ("Ответ: С", "C"),
    ("Правильный ответ: А", "A"),
    ("Ответ: В.", "B"),
    ("答えはBです。", "B"),
    ("正解はCです。", "C"),
    ("答え：D", "D"),
    ("正解: A", "A"),
    ("したがって、正しい答えは（B）です。", "B"),
    ("정답은 B입니다.", "B"),
    ("정답: C", "C"),
    ("답은 D입니다.", "D"),
    ("따라서 정답은 (A)입니다.", "A"),
    ("답: B", "B"),
    ("الإجابة الصحيحة هي B.", "B"),
    ("الإجابة: C", "C"),
    ("الجواب الصحيح هو D", "D"),
    ("सही उत्तर B है।", "B"),
    ("उत्तर: C", "C"),
    ("उत्तर (D) है।", "D"),
    ("Đáp án đúng là B.", "B"),
    ("Đáp án: C", "C"),
    ("Vậy đáp án là D.", "D"),
    ("Câu trả lời là A.", "A"),
    ("Jawaban yang benar adalah B.", "B"),
    ("Jawaban: C", "C"),
    ("Jawapan: D", "D"),
    ("Jawabannya adalah A.", "A"),
    ("Doğru cevap B'dir.", "B"),
    ("Cevap: C", "C"),
    ("Yanıt: D", "D"),
    ("Doğru yanıt A seçeneğidir.", "A"),
    ("Prawidłowa odpowiedź to B.", "B"),
    ("Odpowiedź: C", "C"),
    ("Poprawna odpowiedź: D", "D"),
    ("Het juiste antwoord is B.", "B"),
    ("Antwoord: C", "C"),
    ("Het antwoord is optie D.", "D"),
]

NOTHING = [
    "答案是A和C",
    "故选ABD。",
    "排除A。",
    "B项错误。",
    "无法确定答案。",
    "答案是地球。",
    "不选D。",
    "维生素C很重要。",
    "La respuesta es A o B.",
    "La réponse est A ou C.",
    "Die Antwort ist B oder D.",
    "La respuesta no es C.",
    "A resposta é 42.",
    "Ответ: A или B",
    "정답은 A, C입니다.",
    "Jawaban: tidak ada",
    "Ответ: В или Г",
    "周围有A班和B班。",
    "A resposta depende do país.",
]

TOWNS = ["the old mill", "green tea", "tea", "45 m/s"]
WITH_TEXTS = [
    ("The answer is the old mill.", "A"),
    ("Answer: Green tea", "B"),
    ("It must be the old mill, as nothing else has a wheel.", "A"),
    ("The best option is green tea.", "B"),
    ("**Answer:** 45 m/s", "D"),
    ("\\boxed{45 \\text{ m/s}}", "D"),
    ("The speed is therefore 45 m/s.", "D"),
    ("D. 45 m/s", "D"),
    ("It is best compared to B. green tea.", "B"),
    ("The clue points to the old mill (A) since it has a wheel.", "A"),
    ("The answer is (A) the old mill, (B) green tea, or (C) tea.", None),
    ("The answer is 48 m/s.", None),
    ("Answer: black coffee", None),
    ("We compare green tea with the old mill.", None),
    ("The answer is A. the old mill", "A"),
    ("It can't be the old mill.", None),
]

THINGS = ["a red kite", "the harbour", "12 m/s", "carbon dioxide", "all of the above"]
WITH_THINGS = [
    ("The bird is a red kite.", "A"),
    ("I would look for it at the harbour, not on a mountain.", "B"),
    ("The gas released is carbon dioxide, since yeast ferments sugar.", "D"),
    ("The speed is $v = d/t = 36/3 = 12$ m/s.", "C"),
    ("v = 12 m/s", "C"),
    ("So v = 12 m/s, not 10 m/s.", "C"),
    ("Therefore, the final speed is 12 m/s.", "C"),
    ("All of the above.", "E"),
    ("The answer is all of the above.", "E"),
    ("All of them apply. E", "E"),
    ("carbon dioxide is heavier than air and a red kite flies, so the answer is E, all of the above.", "E"),
    ("A red kite", "A"),
    ("a red kite", "A"),
    ("The Harbour", "B"),
    ("The answer is: the harbour.", "B"),
    ("**Carbon dioxide** is the gas.", "D"),
    ("The correct answer is **carbon dioxide**.", "D"),
    ("Answer: carbon dioxide (CO2)", "D"),
    ("Answer: D. carbon dioxide (CO2), because yeast makes it.", "D"),
    ("The best answer is the harbour because ships dock there.", "B"),
    ("Yes, a red kite.", "A"),
    ("It is neither the harbour nor a red kite.", None),
    ("The answer is 14 m/s.", None),
    ("The answer is a blue tit.", None),
    ("The answer is nitrogen.", None),
    ("It may be a red kite or carbon dioxide.", None),
    ("None of the options match; the speed is 13.5 m/s.", None),
    ("The harbour is where it is kept, but a red kite is what they saw.", None),
    ("Not the harbour.", None),
]
CHINESE = [
    ("首先分析选项A：该说法错误。选项B：正确。选项C：错误。选项D：错误。\n\n所以答案是B。", "B"),
    ("A. 错误，因为水会蒸发。\nB. 正确，符合题意。\nC. 错误。\nD. 错误。\n故选B。", "B"),
    ("根据分析，A、C、D均不正确，因此正确答案是B。", "B"),
    ("解析：地球绕太阳转。\n答案：D", "D"),
    ("这道题应该选择D选项。", "D"),
    ("我认为答案是C，因为温度升高。", "C"),
    ("综上，选择C。", "C"),
    ("因此，正确的选项是（C）。", "C"),
    ("正确答案：C。铁", "C"),
    ("答案：C\n解析：A项不符合，B项过大，D项过小。", "C"),
    ("选项C最符合题意。", "C"),
    ("由此可知，只有C是正确的。", "C"),
    ("所以，C选项正确。", "C"),
    ("因此答案为选项 A。", "A"),
    ("最终答案：\\boxed{A}", "A"),
    ("答案是 (A) 长江。", "A"),
    ("这题的答案是A，不是B。", "A"),
    ("A和B都是错的，所以选C。", "C"),
    ("不能选A，应该选B。", "B"),
    ("B", "B"),
    ("B。", "B"),
    ("选B", "B"),
    ("【B】", "B"),
    ("B、长江", "B"),
    ("B. 长江", "B"),
    ("选项A和B都正确。", None),
    ("选AB", None),
    ("答案可能是A或B。", None),
    ("我不知道答案。", None),
    ("选项A错误。", None),
    ("A不是答案。", None),
    ("DNA和RNA的区别。", None),
    ("设A为集合。", None),
    ("答案：无", None),
    ("甲、乙两地相距A千米", None),
]


@pytest.mark.parametrize(("response", "label"), CHOSEN)
def test_the_option_that_is_chosen(response: str, label: str) -> None:
    scored = score("em_mc", response, label, choices=LABELS)
    assert (scored.value, scored.extracted) == (1.0, label)


@pytest.mark.parametrize("response", NOTHING)
def test_no_single_option_is_chosen(response: str) -> None:
    assert [score("em_mc", response, label, choices=LABELS).extracted for label in "ABCD"] == [None] * 4


@pytest.mark.parametrize(("response", "label"), WITH_TEXTS)
def test_texts_of_options(response: str, label: str | None) -> None:
    assert score("em_mc", response, "A", choices=TOWNS).extracted == label


def test_cyrillic_letters_are_read_as_latin_ones_only_where_nothing_speaks_against_it() -> None:
    assert score("em_mc", "Ответ: В", "B", choices=LABELS).value == 1
    listed = "А) снег\nБ) дождь\nВ) град\n\nОтвет: В"
    assert score("em_mc", listed, "B", choices=LABELS).value == 0


@pytest.mark.parametrize(("response", "label"), WITH_THINGS)
def test_more_texts_of_options(response: str, label: str | None) -> None:
    assert score("em_mc", response, "A", choices=THINGS).extracted == label


@pytest.mark.parametrize(("response", "label"), CHINESE)
def test_longer_answers_in_chinese(response: str, label: str | None) -> None:
    assert score("em_mc", response, "A", choices=LABELS).extracted == label
