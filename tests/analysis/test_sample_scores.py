import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.layer_sums import LayerSums, layer_sums
from simlearn.analysis.sample_scores import FORM, SampleScores
from simlearn.analysis.scores import scores_of_sums
from simlearn.analysis.tensor_file import write_tensors

NAMES, L, N = ("text", "image"), 2, 4


def samples(count=6, seed=0, tokens=7):
    """Activations (L, B, T, N) and masks (B, M, T); one sample has no image."""
    g = torch.Generator().manual_seed(seed)
    acts = torch.randn(L, count, tokens, N, generator=g, dtype=torch.float64)
    code = torch.randint(3, (count, tokens), generator=g)
    code[0][code[0] == 1] = 0
    return acts, code[:, None] == torch.arange(2)[:, None]


def fill(scores, acts, masks, rows):
    for layer in range(L):
        scores.add(layer, layer_sums(acts[layer], masks), rows)


def empty(datasets=("a", "b")):
    return SampleScores(datasets, NAMES, L, N)


def test_is_the_mean_of_each_data_sets_samples():
    acts, masks = samples()
    rows = torch.tensor([1, 0, 1, 1, 0, 1])
    scores = empty(("a", "b", "unused"))
    fill(scores, acts, masks, rows)
    assert scores.samples.tolist() == [2, 4, 0]
    assert scores.total.dtype == torch.float64 and scores.total.shape == (3, 5, 2, L, N)
    mean = scores.mean()
    for d in range(2):
        for layer in range(L):
            of = [
                scores_of_sums(layer_sums(acts[layer], masks))[b] for b in range(6) if rows[b] == d
            ]
            torch.testing.assert_close(mean[d, :, :, layer], sum(of) / len(of))
    assert mean[2].eq(0).all() and mean.min() >= 0 and mean.max() <= 1


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 5), st.integers(0, 99), st.booleans())
def test_any_split_and_order_of_merging_gives_the_same(cut, seed, swap):
    acts, masks = samples(seed=seed)
    rows = torch.tensor([1, 0, 1, 1, 0, 1])
    whole, first, second = empty(), empty(), empty()
    fill(whole, acts, masks, rows)
    fill(first, acts[:, :cut], masks[:cut], rows[:cut])
    fill(second, acts[:, cut:], masks[cut:], rows[cut:])
    one, two = (second, first) if swap else (first, second)
    assert one.merge(two) is one
    torch.testing.assert_close(one.total, whole.total, rtol=0, atol=1e-12)
    assert torch.equal(one.samples, whole.samples)


def test_one_data_set_needs_no_rows():
    acts, masks = samples()
    alone, told = empty(("a",)), empty(("a",))
    fill(alone, acts, masks, None)
    fill(told, acts, masks, torch.zeros(6, dtype=torch.long))
    assert torch.equal(alone.total, told.total) and alone.samples.tolist() == [6]


def test_can_be_merged_outside_of_inference_mode():
    acts, masks = samples()
    with torch.inference_mode():
        scores, other = empty(("a",)), empty(("a",))
        fill(scores, acts, masks, None)
        fill(other, acts, masks, None)
    before = scores.total.clone()
    torch.testing.assert_close(scores.merge(other).total, 2 * before)


def test_gradients_do_not_pile_up():
    acts, masks = samples()
    scores = empty(("a",))
    fill(scores, acts.requires_grad_(), masks, None)
    assert not scores.total.requires_grad


def test_state_and_file_go_on_where_they_stopped(tmp_path):
    acts, masks = samples()
    rows = torch.tensor([1, 0, 1, 1, 0, 1])
    scores = empty()
    fill(scores, acts, masks, rows)
    again = empty()
    again.load_state_dict(scores.state_dict())
    scores.save(tmp_path / "scores.safetensors")
    loaded = SampleScores.load(tmp_path / "scores.safetensors")
    assert (loaded.datasets, loaded.names) == (scores.datasets, scores.names)
    for copy in (again, loaded):
        assert torch.equal(copy.total, scores.total) and torch.equal(copy.samples, scores.samples)
        fill(copy, acts, masks, rows)
    assert scores.samples.tolist() == [2, 4] and again.samples.tolist() == [4, 8]
    assert scores.all_reduce_() is scores


def test_a_changed_file_is_refused_or_the_same(tmp_path):
    scores = empty()
    fill(scores, *samples(), torch.zeros(6, dtype=torch.long))
    path = tmp_path / "scores.safetensors"
    scores.save(path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole)
        data[rng.integers(len(data))] = rng.integers(256)
        path.write_bytes(bytes(data[: rng.integers(len(data))] if rng.random() < 0.3 else data))
        try:
            loaded = SampleScores.load(path)
        except AnalysisError:
            continue
        assert torch.equal(loaded.total, scores.total) and loaded.names == NAMES
    facts = {"datasets": ["a", "b"], "names": ["text"]}
    for tensors in (scores.state_dict(), {"total": scores.total}, {"total": scores.samples}):
        write_tensors(path, tensors, form=FORM, facts=facts)
        with pytest.raises(AnalysisError, match="holds no sample scores"):
            SampleScores.load(path)


def test_faults_are_named():
    acts, masks = samples()
    sums = layer_sums(acts[0], masks)
    with pytest.raises(AnalysisError, match="rows must say which of a, b each sample is of"):
        empty().add(0, sums)
    with pytest.raises(AnalysisError, match=r"rows must be \(6,\), one per sample, not \(2,\)"):
        empty().add(0, sums, torch.tensor([0, 1]))
    with pytest.raises(AnalysisError, match="rows must lie in 0 to 1"):
        empty().add(0, sums, torch.tensor([0, 1, 2, 0, 0, 0]))
    with pytest.raises(AnalysisError, match="sums of 2 modalities and 4 neurons do not go into"):
        SampleScores(("a",), NAMES, L, N + 1).add(0, sums)
    with pytest.raises(AnalysisError, match="different names"):
        SampleScores(("a", "a"), NAMES, L, N)
    with pytest.raises(AnalysisError, match="datasets .* cannot be merged"):
        empty().merge(empty(("a", "c")))
    with pytest.raises(AnalysisError, match="two models"):
        empty().merge(SampleScores(("a", "b"), NAMES, L + 1, N))
    with pytest.raises(AnalysisError, match="two models"):
        empty().load_state_dict(SampleScores(("a", "b"), NAMES, L + 1, N).state_dict())


def test_a_row_without_a_token_counts_with_zero():
    n = torch.tensor([[1, 0]])
    pos, total = torch.zeros(1, 2, N, dtype=torch.long), torch.zeros(1, 2, N).double()
    total[0, 0] = torch.arange(4)
    top = total.masked_fill(torch.tensor([[[False], [True]]]), -torch.inf)
    scores = SampleScores(("a",), NAMES, 1, N)
    scores.add(0, LayerSums(n=n, pos=pos, sum=total, max=top))
    assert scores.mean()[0, 2, 0, 0].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert scores.mean()[0, :, 1].eq(0).all()
