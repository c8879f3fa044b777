"""Choices that are revised, restated, or reached by elimination, and letters that name compounds or statements."""

from __future__ import annotations

import pytest

from llmfusionbench.scoring import score

LABELS = {"label": list("ABCD")}

CASES = [
    (
        "Compound A is an alkene. Ozonolysis of A gives B. B reacts to form C. Therefore, C must be "
        "benzaldehyde.\n\nThe number of carbons is 7, so the answer is option D.",
        "D",
    ),
    (
        "A reacts with HBr to give B. B reacts with KCN to give C. Hydrolysis of C gives D, a carboxylic "
        "acid. Therefore, D is propanoic acid and",
        None,
    ),
    ("Let's denote the states |A> and |B>. The energy difference is then 2 eV, which corresponds to option C.", "C"),
    ("**Step 1:** A + B -> C\n**Step 2:** C -> D\n\nRate-determining is step 2.\n\n**Final answer: B**", "B"),
    ("Using P = IV, we get 40 W.\n\nThe closest option is B) 41 W.", "B"),
    ("Given the options, the closest one is D (4.1).", "D"),
    ("The closest answer choice is (C) 4.1.", "C"),
    ("None of the options matches exactly, but the closest is (C).", "C"),
    ("None of the provided options is exactly right; the nearest is option B.", "B"),
    ("Strictly speaking none is correct. If I must choose, B.", "B"),
    ("The problem seems flawed, since no option gives 7. The answer is therefore not among the options.", None),
    ("I made an error above. The right value is 8.\n\n**Corrected answer: A**", "A"),
    ("Answer: B\n\nWait, I need to double-check. Using the right mass, we get 8 J.\n\nRevised answer: A", "A"),
    ("The answer is B... no, it is A.", "A"),
    ("B is my first thought, but the right answer is A.", "A"),
    ("My initial guess was B, but after checking I conclude the answer is A.", "A"),
    ("I initially selected B, but the answer is actually A.", "A"),
    ("Previously I said B. I now say A.", "A"),
    ("Hmm, B? No, A.", "A"),
    ("One might think the answer is B, but it is actually A.", "A"),
    ("Many people would say the answer is B. However, the correct answer is A.", "A"),
    ("You might expect B; in fact the answer is A.", "A"),
    ("A common mistake is to choose B. The answer is A.", "A"),
    ("The answer is A. A common mistake is to choose B.", "A"),
    ("The answer is A. Choosing B would ignore the friction.", "A"),
    ("The answer is A. If you chose B, you forgot the friction.", "A"),
    ("The answer is A. (B would be right if the surface were smooth.)", "A"),
    ("The answer is A. For comparison, option B corresponds to 10 N, option C to 20 N.", "A"),
    ("The answer is A. Option B, which is 10 N, is the answer one gets without friction.", "A"),
    ("Answer: A\nConfidence: 90%", "A"),
    ("Answer: A\nReason: the answer must have units of J.", "A"),
    ("Answer: A\n\nExplanation: The answer is 12 because 3 times 4 is 12.", "A"),
    ("Answer: (A)\n\nThe answer is the only one which is bounded.", "A"),
    (
        "**Answer:**\n\nThe tube fills first with sand, then with clay. Thus the order is sand, clay, loam, which is **(C)**.",
        "C",
    ),
    ("Answer: The order is sand, clay, loam.\n\nSo (C).", "C"),
    ("Reasoning: the order is sand first.\nAnswer: C\nFinal: C", "C"),
    ("A: The answer is C.", "C"),
    ("A: C", "C"),
    ("Q: Which one?\nA: C", "C"),
    ("Question: Which one?\nOptions:\nA. sand\nB. clay\nAnswer: B", "B"),
    (
        "The question asks which is largest.\n\nOptions:\nA. sand\nB. clay\nC. silt\nD. loam\n\n"
        "The largest grain is sand.\n\nAnswer: A",
        "A",
    ),
    ("(A) sand\n\nQuestion 2: Which is finest?\n(B) clay", "A"),
    ("The answer is (A).\n\n### Question\nWhich is finest?\n### Answer\n(B)", "A"),
    ("A\n\n\n\nB\n\n\n\nC", None),
    ("The correct option is A\n\nThe correct option is A\n\nThe correct option is A\n\nThe corr", "A"),
    ("The answer is A. The answer is A. The answer is A. The ans", "A"),
    ("The answer is A and not B or C.", "A"),
    ("The answer is A since it is neither B nor C.", "A"),
    ("The answer is neither A nor B. It is C.", "C"),
    ("Neither A, B, nor C is right, so D.", "D"),
    ("A, B, and C are incorrect. The answer must be D.", "D"),
    ("We can rule out A, B and C, leaving D.", "D"),
    ("A and B can be eliminated. C is too low. D is the remaining option.", "D"),
    ("A and B can be eliminated. C is too low. Only D remains.", "D"),
    ("A: No. B: No. C: No. D: Yes.", "D"),
    ("A - No\nB - No\nC - No\nD - Yes", "D"),
    ("| A | incorrect |\n| B | incorrect |\n| C | correct |\n| D | incorrect |\n\nSo C is the answer.", "C"),
    ("Statement A is true.\nStatement B is false.\nStatement C is true.\n\nHence the incorrect statement is B.", "B"),
    ("The statement which is NOT correct is (B).", "B"),
    ("The least likely cause is C.", "C"),
    ("The only exception is (D).", "D"),
    ("Which is false? (B), since owls hunt at night.", "B"),
    ("A is true. B is true. C is true. D is false.", None),
    ("A is true and B is false.", None),
    ("$\\textbf{(B)}$", "B"),
    ("$\\text{B}$", "B"),
    ("$B$", "B"),
    ("\\(B\\)", "B"),
    ("The answer is \\textbf{B}.", "B"),
    ("\\boxed{(B)}", "B"),
    ("\\boxed{\\mathrm{(B)}}", "B"),
    ("\\boxed{B.}", "B"),
    ("$\\boxed{\\mathbf{B}}$", "B"),
    ("\\boxed{AB}", None),
    ("\\boxed{\\text{None}}", None),
    ("\\boxed{}", None),
    ("\\boxed{x = 4}", None),
    ("The value of \\boxed{B} is what we want.", "B"),
    ("**Final Answer**: The final answer is $\\boxed{B}$. I hope it is correct.", "B"),
    ("Thus, the final answer is:\n\\[\n\\boxed{B}\n\\]", "B"),
    ("Thus, the answer is:\n\n**B. 4.1**", "B"),
    ("So we have\n\n> **(B) 4.1**", "B"),
    ("The correct answer is:\n\n---\n\n**B**", "B"),
    ("Respuesta final: B", "B"),
    ("A resposta final é a alternativa (B).", "B"),
    ("La réponse finale est B", "B"),
]

TEN = [
    ("Let's think step by step. The marginal cost is $12. The answer is (G).", "G"),
    ("The answer is (I).", "I"),
    ("I think the answer is I.", "I"),
    ("I believe it is I", "I"),
    ("So the answer is H. I hope this helps!", "H"),
    ("I am sure it is J.", "J"),
    ("G. The gravity assist", "G"),
    ("We get ΔG = -5 kJ, so the process is spontaneous. The answer is (C).", "C"),
    ("F = 27 N, E = 5 V. Therefore, the answer is (B).", "B"),
    ("I = V/R = 2 A. The current is 2 A.", None),
    ("The temperature is 300 K and the charge is 5 C.", None),
    ("Thus H = 5 J.", None),
    ("Therefore, G is a group of order 6 and H is a subgroup, so", None),
    ("The graph G has 5 vertices. So (D).", "D"),
    ("Since G is abelian, the answer is D: True, False.", "D"),
    ("The frequencies of D and d are 0.6 and 0.4. Therefore the answer is J.", "J"),
    ("I would pick E since E is the only option that is larger than F.", "E"),
    ("E is correct. I is incorrect because the spin is zero.", "E"),
    ("I. The first statement is right.", "I"),
    ("Statement I and II are correct. The answer is B (I and II only).", "B"),
    ("The answer is (D) I and III only.", "D"),
    ("The answer is (J), i.e. none of the above.", "J"),
    ("We refer to the text for help. The author implies (F). The answer is (F).", "F"),
    ("We refer to the text for help. The author implies (F).", "F"),
    ("(A) is false because x. (B) is false because y. (C) is true. The answer is (C).", "C"),
    ("The answer is (ABC).", None),
    ("The answer is (A), (B), (C).", None),
    ("The answer is (A) through (C).", None),
    ("All options from A to J fail.", None),
    ("The reaction is: A(g) + B(g) -> C(s). We know that the heat of reaction is", None),
    ("The van der Waals constant b is 0.04. Then we have (d) and", None),
    ("Let E be the event. P(E) = 0.5.", None),
    ("Dr. J. Smith wrote it.", None),
    ("J. K. Rowling wrote it. The answer is C.", "C"),
    ("The U.S. and the U.K. agreed, thus F.", "F"),
    ("At time t = 0, the population is I(0) = 5.", None),
    ("I cannot solve this.", None),
    ("I'm not sure, I guess.", None),
    ("I don't think any is right.", None),
    ("Therefore, I conclude that the answer is E.", "E"),
    ("Therefore, I choose I.", "I"),
    ("**I. The first**", "I"),
    ("H) Hydrogen", "H"),
    ("H: hydrogen", "H"),
    ("H", "H"),
    ("h", "H"),
    ("i", "I"),
    ("(j)", "J"),
    ("The answer is a.", "A"),
    ("the answer is (a) cat", "A"),
    ("the answer is a cat", None),
    ("Answer: a", "A"),
]
LONE_LINES = [
    "The sign is right.\n\n**(C)**\n\nLet me know if you need more!",
    "None of the other options passes this test.\n\n(C)\n\nHappy to help.",
    "The kind of answer is right, and so is the unit.\n\nThe remaining options can be dropped.\n\n(C) silver",
    "None of the remaining alternatives fits.\n\n**C**\n\nHope this helps.",
]


@pytest.mark.parametrize(("response", "label"), CASES)
def test_the_option_that_is_chosen(response: str, label: str | None) -> None:
    assert score("em_mc", response, "A", choices=LABELS).extracted == label


@pytest.mark.parametrize(("response", "label"), TEN)
def test_ten_options_among_formulas(response: str, label: str | None) -> None:
    assert score("em_mc", response, "A", choices={"label": list("ABCDEFGHIJ")}).extracted == label


@pytest.mark.parametrize("response", LONE_LINES)
def test_a_line_that_is_an_option(response: str) -> None:
    assert score("em_mc", response, "C", choices=LABELS).value == 1
