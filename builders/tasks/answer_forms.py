"""The sentences that end a prompt. Each states a form of the answer that a metric reads, with and without steps before it."""

from __future__ import annotations

from typing import Final

NUMBER: Final = "End your reply with a line that has four number signs and the final number, like this: #### NUMBER"
"""For `gsm8k`."""
BOX: Final = "Write the final answer in LaTeX within \\boxed{}."
"""For `math`."""
LETTER: Final = "Exactly one option is right. End your reply with its letter in parentheses."
"""For `em_mc`."""
SHORT: Final = "End your reply with the answer in as few words as possible, between <answer> and </answer>."
"""For `cem`."""
BARE: Final = "End your reply with the bare answer, without a sentence around it, between <answer> and </answer>."
"""For `f1_score`."""
SPAN: Final = (
    "End your reply with the shortest piece of the passage that answers the question, word for word, between <answer> and "
    "</answer>."
)
"""For `f1_score`, where the answer is part of a text."""
TRUTH_VALUE: Final = "Judge by the passage alone. End your reply with one word, true or false, between <answer> and </answer>."
"""For `em`."""
PROGRAM: Final = "Put the complete program between a line [BEGIN] and a line [DONE]."
"""For `code_eval`."""
FUNCTION: Final = "Reply with the whole function, and the imports that it needs, in one block of Python code."
"""For `code_eval`, where a function is to be completed."""
