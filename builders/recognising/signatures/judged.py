"""What the files of judgements, arenas and LLM judges' benchmarks look like."""

from __future__ import annotations

from typing import Final

from llmfusionbench.builders.recognising.signature import Signature

_TABLES: Final = ("list", "lines", "csv", "tsv", "parquet")

ALPACA_EVAL: Final = (
    Signature(
        title="annotations of AlpacaEval",
        kinds=_TABLES,
        names=("annotations.json", "*annotations*.json"),
        needed=("instruction", "preference", ("output_1", "output_2")),
        telling=(("generator_1", "generator_2"), "annotator", ("dataset", "datasplit"), "output_2"),
    ),
    Signature(
        title="outputs of AlpacaEval",
        kinds=_TABLES,
        names=("model_outputs.json", "*model_outputs*.json", "*_outputs.json"),
        needed=("instruction", "output", "generator"),
        telling=(("dataset", "datasplit"),),
        against=("preference", "question_id", "session_id"),
    ),
)

MT_BENCH: Final = (
    Signature(
        title="answers of MT-Bench",
        kinds=("lines", "list"),
        needed=("question_id", "model_id", "choices[].turns[]"),
        telling=("answer_id", "tstamp", "choices[].index"),
    ),
    Signature(
        title="judgements of MT-Bench, of single answers",
        kinds=("lines", "list"),
        names=("*_single.jsonl",),
        needed=("question_id", "model", "judgment"),
        telling=("score", "judge[]", "turn", ("user_prompt", "tstamp")),
    ),
    Signature(
        title="judgements of MT-Bench, of pairs",
        kinds=("lines", "list"),
        names=("*_pair.jsonl",),
        needed=("question_id", "model_1", "model_2", ("g1_winner", "g2_winner")),
        telling=("g2_winner", "judge", "turn", ("g1_judgment", "g2_judgment")),
    ),
    Signature(
        title="questions of MT-Bench",
        kinds=("lines", "list"),
        names=("question.jsonl", "questions.jsonl", "question*.jsonl"),
        needed=("question_id", "turns[]"),
        telling=("category",),
        role="companion",
    ),
)

ARENA: Final = (
    Signature(
        title="battles of an arena",
        kinds=_TABLES,
        names=("*battle*", "*arena*"),
        needed=(
            ("model_a", "llm_a", "generator_a"),
            ("model_b", "llm_b", "generator_b"),
            ("winner", "winner_model_a", "winner_model_b", "verdict", "vote"),
        ),
        telling=(
            ("conversation_a", "response_a", "answer_a", "output_a", "full_conversation", "prompt", "question"),
            ("conversation_b", "response_b", "answer_b", "output_b", "winner_tie", "winner"),
            ("question_id", "id", "idx", "battle_id"),
        ),
        against=("model_1", "g1_winner"),
    ),
)
