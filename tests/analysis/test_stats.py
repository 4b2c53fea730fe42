import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.layer_sums import layer_sums
from simlearn.analysis.stats import ActivationStats, all_reduce_tensor_

NAMES = ("text", "image")


def filled(seed, *, rows=2, attention=False):
    g = torch.Generator().manual_seed(seed)
    stats = ActivationStats.zeros(NAMES, 3, 4)
    onehot = torch.stack([torch.tensor([[1, 0, 1], [1, 1, 0]]).bool()] * 2, 1)[:rows]
    onehot[:, 1] = ~onehot[:, 1]
    for layer in range(3):
        x = torch.randn(rows, 3, 4, generator=g, dtype=torch.float64)
        weights = (onehot.double() * 2,) * 2 if attention else ()
        stats.add(layer, layer_sums(x, onehot, *weights))
    return stats


def same(a, b, tolerance=1e-12):
    for name, value in a.state_dict().items():
        other = b.state_dict()[name]
        exact = name in ("n", "pos", "max")
        assert torch.equal(value, other) if exact else torch.allclose(value, other, 0, tolerance)
    return True


def test_add_sums_over_rows():
    g = torch.Generator().manual_seed(3)
    x = torch.randn(2, 3, 4, generator=g)
    onehot = torch.tensor([[[1, 0, 1], [0, 1, 0]], [[0, 0, 0], [1, 1, 1]]]).bool()
    stats = ActivationStats.zeros(NAMES, 2, 4)
    stats.add(1, layer_sums(x, onehot, onehot * 0.5, onehot * 0.5))
    assert stats.n.shape == (2, 2, 4) and stats.n[:, :, 0].tolist() == [[0, 2], [0, 4]]
    text = x[0, [0, 2]]
    image = torch.cat([x[0, 1:2], x[1]])
    for m, tokens in enumerate((text, image)):
        assert torch.equal(stats.pos[m, 1], (tokens > 0).sum(0))
        assert torch.allclose(stats.sum[m, 1], tokens.double().sum(0))
        assert torch.allclose(stats.wsum[m, 1], 0.5 * tokens.double().sum(0))
        assert torch.equal(stats.max[m, 1], tokens.amax(0))
        assert torch.allclose(stats.mean()[m, 1], tokens.double().mean(0))
        assert torch.allclose(stats.prob()[m, 1], (tokens > 0).double().mean(0))
    assert bool((stats.max[:, 0] == -torch.inf).all())
    assert bool(stats.mean()[:, 0].isnan().all()) and bool(stats.prob()[:, 0].isnan().all())


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=3, max_size=3))
def test_merging_is_associative_and_commutative(seeds):
    def total(order):
        out = ActivationStats.zeros(NAMES, 3, 4)
        for i in order:
            assert out.merge(filled(seeds[i], attention=True)) is out
        return out

    first = total((0, 1, 2))
    for order in itertools.permutations(range(3)):
        assert same(first, total(order))
    nested = filled(seeds[1], attention=True).merge(filled(seeds[2], attention=True))
    assert same(first, filled(seeds[0], attention=True).merge(nested))


def test_made_under_inference_mode_and_merged_outside():
    with torch.inference_mode():
        inside = filled(1)
    same(inside.merge(filled(2)), filled(1).merge(filled(2)))


def test_no_row_changes_nothing():
    stats = filled(4)
    stats.add(0, layer_sums(torch.zeros(0, 3, 4), torch.zeros(0, 2, 3).bool()))
    assert same(stats, filled(4))


def test_saved_and_loaded(tmp_path):
    stats = filled(5, attention=True)
    stats.save(tmp_path / "deep" / "stats.safetensors")
    again = ActivationStats.load(tmp_path / "deep" / "stats.safetensors")
    assert again.names == NAMES and same(stats, again, 0)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["stats.safetensors"]


def test_state_is_copied_in():
    stats, state = ActivationStats.zeros(NAMES, 3, 4), filled(6).state_dict()
    stats.load_state_dict(state)
    state["pos"] += 1
    assert same(stats, filled(6))


def test_errors(tmp_path):
    stats = filled(7)
    with pytest.raises(AnalysisError, match="cannot be merged"):
        stats.merge(ActivationStats.zeros(("text", "audio"), 3, 4))
    with pytest.raises(AnalysisError, match="cannot be merged"):
        stats.merge(ActivationStats.zeros(NAMES, 3, 5))
    state = stats.state_dict()
    with pytest.raises(AnalysisError, match="statistics need"):
        stats.load_state_dict({"pos": state["pos"]})
    with pytest.raises(AnalysisError, match="'sum' must be torch.float64"):
        stats.load_state_dict({**state, "sum": state["sum"].float()})
    with pytest.raises(AnalysisError, match="'max' must be"):
        stats.load_state_dict({**state, "max": state["max"][:1]})
    assert same(stats, filled(7))
    with pytest.raises(AnalysisError, match="cannot be read"):
        ActivationStats.load(tmp_path / "none.safetensors")
    path = tmp_path / "s.safetensors"
    stats.save(path)
    content = path.read_bytes()
    for bad in (b"", content[:50], content[:-5], content[:-1] + bytes([content[-1] ^ 1])):
        path.write_bytes(bad)
        with pytest.raises(AnalysisError, match="s.safetensors"):
            ActivationStats.load(path)


def test_all_reduce_without_processes_leaves_all_as_it_is():
    stats = filled(8)
    assert stats.all_reduce_() is stats and same(stats, filled(8), 0)
    value = torch.ones(2)
    all_reduce_tensor_(value, "sum")
    assert value.tolist() == [1, 1]
