"""What is known to be wrong with the logs of each source, and with the pipelines that made them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Defect:
    """One thing that is wrong with the logs of a source."""

    what: str
    """What it is, in a sentence without its full stop."""
    done: str
    """What the tables of a release do about it, or what a user has to mind."""


_FUSIONFACTORY: Final = (
    Defect("`cost` is tokens times price, without the division by a million", "`cost_usd` is computed in USD"),
    Defect(
        "deepseek-r1 was logged at wrong prices",
        "Its list price is 0.55 USD per 1M input tokens and 2.19 USD per 1M output tokens, and its costs follow from it",
    ),
    Defect(
        "Think mode is part of the LLM's name (`_think`), and its prompts end in a request to reason step by step, in several "
        "spellings",
        "`mode` states it; the suffix is taken off, and both prompts belong to one query",
    ),
    Defect(
        "The published description of the LLMs gives llama-3.1-70b-instruct the endpoint `meta/llama3-70b-instruct`, and "
        "llama3-70b-instruct the endpoint `meta/llama-3.1-8b-instruct`",
        "Unsolved: answers under these two names may come from other LLMs",
    ),
    Defect(
        "The performance of code tasks is a Python dictionary written as text",
        "It is parsed as a number, by a parser that runs no code",
    ),
    Defect(
        "Embeddings are tensors written as text, on the first row of a query alone, and some are shortened with dots",
        "A whole one goes into the table `embeddings`; a shortened one is null",
    ),
    Defect("Some files double every backslash, which ruins LaTeX", "Doubled backslashes are detected and undone"),
    Defect("Lists of accepted answers are written as Python text", "They are JSON arrays in `ground_truth`"),
    Defect("Only code tasks have a `task_id`", "Queries are identified by a hash of task and prompt"),
    Defect(
        "Failed calls are rows with an empty answer and no token counts",
        "`status` is `error`, and `performance` is null: a failure is never dropped",
    ),
    Defect("Answers that were not judged have a judge score of NaN", "They have no row in `judge_scores`"),
    Defect(
        "A judge run that was interrupted can leave scores of 0 for answers that it never judged",
        "Such a 0 cannot be told from a judged one; the audit names judges that give one score to most answers",
    ),
    Defect(
        "The logs do not name the tokenizer, and one tokenizer counted the tokens of all LLMs",
        "`tokenizer` is null; counts and costs of LLMs with other tokenizers are estimates",
    ),
    Defect(
        "The scorer of GSM8K drops the decimal point, so that 3.5 equals 35 and 18.00 equals 1800",
        "Scores are kept as logged; `llmfusionbench rescore` makes them again",
    ),
    Defect(
        "The pipeline scores an unknown metric as 0, turns results of code tests into missing values, and skips rows whose "
        "scoring fails",
        "A score that is missing is null, and reports state how many there are",
    ),
    Defect(
        "Public code for logs of this kind drops empty rows and then takes each 40 rows as one query, so that one missing row "
        "mixes all later queries",
        "Rows are joined by their keys, never by position",
    ),
    Defect(
        "Public code for logs of this kind splits rows, not queries, into train and test, and scales test scores by their own "
        "extremes",
        "A query is in one split with all its answers, and scores are not scaled",
    ),
    Defect(
        "Public code for logs of this kind divides prices twice, or prices an unknown LLM at 0",
        "A cost without a known price is null",
    ),
)

_UNSCORED_TEXTS: Final = Defect("The files hold no texts of answers", "`response` is null; texts cannot be audited or rescored")

DEFECTS: Final[dict[str, tuple[Defect, ...]]] = {
    "fusionbench": _FUSIONFACTORY,
    "SimulatedLogs": (
        Defect("The log is simulated, and its faults were put in on purpose", "The audit is expected to find them"),
    ),
    "llmrouter": (
        Defect("Some files hold API keys of those who ran them", "Keys are never read"),
        Defect(
            "Files of scores name a query by its text alone",
            "One text stands for one query: the first in the files",
        ),
        Defect("Older files name their columns differently", "Both names are read"),
    ),
    "llmrouterbench": (
        Defect("The same LLM and dataset can have several runs", "The latest run counts"),
        Defect("Demonstrations lie among the results", "They are skipped"),
        Defect("Its baselines set a missing score to 0", "A missing score is null"),
    ),
    "lighteval": (
        Defect(
            "A row of several answers has one score for all of them, unless the metric lists one of each",
            "The score stands at replicate 0; the other replicates have none",
        ),
        Defect(
            "A row whose parts do not fit one type is written as Python text", "It is parsed, by a parser that runs no code"
        ),
    ),
    "lm_eval": (
        Defect(
            "A sample stands in its file once per filter, with other scores",
            "One filter is read, the first unless the user names one; the notes list the others",
        ),
        Defect(
            "A sample that was asked several times has one score for all its answers",
            "The score stands at replicate 0; the other replicates have none",
        ),
        Defect(
            "The value of a metric may be a list, an object, or 999 for no score",
            "It is null where it is no score of one sample; the notes count such values",
        ),
    ),
    "opencompass": (
        Defect(
            "The scores of records are in files of their own, if they were asked for",
            "They are joined by LLM, dataset and number; without them `performance` is null",
        ),
    ),
    "promptfoo": (
        Defect(
            "`error` holds the reason of a failed test as well as that of a failed call",
            "`status` is `error` only where the call failed",
        ),
        Defect(
            "An answer from the cache has a cost of 0 and the latency of the cache",
            "`cost_usd` and `latency_s` are null for it",
        ),
    ),
    "routerbench": (
        Defect("Prompts and answers are lists written as Python text", "They are read as literals, and no code is run"),
        Defect("The published files are pickles, which may run code", "They are read only on request, and no code is run"),
        Defect("Costs are stated without token counts", "Costs are kept; tokens are null"),
    ),
    "routellm": (
        Defect("A score is only right or wrong, for one weak and one strong LLM", "`performance` is 0 or 1"),
        Defect("Most files hold no texts of answers, and none has costs", "`response` and `cost_usd` are null"),
    ),
    "embedllm": (_UNSCORED_TEXTS, Defect("A score is only right or wrong, and costs are not stated", "`cost_usd` is null")),
    "routereval": (
        _UNSCORED_TEXTS,
        Defect("Some files hold vectors in place of prompts", "`prompt` is null, and the place in the file is the `source_id`"),
        Defect("The files may not name the LLMs", "The names are those that were given to the build"),
    ),
    "zeroeval": (
        Defect("The format has no scores", "`performance` is null, or was made by `llmfusionbench rescore`"),
        Defect(
            "Answers are JSON objects, and some are broken or cut off",
            "Texts are kept as they came; the audit counts both",
        ),
        Defect("The LLM's name in a file can differ from that of the file", "The LLM is the one that the file is named after"),
    ),
    "wildbench": (
        Defect("Answers have scores of judges only, from 1 to 10, as text", "Scores are scaled to the range from 0 to 1"),
        Defect("The files of scores do not hold the prompts", "Prompts come from the task file, where it was given"),
        Defect("Judges differ, and prefer long answers", "Each judge has rows of its own; the audit measures the preference"),
    ),
    "alpaca_eval": (
        Defect("The price and the time of an annotation are the annotator's", "They are left out"),
        Defect("A tie is 0 in older files and 1.5 in newer ones, and a failed annotation is -1", "0.5, and null for -1"),
        Defect("Annotators prefer long outputs", "Win rates are not corrected; the audit measures the preference"),
        Defect("The order in which an annotator saw the two outputs is rarely kept", "`order` is null where it is not"),
    ),
    "mt_bench": (
        Defect("A judge's score is -1 where none was found in its reply", "It is null"),
        Defect("A failed call stands as `$ERROR$` in place of an answer", "The answer has the status `error`"),
        Defect("An answer may name another LLM than its file does", "The LLM is the one that the file is named after"),
        Defect("The second turn follows each LLM's own first answer", "A query has the turns of the user alone"),
    ),
    "arena": (
        Defect("Ids of users are the names of judges", "They are left out, and the judge is `human`"),
        Defect("Answers and votes of several users meet on one prompt", "Answers and judges are numbered"),
        Defect("In some battles the user saw the names of the LLMs", "`rubric` states it where the file does"),
    ),
    "inspect": (
        Defect(
            "A sample of a failed run has no score",
            "It counts as 0; Inspect leaves it out of its mean",
        ),
        Defect("Logs of retries repeat samples of earlier logs", "The sample of the later log counts"),
        Defect("Some logs keep a summary, without some or all of their samples", "A warning has the numbers"),
    ),
    "helm": (
        Defect("The split `valid` is that of the original dataset", "It is `partial_test`"),
        Defect(
            "`f1_score` counts every distinct word once, and `exact_match` of options asks for the bare letter",
            "Scores are kept as logged; `llmfusionbench rescore` makes others",
        ),
        Defect("Changed copies of instances stand beside the instances", "They are left out by default"),
    ),
    "eee": (
        Defect("The schema demands a score of every sample", "Samples that our export marks as unscored have none"),
        Defect("An aggregate may be a percentage of samples scored 0 to 1", "The scale of the samples counts"),
        Defect("Counts of tokens may all be 0", "They are null"),
    ),
    "routerarena": (
        Defect("Ground truths of multiple choice are indices from 0", "They are letters"),
        Defect(
            "Predictions of a router hold the answers of the LLMs that it chose alone", "Other cells of the grid are absent"
        ),
    ),
    "openai_batch": (
        Defect("Results do not hold the prompts", "They come from the files of requests, else queries have ids alone"),
        Defect("The model that served is a dated version of the one that was asked", "Both are kept"),
    ),
    "litellm": (
        Defect("Texts are kept only where the proxy stores them, and some are cut", "A cut text is null"),
        Defect("A cost of 0 stands for an unknown price", "It is null where there are output tokens"),
        Defect("The name of an LLM is that of the proxy's group", "`served_model` is the model behind it"),
    ),
    "langfuse": (
        Defect("Latencies are seconds in some exports and milliseconds in others", "They follow from the start and the end"),
        Defect("Only some observations are calls of an LLM", "The others are left out and counted"),
    ),
    "openrouter": (
        Defect("Most exports hold no texts", "`prompt` and `response` are null, and queries have their ids alone"),
        Defect("There are two counts of tokens", "The native ones count, which are paid"),
    ),
}
"""Source -> its defects; a source that is not listed has none that we know of."""
