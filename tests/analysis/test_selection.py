import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.selection import RATIOS, STRATEGIES, ratio_sweep, select_neurons
from tests.analysis.naive_miner import select

TEXT = [[0.9, 0.1, 0.3, 0], [0.2, 0.8, 0.05, 0.4]]
IMAGE = [[0.1, 0.65, 0.35, 0], [0.6, 0.75, 0.2, 0.45]]
SCORES = torch.tensor([TEXT, IMAGE], dtype=torch.float64)
NAMES = ("text", "image")


def as_sets(neurons):
    return {name: {tuple(r) for r in rows.tolist()} for name, rows in neurons.items()}


@pytest.mark.parametrize(
    ("strategy", "text", "image"),
    [
        ("adaptive", {(1, 1), (0, 0)}, {(1, 3), (1, 0)}),
        ("LA_MU", {(0, 0), (1, 1)}, {(1, 1), (0, 1)}),
        ("LU_MA", {(0, 0), (1, 1)}, {(0, 1), (1, 1)}),
        ("uniform", {(0, 0), (1, 1)}, {(0, 1), (1, 1)}),
    ],
)
def test_worked_numbers_of_the_reference(strategy, text, image):
    chosen = select_neurons(SCORES, 0.5, strategy, names=NAMES, model="ab")
    assert as_sets(chosen) == {"text": text, "image": image}
    assert chosen.shape == (2, 4) and chosen.model == "ab"


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 9999),
    st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 7)),
    st.sampled_from([0.01, 0.1, 0.29, 0.5, 1.0]),
    st.sampled_from([s for s in STRATEGIES if s != "random"]),
    st.booleans(),
)
def test_equals_plain_loops_with_ties_and_absent_modalities(seed, shape, ratio, strategy, coarse):
    g = torch.Generator().manual_seed(seed)
    scores = torch.rand(shape, generator=g, dtype=torch.float64)
    if coarse:  # many equal scores, sums of them exact
        scores = (4 * scores).round() / 4
    scores[torch.rand(shape[0], generator=g) < 0.3] = 0
    names = ("a", "b", "c")[: shape[0]]
    there = [m for m in range(shape[0]) if scores[m].any()]
    if not there:
        with pytest.raises(AnalysisError, match="all scores are 0"):
            select_neurons(scores, ratio, strategy, names=names)
        return
    cells = {tuple(p): float(scores[tuple(p)]) for p in (torch.ones(shape)).nonzero().tolist()}
    expected = select(cells, there, shape[1], shape[2], ratio, strategy)
    chosen = as_sets(select_neurons(scores, ratio, strategy, names=names))
    assert chosen == {name: expected.get(m, set()) for m, name in enumerate(names)}
    sizes, total = [len(c) for c in chosen.values()], int(ratio * shape[1] * shape[2])
    if strategy == "adaptive":
        assert sum(sizes) == total  # no neuron twice
        assert len(set().union(*chosen.values())) == total
    else:
        assert sum(sizes) <= total


def test_random_draws_different_neurons_and_needs_a_generator():
    g = torch.Generator().manual_seed(3)
    chosen = select_neurons(SCORES, 0.5, "random", names=NAMES, generator=g)
    assert list(chosen) == ["random"] and len(chosen["random"]) == 4
    again = torch.Generator().manual_seed(3)
    assert chosen == select_neurons(SCORES, 0.5, "random", names=NAMES, generator=again)
    everything = select_neurons(SCORES, 1.0, "random", names=NAMES, generator=g)
    assert everything.share() == 1
    seen = torch.zeros(2, 4)
    for _ in range(200):
        seen += select_neurons(SCORES, 0.5, "random", names=NAMES, generator=g).mask()
    assert (seen - 100).abs().max() < 43  # 6 standard deviations
    with pytest.raises(AnalysisError, match="needs a generator"):
        select_neurons(SCORES, 0.5, "random", names=NAMES)


def test_quirks_draw_with_replacement():
    scores = torch.rand(1, 3, 10)
    g, same = (torch.Generator().manual_seed(11) for _ in range(2))
    chosen = select_neurons(scores, 1.0, "random", names=("text",), generator=g, quirks=True)
    layers = torch.randint(3, (30,), generator=same).tolist()
    neurons = torch.randint(10, (30,), generator=same).tolist()
    expected = set(zip(layers, neurons, strict=True))
    assert as_sets(chosen) == {"random": expected}
    assert len(expected) < 30


def test_equal_scores_go_by_layer_then_neuron():
    scores = torch.ones(1, 3, 4)
    assert select_neurons(scores, 0.5, names=("text",))["text"].tolist() == [
        *([0, 0], [0, 1], [0, 2], [0, 3], [1, 0], [1, 1])
    ]
    both = select_neurons(torch.ones(2, 3, 4), 0.5, "adaptive", names=NAMES)
    assert len(both["text"]) == 6 and len(both["image"]) == 0


def test_an_absent_modality_takes_no_share():
    scores = torch.cat([SCORES, torch.zeros(1, 2, 4, dtype=torch.float64)])
    chosen = select_neurons(scores, 0.5, names=(*NAMES, "audio"))
    assert list(chosen) == ["text", "image", "audio"]
    assert chosen["audio"].shape == (0, 2)
    assert chosen.only("text", "image") == select_neurons(SCORES, 0.5, names=NAMES)


def test_a_sweep_is_one_selection_per_ratio_and_they_grow():
    scores = torch.rand(2, 4, 500, generator=torch.Generator().manual_seed(0))
    sweep = ratio_sweep(scores, names=NAMES, model="ab")
    assert tuple(sweep) == RATIOS == (0.001, 0.005, 0.01, 0.015, 0.02, 0.05, 0.1)
    for ratio, chosen in sweep.items():
        assert chosen == select_neurons(scores, ratio, names=NAMES, model="ab")
        assert len(chosen["text"]) == int(ratio * 2000) // 2
    for less, more in zip(list(sweep.values()), list(sweep.values())[1:], strict=False):
        assert (less - more).union().numel() == 0


def test_sizes_of_the_papers_models():
    expected = {0.001: 530, 0.005: 2652, 0.01: 5304, 0.015: 7956, 0.02: 10608, 0.1: 53043}
    scores = torch.rand(1, 28, 18944, generator=torch.Generator().manual_seed(0))
    for ratio, size in expected.items():
        assert len(select_neurons(scores, ratio, names=("text",))["text"]) == size


def test_faults_are_named():
    with pytest.raises(AnalysisError, match=r"'LAMU' is no strategy; did you mean 'LA_MU'"):
        select_neurons(SCORES, 0.5, "LAMU", names=NAMES)
    for ratio in (0, -0.1, 1.5, math.nan):
        with pytest.raises(AnalysisError, match=r"ratio must lie in \(0, 1\], it is"):
            select_neurons(SCORES, ratio, names=NAMES)
    with pytest.raises(AnalysisError, match=r"scores must be \(M, L, N\), they are \(2, 4\)"):
        select_neurons(SCORES[0], names=NAMES)
    for names in (("text",), ("text", "text")):
        with pytest.raises(AnalysisError, match="names must be 2 different ones"):
            select_neurons(SCORES, names=names)
    wrong = SCORES.clone()
    wrong[1, 0, 0] = math.nan
    with pytest.raises(AnalysisError, match="scores of image hold NaN"):
        select_neurons(wrong, names=NAMES)
