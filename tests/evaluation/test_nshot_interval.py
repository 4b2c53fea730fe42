"""Intervals of n-shot accuracies against a loop over resampled lists."""

from __future__ import annotations

import math

import pytest
import torch

from simlearn.data.randomness import torch_generator
from simlearn.evaluation.nshot_interval import nshot_summary

SUMS = ("interval", "interval_draws", "interval_identities")


def naive_intervals(right, count, seed):
    """Resampled lists, one after the other."""
    draws, classes = len(right), len(right[0])
    g = torch_generator(seed, "nshot", "interval")
    people = torch.randint(classes, (1000, classes), generator=g).tolist()
    supports = torch.randint(draws, (1000, draws), generator=g).tolist()
    columns = []
    for these, those in (
        (people, supports),
        ([range(classes)] * 1000, supports),
        (people, [range(draws)] * 1000),
    ):
        values = sorted(
            sum(sum(right[d][c] for c in a) / sum(count[d][c] for c in a) for d in b) / draws
            for a, b in zip(these, those, strict=True)
        )
        low, high = 0.025 * 999, 0.975 * 999
        columns.append(
            tuple(
                values[int(at)] + (at % 1) * (values[int(at) + 1] - values[int(at)])
                for at in (low, high)
            )
        )
    return columns


@pytest.mark.parametrize("seed", range(3))
def test_intervals_are_those_of_the_loop(seed):
    g = torch_generator(seed, "counts")
    count = torch.randint(1, 6, (3, 4), generator=g).double()
    right = (count * torch.rand(3, 4, generator=g)).round()
    found = nshot_summary(right, count, seed)
    wanted = naive_intervals(right.tolist(), count.tolist(), seed)
    for name, interval in zip(SUMS, wanted, strict=True):
        assert found[name] == pytest.approx(interval, abs=1e-12), name
    assert found["accuracy"] == pytest.approx(float((right.sum(1) / count.sum(1)).mean()))


def test_interval_covers_the_truth_where_draws_alone_do_not():
    covered = dict.fromkeys(SUMS, 0)
    for seed in range(150):
        g = torch_generator(seed, "table")
        rate = 0.5 + 0.1 * torch.randn(40, generator=g) + 0.06 * torch.randn(12, 1, generator=g)
        count = torch.full((12, 40), 10.0, dtype=torch.float64)
        found = nshot_summary(torch.binomial(count, rate.clamp(0, 1).double(), g), count, seed)
        for name in SUMS:
            covered[name] += found[name][0] < 0.5 < found[name][1]
    assert covered["interval"] / 150 > 0.88
    assert covered["interval_draws"] < covered["interval"] > covered["interval_identities"]


def test_fewer_than_two_identities_have_no_interval():
    count = torch.tensor([[4.0], [2.0]], dtype=torch.float64)
    one = nshot_summary(count / 2, count, 0)
    assert (one["accuracy"], one["per_draw"]) == (0.5, [0.5, 0.5])
    none = nshot_summary(count[:, :0], count[:, :0], 0)
    assert math.isnan(none["accuracy"]) and all(map(math.isnan, none["per_draw"]))
    for name in SUMS:
        assert all(map(math.isnan, one[name] + none[name]))
