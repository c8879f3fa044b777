"""Rows per second of the columnar validation of `responses`, against jsonschema and jsonschema-rs in the same run.

    python benchmarks/validation.py [--rows 256000]

Baseline: jsonschema, one row at a time. The rows are the embedded sample's, repeated; no side checks keys.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import jsonschema_rs
import pyarrow as pa
import pyarrow.parquet as pq
from _measuring import cost, peak

import llmfusionbench as lfb
from llmfusionbench.schema import table_schema
from llmfusionbench.validation import compile_schema
from llmfusionbench.validation.explain import validator
from llmfusionbench.validation.rows import read_rows

SLOW_ROWS = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=256_000)
    wanted = parser.parse_args().rows
    table = table_schema("responses")
    sample = lfb.open_release("sample").table("responses").to_table()
    responses = pa.concat_tables([sample] * -(-wanted // sample.num_rows)).slice(0, wanted)
    batches = responses.to_batches(max_chunksize=65_536)
    few = responses.slice(0, SLOW_ROWS)
    ready = few.to_pylist()
    check, judge, rust = (
        compile_schema(table.json_schema),
        validator(table.json_schema),
        jsonschema_rs.Draft202012Validator(table.json_schema),
    )

    def columnar() -> None:
        assert all(check(batch.to_struct_array()) is None for batch in batches)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "responses.parquet"
        pq.write_table(responses, path, compression="zstd", use_dictionary=table.dictionary_columns)

        def from_file() -> None:
            for rows in read_rows(path, path.name, table):
                assert check(rows.batch.to_struct_array()) is None

        rates = {
            "columnar, batches in memory": wanted / cost(columnar, 3).wall,
            "columnar, from a Parquet file": wanted / cost(from_file, 3).wall,
            "jsonschema-rs, ready dictionaries": SLOW_ROWS / cost(lambda: [rust.is_valid(row) for row in ready], 3).wall,
            "jsonschema-rs, from Arrow": SLOW_ROWS / cost(lambda: [rust.is_valid(row) for row in few.to_pylist()], 3).wall,
            "jsonschema, ready dictionaries (baseline)": SLOW_ROWS / cost(lambda: [judge.is_valid(row) for row in ready]).wall,
        }
    baseline = rates["jsonschema, ready dictionaries (baseline)"]
    print(f"responses, {wanted:,} rows (the baselines: {SLOW_ROWS:,} of them)")
    for name, value in rates.items():
        print(f"  {name:44} {value:>13,.0f} rows/s   {value / baseline:8.1f} x the baseline")
    print(f"  peak memory {peak():,.0f} MB")


if __name__ == "__main__":
    main()
