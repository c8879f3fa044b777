"""The latent-skill model: does this LLM get this query right in this mode?

Each answer has a standard normal handicap, the weighted sum of independent parts: the difficulty of the query, how well its
kind suits the LLM, luck of the LLM's family, of the LLM, and of the mode. It is right when the handicap lies below the quantile
of its expected performance; so the share of right answers over queries of uniform difficulty is that performance.
"""

from __future__ import annotations

import functools
import hashlib
import math
import random
from statistics import NormalDist

from llmfusionbench.builders.simulation.llms import SimulatedLlm, skill_table
from llmfusionbench.builders.simulation.query import SimulatedQuery
from llmfusionbench.builders.simulation.tasks import TASKS

_NORMAL = NormalDist()
# Weights whose squares, the shares of the variance, add up to one.
_DIFFICULTY, _KIND, _FAMILY, _LLM, _MODE = map(math.sqrt, (0.36, 0.16, 0.09, 0.26, 0.13))


def query_key(query: SimulatedQuery, seed: int) -> bytes:
    """Identifies a query within a simulation; every draw about it derives from this key."""
    return hashlib.blake2b(f"{seed}\n{query.task}\n{query.prompt}".encode(), digest_size=16).digest()


def uniform(key: bytes, *names: str) -> float:
    """A number in (0, 1) fixed by the key and the names."""
    digest = hashlib.blake2b("\n".join(names).encode(), key=key, digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


def generator(key: bytes, *names: str) -> random.Random:
    """A generator fixed by the key and the names."""
    return random.Random(int.from_bytes(hashlib.blake2b("\n".join(names).encode(), key=key, digest_size=16).digest()))  # noqa: S311


@functools.cache
def _affinities(llm: str, task: str) -> dict[str, float]:
    """Handicap of an LLM for each kind of query of a task: normal quantiles dealt out at random, mean 0 and variance 1."""
    kinds = TASKS[task].skills
    values = [_NORMAL.inv_cdf((rank + 0.5) / len(kinds)) for rank in range(len(kinds))]
    scale = math.sqrt(sum(value * value for value in values) / len(values))
    random.Random(f"affinity {llm} {task}").shuffle(values)  # noqa: S311
    return {kind: value / scale for kind, value in zip(kinds, values, strict=True)}


def expected(query: SimulatedQuery, llm: SimulatedLlm, mode: str) -> float:
    """Expected performance of the LLM on the query's task."""
    return skill_table()[query.task, llm.name, mode]


def share_known(query: SimulatedQuery, performance: float) -> float:
    """Probability of a right answer that gives an expected performance; above it where wordy replies lose F1."""
    return performance + 0.3 * (1 - performance) if query.metric == "f1_score" else performance


def is_right(query: SimulatedQuery, key: bytes, llm: SimulatedLlm, mode: str, probability: float) -> bool:
    """Whether the answer is right, with the given probability over the queries of the task."""
    difficulty = _NORMAL.inv_cdf(min(1 - 1e-9, max(1e-9, query.difficulty)))
    handicap = (
        _DIFFICULTY * difficulty
        + _KIND * _affinities(llm.name, query.task)[query.skill]
        + _FAMILY * _NORMAL.inv_cdf(uniform(key, "family", llm.family))
        + _LLM * _NORMAL.inv_cdf(uniform(key, "llm", llm.name))
        + _MODE * _NORMAL.inv_cdf(uniform(key, "mode", llm.name, mode))
    )
    return handicap < _NORMAL.inv_cdf(probability)
