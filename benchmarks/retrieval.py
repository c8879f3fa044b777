"""Top 3 of 6,400 templates for each of 6,400 queries (384 dimensions, embedding excluded), against a loop over pairs.

    python benchmarks/retrieval.py [--queries 6400] [--templates 6400] [--index]
    python benchmarks/retrieval.py --large [1100000] [--clusters 2000]

The loop runs on a few queries and is scaled up; both must find the same templates. `topk` also excludes each query's
near-duplicates among the templates, which the loop does not. The ratio is one of CPU seconds, which a busy machine disturbs
less than wall-clock time. `--index` also searches through a faiss index, and prints the share of the exact hits that it finds.
`--large` measures only the index, on more templates than are searched exactly by default: it takes minutes and about 8 GB.
With `--clusters N`, the vectors lie around N centres, twice as far from them as the centres are from the origin.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

import numpy as np
from _measuring import cost, peak

from llmfusionbench.baselines.retrievers import BM25, Dense, TemplateLibrary
from llmfusionbench.baselines.retrievers.eligible import Eligible, eligible
from llmfusionbench.baselines.retrievers.found import Found
from llmfusionbench.texts.embedding import Vectors

K, DIMENSIONS, LOOPED = 3, 384, 20


class Given:
    """An embedder that looks its vectors up."""

    id = "given"

    def __init__(self, prompts: Sequence[str], vectors: Vectors) -> None:
        self.place = {prompt: i for i, prompt in enumerate(prompts)}
        self.vectors = vectors

    def encode(self, prompts: Sequence[str | None]) -> Vectors:
        return self.vectors[[self.place[prompt or ""] for prompt in prompts]]


def texts(rng: np.random.Generator, count: int) -> list[str]:
    """Made-up prompts of 20 to 80 words; every twentieth nearly repeats the one before it."""
    words = np.array(["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 6)) for _ in range(5000)])
    made = [" ".join(rng.choice(words, rng.integers(20, 80))) for _ in range(count)]
    return [f"{made[i - 1]} {i}" if i % 20 == 19 else made[i] for i in range(count)]


def pair_by_pair(queries: Vectors, templates: Vectors) -> list[list[int]]:
    """The top 3 of each query, one cosine at a time."""
    found = []
    for query in queries:
        scored = []
        for place, template in enumerate(templates):
            cosine = float(np.dot(query, template) / (np.linalg.norm(query) * np.linalg.norm(template)))
            scored.append((-cosine, place))
        found.append([place for _, place in sorted(scored)[:K]])
    return found


def large(count: int, clusters: int, asked: int = 200) -> None:
    """An index against the exact product, for random queries and for queries with one template close by."""
    rng = np.random.default_rng(0)
    vectors = np.empty((count + 2 * asked, DIMENSIONS), np.float32)
    for start in range(0, len(vectors), 2**16):
        vectors[start : start + 2**16] = rng.standard_normal((len(vectors[start : start + 2**16]), DIMENSIONS), np.float32)
    if clusters:
        centres = rng.standard_normal((clusters, DIMENSIONS), np.float32) / 2
        vectors[: count + asked] += centres[rng.integers(clusters, size=count + asked)]
    vectors[count + asked :] += vectors[rng.choice(count, asked, replace=False)]  # a cosine of about .7
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    prompts = [f"{i:07d}" for i in range(len(vectors))]
    ids = prompts[:count]
    library = TemplateLibrary(ids, ids, ids, ["task"] * count, ["domain"] * count, ids)
    embedder = Given(prompts, vectors)
    none = np.zeros(0, np.int64)
    allowed = Eligible(np.zeros(asked, np.int64), np.zeros(count, np.int64), none, none)
    lie = f"about {clusters:,} centres" if clusters else "anywhere"
    print(f"top {K} of {count:,} templates {lie} for {asked:,} queries of a kind, {DIMENSIONS} dimensions")
    found: dict[str, list[Found]] = {}
    for name, dense in (
        ("exact product", Dense(embedder=embedder, exact_up_to=count)),
        ("index", Dense(embedder=embedder, exact_up_to=0)),
    ):
        clock, cpu = cost(partial(dense.fit, library))
        print(f"  {name:15} fit                       {clock:>8.1f} s {cpu:>8.1f} s CPU")
        for kind, first in (("random", count), ("close", count + asked)):
            work = partial(dense.search, prompts[first : first + asked], K, allowed)
            clock, cpu = cost(lambda: found.setdefault(kind, []).append(work()))  # noqa: B023 - called at once
            print(f"  {name:15} search, {kind:6} queries   {clock:>8.1f} s {cpu:>8.1f} s CPU")
        print(f"  {name:15} peak memory so far        {peak():>8,.0f} MB")
        del dense
    for kind, (exact, near) in found.items():
        pairs = [set(zip(f.rows.tolist(), f.columns.tolist(), strict=True)) for f in (exact, near)]
        firsts = [
            set(zip(f.rows[f.ranks() == 1].tolist(), f.columns[f.ranks() == 1].tolist(), strict=True)) for f in (exact, near)
        ]
        recall, of_first = (len(a & b) / len(a) for a, b in (pairs, firsts))
        print(f"  {kind} queries: the index finds {recall:.1%} of the exact top {K}, {of_first:.1%} of the first ones")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=6400)
    parser.add_argument("--templates", type=int, default=6400)
    parser.add_argument("--index", action="store_true", help="search through an index as well")
    parser.add_argument("--large", type=int, nargs="?", const=1_100_000, metavar="N", help="an index over N templates")
    parser.add_argument("--clusters", type=int, default=0, metavar="N", help="for --large: centres the vectors lie about")
    options = parser.parse_args()
    if options.large is not None:
        large(options.large, options.clusters)
        return
    rng = np.random.default_rng(0)
    count = options.templates
    prompts = texts(rng, count + options.queries)
    held, asked = prompts[:count], prompts[count:]
    vectors = rng.standard_normal((len(prompts), DIMENSIONS)).astype(np.float32)
    embedder = Given(prompts, vectors)
    ids = [f"{i:024x}" for i in range(count)]
    library = TemplateLibrary(ids, ids, held, ["task"] * count, ["domain"] * count, held)
    dense = Dense(embedder=embedder).fit(library)
    allowed = eligible(library, asked)

    first = cost(lambda: dense.topk(asked, K))  # which prepares the library for near-duplicates
    whole = cost(lambda: dense.topk(asked, K), 3)
    search = cost(lambda: dense.search(asked, K, allowed), 3)
    most = peak()
    words = BM25().fit(library)
    by_words = cost(lambda: words.search(asked, K, allowed))
    looped: list[list[int]] = []
    once = cost(lambda: looped.extend(pair_by_pair(vectors[count : count + LOOPED], vectors[:count])))
    loop = once[0] * options.queries / LOOPED, once[1] * options.queries / LOOPED
    found, _ = dense.topk(asked[:LOOPED], K)
    shut_out = set(allowed.shut_rows.tolist())  # of which the loop knows nothing
    assert all([ids[i] for i in a] == b for row, (a, b) in enumerate(zip(looped, found, strict=True)) if row not in shut_out)

    print(f"top {K} of {count:,} templates for {options.queries:,} queries, {DIMENSIONS} dimensions")
    rows = {
        "dense, first topk: near-duplicates shut out, search": first,
        "dense, topk again": whole,
        "dense, search alone": search,
        "bm25, search alone": by_words,
        f"loop over pairs (baseline; {LOOPED} queries, scaled)": loop,
    }
    if options.index:
        indexed = Dense(embedder=embedder, exact_up_to=0).fit(library)
        rows["dense, search through an index"] = cost(lambda: indexed.search(asked, K, allowed))
        exact, near = dense.topk(asked[:500], K)[0], indexed.topk(asked[:500], K)[0]
        recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(exact, near, strict=True)])
    for name, (clock, cpu) in rows.items():
        print(f"  {name:52} {clock:>8.2f} s {cpu:>8.2f} s CPU {loop[1] / cpu:>7,.0f} x the baseline")
    if options.index:
        print(f"  the index finds {recall:.0%} of the exact top {K} (random vectors are the hardest case)")
    print(f"  peak memory before the loop {most:,.0f} MB")


if __name__ == "__main__":
    main()
