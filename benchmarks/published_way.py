"""Routing data, an SFT corpus and template matching, the way that published scripts of this field go, and by this package.

    python benchmarks/published_way.py [--scale 1.0] [--templates 700] [--pairs-of 60]

Each way is written from scratch here, in a process of its own, with its peak memory. Both start from files: the scripts from
the long CSV, this package from the release that was built of it. The scripts go row by row through pandas frames:

- routing data: empty answers dropped, every 40 rows one query, scores scaled by the extremes of their task in the same split,
  and one JSON file for each of four rewards. Ours are the matrices of the same four rewards, scaled by train alone.
- SFT corpus: every 40 rows one query, sorted by performance and length, the best five that are above 0 into one JSON list.
- template matching: the vectors as text, read again for every pair of a query and a template, and one cosine at a time. It runs
  on some queries and is scaled up. Ours also leaves out templates of queries that are nearly the same.

A dropped row moves all rows behind it, so the number of the scripts' records that mix answers to several queries is printed.
"""

from __future__ import annotations

import argparse
import ast
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc
from _measuring import Cost, alone, cost
from _simulated import simulated

import llmfusionbench as lfb
from llmfusionbench.baselines.exporters import export_sft
from llmfusionbench.baselines.retrievers import Dense, TemplateLibrary
from llmfusionbench.evaluation.scenario import SCENARIOS, Scaling

if TYPE_CHECKING:
    import pandas as pd

ROWS_OF_A_QUERY: Final = 40
K, TOP = 5, 3
REWARDS: Final = {"performance": (1.0, 0.0), "balance": (0.5, 0.5), "cost": (0.2, 0.8), "judge": (0.0, 0.0)}
Measured = tuple[Cost, float, Any]
"""The cost of a piece of work, its MB at their peak, and what it tells."""


def frame_of(csv: Path) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(csv, escapechar="\\")


def performance_of(written: object) -> float:
    """A score, or the pass@1 of a dictionary that is written as text."""
    try:
        return float(written)  # type: ignore[arg-type]
    except ValueError:
        literal = ast.literal_eval(str(written).replace("np.float64(", "").replace(")", ""))
        return float(literal["pass@1"])


def routing_by_rows(csvs: list[Path], out: Path) -> tuple[int, int]:
    """Number of records, and of those with answers to several queries."""
    written = mixed = 0
    for csv in csvs:
        frame = frame_of(csv)
        frame = frame[frame["response"].notna() & (frame["response"] != "")]
        frame = frame.assign(performance=frame["performance"].apply(performance_of))
        for name in ("performance", "cost"):
            frame[name] = frame.groupby("task_name")[name].transform(lambda x: (x - x.min()) / (x.max() - x.min()))
        for reward, (gain, price) in REWARDS.items():
            of_judge = reward == "judge" and "llm_judge" in frame
            frame["score"] = frame["llm_judge"] if of_judge else gain * frame["performance"] - price * frame["cost"]
            records = []
            for start in range(0, len(frame), ROWS_OF_A_QUERY):
                rows = frame.iloc[start : start + ROWS_OF_A_QUERY]
                candidates = [
                    {
                        "candidate_name": row["llm"],
                        "performance": float(row["performance"]),
                        "cost": float(row["cost"]),
                        "score": float(row["score"]),
                    }
                    for _, row in rows.iterrows()
                ]
                known = rows.dropna(subset=["score"])
                best = known.loc[known["score"].idxmax(), "llm"] if len(known) else candidates[0]["candidate_name"]
                records.append({"query": rows["query"].iloc[0], "candidates": candidates, "ground_truth": best})
                if reward == "performance":
                    mixed += rows["llm"].duplicated().any() or rows["llm"].iloc[0] != frame["llm"].iloc[0]
            written += len(records)
            (out / f"{csv.stem}_{reward}.json").write_text(json.dumps(records, indent=2), encoding="utf-8")
    return written // len(REWARDS), mixed


def routing_by_columns(release: Path) -> int:
    """Number of queries whose rewards are made."""
    opened = lfb.open_release(release)
    tables = {split: opened.routing(split) for split in opened.splits}
    scaling = Scaling.fit(tables["train"])
    made = {(split, name): scaling.reward(table, scene) for split, table in tables.items() for name, scene in SCENARIOS.items()}
    return sum(len(made[split, "balance"]) for split in tables)


def corpus_by_rows(csvs: list[Path], out: Path) -> int:
    """Number of answers in the corpus."""
    import pandas as pd

    entries = []
    for csv in csvs:
        frame = frame_of(csv)
        groups = [
            frame.iloc[start : start + ROWS_OF_A_QUERY].reset_index(drop=True)
            for start in range(0, len(frame), ROWS_OF_A_QUERY)
        ]
        ordered = []
        for group in groups:
            rows = group.copy()
            rows["worth"] = rows["performance"].apply(performance_of)
            rows["length"] = pd.to_numeric(rows["output_tokens_num"], errors="coerce")
            ordered.append(rows.sort_values(by=["worth", "length"], ascending=[False, False]).reset_index(drop=True))
        for rows in ordered:
            for taken, row in rows.iterrows():
                if not row["worth"] > 0:
                    break
                if taken < K:
                    entries.append({"instruction": str(row["query"]), "input": "", "output": str(row["response"])})
    with open(out / "corpus.json", "w", encoding="utf-8") as file:
        json.dump(entries, file, ensure_ascii=False, indent=2)
    return len(entries)


def corpus_by_columns(release: Path, out: Path) -> int:
    """Number of answers in the corpus."""
    export_sft(release, out / "corpus", k=K, include_test=True, duplicates="keep")
    return sum(path.read_bytes().count(b"\n") for path in (out / "corpus" / "data").iterdir())


class Stored:
    """An embedder that has the vectors of a release's queries."""

    id = "stored"

    def __init__(self, prompts: list[str], vectors: np.ndarray) -> None:
        self.vectors = vectors
        self.place = {prompt: place for place, prompt in enumerate(prompts)}

    def encode(self, prompts: list[str]) -> np.ndarray:
        return self.vectors[[self.place[prompt] for prompt in prompts]]


def matched_by_pairs(csvs: list[Path], templates: int, asked: int) -> dict[str, list[str]]:
    """The prompts of some queries, each with those of its best templates."""
    import pandas as pd
    from sklearn.metrics.pairwise import cosine_similarity

    def parsed(text: str) -> np.ndarray:
        numbers = text.removeprefix("tensor(").partition("device=")[0].replace(")", "").replace("\n", "").replace(" ", "")
        return np.array(ast.literal_eval(numbers.removesuffix(",")))

    frame = pd.concat([frame_of(csv) for csv in csvs])
    whole = frame["query_embedding"].notna() & ~frame["query_embedding"].str.contains("...", regex=False, na=True)
    queries = frame[whole].sort_values("query").reset_index(drop=True)
    library, found = queries.iloc[:templates], {}
    for _, row in queries.iloc[templates : templates + asked].iterrows():
        vector, likeness = parsed(row["query_embedding"]), []
        for place, held in library.iterrows():
            other = parsed(held["query_embedding"])
            likeness.append((float(cosine_similarity(vector.reshape(1, -1), other.reshape(1, -1))[0, 0]), place))
        likeness.sort(key=lambda pair: -pair[0])
        found[row["query"]] = [library["query"][place] for _, place in likeness[:TOP]]
    return found


def matched_by_columns(release: Path, templates: int) -> dict[str, list[str]]:
    """The prompts of all other queries, each with those of its best templates; near-duplicates of a prompt are left out."""
    opened = lfb.open_release(release)
    queries = opened.rows("queries", columns=["query_id", "prompt"]).sort_by("prompt")
    stored = opened.rows("embeddings")
    stored = stored.filter(pc.and_(pc.equal(stored["embedded"], "prompt"), stored["embedding"].is_valid()))
    at = pc.index_in(queries["query_id"], value_set=stored["query_id"].combine_chunks())
    queries, at = queries.filter(at.is_valid()), at.drop_null()
    vectors = pc.list_flatten(stored["embedding"]).to_numpy().reshape(len(stored), -1)[at.to_numpy()]
    prompts, ids = queries["prompt"].to_pylist(), queries["query_id"].to_pylist()
    held, words = prompts[:templates], ids[:templates]
    library = TemplateLibrary(words, words, held, ["task"] * templates, ["domain"] * templates, held)
    found, _ = Dense(embedder=Stored(prompts, vectors)).fit(library).topk(prompts[templates:], TOP)
    texts = dict(zip(words, held, strict=True))
    return {prompt: [texts[i] for i in best] for prompt, best in zip(prompts[templates:], found, strict=True)}


def _measured(work: Callable[..., Any], *arguments: object) -> tuple[Cost, Any]:
    given: list[Any] = []
    return cost(lambda: given.append(work(*arguments))), given[0]


def measured(work: Callable[..., Any], *arguments: object) -> Measured:
    """The work, in a new process."""
    (spent, given), most = alone(_measured, work, *arguments)
    return spent, most, given


def show(what: str, ours: Measured, theirs: Measured, times: float = 1.0) -> None:
    """Print both ways of one thing; theirs has done one part of `times` parts."""
    for name, (spent, most, _), part in (("by rows", theirs, times), ("here", ours, 1.0)):
        print(f"  {what:20} {name:8} {spent.wall * part:10.2f} s {spent.cpu * part:10.2f} CPU s {most:8,.0f} MB")
    cpu, memory = theirs[0].cpu * times / ours[0].cpu, ours[1] / theirs[1]
    print(f"  {what:20} {cpu:,.0f} x faster by CPU, {memory:.2f} x the memory", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of the simulated logs; 1.0 is 256,000 rows")
    parser.add_argument("--templates", type=int, default=700)
    parser.add_argument("--pairs-of", type=int, default=60, metavar="N", help="queries that the loop over pairs runs on")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        release = simulated(folder, options.scale)
        csvs = sorted((folder / "logs").glob("*.csv"))
        print(f"simulated logs, {lfb.open_release(release).table('responses').count_rows():,} rows")
        ours, theirs = measured(routing_by_columns, release), measured(routing_by_rows, csvs, folder)
        show("routing data", ours, theirs)
        records, mixed = theirs[2]
        print(f"  {'':20} {ours[2]:,} queries here; {mixed:,} of the {records:,} records by rows mix several queries")
        ours, theirs = measured(corpus_by_columns, release, folder), measured(corpus_by_rows, csvs, folder)
        show("SFT corpus", ours, theirs)
        print(f"  {'':20} {ours[2]:,} answers here, {theirs[2]:,} by rows")
        ours = measured(matched_by_columns, release, options.templates)
        theirs = measured(matched_by_pairs, csvs, options.templates, options.pairs_of)
        alike = sum(best == ours[2][prompt] for prompt, best in theirs[2].items())
        show("template matching", ours, theirs, len(ours[2]) / len(theirs[2]))
        print(f"  {'':20} {alike} of {len(theirs[2])} queries have the same {TOP} of {options.templates:,} templates")


if __name__ == "__main__":
    main()
