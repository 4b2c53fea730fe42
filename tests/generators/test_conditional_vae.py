"""One autoencoder for all classes: growth, own samples, bytes."""

from __future__ import annotations

import copy

import pytest
import torch

from simlearn.generators import conditional_vae
from simlearn.generators.conditional_vae import ConditionalVAE
from tests.generators.clouds import SMALL, cloud, same_state, seeded


def small(**how):
    return ConditionalVAE((6,), **{**SMALL, "embedding": 4, **how})


def learnt(net, classes, n=40, seed=0):
    net.fit(*cloud(classes, n=n, shape=(6,)), generator=seeded(seed))
    return net


def test_samples_of_old_and_new_classes_have_the_moments_of_the_data():
    net = ConditionalVAE((6,), hidden=(32,), latent=4, min_steps=300, epochs=1, lr=1e-2)
    for classes in ((0, 1), (2, 3)):
        learnt(net, classes, n=500)
    drawn, labels = net.sample(range(4), 3000, generator=seeded(1))
    h, y = cloud((0, 1), n=500, shape=(6,))
    h2, y2 = cloud((2, 3), n=500, shape=(6,))
    h, y = torch.cat([h, h2]), torch.cat([y, y2])
    for label in range(4):
        real, made = h[y == label], drawn[labels == label]
        std = real.std(dim=0)
        assert float(((made.mean(dim=0) - real.mean(dim=0)) / std).abs().max()) < 0.12
        assert float((made.std(dim=0) / std - 1).abs().max()) < 0.2
        uncorrelated = (torch.eye(6) - real.T.corrcoef()).abs().mean()
        assert (made.T.corrcoef() - real.T.corrcoef()).abs().mean() < 0.6 * uncorrelated


def test_mean_and_spread_of_old_classes_stay():
    net = learnt(small(), (0, 1))
    before = copy.deepcopy(net.state_dict())
    learnt(net, (2,), seed=1)
    after = net.state_dict()
    assert net.classes == (0, 1, 2)
    for name in ("labels", "mean", "std"):
        assert torch.equal(after[name][:2], before[name])
    for name in ("embedding", "code_mean", "code_factor", "noise"):
        assert after[name].shape[0] == 3
        assert not torch.equal(after[name][:2], before[name])


def test_decoder_and_rows_go_on_from_where_they_were():
    net = learnt(small(lr=1e-12), (0, 1))  # so slow that nothing moves
    before = copy.deepcopy(net.state_dict())
    learnt(net, (2, 3), seed=1)
    after = net.state_dict()
    for name in before:
        if name.startswith("decoder"):
            assert torch.allclose(after[name], before[name], atol=1e-9)
    assert torch.allclose(after["embedding"][:2], before["embedding"], atol=1e-9)
    assert not torch.allclose(after["embedding"][2], after["embedding"][3])


def test_old_classes_are_trained_on_own_samples(monkeypatch):
    net = learnt(small(), (0, 1))
    expected = net.sample((0, 1), 30, generator=seeded(5))[0]
    seen = {}

    def watch(model, x, place, schedule, generator):
        seen.update(x=x.clone(), place=place.clone())

    std = net.std.clone()
    monkeypatch.setattr(conditional_vae, "train_autoencoder", watch)
    h, y = cloud((2, 3), shape=(6,))
    net.fit(h[:60], y[:60], generator=seeded(5))  # 40 and 20 samples: 30 on average
    assert seen["place"].bincount().tolist() == [30, 30, 40, 20]
    for k in (0, 1):
        own, drawn = seen["x"][seen["place"] == k], expected[30 * k : 30 * k + 30]
        assert torch.allclose(own.mean(dim=0), torch.zeros(6), atol=1e-5)
        moved = drawn - drawn.mean(dim=0)
        assert torch.allclose(own * std[k], moved, atol=1e-4)
    new = seen["x"][seen["place"] == 2]
    assert torch.allclose(new.mean(dim=0), torch.zeros(6), atol=1e-5)


def test_bytes_by_hand():
    net = learnt(small(), (0, 1, 2))
    decoder = (3 + 4) * 16 + 16 + 16 * 6 + 6
    rows = 3 * 6 + 3 + 3 * 4 // 2 + 4  # mean, spread, noise; codes; embedding
    assert net.memory_bytes() == 4 * decoder + 3 * (4 * rows + 8)
    assert not any(name.startswith("encoder") for name in net.state_dict())
    assert "noise" not in small(noise=False).state_dict()
    assert learnt(small(noise=False), (0, 1)).sample((1,), 2)[0].shape == (2, 6)


def test_the_class_is_told():
    """With the same code and statistics, two rows of the embedding give two answers."""
    net = learnt(small(noise=False), (0, 1))
    state = net.state_dict()
    for name in ("mean", "std", "code_mean", "code_factor"):
        state[name][1] = state[name][0]
    net.load_state_dict(state)
    one, two = (net.sample((c,), 4, generator=seeded(2))[0] for c in (0, 1))
    assert float((one - two).abs().max()) > 1e-3


def test_a_fit_that_diverges_leaves_everything_as_it_was():
    net = learnt(small(), (0, 1))
    before = copy.deepcopy(net.state_dict())
    wild = small(lr=1e30)
    wild.load_state_dict(before)
    with pytest.raises(ValueError, match=r"diverged at lr 1e\+30"):
        learnt(wild, (2,))
    assert same_state(wild.state_dict(), before)


def test_values_out_of_range():
    with pytest.raises(ValueError, match="embedding is 0, must be at least 1"):
        ConditionalVAE((6,), embedding=0)
    with pytest.raises(ValueError, match="every size must be at least 1"):
        ConditionalVAE((6,), latent=0)
    with pytest.raises(ValueError, match="lr is -1"):
        ConditionalVAE((6,), lr=-1)
