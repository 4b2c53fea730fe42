"""EWC's importance against backward passes by hand, and its modes."""

from __future__ import annotations

import pytest
import torch

from simlearn.continual.ewc import EWC
from tests.continual.toy import learner, live, train, two_experiences


def by_hand(net, exp, means, tau, given=False):
    """Squared gradients of log p(c|x), weighted by p(c|x) or at the given label, image by image."""
    net.eval()
    found = {name: torch.zeros_like(p) for name, p in net.named_parameters()}
    x, y = next(exp.batches())
    for row, label in zip(x, y.tolist(), strict=True):
        z = net(row[None])[0]
        weights = torch.stack([torch.exp(-((z - mean) ** 2).sum() / tau) for mean in means])
        p = weights / weights.sum()
        for c in [label] if given else range(len(means)):
            share = 1.0 if given else p[c].item()
            net.zero_grad()
            p[c].log().backward(retain_graph=True)
            for name, parameter in net.named_parameters():
                found[name] += share * parameter.grad**2 / len(x)
    return found


@pytest.mark.parametrize("kind", ["exact", "empirical"])
@pytest.mark.parametrize("tau", [1.0, 0.3])
def test_importance_is_the_fisher_of_the_prototype_likelihood(kind, tau):
    net, strategy = learner(), EWC(kind=kind, tau=tau, samples=None)
    exp = two_experiences()[0]
    strategy.begin(net, exp)
    train(net, exp)
    strategy.end(net, exp)
    wanted = by_hand(net, exp, strategy.means, tau, given=kind == "empirical")
    assert list(strategy.held.importance) == list(wanted)
    for name, value in strategy.held.importance.items():
        assert (value - wanted[name]).norm() <= 1e-4 * wanted[name].norm() and value.sum() > 0


def test_all_classes_seen_are_in_the_likelihood():
    net, strategy = learner(), EWC(mode="online", decay=0.0, samples=None)
    live(strategy, net)
    wanted = by_hand(net, two_experiences()[1], strategy.means, 1.0)
    assert len(strategy.means) == 4
    for name, value in strategy.held.importance.items():
        assert (value - wanted[name]).norm() <= 1e-4 * wanted[name].norm()


def test_a_single_class_gives_no_importance():
    net, strategy = learner(), EWC()
    exp = two_experiences()[0]
    alone = type(exp)(0, 4, 3, (), (0,), exp.train.of([0]), exp.scale)
    strategy.end(net, alone)
    assert all(value.abs().max() < 1e-12 for value in strategy.held.importance.values())


def test_offline_keeps_every_centre_and_online_the_newest():
    values = {}
    for mode in ("offline", "online"):
        net, strategy = learner(), EWC(mode=mode, weight=0.0)
        live(strategy, net)
        values[mode] = strategy.held.value(dict(net.named_parameters())).item()
    assert values["online"] == 0 and values["offline"] > 0


@pytest.mark.parametrize("likelihood", ["prototype", "batch_loss"])
def test_the_draws_are_the_experiences(likelihood):
    found = []
    for seed in (3, 3, 4):
        net, strategy = learner(), EWC(kind="sample", likelihood=likelihood, samples=6)
        strategy.end(net, two_experiences(seed=seed)[0])
        found.append(strategy.held.importance["head.linear.weight"])
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


def test_the_batch_loss_is_another_importance():
    sums = []
    for likelihood in ("prototype", "batch_loss"):
        net, strategy = learner(), EWC(likelihood=likelihood)
        strategy.end(net, two_experiences()[0])
        sums.append(torch.cat([f.flatten() for f in strategy.held.importance.values()]).sum())
    assert sums[0] > 0 and sums[1] > 0 and sums[0] != sums[1]


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"kind": "batch"}, r"strategy.kind is 'batch', must be one of \('empirical', 'sample', "),
        ({"mode": "separate"}, r"strategy.mode is 'separate', must be one of \('online', "),
        ({"likelihood": "softmax"}, r"strategy.likelihood is 'softmax', must be one of"),
        ({"tau": 0.0}, "strategy.tau is 0.0, must be above 0"),
        ({"mode": "offline", "decay": 0.5}, "decay is 0.5: only strategy.mode=online lets"),
    ],
)
def test_errors(wrong, words):
    with pytest.raises(ValueError, match=words):
        EWC(**wrong)
