"""The baseline of the build: what reading and writing the same texts takes at least."""

from __future__ import annotations

from pathlib import Path


def streamed(folder: Path) -> None:
    """Every CSV of a folder through pyarrow's streaming reader into one Parquet file, zstd level 1, all columns as texts."""
    import pyarrow as pa
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    read, parse = pacsv.ReadOptions(block_size=8 << 20), pacsv.ParseOptions(newlines_in_values=True)
    for path in sorted(folder.glob("*.csv")):
        with open(path, encoding="utf-8") as file:
            texts = dict.fromkeys(file.readline().strip().split(","), pa.string())
        convert = pacsv.ConvertOptions(column_types=texts, strings_can_be_null=False)
        made = folder / "streamed.parquet"
        with (
            pacsv.open_csv(path, read, parse, convert) as rows,
            pq.ParquetWriter(made, rows.schema, compression="zstd", compression_level=1) as writer,
        ):
            for batch in rows:
                writer.write_batch(batch)
