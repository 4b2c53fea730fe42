"""Schedules at every step against their formulas; which parameters decay; mistakes."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from simlearn.learners import SGD, AdamW
from simlearn.learners.optim import schedule_factor

SCHEDULES = ["cosine", "constant", "step"]


def formula(step, total, schedule, rise, floor=0.0):
    """The factor written another way: by tables of where training stands."""
    if step < rise:
        return [(i + 1) / rise for i in range(rise)][step]
    done = (step - rise) / (total - rise)
    if schedule == "constant":
        return 1.0
    if schedule == "step":
        return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01
    return floor + (1 - floor) * math.cos(math.pi / 2 * done) ** 2


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("total", "warmup", "rise"), [(40, 0.0, 0), (40, 0.25, 10), (7, 0.4, 3)])
@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_factor_at_every_step(schedule, total, warmup, rise, floor):
    for step in range(total):
        found = schedule_factor(step, total=total, schedule=schedule, warmup=warmup, floor=floor)
        assert found == pytest.approx(formula(step, total, schedule, rise, floor), abs=1e-12)


@given(
    st.integers(0, 3000),
    st.integers(1, 2000),
    st.sampled_from(SCHEDULES),
    st.floats(0, 0.999),
)
def test_factor_stays_in_range_also_beyond_the_end(step, total, schedule, warmup):
    found = schedule_factor(step, total=total, schedule=schedule, warmup=warmup)
    assert 0.0 <= found <= 1.0
    assert found > 0.0 or step >= total


@given(st.integers(1, 500), st.sampled_from(SCHEDULES), st.floats(0, 0.999))
def test_rises_then_falls(total, schedule, warmup):
    factors = [
        schedule_factor(s, total=total, schedule=schedule, warmup=warmup) for s in range(total)
    ]
    rise = round(total * warmup)
    assert factors[:rise] == sorted(factors[:rise])
    assert factors[rise:] == sorted(factors[rise:], reverse=True)
    assert max(factors) == 1.0


def module():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 4, 2), nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(4, 2))


@pytest.mark.parametrize("settings", [AdamW(lr=0.5, warmup=0.3), SGD(lr=0.5, warmup=0.3)])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_learning_rate_of_every_step(settings, schedule):
    settings = type(settings)(lr=settings.lr, warmup=0.3, schedule=schedule)
    optimizer, scheduler = settings.build(module().parameters(), 20)
    for step in range(20):
        wanted = 0.5 * formula(step, 20, schedule, 6)
        assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([wanted] * 2)
        optimizer.step()
        scheduler.step()


def test_weights_decay_and_biases_and_norms_do_not():
    net = module()
    groups = AdamW(weight_decay=0.3).groups(net.parameters())
    assert [g["weight_decay"] for g in groups] == [0.3, 0.0]
    decays, stays = ({id(p) for p in g["params"]} for g in groups)
    assert decays == {id(net[0].weight), id(net[3].weight)}
    assert stays == {id(p) for p in (net[0].bias, net[1].weight, net[1].bias, net[3].bias)}


def test_decay_is_applied_to_weights_alone():
    net = module()
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    optimizer, _ = SGD(lr=0.1, weight_decay=0.5, warmup=0.0).build(net.parameters(), 10)
    for p in net.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    for name, p in net.named_parameters():
        factor = 1 - 0.1 * 0.5 if p.ndim > 1 else 1.0
        assert torch.allclose(p, before[name] * factor), name


def test_frozen_parameters_are_left_out():
    net = module()
    net[0].requires_grad_(False)
    groups = AdamW().groups(net.parameters())
    assert sum(len(g["params"]) for g in groups) == 4
    net[1].requires_grad_(False)
    net[3].bias.requires_grad_(False)
    (only,) = AdamW(weight_decay=0.3).groups(net.parameters())
    assert only["params"] == [net[3].weight] and only["weight_decay"] == 0.3


def test_sgd_is_plain_sgd_with_momentum():
    """Three steps against the rule v = m v + g; p = p - lr v."""
    p = nn.Parameter(torch.tensor([[1.0, -2.0]]))
    settings = SGD(lr=0.1, momentum=0.5, weight_decay=0.0, schedule="constant", warmup=0.0)
    optimizer, scheduler = settings.build([p], 10)
    v, wanted = torch.zeros(1, 2), p.detach().clone()
    for g in (torch.tensor([[1.0, 2.0]]), torch.tensor([[-3.0, 0.5]]), torch.tensor([[0.0, 1.0]])):
        p.grad = g.clone()
        optimizer.step()
        scheduler.step()
        v = 0.5 * v + g
        wanted = wanted - 0.1 * v
        assert torch.allclose(p, wanted)


def test_settings_reach_the_optimizers():
    adam, _ = AdamW(lr=0.2, betas=(0.7, 0.8)).build(module().parameters(), 5)
    assert isinstance(adam, torch.optim.AdamW)
    assert all(g["betas"] == (0.7, 0.8) for g in adam.param_groups)
    sgd, _ = SGD(lr=0.2, momentum=0.6, nesterov=True).build(module().parameters(), 5)
    assert isinstance(sgd, torch.optim.SGD)
    assert all(g["momentum"] == 0.6 and g["nesterov"] for g in sgd.param_groups)


def test_state_of_the_schedule_can_be_restored():
    settings = AdamW(lr=1.0, warmup=0.2)
    optimizer, scheduler = settings.build(module().parameters(), 10)
    for _ in range(6):
        optimizer.step()
        scheduler.step()
    other, other_schedule = settings.build(module().parameters(), 10)
    other.load_state_dict(optimizer.state_dict())
    other_schedule.load_state_dict(scheduler.state_dict())
    for _ in range(3):
        assert other.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"] > 0
        for o, s in ((optimizer, scheduler), (other, other_schedule)):
            o.step()
            s.step()


@pytest.mark.parametrize("kind", [AdamW, SGD])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lr": 0.0}, r"optimizer\.lr is 0\.0, must be above 0"),
        ({"lr": -1.0}, r"optimizer\.lr is -1\.0"),
        ({"lr": math.nan}, r"optimizer\.lr is nan"),
        ({"lr": math.inf}, r"optimizer\.lr is inf"),
        ({"warmup": 1.0}, r"optimizer\.warmup is 1\.0, must be in \[0, 1\)"),
        ({"warmup": -0.1}, r"optimizer\.warmup is -0\.1"),
        ({"weight_decay": -1e-4}, r"optimizer\.weight_decay is -0\.0001, must not be negative"),
        ({"schedule": "cosin"}, "'cosin', must be one of cosine, constant, step"),
    ],
)
def test_mistakes_are_named(kind, values, message):
    with pytest.raises(ValueError, match=message):
        kind(**values)


@pytest.mark.parametrize("kind", [AdamW, SGD])
def test_slow_parameters_have_their_own_rate_at_every_step(kind):
    net = module()
    settings = kind(lr=0.5, warmup=0.3, weight_decay=0.2)
    optimizer, scheduler = settings.build(
        net.parameters(), 20, slow=net[0].parameters(), factor=0.25
    )
    groups = [({id(p) for p in g["params"]}, g["weight_decay"]) for g in optimizer.param_groups]
    assert groups == [
        ({id(net[3].weight)}, 0.2),
        ({id(net[1].weight), id(net[1].bias), id(net[3].bias)}, 0.0),
        ({id(net[0].weight)}, 0.2),
        ({id(net[0].bias)}, 0.0),
    ]
    for step in range(20):
        wanted = 0.5 * formula(step, 20, "cosine", 6)
        found = [g["lr"] for g in optimizer.param_groups]
        assert found == pytest.approx([wanted, wanted, wanted / 4, wanted / 4])
        optimizer.step()
        scheduler.step()


def test_slow_parameters_that_are_not_learnt_are_passed_over():
    net, other = module(), nn.Linear(2, 2)
    net[0].requires_grad_(False)
    groups = AdamW(lr=0.1).groups(
        net.parameters(), slow=[*net[0].parameters(), *other.parameters()], factor=0.5
    )
    assert [g["lr"] for g in groups] == [0.1, 0.1]
    assert sum(len(g["params"]) for g in groups) == 4


def test_without_slow_parameters_nothing_changes():
    net = module()
    one, two = AdamW().groups(net.parameters()), AdamW().groups(net.parameters(), factor=0.1)
    assert [(g["params"], g["lr"]) for g in one] == [(g["params"], g["lr"]) for g in two]
