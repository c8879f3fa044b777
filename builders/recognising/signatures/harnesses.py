"""What the files of evaluation harnesses look like."""

from __future__ import annotations

from typing import Final

from llmfusionbench.builders.recognising.signature import Signature

LM_EVAL: Final = (
    Signature(
        title="samples of lm-evaluation-harness",
        kinds=("lines", "list", "parquet"),
        names=("samples_*.jsonl", "samples_*.json"),
        needed=("doc_id", "resps", ("arguments", "target")),
        telling=("doc", "target", "arguments", "filtered_resps", ("doc_hash", "filter", "prompt_hash", "target_hash")),
    ),
    Signature(
        title="results of lm-evaluation-harness",
        kinds=("object",),
        names=("results_*.json", "results.json"),
        needed=("results", "configs"),
        telling=("versions", ("n-shot", "n-samples", "higher_is_better"), "config", ("model_name", "git_hash", "date")),
        against=("eval", "config_general"),
        role="companion",
    ),
)

LIGHTEVAL: Final = (
    Signature(
        title="details of LightEval",
        kinds=("parquet", "lines", "list"),
        names=("details_*.parquet", "details_*.jsonl", "details_*.json"),
        needed=("doc", "model_response", ("metric", "metrics")),
        telling=("doc.query", "doc.gold_index", "model_response.text", ("doc.choices", "doc.task_name")),
    ),
    Signature(
        title="details of an older LightEval",
        kinds=("parquet", "lines", "list"),
        names=("details_*.parquet", "details_*.jsonl", "details_*.json"),
        needed=("full_prompt", "predictions", "metrics", ("gold", "gold_index")),
        telling=("example", "instruction", "input_tokens", ("cont_tokens", "specifics", "num_effective_few_shots")),
    ),
    Signature(
        title="results of LightEval",
        kinds=("object",),
        names=("results_*.json",),
        needed=("results", "config_general"),
        telling=("versions", "config_tasks", "summary_tasks"),
        role="companion",
    ),
)

OPENCOMPASS: Final = (
    Signature(
        title="predictions of OpenCompass",
        kinds=("numbered",),
        needed=("prediction", ("origin_prompt", "label: *", "in-context examples", "gold")),
        telling=(("gold", "label: *"),),
    ),
    Signature(
        title="predictions of OpenCompass, one per line",
        kinds=("lines",),
        needed=("prediction", "origin_prompt", ("idx", "gold")),
    ),
    Signature(
        title="results of OpenCompass",
        kinds=("object",),
        needed=("details",),
        telling=(("details.*.pred", "details.*.prediction", "details.*.predictions", "details.*.is_correct", "details[].pred",
                  "details[].prediction", "details[].example_abbr", "details.type"),
                 ("details.*.correct", "details.*.is_correct", "details[].correct", "details[].cascade_correct", "accuracy",
                  "score", "details.*.references")),
        against=("eval", "evalId"),
        role="companion",
    ),
)  # fmt: skip

PROMPTFOO: Final = (
    Signature(
        title="results of promptfoo",
        kinds=("object",),
        needed=(("results.results[].provider", "results.table.body", "results[].provider", "table.body"),),
        telling=(
            "results.version", ("evalId", "config", "shareableUrl"), ("results.stats", "results.timestamp"),
            ("results.results[].vars", "results.table.body[].vars", "results[].vars", "table.body[].vars"),
            ("results.results[].gradingResult", "results.results[].success", "results.table.head", "results[].success"),
        ),
    ),
    Signature(
        title="results of promptfoo, one per line",
        kinds=("lines", "list"),
        needed=("provider", "prompt", "vars", ("success", "gradingResult")),
        telling=(("promptIdx", "promptId"), ("testIdx", "testCase"), "response", ("latencyMs", "namedScores")),
    ),
)  # fmt: skip

INSPECT: Final = (
    Signature(
        title="log of Inspect",
        kinds=("eval", "object"),
        names=("*.eval",),
        needed=("eval.task", "eval.model"),
        telling=("eval.dataset", ("eval.run_id", "eval.created", "eval.task_id"), ("status", "version"), ("plan", "samples")),
    ),
)

HELM: Final = (
    Signature(
        title="requests and answers of a HELM run",
        kinds=("object",),
        names=("scenario_state.json",),
        needed=("request_states", "adapter_spec"),
        telling=("adapter_spec.method", "adapter_spec.model", "request_states[].instance", "request_states[].request"),
    ),
    Signature(
        title="statistics of a HELM run, per instance",
        kinds=("list",),
        names=("per_instance_stats.json",),
        needed=("instance_id", "stats[]"),
        telling=("train_trial_index", "stats[].name", ("stats[].sum", "stats[].count")),
        role="companion",
    ),
    Signature(
        title="specification of a HELM run",
        kinds=("object",),
        names=("run_spec.json",),
        needed=("scenario_spec", "adapter_spec"),
        telling=("name", "metric_specs", ("groups", "data_augmenter_spec")),
        role="companion",
    ),
    Signature(
        title="scenario of a HELM run",
        kinds=("object",),
        names=("scenario.json",),
        needed=("name", "definition_path"),
        telling=("tags", "description"),
        role="companion",
    ),
    Signature(
        title="other statistics of a HELM run",
        kinds=("list", "object"),
        names=("stats.json", "instances.json", "display_requests.json", "display_predictions.json", "per_instance.json"),
        needed=(("name.name", "instance_id", "id"), ("count", "request", "predicted_text", "input.text")),
        telling=(("name.split", "train_trial_index", "split"),),
        role="beside",
    ),
)

EEE: Final = (
    Signature(
        title="samples of Every Eval Ever",
        kinds=("lines", "list", "parquet"),
        names=("*_samples.jsonl", "*.jsonl"),
        needed=("evaluation_id", "model_id", "evaluation", ("sample_id", "sample_hash")),
        telling=("evaluation_name", "input.raw", "output.raw", "evaluation.score", ("interaction_type", "answer_attribution")),
    ),
    Signature(
        title="aggregate of Every Eval Ever",
        kinds=("object", "list"),
        needed=("evaluation_id", "evaluation_results", "model_info"),
        telling=("schema_version", "source_metadata", "model_info.id", "evaluation_results[].score_details"),
        role="companion",
    ),
)
