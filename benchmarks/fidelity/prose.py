"""What docs/scoring_fidelity.md says beside its tables."""

from __future__ import annotations

from typing import Final

HEAD: Final = """\
# How close our scores come to published ones

Made by `python benchmarks/scoring_fidelity.py --logs DIR > docs/scoring_fidelity.md`; do not edit by hand.

Some sets have a published accuracy per LLM, others a verdict per answer. Rates are in percent, but FP and FN are per 1,000
answers: *FP* are those that we call right and the reference calls wrong, *FN* the reverse. *n* is the number of answers. An
answer to which we give no score, such as an empty one, counts as wrong here. To read the disagreements of a set by hand, run
the command with `--disagreements SET --side fp` or `--side fn`."""

GSM8K: Final = """\
## GSM8K, 1,319 questions, responses logged by ZeroEval

*Ours* is `score("gsm8k", ...)`, *official* is `official=True`, the reference pipeline's own scorer with its defects.
*Difference* is ours minus published; *bound* is what we allow ourselves.
"""

CRUX: Final = """\
## CRUX, 800 programs whose output is asked for, responses logged by ZeroEval

*Ours* is `score("crux", ...)`; the other columns are as above.
"""

EVOUNA: Final = """\
## EVOUNA, open answers judged by people

Answers of five systems to Natural Questions (NQ) and TriviaQA (TQ). *Human* is what people said, *ours* is `cem`, *lex* is the
match of substrings that came with the set.
"""

EVOUNA_SUBSTRINGS: Final = """\

Substrings and whole words differ on few answers. An answer that only *lex* counts is lost if people call it right, and an
error that `cem` avoids if they call it wrong. Bing's answers to NQ lack the spaces around their links and have the numbers of
citations right after words and years, so one row leaves them out. `--disagreements evouna_substrings --side fn` prints the
answers that only *lex* counts, and `--side fp` those that only `cem` does.
"""

OPENQA: Final = """\
## OpenQA-eval, short answers to NQ-open

SQuAD's own exact match and F1, as published with the answers, beside `em` and `f1_score`. *Differ* counts answers whose values
are more than 1e-9 apart. *Empty* counts those of them without a response, which we do not score; *yes or no* those that are
that one word: as in HotpotQA's script, our F1 gives them nothing for a truth of several words.
"""

OPENQA_HUMAN: Final = """\

The answers that people judged, to 301 of the questions, by two of our metrics:
"""

MMLU_PRO: Final = """\
## MMLU-Pro, reasoning that ends in an option

*Published* is the verdict of MMLU-Pro's own script. It is a regular expression that takes the first letter after "answer is",
else a letter after "Answer:", else the last capital letter of the response, else none or a letter at random. So it often
guesses, and a disagreement is not necessarily our mistake. *Stated* are the answers of the first kind, in which it does not
guess, though it takes the first of several letters. Up to 90 answers per LLM are in this sample because an earlier version of
ours disagreed with the script, so all rates of disagreement are higher here than in the whole log.
"""

MMLU_PRO_READ: Final = """
Answers drawn at random from each of five groups were read, and the letter noted that each commits to, or that it commits to
none: because it refuses, names several options, or was cut off. The reader was a language model, which saw both scores, too.
It read long answers at their end and at the places that name an answer. The reading counts, so a difference is our mistake.
*Per 1,000* is the number of such mistakes among 1,000 answers of the whole sample, with its 95% interval from *low* to *high*:
Wilson's for each group, and for the sum the one that Zou and Donner build from those (2008). FP are answers that we call right
though the reading does not, FN the reverse. *Same letter* means that the script and we found the same one. Most mistakes that
we found while reading have been corrected since. This favours us: expect more on answers that played no part in it.
"""

ROUTERARENA: Final = """\
## RouterArena, gemini-2.0-flash-001

*Published* is the score in the log. The first name in a row is RouterArena's metric, the second is ours. Moves of chess and
programs are left out: we have no metric for the former, and the log has no tests of the latter.
"""

LDB: Final = """\
## LDB, programs of LLMs for HumanEval and MBPP

*Published* is the pass@1 rebuilt from the set's `is_solved`, *ours* is `code_eval`. The set's harness puts imports before each
program (`re`, `math` and names of `typing`), ours does not; *with imports* is ours with them.
"""

CODE_TASKS: Final = """\
## Code tasks

Every program runs in the sandbox against the tests of its task.
"""

REST: Final = """\
## Logs without a score to compare

WildBench, MT-Bench and AlpacaEval hold scores or preferences of a judge, which we copy and do not compute. LLMRouter's log has
scores without responses."""
