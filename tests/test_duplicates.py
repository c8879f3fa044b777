"""Near duplicates among prompts: every way of asking agrees with comparing all pairs by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.texts.near_duplicates import NearDuplicateIndex, first_near_duplicates, overlap, similar_pairs


def texts(n: int, seed: int) -> list[str]:
    """Texts of 40 words; every other is a change of the one before it by none to seven words."""
    rng = np.random.default_rng(seed)
    words = np.array([f"word{i}" for i in range(500)])
    made: list[str] = []
    for i in range(n):
        if i % 2:
            changed = made[-1].split()
            for place in rng.choice(40, i // 2 % 8, replace=False):
                changed[place] = "changed"
            made.append(" ".join(changed))
        else:
            made.append(" ".join(rng.choice(words, 40)))
    return made


def jaccard(a: str, b: str) -> float:
    one, other = ({tuple(t.split()[i : i + 3]) for i in range(len(t.split()) - 2)} for t in (a, b))
    return len(one & other) / len(one | other)


def test_overlap_is_that_of_comparing_all_pairs() -> None:
    train, test = texts(80, 0), texts(80, 0)[1::2] + texts(20, 1)
    found = overlap(train[::2], test, threshold=0.7)
    for i, prompt in enumerate(test):
        most = max(jaccard(prompt, t) for t in train[::2])
        assert found.exact[i] == (prompt in train[::2])
        assert found.near[i] == (most >= 0.7 and prompt not in train[::2])
    assert found.exact.sum() > 2
    assert found.near.sum() > 2


def test_pairs_are_those_of_comparing_all() -> None:
    left, right = texts(60, 2), [*texts(60, 2)[::-1], "word1 word2"]
    expected = [(i, j) for i, a in enumerate(left) for j, b in enumerate(right) if jaccard(a, b) >= 0.7]
    assert [tuple(p) for p in similar_pairs(left, right, threshold=0.7).tolist()] == expected
    assert len(expected) > 60


def test_groups_are_led_by_their_first() -> None:
    prompts = texts(60, 3)
    first = first_near_duplicates(prompts, threshold=0.7)
    leaders: list[int] = []
    for i, prompt in enumerate(prompts):
        alike = [j for j in leaders if jaccard(prompts[j], prompt) >= 0.7]
        assert first[i] == (alike[0] if alike else i)
        leaders += [] if alike else [i]
    assert 30 < len(leaders) < 60


def test_the_form_of_a_task_makes_no_duplicates() -> None:
    rng = np.random.default_rng(0)
    form = " ".join(f"form{i}" for i in range(200))
    words = [" ".join(f"word{i}" for i in rng.integers(0, 10_000, 12)) for _ in range(120)]
    prompts = [f"{form} {w}" for w in words]
    assert jaccard(prompts[0], prompts[1]) > 0.8
    assert first_near_duplicates(prompts).tolist() == list(range(120))
    again = [f"{w} indeed" for w in prompts[:3]]
    assert similar_pairs(again, prompts).tolist() == [[0, 0], [1, 1], [2, 2]]
    found = overlap(prompts, [*again, f"{form} of something else", form])
    assert found.near.tolist() == [True, True, True, False, False]
    few = prompts[:20]
    assert first_near_duplicates(few).tolist() == [0] * 20, "of a few, who shares most says most"


def test_a_form_hides_no_like() -> None:
    """Two prompts as alike as the threshold wants, most of what they share being common to their task."""
    rng = np.random.default_rng(0)
    form = " ".join(f"form{i}" for i in range(30))
    words = [" ".join(f"word{i}" for i in rng.integers(0, 10_000, 20)) for _ in range(120)]
    prompts = [f"{form} {w}" for w in words]
    changed = words[0].split()
    changed[9] = "changed"
    near = f"{form} {' '.join(changed)}"
    assert jaccard(words[0], " ".join(changed)) < 0.8 <= jaccard(prompts[0], near)
    assert similar_pairs([near], prompts).tolist() == [[0, 0]]
    assert NearDuplicateIndex(prompts).pairs([near]).tolist() == [[0, 0]]
    assert overlap(prompts, [near]).near.tolist() == [True]
    assert first_near_duplicates([*prompts, near])[-1] == 0


def edited(rng: np.random.Generator, words: list[str]) -> str:
    """With one word more, less or another, anywhere."""
    place, kind = int(rng.integers(len(words))), rng.integers(3)
    new = [] if kind == 0 else [f"new{rng.integers(10**6)}"]
    return " ".join([*words[:place], *new, *words[place + (kind != 2) :]])


def test_many_variants_of_one_prompt_are_near_duplicates_all_the_same() -> None:
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in rng.integers(0, 1000, 80)]
    variants = [edited(rng, words) for _ in range(120)]
    found = similar_pairs(variants, variants).tolist()
    assert all(jaccard(variants[i], variants[j]) >= 0.8 for i, j in found[::20])
    expected = [(i, j) for i, a in enumerate(variants[:20]) for j, b in enumerate(variants[:20]) if jaccard(a, b) >= 0.8]
    assert sum([i, j] in found for i, j in expected) > 0.9 * len(expected) > 300, "but for those that lack their first or last"
    assert np.bincount(NearDuplicateIndex(variants[::2]).pairs(variants[1::2])[:, 0], minlength=60).min() >= 50
    assert overlap(variants[::2], variants[1::2]).near.mean() > 0.9
    assert len(set(first_near_duplicates(variants).tolist())) <= 3
    # As part of a task, with its form before each question; and the prompt itself among them.
    form = " ".join(f"form{i}" for i in range(100))
    others = [f"{form} " + " ".join(f"other{i}" for i in rng.integers(0, 10_000, 30)) for _ in range(100)]
    asked = [f"{form} {text}" for text in (*variants, " ".join(words))]
    leaders = first_near_duplicates([*others, *asked])
    assert leaders[:100].tolist() == list(range(100))
    assert len(set(leaders[100:].tolist())) <= 3
    assert leaders[100:].min() >= 100
    assert overlap([*others, *asked[:60]], asked[60:]).near.mean() > 0.9


def test_variants_of_several_questions_with_one_instruction() -> None:
    """A variant is like those of its own question only, though all share more of the instruction than of the question."""
    rng = np.random.default_rng(0)
    form = " ".join(f"form{i}" for i in range(100))
    questions = [[f"word{i}" for i in rng.integers(0, 10_000, 40)] for _ in range(60)]
    variants = [f"{form} {edited(rng, question)}" for question in questions for _ in range(60)]
    leaders = first_near_duplicates(variants).reshape(60, 60)
    assert (leaders // 60 == np.arange(60)[:, None]).all()
    assert np.mean([len(set(row)) for row in leaders.tolist()]) < 3


def test_a_limit_reports_the_first_pairs() -> None:
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in rng.integers(0, 1000, 80)]
    variants = list({edited(rng, words): None for _ in range(500)})
    index = NearDuplicateIndex(variants)
    every = index.pairs(variants[:20])
    one, few = index.pairs(variants[:20], limit=1), index.pairs(variants[:20], limit=3)
    assert one.tolist() == [[i, i] for i in range(20)], "an equal prompt first"
    for i in range(20):
        near = [j for j in every[every[:, 0] == i, 1].tolist() if j != i]
        assert len(near) > 300
        assert few[few[:, 0] == i, 1].tolist() == sorted([i, *near[:2]])


def test_many_questions_of_one_form_are_none() -> None:
    """Wherever their particulars stand, and if some of these are common themselves."""
    rng = np.random.default_rng(0)
    words = [f"form{i}" for i in range(90)]
    for places in ((0,), (89,), (45,), (0, 20, 50, 89)):
        made = []
        for i in range(200):
            text = list(words)
            for place in places:
                text[place] = f"slot{place}-{i}"
            text[35] = f"name{rng.integers(3)}"
            made.append(" ".join(text))
        assert len({jaccard(made[0], other) >= 0.8 for other in made}) <= 2
        assert first_near_duplicates(made).tolist() == list(range(200))
        assert len(similar_pairs(made[:100], made[100:])) == 0
        assert NearDuplicateIndex(made).pairs(made).tolist() == [[i, i] for i in range(200)]


def test_attributes_of_a_form_do_not_make_its_questions_variants() -> None:
    """More than half of the questions lack a value that most share, yet the form itself is unchanged."""
    rng = np.random.default_rng(1)
    made = []
    for i in range(300):
        text = [f"form{j}" for j in range(120)]
        text[60] = f"slot{i}"
        for place in (10, 30, 80, 100):
            text[place] = f"value{place}" if rng.random() < 0.7 else f"other{place}-{rng.integers(3)}"
        made.append(" ".join(text))
    assert jaccard(made[0], made[1]) >= 0.8
    assert len(set(first_near_duplicates(made).tolist())) > 250


def test_an_index_answers_each_prompt_by_itself() -> None:
    """Whatever is asked about beside it; and like `similar_pairs` where nothing is common."""
    left, right = [*texts(60, 2), None, "word1"], [*texts(60, 2)[::-1], None, "word1 word2"]
    index = NearDuplicateIndex(right, threshold=0.7)
    together = index.pairs(left)
    assert together.tolist() == similar_pairs(left, right, threshold=0.7).tolist()
    assert len(together) > 60
    for place, prompt in enumerate(left):
        assert index.pairs([prompt])[:, 1].tolist() == together[together[:, 0] == place, 1].tolist()
    form = " ".join(f"form{i}" for i in range(60))
    many = [f"{form} {w}" for w in texts(100, 5)[::2]]
    few = NearDuplicateIndex(many[:1])
    assert few.pairs(many)[:, 0].tolist() == [i for i, prompt in enumerate(many) if len(few.pairs([prompt]))]


def test_missing_prompts_are_like_nothing() -> None:
    found = overlap([None, "a"], [None, "", "A?"])
    assert not found.exact.any()
    assert not found.near.any()
    assert similar_pairs([None, "a b"], ["a b", None, "a b"]).tolist() == [[1, 0], [1, 2]]
    assert first_near_duplicates([None, None, "x", "x"]).tolist() == [0, 1, 2, 2]


def test_nothing_at_all() -> None:
    assert overlap([], []).exact.shape == (0,)
    assert similar_pairs([], ["a"]).shape == (0, 2)
    assert similar_pairs(["a"], []).shape == (0, 2)
    assert NearDuplicateIndex([None]).pairs(["a", None]).shape == (0, 2)
    assert NearDuplicateIndex([f"a b c {i}" for i in range(60)]).pairs([None]).shape == (0, 2)
    assert first_near_duplicates([]).shape == (0,)


@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=8))
def test_any_prompt_is_like_itself(prompts: list[str | None]) -> None:
    pairs = {tuple(p) for p in similar_pairs(prompts, prompts).tolist()}
    assert all(((i, i) in pairs) == (p is not None) for i, p in enumerate(prompts))
    assert {(j, i) for i, j in pairs} == pairs
    first = first_near_duplicates(prompts)
    assert (first <= np.arange(len(prompts))).all()
    assert (first[first] == first).all()
    assert overlap(prompts, prompts).exact.tolist() == [p is not None for p in prompts]
