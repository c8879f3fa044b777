"""Votes of several LLMs over one query: the most frequent answer, with equal or learned weights.

Plain vote: the consistency of Wang et al. 2023 (Self-Consistency, arXiv 2203.11171) across LLMs. Weighted vote: the
log-odds weights that are optimal for independent voters (Nitzan and Paroush 1982).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.fusion.answers import NO_ANSWER, AnswerTable
from llmfusionbench.errors import InputError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fused:
    """One answer per query, from the answers of M members."""

    query_ids: list[str]
    """[Q]"""
    members: list[str]
    """[M]"""
    answers: list[str | None]
    """[Q] normal form of the chosen answer; None where no member gave one."""
    chosen: list[str]
    """[Q] the member whose response stands for the answer."""
    performance: Floats
    """[Q] the score of that response; NaN where missing."""
    cost: Floats
    """[Q] USD, the sum over all members, since all were asked; NaN where the cost of one is missing."""
    agreement: Floats
    """[Q] share of the votes, by weight, that the answer had; 0 where no member gave one."""


class Vote:
    """Every member has one vote; a tie goes to the answer of the member that was best on the train queries.

    Args:
        members: The candidates that vote; all of the table by default.
        top: Use only the N members that were best on the train queries.
        prior: Strength of the shrinkage of each member's mean towards the mean of all members, in queries.
    """

    def __init__(self, *, members: Sequence[str] | None = None, top: int | None = None, prior: float = 20.0) -> None:
        self.members = members
        self.top = top
        self.prior = prior

    def fit(self, table: AnswerTable) -> Self:
        """Learn each member's mean performance, overall and per task.

        Raises:
            InputError: No response in the table is scored.
            UnknownNameError: A member is not in the table.
        """
        self.members_ = self._members(table)
        performance = table.columns(self.members_).performance.astype(np.float64)
        if np.isnan(performance).all():
            raise InputError("No response of the members has a score. Remedy: run llmfusionbench rescore")
        overall = np.full((1, len(self.members_)), np.nanmean(performance))
        self.accuracy_ = _shrunk_mean(performance, overall, self.prior)
        tasks = np.array(table.tasks, object)
        self.task_accuracy_ = {t: _shrunk_mean(performance[tasks == t], self.accuracy_, self.prior) for t in sorted(set(tasks))}
        return self

    def combine(self, table: AnswerTable) -> Fused:
        """The fused answers of a table that holds all members."""
        own = table.columns(self.members_)
        weights = np.array([self._weights(self.task_accuracy_.get(t, self.accuracy_)) for t in own.tasks])
        weights = weights.reshape(own.answers.shape)
        given = own.answers != NO_ANSWER
        votes = support(own.answers, weights)
        # Below any vote: a response without an answer that is there at all, before one that is missing.
        votes = np.where(given, votes, np.where(np.isnan(own.performance), -2.0, -1.0))
        order = np.argsort(-self.accuracy_, kind="stable")
        best = order[np.argmax(votes[:, order] >= votes.max(axis=1, keepdims=True) - 1e-9, axis=1)]
        rows = np.arange(len(own.query_ids))
        total = np.where(given, weights, 0).sum(axis=1)
        answered = given[rows, best]
        return Fused(
            query_ids=own.query_ids,
            members=list(self.members_),
            answers=[own.keys[code] if code != NO_ANSWER else None for code in own.answers[rows, best].tolist()],
            chosen=[self.members_[i] for i in best],
            performance=own.performance[rows, best].astype(np.float64),
            cost=own.cost.astype(np.float64).sum(axis=1),
            agreement=np.where(answered, votes[rows, best] / np.where(answered, total, 1.0), 0.0),
        )

    def _members(self, table: AnswerTable) -> list[str]:
        """The members."""
        names = list(table.candidates if self.members is None else self.members)
        if self.top is None:
            return names
        if not 1 <= self.top <= len(names):
            raise InputError(f"top is {self.top}, expected 1 to {len(names)}, the number of candidates")
        mean = _shrunk_mean(table.columns(names).performance.astype(np.float64), np.zeros(len(names)), 0.0)
        return [names[i] for i in np.argsort(-mean, kind="stable")[: self.top]]

    def _weights(self, accuracy: Floats) -> Floats:
        """[M] what a vote counts, given the members' mean performance in the task."""
        return np.ones_like(accuracy)


class WeightedVote(Vote):
    """A vote counts the log-odds of its member's mean performance in the task, shrunk to its mean over all tasks.

    Members that are wrong more often than right keep a small vote: with more than two possible answers their agreement with
    another member still says something, and the two-answer formula would turn it against both.
    """

    def _weights(self, accuracy: Floats) -> Floats:
        bounded = np.clip(accuracy, 0.01, 0.99)
        return np.maximum(np.log(bounded / (1 - bounded)), 0.1)


def support(answers: npt.NDArray[np.int64], weights: Floats) -> Floats:
    """[Q, M] the summed weights of all members that gave the same answer, for codes [Q, M] and weights [Q, M]."""
    votes = np.zeros(answers.shape)
    for member in range(answers.shape[1]):
        votes += (answers == answers[:, [member]]) * weights[:, [member]]
    return votes


def _shrunk_mean(values: Floats, towards: Floats, prior: float) -> Floats:
    """[M] means of the columns that are not NaN, with `prior` rows of `towards` added."""
    given = ~np.isnan(values)
    sums = np.where(given, values, 0.0).sum(axis=0) + prior * np.ravel(towards)
    return np.asarray(sums / np.maximum(given.sum(axis=0) + prior, 1e-12))
