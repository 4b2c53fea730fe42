"""Embedding a data set: order, modes, gradients; pooling to videos."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from simlearn.data.batch import Batch
from simlearn.data.embeddings import Embeddings
from simlearn.evaluation.embed import embed, pool_groups


def batches(sizes, seed=0):
    g = torch.Generator().manual_seed(seed)
    begin = 0
    for n in sizes:
        rows = torch.arange(begin, begin + n)
        x = torch.randn(n, 3, 2, 2, generator=g)
        yield Batch(x=x, y=rows % 3, group=rows // 2, index=rows)
        begin += n


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Dropout(0.5), nn.BatchNorm1d(5))


def test_every_sample_in_order_in_eval_mode_without_a_graph():
    model, given_ = network(), list(batches([4, 1, 3]))
    state = {k: v.clone() for k, v in model.state_dict().items()}
    assert model.training
    found = embed(model, given_)
    assert model.training and all(part.training for part in model.modules())
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert not found.z.requires_grad
    assert found.index.tolist() == list(range(8))
    assert found.y.tolist() == [i % 3 for i in range(8)]
    assert found.group.tolist() == [i // 2 for i in range(8)]
    with torch.no_grad():
        wanted = model.eval()(torch.cat([b.x for b in given_]))
    assert found.z.dtype == torch.float32
    assert torch.allclose(found.z, wanted, atol=1e-6)
    assert len(found) == 8


def test_size_of_the_batches_does_not_matter():
    x = torch.cat([b.x for b in batches([7])])
    rows = torch.arange(7)
    one, two = (
        embed(
            network(),
            [Batch(x=x[p], y=rows[p], group=rows[p], index=rows[p]) for p in rows.split(size)],
        )
        for size in (2, 7)
    )
    assert torch.allclose(one.z, two.z, atol=1e-6)


class Failing(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)

    def forward(self, x):
        assert not self.training and not self.inner.training
        raise RuntimeError("broken")


@pytest.mark.parametrize("training", [True, False])
def test_modes_are_restored_after_an_exception(training):
    model = Failing().train(training)
    with pytest.raises(RuntimeError, match="broken"):
        embed(model, batches([2]))
    assert model.training is model.inner.training is training
    assert torch.is_grad_enabled()


def test_a_frozen_part_stays_in_eval_mode():
    model = network()
    model[3].eval()
    embed(model, batches([2]))
    assert [part.training for part in model.children()] == [True, True, True, False]


def test_an_empty_loader():
    with pytest.raises(ValueError, match="nothing to embed: the split is empty"):
        embed(network(), [])


def test_embeddings_that_are_not_finite_say_what_to_do():
    model = network()
    with torch.no_grad():
        model[1].weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match="3 of 3 embeddings are not finite") as error:
        embed(model, batches([3]))
    assert "optimizer.lr" in str(error.value) and "trainer.gradient_clip=1" in str(error.value)
    assert model.training


def test_half_precision_comes_out_as_float32():
    found = embed(network().to(torch.bfloat16)[0:1], batches([2]))
    assert found.z.dtype == torch.float32


def test_progress():
    calls = []
    embed(network(), batches([1, 1, 1]), progress=lambda *a: calls.append(a), total=3)
    assert calls == [(1, 3), (2, 3), (3, 3)]


def naive_pool(z, group):
    """Video -> mean of its normalised rows, normalised, in plain Python."""
    pooled = {}
    for video in sorted(set(group)):
        rows = [row for row, g in zip(z, group, strict=True) if g == video]
        unit = [[v / sum(u * u for u in row) ** 0.5 for v in row] for row in rows]
        mean = [sum(column) / len(unit) for column in zip(*unit, strict=True)]
        length = sum(v * v for v in mean) ** 0.5
        pooled[video] = [v / length for v in mean]
    return pooled


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 20), st.randoms())
def test_pooling_equals_the_loop_in_any_order(seed, n, random_):
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(n, 4, generator=g) * 10
    group = torch.randint(6, (n,), generator=g) * 7
    clips = Embeddings(z=z, y=group % 5, group=group, index=torch.arange(n))
    wanted = naive_pool(z.tolist(), group.tolist())
    order = random_.sample(range(n), n)
    shuffled = Embeddings(
        z=z[order], y=clips.y[order], group=group[order], index=clips.index[order]
    )
    for some in (clips, shuffled):
        videos = pool_groups(some)
        assert videos.group.tolist() == videos.index.tolist() == list(wanted)
        assert videos.y.tolist() == [video % 5 for video in wanted]
        assert torch.allclose(videos.z, torch.tensor(list(wanted.values())), atol=1e-4)


def test_pooling_does_not_depend_on_the_length_of_a_clip():
    z = torch.tensor([[1.0, 0.0], [0.0, 5.0]])
    zero = torch.zeros(2, dtype=torch.int64)
    one = pool_groups(Embeddings(z=z, y=zero, group=zero, index=zero)).z
    assert torch.allclose(one, torch.full((1, 2), 0.5**0.5))


def test_pooling_nothing_and_clips_that_cancel():
    none = torch.zeros(0, dtype=torch.int64)
    assert len(pool_groups(Embeddings(torch.zeros(0, 3), none, none, none))) == 0
    zero = torch.zeros(2, dtype=torch.int64)
    opposite = Embeddings(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), zero, zero, zero)
    assert pool_groups(opposite).z.tolist() == [[0.0, 0.0]]


def test_clips_of_no_video_and_of_two_people_are_refused():
    z, rows = torch.randn(3, 2), torch.arange(3)
    with pytest.raises(ValueError, match="2 of 3 clips have no video"):
        pool_groups(Embeddings(z, rows, torch.tensor([-1, 4, -1]), rows))
    with pytest.raises(ValueError, match="clips of video 4 have different labels"):
        pool_groups(Embeddings(z, torch.tensor([0, 1, 2]), torch.tensor([3, 4, 4]), rows))
