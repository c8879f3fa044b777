"""Embedding cells are what torch prints."""

import random
import re

import pytest

from llmfusionbench.builders.simulation.embeddings import SIZE, embedding_text, tensor_text, unit_vector


def test_whole_vectors_have_unit_length() -> None:
    text = tensor_text(unit_vector(random.Random(0)))
    values = [float(found) for found in re.findall(r"-?\d\.\d+(?:e[+-]\d+)?", text)]
    assert len(values) == SIZE == 768
    assert sum(value * value for value in values) == pytest.approx(1, abs=0.01)


def test_cells_come_with_devices_and_gaps() -> None:
    texts = [embedding_text(random.Random(seed)) for seed in range(300)]
    assert 30 < sum("device='cuda:0'" in text for text in texts) < 100
    assert 3 < sum("..." in text for text in texts) < 30
    assert all(text.startswith("tensor([") and text.endswith(")") for text in texts)


def test_the_text_is_that_of_torch() -> None:
    torch = pytest.importorskip("torch")
    for seed in range(40):
        values = unit_vector(random.Random(seed))
        assert tensor_text(values) == str(torch.tensor(values))
        with _threshold(torch, 100):
            assert tensor_text(values, elided=True) == str(torch.tensor(values))


class _threshold:  # noqa: N801 - reads like a function
    def __init__(self, torch: object, count: int) -> None:
        self.torch, self.count = torch, count

    def __enter__(self) -> None:
        self.torch.set_printoptions(threshold=self.count)

    def __exit__(self, *_: object) -> None:
        self.torch.set_printoptions(profile="default")
