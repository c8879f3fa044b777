"""Every figure of a report, by name: what it says, and which way is better."""

from __future__ import annotations

from typing import Final, NamedTuple


class Metric(NamedTuple):
    """A figure of a router."""

    better: str
    """`higher`, `lower`, or empty where neither is."""
    description: str


METRICS: Final = {
    "performance": Metric("higher", "mean performance of the choices"),
    "performance_macro": Metric("higher", "mean over tasks of the mean performance"),
    "cost_usd": Metric("lower", "mean cost of the choices, USD"),
    "cost_usd_macro": Metric("lower", "mean over tasks of the mean cost, USD"),
    "judge": Metric("higher", "mean judge score of the choices"),
    "judge_macro": Metric("higher", "mean over tasks of the mean judge score"),
    "reward": Metric("higher", "mean reward of the choices in this scenario, on the scale of train"),
    "reward_macro": Metric("higher", "mean over tasks of the mean reward"),
    "tokens": Metric("lower", "mean input plus output tokens of the choices"),
    "answered": Metric("higher", "share of the queries that have a choice"),
    "gap_closed": Metric("higher", "(router - best single) / (oracle - best single), in reward"),
    "gap_at_oracle": Metric("lower", "1 - router / oracle, macro performance (LLMRouterBench)"),
    "ndcg_at_1": Metric("higher", "NDCG of the first candidate of the ranking, relevance being performance"),
    "ndcg_at_3": Metric("higher", "NDCG of the first three"),
    "ndcg_at_5": Metric("higher", "NDCG of the first five"),
    "hit_at_1": Metric("higher", "share of the queries whose best candidate is ranked first; equals count"),
    "hit_at_3": Metric("higher", "the same among the first three"),
    "hit_at_5": Metric("higher", "the same among the first five"),
    "mrr": Metric("higher", "mean reciprocal rank of the best candidate"),
    "aiq": Metric("higher", "area under the convex hull of cost and performance, by its range of cost (RouterBench)"),
    "pgr": Metric("higher", "(router - cheapest) / (strongest - cheapest), in performance (RouteLLM)"),
    "apgr": Metric("higher", "PGR integrated over the share of calls to the strongest candidate (RouteLLM)"),
    "cpt_50": Metric("lower", "least share of calls to the strongest candidate that reaches a PGR of .5 (RouteLLM)"),
    "cpt_80": Metric("lower", "the same for a PGR of .8"),
    "perf_gain": Metric("higher", "highest macro performance of the sweep / that of the best single - 1 (LLMRouterBench)"),
    "cost_save": Metric("higher", "1 - least cost as good as the best single / its cost (LLMRouterBench)"),
    "pareto_distance": Metric("lower", "mean normalised distance of the sweep to the joint frontier (LLMRouterBench)"),
    "v_b": Metric("higher", "performance / that of the best single (RouterEval)"),
    "pick_entropy": Metric("", "bits; mean over tasks of the entropy of the choices (RouterEval's E_p)"),
    "token_elasticity": Metric("higher", "relative change of performance / of tokens against the best single (EllieSQL)"),
    "focal_diversity": Metric("higher", "how seldom the chosen candidates fail together (LLM-TOPLA)"),
    "unseen_share": Metric("", "share of the choices that went to a candidate the router was not fitted on"),
    "ood_declined": Metric("higher", "share of the out-of-distribution queries that were declined"),
    "wrongly_declined": Metric("lower", "share of the other queries that were declined"),
    "guarded_score": Metric("higher", "harmonic mean of ood_declined and of performance where declining counts 0 (GQR-Bench)"),
}
"""Metric -> what it is; a report holds those that apply."""
