"""Figures over queries with their 95% intervals: one function per kind of figure, and the paired test."""

from llmfusionbench.statistics.arrays import Floats, ratio
from llmfusionbench.statistics.intervals import (
    Estimate,
    mean,
    percentiles,
    quotient,
    share,
    smooth,
    two_valued,
    without_interval,
)
from llmfusionbench.statistics.linear import Linear
from llmfusionbench.statistics.means import Figure, Mean, figures_of, mean_columns, paired_columns, pooled_shares, share_columns
from llmfusionbench.statistics.partial import PartialMean, counted
from llmfusionbench.statistics.permutation import SignFlips, paired_p
from llmfusionbench.statistics.sample import Sample, pooled
from llmfusionbench.statistics.student import student_quantile

__all__ = [
    "Estimate",
    "Figure",
    "Floats",
    "Linear",
    "Mean",
    "PartialMean",
    "Sample",
    "SignFlips",
    "counted",
    "figures_of",
    "mean",
    "mean_columns",
    "paired_columns",
    "paired_p",
    "percentiles",
    "pooled",
    "pooled_shares",
    "quotient",
    "ratio",
    "share",
    "share_columns",
    "smooth",
    "student_quantile",
    "two_valued",
    "without_interval",
]
