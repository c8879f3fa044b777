"""The stock of sentences that simulated replies are put together from: all our own, without digits or option letters.

A small stock keeps the embedded sample small, since the same sentences come back in thousands of replies.
"""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

OPENINGS = (
    "Sure, let me go through this carefully.", "Here is how I would approach the problem.", "Let's break the question into manageable parts.",
    "To solve this, we look at what is given and what is wanted.", "Great question! I will explain each step as I go.",
    "Alright, first things first.", "Certainly! Below is a detailed explanation.", "This can be answered with a short chain of reasoning.",
)  # fmt: skip

PLANS = {
    "math": (
        "The plan is to name the given quantities, to combine them in the order in which the text mentions them, and to keep an eye on the units while doing so.",
        "Before calculating anything it helps to write down which numbers are given, which operation connects them, and which quantity is asked for at the end.",
        "We translate every sentence into one small calculation, carry the result over to the next sentence, and stop as soon as the wanted quantity appears.",
        "A good way to avoid slips is to settle on the target first and then to work towards it with one operation at a time, writing down each intermediate result.",
    ),
    "code": (
        "The function only has to pass over its input once, so a straightforward implementation with the standard library is enough, and no special data structure is called for.",
        "I will start from the examples, derive the rule that they follow, and then write the shortest readable function that applies this rule to any valid input.",
        "The signature fixes the name and the arguments, so what remains is the body; empty input deserves a thought, because the tests are likely to contain it.",
        "Clarity matters more than speed here, therefore the solution below favours plain expressions over tricks and keeps every intermediate value easy to follow.",
    ),
    "choice": (
        "The plan is to decide what the question is really about, to recall the rule or the piece of everyday knowledge that governs it, and then to test each option against it.",
        "It is safest to think of an answer before reading the options, and only then to look for the option that comes closest to it in meaning.",
        "We can rule options out one after another: whatever conflicts with the situation goes first, whatever merely sounds related goes next, and the remaining one is chosen.",
        "Since exactly one option is supposed to be right, it is enough to find a reason that speaks for one of them and against all of the others.",
    ),
    "recall": (
        "The question asks for a single fact, so the task is to recall it and to make sure that no similar name gets in the way.",
        "First the key words of the question have to be identified, then the matching fact can be looked up from memory or from the text.",
        "A short reply is enough here, but it should be checked against the wording of the question before it is given.",
    ),
}  # fmt: skip

FILLERS = {
    "math": (
        "Note that every intermediate result is a plain number, so there is no need for rounding at any point, and the order of the operations follows directly from the text.",
        "It would be tempting to combine the last two operations into one, but keeping them apart makes it easier to see where each quantity comes from and what it measures.",
        "A quick estimate shows that the size of the result is plausible: it is neither far larger nor far smaller than the quantities that are given in the problem.",
        "Let me double-check the arithmetic by going backwards from the result: undoing each operation in turn leads back to the values that we started with, as it should.",
        "Another way to look at it is to set up a single expression for the whole problem and to simplify it from the inside out, which gives the same value in the end.",
        "Wait, I should make sure that I have not used any quantity twice. Reading the problem once more, each of the given values enters exactly one calculation, so this is fine.",
        "One more remark on the method: the relation used here holds in general and not just for these particular values, so the same steps would solve any problem of this kind.",
        "Hmm, is there any hidden condition that I have overlooked? The text mentions no further restriction, and the values obtained so far do not contradict each other.",
    ),
    "code": (
        "The running time grows linearly with the length of the input, and the memory needed beyond the result itself stays small, which is entirely sufficient for the expected inputs.",
        "An explicit loop would do the same job; the expression used here is merely shorter, and it makes the condition that decides about each element stand out more clearly.",
        "Edge cases deserve a brief look: an empty input falls through without an error, a single element is handled like any other, and repeated elements need no special treatment.",
        "Going through the first example by hand confirms the behaviour: the intermediate values develop as intended, and the value that is returned agrees with the documented result.",
        "No imports are needed, and the function does not change its arguments, so it can be called repeatedly with the same objects without any surprise for the caller.",
        "If the requirements were to change later, for instance to accept other types of values, only the condition in the middle would have to be adapted, and nothing else.",
        "Let me think about whether a library function would be preferable. The standard library has helpers that come close, but using them would make the intent harder to read.",
        "The names of the variables follow the wording of the task, so that a reader can compare the code with the specification line by line without any further comments.",
    ),
    "choice": (
        "It is worth noticing that the question asks for the best option, not for one that could be defended under unusual circumstances, so ordinary experience is the right measure here.",
        "At first glance more than one of the options may look attractive, but a second look at the exact wording of the question removes most of that doubt fairly quickly.",
        "Let me reconsider the alternatives one final time. Some of them share a word with the question, yet sharing a word is not the same as answering what is being asked.",
        "The distractors seem to have been chosen from the same field on purpose, which means that a vague association is not enough and that the deciding detail has to be named.",
        "Hmm, could the question be meant as a trick? Nothing in the wording suggests it, and the straightforward reading leads to one option without forcing the meaning of any term.",
        "To be thorough, suppose for a moment that another option were right: then at least one statement in the question would be pointless or false, which speaks against that option.",
        "Background knowledge supports this view as well, since the same principle appears in many textbooks and is easy to confirm by a simple observation in daily life.",
        "Okay, so far everything points in the same direction. I also checked that the chosen option fits grammatically and that it does not merely restate part of the question.",
    ),
    "recall": (
        "This is a matter of common reference knowledge, and the usual sources agree on it, so there is little room for doubt about the name in question.",
        "There are a few similar names that are easily confused with it, but the key words of the question fit only one of them when they are read with care.",
        "Let me think about where this comes up: school books and encyclopaedias mention it in exactly this connection, which makes me fairly confident about it.",
        "Hmm, I want to be careful not to mix this up with a neighbouring entry of the same list, so I went through the list once more from the beginning.",
    ),
}  # fmt: skip

# Self-talk of the LLM that thinks aloud; usable for any task.
MUSINGS = (
    "Okay, so I need to figure this out. Let me start by reading the task again, slowly, and by separating what is stated from what I am only assuming on the basis of similar tasks.",
    "Wait, maybe I am going too fast here. Let me slow down and look at the individual pieces again, because a small misunderstanding at the start would spoil everything that follows.",
    "Hmm, let me try a different angle to see whether it leads to the same place. If both ways agree, I can be reasonably sure; if they do not, I will have to look for the mistake.",
    "Actually, the first approach seems fine. The second one needs more work and does not bring in any new information, so I will stay with the first and only use the other as a check.",
    "Let me make sure that I understand what form the reply should take. The instruction at the end is explicit about it, so the last line has to follow that form without any additions.",
    "I recall similar tasks in which the obvious path was a trap, but here I cannot find any sign of that: the wording is plain, nothing is left out, and nothing seems to be superfluous.",
    "So, to summarise what I have so far: the givens are clear, the rule that connects them is known, and applying it is a matter of care rather than of insight. That is reassuring.",
    "Let me verify this once more from scratch, pretending that I have not seen the earlier reasoning. I read the task, pick the relevant parts, apply the rule, and arrive at the same point.",
    "Is there an alternative reading that would change the outcome? One could try to read the sentence differently, but that reading would be odd, and nobody would phrase the task like that.",
    "Alright, I think I have considered everything that matters. No contradiction came up, the check was successful, and the remaining doubts are too small to justify another round.",
    "But hold on. Before I finish, let me compare the result with a rough expectation. The order of magnitude is right, the kind of answer is right, and the wording matches the question.",
    "I could also imagine explaining this to a friend: I would mention the key idea first, then the steps in their order, and finally the conclusion, and I doubt that anyone would object.",
)  # fmt: skip

CHECKS = {
    "math": ("Putting the result back into the conditions of the problem shows that they are all met.", "The units come out as expected, which supports the result.",
             "A second calculation in a different order leads to the same value."),
    "code": ("Both visible examples give the expected values with this code.", "The function returns a value on every path, as the signature demands.",
             "This also covers the empty case."),
    "choice": ("None of the other options survives this comparison.", "This is the only option that agrees with every part of the question.",
               "The remaining options can be set aside."),
    "recall": ("That agrees with everything the question mentions.", "No other candidate fits as well."),
}  # fmt: skip

OPTION_REMARKS = (
    'The option "{}" does not go with what the question describes.', 'With "{}" the statement would no longer make sense.',
    'Somebody might think of "{}", but it belongs to a different matter.', 'As for "{}", nothing in the question points to it.',
)  # fmt: skip
OPTION_PRAISE = (
    'The option "{}" matches the description in every respect.', 'With "{}" everything fits together.', 'What speaks for "{}" is that it follows directly from the key point.',
)  # fmt: skip

RESTATE = (
    "The task reads as follows: {}",
    "We are asked: {}",
    "Let me repeat the question in order to have it in front of me: {}",
    "> {}",
)
STEP_HEADS = ("", "", "Step {}: ", "{}. ", "**Step {}:** ", "- ", "Firstly|Secondly|Thirdly|Then, ")
WRONG_TURNS = (
    "Taking all of this together, the calculation comes down to {}.", "Combining the remaining quantities directly gives {}.", "From here one obtains {}.",
)  # fmt: skip
WRONG_REASONS = (
    'The decisive hint in the question points towards "{}", since that is what one thinks of first in such a situation.',
    'Among the options, "{}" has the closest connection with the wording of the question.', 'As far as I remember the rule in question, it leads to "{}".',
)  # fmt: skip
WRONG_MEMORIES = (
    "As far as I recall, it is {}.", "From memory, the usual sources name {}.", "I believe that {} is what is meant.",
)  # fmt: skip
REFUSALS = (
    "I'm sorry, but I am not able to help with that request.", "I cannot determine this from the information provided.", "As a language model, I would rather not commit myself to a definite reply here.",
    "Unfortunately the question cannot be settled without further context.", "I don't know.",
)  # fmt: skip
NON_ANSWERS = ("None", "N/A", "null", "nan", "…", "-")
RAMBLES = (
    "This touches on a wide field. There are many views on it, and each of them has something to be said for it, depending on what one wishes to emphasise.",
    "It depends. In some situations one thing is the case, in others the opposite, and a general statement would hardly do justice to all of them.",
    "Many people ask themselves this question. It is worth looking at it from several sides before settling on any one of them, and that takes time.",
)  # fmt: skip
GOODBYES = (
    "I hope this helps! Let me know if you have further questions.",
    "Feel free to ask if anything is unclear.",
    "Hope that makes sense! 😊",
)
