"""What EWC and MAS share: what is held, drawn, kept and restored."""

from __future__ import annotations

import io

import pytest
import torch

from simlearn.continual.ewc import EWC
from simlearn.continual.hold_parameters import drawn_images, held_parameters
from simlearn.continual.mas import MAS
from simlearn.learners.contract import Step
from simlearn.losses import CenterLoss
from tests.continual.toy import learner, live, patterns, train, true_means, two_experiences

STRATEGIES = [EWC, lambda: EWC(mode="offline"), lambda: EWC(likelihood="batch_loss"), MAS]
STEP = Step(*[torch.zeros(2, 3)] * 4, "input", 2)


def moved(net, by=0.1):
    with torch.no_grad():
        for p in net.parameters():
            p += by
    return net


@pytest.mark.parametrize("make", STRATEGIES)
def test_penalty_is_half_lambda_importance_times_squared_moves(make):
    strategy, net = make(), learner()
    first, second = two_experiences()
    strategy.begin(net, first)
    assert strategy.penalty(STEP).item() == 0
    strategy.end(net, first)  # before any training: a batch's loss must not be 0
    strategy.begin(net, second)
    assert strategy.penalty(STEP).item() == 0
    moved(net)
    total = sum(f.double().sum().item() for f in strategy.held.importance.values())
    value = strategy.penalty(STEP)
    assert total > 0 and value.item() == pytest.approx(strategy.weight / 2 * total * 0.01, rel=1e-3)
    value.backward()
    for name, p in held_parameters(net).items():
        wanted = strategy.weight * strategy.held.importance[name] * 0.1
        torch.testing.assert_close(p.grad, wanted, rtol=1e-3, atol=1e-3 * wanted.max().item())


@pytest.mark.parametrize("make", STRATEGIES)
def test_state_goes_through_a_file_and_the_run_goes_on_as_if_nothing_had_been(make):
    net = learner()
    strategy = live(make(), net, until=1)
    file = io.BytesIO()
    torch.save(strategy.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    twin, copy = make(), learner()
    copy.load_state_dict(net.state_dict())
    twin.load_state_dict(state)
    assert twin.memory_bytes() == strategy.memory_bytes() > 2 * 4 * 1000
    second = two_experiences()[1]
    for s, n in ((strategy, net), (twin, copy)):
        n.strategy = s
        s.begin(n, second)
        train(n, second, steps=2)
        s.end(n, second)
    assert all(torch.equal(p, q) for p, q in zip(net.parameters(), copy.parameters(), strict=True))
    assert all(torch.equal(f, twin.held.importance[k]) for k, f in strategy.held.importance.items())
    assert torch.equal(strategy.prototypes().z, twin.prototypes().z)


@pytest.mark.parametrize("make", STRATEGIES)
def test_memory_does_not_grow_with_the_experiences(make):
    net = learner()
    strategy = live(make(), net, until=1)
    first = strategy.memory_bytes()
    means = strategy.means.numel() * 4
    both = live(make(), learner())
    assert both.memory_bytes() == first + means  # two more classes
    assert both.transient_bytes() == 0


@pytest.mark.parametrize("make", [lambda: EWC(weight=1e4), lambda: MAS(weight=1e3)])
def test_it_holds(make):
    """The parameters' move, weighted by the importance, is a fraction of that without a weight."""
    moves = {}
    for name, strategy in (("held", make()), ("free", make())):
        net = learner()
        live(strategy, net, until=1)
        if name == "free":
            strategy.weight = 0.0
        second = two_experiences()[1]
        strategy.begin(net, second)
        train(net, second, steps=6, lr=1e-4)
        moves[name] = strategy.held.value(strategy.parameters).item()
    assert 0 < moves["held"] < 0.8 * moves["free"]


@pytest.mark.parametrize("make", [EWC, MAS])
def test_means_are_those_of_their_own_experience(make):
    net = learner()
    strategy = live(make(), net, until=1)
    torch.testing.assert_close(strategy.prototypes().z, true_means(net, range(2)))
    assert strategy.replayable() == () and strategy.begin(net, two_experiences()[1]) is None


def test_tables_of_the_loss_are_not_held():
    net = learner()
    net.loss = CenterLoss(8, 4)
    assert {name.split(".")[0] for name in held_parameters(net)} == {"backbone", "head"}
    strategy = live(EWC(), net)
    assert set(strategy.held.importance) == set(held_parameters(net))


def test_drawn_images():
    images, rng = patterns(), torch.Generator().manual_seed(0)
    few = drawn_images(images, 5, rng)
    assert len(few) == 5 and few.index.tolist() == sorted(set(few.index.tolist()))
    assert few.index.tolist() != drawn_images(images, 5, rng).index.tolist()
    assert drawn_images(images, None, rng) is images and drawn_images(images, 32, rng) is images


@pytest.mark.parametrize("make", [EWC, MAS])
@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"weight": -1.0}, "strategy.weight is -1.0, must be a number from 0 on"),
        ({"weight": float("inf")}, "strategy.weight is inf"),
        ({"decay": 1.5}, "strategy.decay is 1.5, must be between 0 and 1"),
        ({"samples": 0}, "strategy.samples is 0, must be at least 1, or null for all"),
    ],
)
def test_errors(make, wrong, words):
    with pytest.raises(ValueError, match=words):
        make(**wrong)
