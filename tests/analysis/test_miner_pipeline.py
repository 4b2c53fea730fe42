"""Scores, aggregation and selection together against the released formulas as plain loops."""

import pytest
import torch

from simlearn.analysis.aggregate import WEIGHTS, aggregate_scores
from simlearn.analysis.attention_probe import token_weights
from simlearn.analysis.layer_sums import layer_sums
from simlearn.analysis.sample_scores import SampleScores
from simlearn.analysis.scores import miner_scores
from simlearn.analysis.selection import select_neurons
from simlearn.analysis.splits import SPLITS, drop_absent, split_masks
from simlearn.analysis.tokens import AUDIO, IMAGE, TokenModality
from tests.analysis.naive_miner import aggregate, sample_scores, select

LAYERS, WIDTH, SIZES = 3, 9, (3, 2)
GRID = 2**20


@pytest.fixture(scope="module")
def sets():
    """Samples of two data sets: (codes (T,), activations (L, T, N), attention (L, T, T))."""
    g = torch.Generator().manual_seed(7)
    every = []
    for d, count in enumerate(SIZES):
        samples = []
        for _ in range(count):
            tokens = int(torch.randint(6, 10, (1,), generator=g))
            codes = torch.randint(1, 4, (tokens,), generator=g, dtype=torch.int8)
            if d == 1:  # the second set has sound instead of pictures
                codes[codes == IMAGE] = AUDIO
            acts = torch.randn(LAYERS, tokens, WIDTH, generator=g, dtype=torch.float64)
            logits = torch.randn(LAYERS, tokens, tokens, generator=g, dtype=torch.float64)
            samples.append((codes, acts, (2 * logits).softmax(2)))
        every.append(samples)
    return every


def masks_of(codes, split):
    names, masks = split_masks(TokenModality(codes[None]), split)
    return names, masks[0]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("preset", ["default", "default_q", "equal", "prob"])
def test_quirks_equal_the_released_code(sets, split, preset):
    names = masks_of(sets[0][0][0], split)[0]
    naive, means = [], []
    for samples in sets:
        parts = [(acts, masks_of(codes, split)[1], attn) for codes, acts, attn in samples]
        naive.append([sample_scores(a.tolist(), m.tolist(), w.tolist()) for a, m, w in parts])
        ours = [
            torch.stack([miner_scores(a[i], m, w[i], quirks=True) for i in range(LAYERS)], 2)
            for a, m, w in parts
        ]
        means.append(torch.stack(ours).nan_to_num(0).mean(0))
    expected, there = aggregate(naive, WEIGHTS[preset])
    scores = aggregate_scores(torch.stack(means), WEIGHTS[preset])
    worst = max(abs(float(scores[p]) - value) for p, value in expected.items())
    assert worst < 1e-6
    assert drop_absent(scores, names)[1] == tuple(names[m] for m in there)
    # on a grid, so that scores and sums that are equal but for rounding are ties in both
    cells = {p: round(value * GRID) / GRID for p, value in expected.items()}
    coarse = (scores * GRID).round() / GRID
    for strategy in ("adaptive", "LA_MU", "LU_MA", "uniform"):
        for ratio in (0.2, 0.5):
            chosen = select_neurons(coarse, ratio, strategy, names=names, quirks=True)
            released = select(cells, there, LAYERS, WIDTH, ratio, strategy)
            assert released
            for m, name in enumerate(names):
                rows = {tuple(r) for r in chosen[name].tolist()}
                assert rows == released.get(m, set())


def test_streamed_scores_are_those_of_single_samples(sets):
    split = "special_text_separate"
    names = tuple(SPLITS[split])
    streamed = SampleScores(("vision", "sound"), names, LAYERS, WIDTH)
    rows = torch.tensor([0] * SIZES[0] + [1] * SIZES[1])
    flat = [sample for samples in sets for sample in samples]
    longest = max(len(codes) for codes, _, _ in flat)
    for layer in range(LAYERS):
        x = torch.zeros(len(flat), longest, WIDTH, dtype=torch.float64)
        masks = torch.zeros(len(flat), len(names), longest, dtype=torch.bool)
        weights = torch.zeros(2, *masks.shape, dtype=torch.float64)
        for b, (codes, acts, attn) in enumerate(flat):
            member = masks_of(codes, split)[1]
            x[b, -len(codes) :] = acts[layer]
            masks[b, :, -len(codes) :] = member
            weights[:, b, :, -len(codes) :] = torch.stack(token_weights(attn[layer], member))
        streamed.add(layer, layer_sums(x, masks, *weights), rows)
    means = []
    for samples in sets:
        naive = [
            sample_scores(a.tolist(), masks_of(codes, split)[1].tolist(), w.tolist())
            for codes, a, w in samples
        ]
        means.append(torch.tensor(naive, dtype=torch.float64).mean(0))
    torch.testing.assert_close(streamed.mean(), torch.stack(means), rtol=0, atol=1e-9)
