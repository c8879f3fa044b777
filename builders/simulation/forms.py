"""The last line of a reply: one answer in the manners in which LLMs write it, right or wrong alike."""

from __future__ import annotations

import random

from llmfusionbench.builders.simulation.query import LETTERS, SimulatedQuery

_NUMBER = {
    "terse": ("{}", "#### {}", "Answer: {}"),
    "plain": ("#### {}", "The answer is {}.", "Therefore, the answer is {}.", "So the final number is {}.\n#### {}"),
    "markdown": ("**Answer: {}**", "#### {}", "### Final answer\n**{}**"),
    "latex": ("$$\\boxed{{{}}}$$", "The final answer is $\\boxed{{{}}}$.", "#### {}"),
    "json": ("#### {}", "{}"),
    "thinker": ("**{}**", "#### {}", "The result is $\\boxed{{{}}}$."),
}
_BOX = {
    "terse": ("\\boxed{{{}}}",),
    "plain": ("The answer is $\\boxed{{{}}}$.", "Hence we get \\boxed{{{}}}."),
    "markdown": ("**Final answer:** $\\boxed{{{}}}$", "### Result\n$$\\boxed{{{}}}$$"),
    "latex": ("\\[\n\\boxed{{{}}}\n\\]", "Thus the value is \\(\\boxed{{{}}}\\)."),
    "json": ("$\\boxed{{{}}}$",),
    "thinker": ("**Final Answer**\n\\boxed{{{}}}", "\\[\n\\boxed{{{}}}\n\\]"),
}
# `{0}` is the letter, `{1}` the text of the option.
_LETTER = {
    "terse": ("({0})", "({0})", "({0}) {1}", "{0}"),
    "plain": ("The answer is ({0}).", "Therefore the right option is ({0}) {1}.", "So I would choose ({0}).", "Answer: ({0})"),
    "markdown": ("**({0})**", "**Answer: ({0}) {1}**", "The correct option is **({0})**.", "**{0}**"),
    "latex": ("$\\boxed{{({0})}}$", "The answer is $\\textbf{{({0})}}$.", "The answer is ({0})."),
    "json": ("({0})", "Answer: ({0})"),
    "thinker": ("**({0})**", "The answer is ({0}) {1}.", "\\boxed{{({0})}}"),
}
_NAME = {
    "terse": ("{}", "{}", "{}."),
    "plain": ("The answer is {}.", "It is {}.", "That would be {}."),
    "markdown": ("**{}**", "The answer is **{}**.", "The answer: **{}**"),
    "latex": ("The answer is {}.", "{}", "$\\text{{{}}}$"),
    "json": ("{}", "The answer is {}."),
    "thinker": ("**{}**", "The answer is {}.", "So it is {}."),
}
_WORD = ("{}", "{}", "{}.", "**{}**", "{}\n")


def final(query: SimulatedQuery, value: str, rng: random.Random, manner: str) -> str:
    """The closing line that commits to `value`: a number, a LaTeX value, a letter, a name, or true or false."""
    if query.metric == "GSM8K":
        shown = f"{int(value):,}" if len(value) > 3 and rng.random() < 0.3 else value
        form = rng.choice(_NUMBER[manner])
        return form.format(*[shown] * 2)
    if query.metric == "MATH":
        shown = value.replace("\\frac", "\\dfrac") if rng.random() < 0.2 else value
        return rng.choice(_BOX[manner]).format(shown)
    if query.metric == "em_mc":
        assert query.choices is not None
        return rng.choice(_LETTER[manner]).format(value, query.choices[LETTERS.index(value)])
    if query.metric == "em":
        return rng.choice(_WORD).format(value.capitalize() if rng.random() < 0.6 else value)
    return rng.choice(_NAME[manner]).format(value)


def hedge(query: SimulatedQuery, rng: random.Random) -> str:
    """An ending that names two wrong answers and commits to neither in the form that was asked for."""
    first, second = rng.sample(query.wrong_answers, 2)
    if query.choices is not None:
        first, second = (query.choices[LETTERS.index(letter)] for letter in (first, second))
        return rng.choice(('Both "{}" and "{}" would be conceivable.', "{} or {}", 'Presumably "{}", if not "{}".')).format(
            first, second
        )
    return rng.choice(("It must be either {} or {}.", "Something between {} and {}, I suppose.", "{} (or {}?)")).format(
        first, second
    )
