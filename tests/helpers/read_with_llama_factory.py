"""Run inside an environment that has LLaMA-Factory: its own loader reads the corpora of a folder and says what it found.

    python read_with_llama_factory.py FOLDER

FOLDER holds dataset_info.json, the data files, `stages.json` ({dataset: sft | rm | kto}) and `tokenizer/`. Writes
`found.json` there: {dataset: {"attributes", "rows": [parsed], "learned": [text of the labels of every example]}}.
"""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, Seq2SeqTrainingArguments

# LLaMA-Factory imports torchaudio at its start and uses it for sound alone, of which there is none here. Transformers comes
# first: it looks whether there is a torchaudio, and there is none.
sys.modules.setdefault("torchaudio", types.ModuleType("torchaudio"))

from llamafactory.data import get_dataset, get_template_and_fix_tokenizer  # noqa: E402
from llamafactory.data.loader import _get_merged_dataset  # noqa: E402
from llamafactory.data.parser import get_dataset_list  # noqa: E402
from llamafactory.hparams import DataArguments, ModelArguments  # noqa: E402


def main(folder: Path) -> None:
    stages: dict[str, Any] = json.loads((folder / "stages.json").read_text())
    found = {}
    for name, stage in stages.items():
        tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
        model = ModelArguments(model_name_or_path=str(folder / "tokenizer"))
        data = DataArguments(
            template="default",
            dataset=name,
            dataset_dir=str(folder),
            cutoff_len=4096,
            overwrite_cache=True,
            media_dir=str(folder),
        )
        training = Seq2SeqTrainingArguments(output_dir=str(folder / "out"), report_to="none", use_cpu=True)
        [attributes] = get_dataset_list([name], str(folder))
        parsed = _get_merged_dataset([name], model, data, training, stage)
        template = get_template_and_fix_tokenizer(tokenizer, data)
        ready = get_dataset(template, model, data, training, stage, tokenizer)["train_dataset"]
        columns = [column for column in ready.column_names if column.endswith("labels")]
        found[name] = {
            "attributes": vars(attributes),
            "rows": [{key: row[key] for key in ("_prompt", "_response", "_system", "_tools")} for row in parsed],
            "learned": [
                {column: tokenizer.decode([token for token in row[column] if token >= 0]) for column in columns}
                for row in ready
            ],
            "tags": ready["kto_tags"][:] if "kto_tags" in ready.column_names else None,
        }
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
