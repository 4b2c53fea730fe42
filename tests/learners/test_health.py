"""Batch health: the figures, the counters, and the sentences about training that goes nowhere."""

from __future__ import annotations

import logging
import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.learners.health import (
    COLLAPSE_STEPS,
    EMPTY_LIMIT,
    BatchHealth,
    TrainingStopped,
    batch_health,
    effective_rank,
)
from simlearn.losses import LossOutput


def formula(z):
    """exp(entropy) of the singular values, which are roots of the Gram matrix's eigenvalues."""
    z = z.double() - z.double().mean(dim=0)
    s = torch.linalg.eigvalsh(z @ z.T).clamp_min(0).sqrt().tolist()
    p = [v / sum(s) for v in s if v > 1e-6 * max(s)]
    return math.exp(-sum(v * math.log(v) for v in p))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 20), st.integers(1, 10))
def test_effective_rank_is_the_formula_and_within_its_bounds(seed, b, d):
    z = torch.randn(b, d, generator=torch.Generator().manual_seed(seed))
    rank = effective_rank(z)
    assert rank == pytest.approx(formula(z), rel=1e-3)
    assert 1 - 1e-3 <= rank <= min(b - 1, d) + 1e-3
    assert effective_rank(z * 7 + 3) == pytest.approx(rank, rel=1e-2)


@pytest.mark.parametrize(
    ("z", "rank"),
    [
        (torch.arange(5.0)[:, None] * torch.tensor([[1.0, -2.0, 0.5]]), 1.0),  # one line
        (torch.cat([torch.eye(6), -torch.eye(6)]), 6.0),  # orthonormal directions
        (torch.eye(4), 3.0),  # a simplex: the centre takes one
        (torch.ones(5, 3) * 0.3, 0.0),  # all equal
        (torch.randn(1, 3), 0.0),
        (torch.zeros(0, 3), 0.0),
    ],
)
def test_effective_rank_of_known_shapes(z, rank):
    assert effective_rank(z) == pytest.approx(rank, abs=1e-3)


def test_figures_of_a_batch():
    y = torch.tensor([0, 0, 0, 1, 1, 2])
    found = batch_health(torch.randn(6, 3), y, active=3, total=12)
    assert found["active_share"] == 0.25
    assert found["positives_per_anchor"] == pytest.approx((2 * 3 + 1 * 2 + 0) / 6)
    assert set(found) == {"effective_rank", "active_share", "positives_per_anchor"}
    assert batch_health(torch.randn(6, 3), y, 0, 0)["active_share"] == 0.0
    none = batch_health(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), 0, 0)
    assert none == dict.fromkeys(none, 0.0)


def spread(n=4):
    return torch.eye(n)


def test_empty_batches_are_counted_and_a_full_one_ends_the_row():
    health = BatchHealth()
    for _ in range(3):
        for _ in range(EMPTY_LIMIT - 1):
            health.count(spread(), 0)
        health.count(spread(), 5)
    assert health.counts["empty"] == 3 * 19
    assert health.counts["empty_in_row"] == 0


def test_the_twentieth_empty_batch_in_a_row_stops_and_says_why():
    health = BatchHealth()
    for _ in range(19):
        health.count(spread(), 0)
    with pytest.raises(TrainingStopped) as error:
        health.count(spread(), 0)
    assert health.counts["empty"] == 20
    text = str(error.value)
    assert text.startswith("20 batches in a row held no pair or triplet")
    for key in ("sampler.classes_per_batch", "sampler.samples_per_class", "loss.mining=all"):
        assert key in text


SENTENCE = "all distances below 0.01 for 50 steps: lower optimizer.lr or use loss.mining=semihard"


def test_collapse_is_said_once_at_the_fiftieth_step(caplog):
    health, collapsed = BatchHealth(), torch.full((4, 3), 0.5) + torch.eye(4)[:, :3] * 1e-3
    with caplog.at_level(logging.WARNING):
        for step in range(1, 3 * COLLAPSE_STEPS):
            health.count(collapsed, 5)
            assert len(caplog.records) == (step >= 50)
    assert caplog.messages == [SENTENCE]
    assert health.counts["collapses"] == 1
    health.count(spread(), 5)
    assert health.counts["collapsed_in_row"] == 0
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            health.count(collapsed, 5)
    assert caplog.messages == [SENTENCE] * 2
    assert health.counts["collapses"] == 2


def test_one_pair_that_is_apart_is_no_collapse():
    health = BatchHealth()
    for z in (torch.tensor([[0.0], [0.0], [0.0101]]), torch.zeros(1, 3), torch.zeros(0, 3)):
        health.count(z, 5)
        assert health.counts["collapsed_in_row"] == 0
    health.count(torch.tensor([[0.0], [0.0], [0.0099]]), 5)
    assert health.counts["collapsed_in_row"] == 1


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_embeddings_that_are_not_finite_stop_with_the_way_out(value):
    """Before the singular values are asked for: they fail on such input."""
    z = spread()
    z[1, 2] = value
    output = LossOutput(value=torch.tensor(value), active=1, total=1)
    outputs = {"z": z, "y": torch.arange(4), "output": output}
    with pytest.raises(TrainingStopped, match="training diverged") as error:
        BatchHealth().on_train_batch_end(trainer_at(1), None, outputs, None, 0)
    assert "optimizer.lr" in str(error.value) and "trainer.gradient_clip=1" in str(error.value)


def test_state_goes_round():
    one = BatchHealth()
    for _ in range(7):
        one.count(torch.zeros(3, 2), 0)
    state = one.state_dict()
    two = BatchHealth()
    two.load_state_dict(state)
    assert two.counts == one.counts == state
    assert state == {"empty": 7, "empty_in_row": 7, "collapsed_in_row": 7, "collapses": 0}
    one.count(torch.zeros(3, 2), 0)
    assert two.counts["empty"] == state["empty"] == 7  # neither shares its counters


class Rows:
    """A logger that keeps what it is given."""

    def __init__(self):
        self.rows = []

    def log_metrics(self, metrics, step):
        self.rows.append((step, metrics))


def trainer_at(step, *loggers):
    optimizer = SimpleNamespace(param_groups=[{"lr": 0.25}])
    return SimpleNamespace(global_step=step, optimizers=[optimizer], loggers=loggers)


def test_figures_are_logged_at_the_first_step_and_every_few():
    health, log = BatchHealth(every=3), Rows()
    value = torch.tensor(0.5, requires_grad=True)
    output = LossOutput(value=value, active=1, total=4)
    for step in range(1, 8):
        outputs = {"z": spread(), "y": torch.tensor([0, 0, 1, 1]), "output": output}
        health.on_train_batch_end(trainer_at(step, log), None, outputs, None, step - 1)
    assert [step for step, _ in log.rows] == [1, 3, 6]
    figures = log.rows[0][1]
    assert figures == {
        "train/loss": 0.5,
        "train/effective_rank": pytest.approx(3.0, abs=1e-3),
        "train/active_share": 0.25,
        "train/positives_per_anchor": 1.0,
        "train/empty_batches": 0.0,
        "train/lr": 0.25,
    }
