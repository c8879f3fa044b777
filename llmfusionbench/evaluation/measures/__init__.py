"""The measures of a router by name: every figure of a report, whether higher or lower is better, and its kind of interval."""

from __future__ import annotations

from typing import Final, NamedTuple


class Measure(NamedTuple):
    """A figure of a router."""

    better: str
    """`higher`, `lower`, or empty for neither."""
    description: str
    interval: str
    """Key of `INTERVALS`."""
    why: str = ""
    """Why it has no interval, or where it has none; empty if it always has one."""


INTERVALS: Final = {
    "share": "Wilson, at the effective number of queries",
    "mean": "Student's t, and t corrected for skewness (Hall): both are inside; score interval where the skewness is certain",
    "quotient": "Fieller, with t corrected for skewness",
    "smooth": "Student's t by the delta method",
    "entropy": "as a mean, over the pseudo-values of the jackknife",
    "none": "none",
}
"""Kind of 95% interval -> how it is made; all are over queries."""

_EXTREME: Final = "it is the best of many noisy points, which is biased, and no interval over queries holds"
_EQUAL: Final = "all values are equal, so that their spread is unknown"
_NEARLY_ALL: Final = "for most routers it is 1 or nearly so, and a share so near to 1 has too few possible values"
_ALL_FIRST: Final = "there are no more candidates than that, so that it is always 1"
_DENOMINATOR: Final = "the denominator cannot be told from 0"
_FEW_RIGHT: Final = "the best single LLM is right too seldom: its mean is not 6 standard errors above 0"
_CROSSING: Final = "it is where a noisy curve first crosses a level, and no interval over queries holds"

MEASURES: Final = {
    "performance": Measure("higher", "mean performance of the choices", "share"),
    "performance_macro": Measure("higher", "mean over tasks of the mean performance", "share"),
    "cost_usd": Measure("lower", "mean cost of the choices, USD", "mean", _EQUAL),
    "cost_usd_macro": Measure("lower", "mean over tasks of the mean cost, USD", "mean", _EQUAL),
    "judge": Measure("higher", "mean judge score of the choices", "share"),
    "judge_macro": Measure("higher", "mean over tasks of the mean judge score", "share"),
    "reward": Measure("higher", "mean reward of the choices in this scenario, on the scale of train", "mean", _EQUAL),
    "reward_macro": Measure("higher", "mean over tasks of the mean reward", "mean", _EQUAL),
    "tokens": Measure("lower", "mean input plus output tokens of the choices", "mean", _EQUAL),
    "answered": Measure("higher", "share of the queries that have a choice", "none", _NEARLY_ALL),
    "regret": Measure("lower", "oracle's mean reward minus that of the choices, on the same queries", "mean", _EQUAL),
    "oracle_performance": Measure("", "the oracle's mean performance on the queries of `performance`", "share"),
    "gap_closed": Measure("higher", "(router - best single) / (oracle - best single), in reward", "quotient", _DENOMINATOR),
    "gap_at_oracle": Measure("lower", "1 - router / oracle, macro performance (LLMRouterBench)", "quotient", _DENOMINATOR),
    "ndcg_at_1": Measure("higher", "NDCG of the first candidate of the ranking, relevance being performance", "share"),
    "ndcg_at_3": Measure("higher", "NDCG of the first three", "share"),
    "ndcg_at_5": Measure("higher", "NDCG of the first five", "share"),
    "hit_at_1": Measure("higher", "share of the queries whose best candidate is ranked first; ties count", "share"),
    "hit_at_3": Measure("higher", "share of the queries whose best candidate is among the first three", "share", _ALL_FIRST),
    "hit_at_5": Measure("higher", "share of the queries whose best candidate is among the first five", "share", _ALL_FIRST),
    "mrr": Measure("higher", "mean reciprocal rank of the best candidate", "share"),
    "aiq": Measure(
        "higher",
        "area under the convex hull of cost and performance, by the report's range of cost (RouterBench)",
        "mean",
        _EQUAL,
    ),
    "pgr": Measure(
        "higher", "(router - cheapest) / (strongest - cheapest), in performance (RouteLLM)", "quotient", _DENOMINATOR
    ),
    "apgr": Measure(
        "higher", "PGR integrated over the share of calls to the strongest candidate (RouteLLM)", "quotient", _DENOMINATOR
    ),
    "cpt_50": Measure(
        "lower", "least share of calls to the strongest candidate that reaches a PGR of .5 (RouteLLM)", "none", _CROSSING
    ),
    "cpt_80": Measure(
        "lower", "least share of calls to the strongest candidate that reaches a PGR of .8 (RouteLLM)", "none", _CROSSING
    ),
    "perf_gain": Measure(
        "higher", "highest macro performance of the sweep / that of the best single - 1 (LLMRouterBench)", "none", _EXTREME
    ),
    "cost_save": Measure("higher", "1 - least cost as good as the best single / its cost (LLMRouterBench)", "none", _EXTREME),
    "pareto_distance": Measure(
        "lower", "mean normalised distance of the sweep to the joint frontier (LLMRouterBench)", "none", _EXTREME
    ),
    "v_b": Measure("higher", "performance / that of the best single (RouterEval)", "quotient", _FEW_RIGHT),
    "pick_entropy": Measure(
        "",
        "bits; mean over tasks of the entropy of the choices (RouterEval's E_p), its bias removed by jackknife",
        "entropy",
        "more than 1 in 20 choices are the only one of their candidate in the task",
    ),
    "token_elasticity": Measure(
        "higher",
        "relative change of performance / of tokens against the best single (EllieSQL)",
        "none",
        "its denominator may be near 0, where no interval over queries holds",
    ),
    "focal_diversity": Measure(
        "higher",
        "how seldom the chosen candidates fail together (LLM-TOPLA)",
        "smooth",
        "a chosen candidate fails on fewer than 30 queries",
    ),
    "unseen_share": Measure("", "share of the choices that went to a candidate the router was not fitted on", "share"),
    "ood_declined": Measure("higher", "share of the out-of-distribution queries that were declined", "share"),
    "wrongly_declined": Measure("lower", "share of the other queries that were declined", "share"),
    "guarded_score": Measure(
        "higher", "harmonic mean of ood_declined and of performance where declining counts 0 (GQR-Bench)", "share"
    ),
}
"""Name -> measure; a report has those that apply."""
