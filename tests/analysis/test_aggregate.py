import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.aggregate import WEIGHTS, aggregate_scores
from simlearn.analysis.errors import AnalysisError


def test_worked_numbers_of_the_reference():
    a = torch.tensor([[0.8, 0.2], [0.5, 1.0]], dtype=torch.float64)
    b = torch.tensor([[0.5, 1.0], [0.0, 0.0]], dtype=torch.float64)
    scores = torch.stack([a, b])[:, None, :, None].expand(2, 5, 2, 1, 2)
    out = aggregate_scores(scores)
    assert out.shape == (2, 1, 2)
    assert out[0, 0].tolist() == pytest.approx([0.65, 0.6])
    assert out[1, 0].tolist() == pytest.approx([0.5, 1.0])  # divided by 1, not by 2


def test_the_ten_weightings_of_the_grid():
    grid = [
        *([1.0 if i == j else 0.0 for i in range(5)] for j in range(5)),
        *([0, 0.5, 0.5, 0, 0], [0, 0, 0, 0.5, 0.5], [0, 0.25, 0.25, 0.5, 0]),
        *([0, 0.25, 0.25, 0, 0.5], [0.2] * 5),
    ]
    assert [list(w) for w in WEIGHTS.values()] == grid
    assert WEIGHTS["default"] == (0, 0.25, 0.25, 0.5, 0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), st.sampled_from(sorted(WEIGHTS)))
def test_equals_plain_loops(seed, preset):
    g = torch.Generator().manual_seed(seed)
    scores = torch.rand(3, 5, 2, 2, 3, generator=g, dtype=torch.float64)
    scores *= (torch.rand(3, 1, 2, 1, 1, generator=g) > 0.4).double()
    out = aggregate_scores(scores, WEIGHTS[preset])
    for m in range(2):
        times = sum(1 for d in range(3) if scores[d, :, m].sum() != 0)
        for layer in range(2):
            for n in range(3):
                value = 0.0
                for t in range(5):
                    total = sum(float(scores[d, t, m, layer, n]) for d in range(3))
                    value += WEIGHTS[preset][t] * (total / times if times else 0.0)
                assert float(out[m, layer, n]) == pytest.approx(value, abs=1e-12)
    assert out.min() >= 0 and out.max() <= 1 + 1e-12
    torch.testing.assert_close(out, aggregate_scores(scores.flip(0), WEIGHTS[preset]))


def test_a_modality_counts_where_any_metric_has_a_score():
    scores = torch.zeros(2, 5, 1, 1, 2)
    scores[0, 1], scores[1, 0] = 0.5, 0.5  # the second set has prob alone
    out = aggregate_scores(scores, WEIGHTS["mean"])
    assert out.flatten().tolist() == [0.25, 0.25]


def test_faults_are_named():
    scores = torch.rand(1, 5, 2, 1, 2)
    with pytest.raises(AnalysisError, match=r"\(D, 5, M, L, N\).*unsqueeze\(0\)"):
        aggregate_scores(scores[0])
    with pytest.raises(AnalysisError, match="five numbers.*sum to 1"):
        aggregate_scores(scores, (0, 0.25, 0.25))
    with pytest.raises(AnalysisError, match="prob, mean, max, attn_k, attn_q"):
        aggregate_scores(scores, (0, 1, 1, 0, 0))
    with pytest.raises(AnalysisError, match="at least 0"):
        aggregate_scores(scores, (0, 2, -1, 0, 0))
