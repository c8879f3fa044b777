"""The measures of a router by name: every figure of a report, and whether higher or lower is better."""

from __future__ import annotations

from typing import Final, NamedTuple


class Measure(NamedTuple):
    """A figure of a router."""

    better: str
    """`higher`, `lower`, or empty for neither."""
    description: str


MEASURES: Final = {
    "performance": Measure("higher", "mean performance of the choices"),
    "performance_macro": Measure("higher", "mean over tasks of the mean performance"),
    "cost_usd": Measure("lower", "mean cost of the choices, USD"),
    "cost_usd_macro": Measure("lower", "mean over tasks of the mean cost, USD"),
    "judge": Measure("higher", "mean judge score of the choices"),
    "judge_macro": Measure("higher", "mean over tasks of the mean judge score"),
    "reward": Measure("higher", "mean reward of the choices in this scenario, on the scale of train"),
    "reward_macro": Measure("higher", "mean over tasks of the mean reward"),
    "tokens": Measure("lower", "mean input plus output tokens of the choices"),
    "answered": Measure("higher", "share of the queries that have a choice"),
    "regret": Measure("lower", "oracle's mean reward minus that of the choices, on the same queries"),
    "oracle_performance": Measure("", "the oracle's mean performance on the queries of `performance`"),
    "gap_closed": Measure("higher", "(router - best single) / (oracle - best single), in reward"),
    "gap_at_oracle": Measure("lower", "1 - router / oracle, macro performance (LLMRouterBench)"),
    "ndcg_at_1": Measure("higher", "NDCG of the first candidate of the ranking, relevance being performance"),
    "ndcg_at_3": Measure("higher", "NDCG of the first three"),
    "ndcg_at_5": Measure("higher", "NDCG of the first five"),
    "hit_at_1": Measure("higher", "share of the queries whose best candidate is ranked first; ties count"),
    "hit_at_3": Measure("higher", "share of the queries whose best candidate is among the first three"),
    "hit_at_5": Measure("higher", "share of the queries whose best candidate is among the first five"),
    "mrr": Measure("higher", "mean reciprocal rank of the best candidate"),
    "aiq": Measure("higher", "area under the convex hull of cost and performance, by its range of cost (RouterBench)"),
    "pgr": Measure("higher", "(router - cheapest) / (strongest - cheapest), in performance (RouteLLM)"),
    "apgr": Measure("higher", "PGR integrated over the share of calls to the strongest candidate (RouteLLM)"),
    "cpt_50": Measure("lower", "least share of calls to the strongest candidate that reaches a PGR of .5 (RouteLLM)"),
    "cpt_80": Measure("lower", "least share of calls to the strongest candidate that reaches a PGR of .8 (RouteLLM)"),
    "perf_gain": Measure("higher", "highest macro performance of the sweep / that of the best single - 1 (LLMRouterBench)"),
    "cost_save": Measure("higher", "1 - least cost as good as the best single / its cost (LLMRouterBench)"),
    "pareto_distance": Measure("lower", "mean normalised distance of the sweep to the joint frontier (LLMRouterBench)"),
    "v_b": Measure("higher", "performance / that of the best single (RouterEval)"),
    "pick_entropy": Measure("", "bits; mean over tasks of the entropy of the choices (RouterEval's E_p)"),
    "token_elasticity": Measure("higher", "relative change of performance / of tokens against the best single (EllieSQL)"),
    "focal_diversity": Measure("higher", "how seldom the chosen candidates fail together (LLM-TOPLA)"),
    "unseen_share": Measure("", "share of the choices that went to a candidate the router was not fitted on"),
    "ood_declined": Measure("higher", "share of the out-of-distribution queries that were declined"),
    "wrongly_declined": Measure("lower", "share of the other queries that were declined"),
    "guarded_score": Measure("higher", "harmonic mean of ood_declined and of performance where declining counts 0 (GQR-Bench)"),
}
"""Name -> measure; a report has those that apply."""
