"""Multiple choice answered in prose, in the styles of many LLMs: the option chosen, or None where no single one is.

All answers are made up. The options are A to D, without their texts, as in most logs of hard questions.
"""

from __future__ import annotations

import pytest

from llmfusionbench.scoring import score

LABELS = {"label": list("ABCD")}

CHOSEN = [
    # the answer first, the other options dismissed after it
    (
        "The tide gauge would show **C. A slow rise**. Here's the reasoning:\n\n"
        "* **Melting ice:** adds water.\n\nWhy not the others?\n\n"
        "* **A. A slow fall:** would need ice to grow.\n* **B. No change:** ignores the data.\n"
        "* **D. A sudden jump:** needs an earthquake.",
        "C",
    ),
    (
        "**B) 14 days**\n\nThe isotope halves twice.\n\n* A) 7 days: only one half-life.\n"
        "* C) 21 days: that is three.\n* D) 28 days: four.",
        "B",
    ),
    (
        "The most likely mechanism is:\n\nD. a hydride shift.\n\nOption A is unlikely since the cation is "
        "tertiary.\n\nOption B can be ruled out."
        "\n\nOption C is also unlikely.\n\nLabelling would confirm it.",
        "D",
    ),
    (
        "Correct answer: **A**\n\nExplanation:\n- B is incorrect because the valve is closed.\n"
        "- C is incorrect because no heat flows.\n"
        "- D is incorrect for the same reason.",
        "A",
    ),
    ("The answer is (B).\n\n(A) would be correct if the lake were frozen. (C) and (D) do not apply.", "B"),
    ("A) The bridge expands in summer.\n\nOptions B, C and D describe winter, so they are wrong.", "A"),
    (
        "**Answer: C**\n\n**Why C is right:** the pressure drops.\n**Why A is wrong:** it rises there.\n"
        "**Why B is wrong:** it stays.",
        "C",
    ),
    (
        "The best choice is **D**. The remaining options fail: **A** ignores friction, **B** double counts "
        "it, **C** has the wrong sign.",
        "D",
    ),
    (
        "B. The beetle mimics a wasp.\n\nA is not supported by the text. C contradicts the first line. D is never mentioned.",
        "B",
    ),
    (
        "The false statement is **(C) the pump works without power.**\n\n"
        "* **(A) is correct.** The log shows it.\n* **(B) is correct.**\n"
        "* **(D) is correct.** It was tested.",
        "C",
    ),
    ("The exception is D. A, B, and C are all true of glaciers.", "D"),
    ("The statement that is NOT true is:\n\n**B. Moths never feed.**\n\nA is true, C is true, and D is true.", "B"),
    # elimination first, then a conclusion
    ("A is out because it lacks oxygen. B has too many rings. D is racemic.\n\nThat leaves C.", "C"),
    (
        "* Option A: 3 peaks, too few\n* Option B: 5 peaks, matches\n* Option C: 7 peaks\n"
        "* Option D: 9 peaks\n\nTherefore, option B.",
        "B",
    ),
    (
        "Let's check each option.\n\n(A) gives 4, not 6.\n(B) gives 5, not 6.\n(C) gives 6, as required.\n"
        "(D) gives 7.\n\nSo the answer is (C).",
        "C",
    ),
    ("We can eliminate A and B right away. Between C and D, only D keeps the symmetry. Hence D.", "D"),
    ("A and C are wrong, so B.", "B"),
    ("Neither A nor B holds. C fails at high pressure. Thus, the correct option is D.", "D"),
    (
        "Rule out A by its colour and (C) by its smell.\n\nTaking all this together, the most plausible "
        "substance is:\n\n**Option B:**\n- a yellow salt",
        "B",
    ),
    ("At first A looks right, but on closer inspection the current reverses. Wait, it should be C.", "C"),
    ("The answer is A. Hmm, let me recheck. The sign flips, so the answer is D.", "D"),
    ("I first thought B. Actually, no, it's C.", "C"),
    ("Initially the answer is B. However, after correcting the unit, I choose A.", "A"),
    ("It could be B or D. The spectrum settles it: the answer is D.", "D"),
    ("It's either A or C. Since the lamp is off, I would go with C.", "C"),
    ("Both A and B look fine, but B is the best answer.", "B"),
    ("Among A, B, C, and D, the closest match is B.", "B"),
    ("Considering options A through D, I'd pick C.", "C"),
    ("Therefore, among A through D, the answer is B.", "B"),
    # LaTeX and headings
    ("Adding the two terms gives 40 J.\n\n$$\\boxed{B}$$", "B"),
    ("The ratio is 3:1.\n\nThe final answer is: $\\boxed{\\text{(D)}}$", "D"),
    ("Thus \\(\\boxed{\\mathrm{C}}\\) is the answer.", "C"),
    ("\\boxed{A. 35 m/s}", "A"),
    ("\\[ \\text{The answer is (B)} \\]", "B"),
    ("The correct option is \\( D \\).", "D"),
    ("### Final Answer\n**C**", "C"),
    ("## Answer\n\n**B. 12 volts**", "B"),
    ("### Step 1\nCompute the flux.\n### Step 2\nCompare.\n### Answer: D", "D"),
    ("**Final Answer:** $\\mathbf{A}$", "A"),
    ("#### C", "C"),
    ("**Correct Answer: B) 12**\n\n**Rationale:** 3 * 4 = 12", "B"),
    ("Correct option: (D)", "D"),
    ("**Answer:** B", "B"),
    ("Answer: C) Orchids", "C"),
    ("Answer: D--a tired horse.", "D"),
    ("The answer is B—the second shaft.", "B"),
    ("The answer is A - the river.", "A"),
    ("My final answer is choice B, the copper wire.", "B"),
    ("The answer choice is D.", "D"),
    ("The answer to this question is option (A).", "A"),
    ("Final answer: the answer is option (iii)/B", "B"),
    ("The answer that best fits the evidence is C.", "C"),
    ("The correct answer would be **D**, since the beam is fixed.", "D"),
    ("**Therefore, the correct answer is 3-methylheptane (Option B).**", "B"),
    ("So the yield is 40 percent (Option C).", "C"),
    ("The result, 2.4 eV, is closest to option D.", "D"),
    ("This matches option C.", "C"),
    ("This corresponds to choice (B).", "B"),
    ("The calculated value agrees best with answer choice A.", "A"),
    ("After rounding we get 9.8, which is option B.", "B"),
    ("The field at R²/d) is zero, so U = -k q / (d - 2).\n\nThis matches option A.", "A"),
    (
        "The first compound (A) must be an ether.\n\nOption B has no oxygen.\n\nSo the correct compound (A) is:\n\nD. anisole",
        "D",
    ),
    ("Carbon C is the most shielded one, and carbon A the least. The correct option is B.", "B"),
    ("Vitamin C and hepatitis B are mentioned, but the question is about scurvy, so I choose A.", "A"),
    ("Since A = 4 and B = 3, C = 5. The answer is D.", "D"),
    # short and plain
    ("c", "C"),
    ("(d)", "D"),
    ("B.", "B"),
    ("**A**", "A"),
    ("A: the first one", "A"),
    ("[C]", "C"),
    ("`B`", "B"),
    ("Option D.", "D"),
    ("D, because the fuse is blown.", "D"),
    ("Definitely B!", "B"),
    ("It is C.", "C"),
    ("I think it's (A).", "A"),
    ("I'm not entirely sure, but I'd guess D.", "D"),
    ("My guess would be B.", "B"),
    ("Best answer: C", "C"),
    ("=> B", "B"),
    ("Let's go with A.", "A"),
    ("The letter is C.", "C"),
    ("(B) it is.", "B"),
    ("Answer -> D", "D"),
    ("Ans: C", "C"),
    # tables and JSON
    ("| Option | Verdict |\n|---|---|\n| A | no |\n| B | yes |\n| C | no |\n| D | no |\n\n**Answer: B**", "B"),
    ('{"reasoning": "A is too heavy, D is too light", "answer": "C"}', "C"),
    ('```json\n{"answer": "B"}\n```', "B"),
    ("<answer>D</answer>", "D"),
    ("<think>Maybe A, or B. No, C.</think>\n\nThe answer is **C**.", "C"),
    # the run-on text of base models
    (" B\n\nQuestion: What melts first?\nA. lead\nB. iron\nAnswer: A", "B"),
    (
        "Ants have six legs. The answer is (C).\n\nQ: Which has eight?\nOptions: (A) ant (D) tick\n"
        "A: Let's think. The answer is (D).",
        "C",
    ),
    ("The answer is D.\n\n\nQuestion 12: Which of these floats?\nThe answer is A.", "D"),
    ("A\n</s>", "A"),
    ("The answer is B.<|im_end|>\n<|im_start|>user\nNext, is it A?", "B"),
]

NOTHING = [
    # several options
    "The answer is (A) and (D).",
    "The answer is either B or C.",
    "So my answer: (A) clay, (B) chalk or (D) marl.",
    "My answer is one of A. 3 or D. 9.",
    "Answer: A, C",
    "Both B and C are correct.",
    "The correct answers are:\n\nA. rain\nC. hail",
    "The answer could be A or B, depending on the wind.",
    "Final answer: B/C",
    "Options A and D are both right.",
    "\\boxed{A, C}",
    "It is hard to tell A from B here; either A or B.",
    "The answer is A and B, as both statements hold.",
    '{"answer": "A or D"}',
    "**Answer: A & C**",
    "The answer is (ACD).",
    "I would choose B or D.",
    # no option, or a declined choice
    "None of the options is correct.",
    "The answer is 42 grams.",
    "Therefore, among A through D, the answer is 30 minutes.",
    "The answer is none of the above.",
    "\\boxed{17}",
    "I cannot determine the answer without the mass.",
    "The answer is not listed.",
    "The answer cannot be determined. The force (A) is unknown.",
    "There is no correct option here.",
    "Without a figure it is impossible to choose an option.",
    "I'm sorry, but I can't help with option B.",
    "Answer: unknown",
    "Answer: N/A",
    "Rye and spelt rise alike, so their rows in the table do not help.\n\n"
    "The baker's note is torn: the right option cannot be determined. Yeast (A) was weighed, salt (B) was not.",
    # only dismissals
    "The spore print is black, which rules out (B).",
    "A is wrong.",
    "It is not C.",
    "Option D is unlikely.",
    "The answer is not B.",
    "We can eliminate A, B and C.",
    "Neither A nor D can be right.",
    "I would not choose (C).",
    "(A) misstates the law.",
    "Option B has the wrong ring.",
    "The answer can't be D.",
    "This contradicts option A.",
    # letters that are no options
    "2 H2 (g) + O2 (g) gives 2 H2O (l), and the heat is found from (c) and the mass, which is",
    "A = 27 m",
    "Thus A = B + C.",
    "The points A, B and C lie on a circle with the center D, and we need",
    "Plan B failed.",
    "Vitamin C helps here.",
    "A train needs an hour.",
    "The first reagent (A) has to be an amine, and it then attacks",
    "The field follows:\n\nB = 3 x 10^4 T\n\nB = 3 x 10^4 T",
    "Let C be the capacitance and D the distance. Then C D =",
    "The mass of block A is twice the mass of block B.",
    "Hepatitis B is caused by a virus.",
    "The U.S.A. joined later.",
    "We need the rate at 25 °C.",
    "E. coli and C. elegans were used.",
    # cut off before an answer
    "Let's look at each option.\n\nA. The tide:",
    "Let's consider option (A). The speed of the wheel is",
    "A. sand\nB. clay\nC. silt\nD. loam",
    "First, consider A. The pressure rises. Next, consider B. The volume",
    "The correct answer is",
    "The answer is (",
]


@pytest.mark.parametrize(("response", "label"), CHOSEN)
def test_the_option_that_is_chosen(response: str, label: str) -> None:
    scored = score("em_mc", response, label, choices=LABELS)
    assert (scored.value, scored.extracted) == (1.0, label)


@pytest.mark.parametrize("response", NOTHING)
def test_no_single_option_is_chosen(response: str) -> None:
    values = [score("em_mc", response, label, choices=LABELS) for label in "ABCD"]
    assert [(scored.value, scored.extracted) for scored in values] == [(0.0, None)] * 4


def test_several_options_have_a_reason_of_their_own() -> None:
    assert score("em_mc", "The answer is (A) and (D).", "D", choices=LABELS).reason == "several options in the response"
    assert score("em_mc", "The answer is blue.", "D", choices=LABELS).reason == "no option in the response"
