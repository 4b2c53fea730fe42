"""The bootstrap over whole clusters against a loop with the same draws."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.randomness import torch_generator
from simlearn.evaluation import bootstrap_interval
from simlearn.evaluation.intervals import times_drawn


def naive(values, clusters, *, draws, level, generator):
    """Resample lists of clusters and read the percentiles off the sorted means."""
    names = sorted(set(clusters))
    drawn = torch.randint(len(names), (draws, len(names)), generator=generator).tolist()
    means = []
    for row in drawn:
        sample = [v for k in row for v, c in zip(values, clusters, strict=True) if c == names[k]]
        means.append(sum(sample) / len(sample))
    means.sort()

    def percentile(share):
        place = share * (draws - 1)
        low = math.floor(place)
        high = min(low + 1, draws - 1)
        return means[low] + (place - low) * (means[high] - means[low])

    return percentile((1 - level) / 2), percentile(1 - (1 - level) / 2)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(-3, 3)), min_size=1, max_size=20),
    st.integers(1, 60),
    st.sampled_from([0.5, 0.9, 0.95]),
)
def test_equals_the_loop(rows, draws, level):
    values, clusters = (list(column) for column in zip(*rows, strict=True))
    how = {"draws": draws, "level": level}
    found = bootstrap_interval(
        torch.tensor(values, dtype=torch.float64),
        torch.tensor(clusters),
        generator=torch_generator(7, "test"),
        **how,
    )
    wanted = naive(values, clusters, generator=torch_generator(7, "test"), **how)
    assert found == pytest.approx(wanted, abs=1e-9)


def test_covers_the_mean_and_narrows_with_more_clusters():
    widths = []
    for n in (10, 1000):
        values = torch.rand(n, generator=torch_generator(1, "values"))
        low, high = bootstrap_interval(values, torch.arange(n), generator=torch_generator(0, "b"))
        assert low < float(values.mean()) < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 5


def test_covers_the_truth_as_often_as_it_says():
    """95 % of 200 intervals, give or take; the intervals that ignore the clusters do not."""
    covered = alone = 0
    for seed in range(200):
        g = torch_generator(seed, "sample")
        centres = torch.randn(60, generator=g).repeat_interleave(5)
        values = centres + 0.1 * torch.randn(300, generator=g)
        clusters = torch.arange(60).repeat_interleave(5)
        low, high = bootstrap_interval(values, clusters, draws=300, generator=g)
        covered += low < 0 < high
        low, high = bootstrap_interval(values, torch.arange(300), draws=300, generator=g)
        alone += low < 0 < high
    assert 0.88 <= covered / 200 <= 0.99
    assert alone / 200 < 0.8


@pytest.mark.parametrize("n", [1, 7])
def test_one_cluster_has_no_width(n):
    values = torch.rand(n, generator=torch_generator(2, "values"), dtype=torch.float64)
    low, high = bootstrap_interval(
        values, torch.full((n,), 5), draws=50, generator=torch_generator(0, "b")
    )
    assert low == high == pytest.approx(float(values.mean()))


def test_clusters_are_drawn_whole():
    """Two clusters of 0s and of 1s, of different size: a mean is 0, 1 or that of both."""
    values, clusters = torch.tensor([0.0, 0.0, 0.0, 1.0]), torch.tensor([4, 4, 4, 9])
    low, high = bootstrap_interval(
        values, clusters, draws=400, level=0.2, generator=torch_generator(0, "b")
    )
    assert (low, high) == (0.25, 0.25)
    assert bootstrap_interval(values, clusters, generator=torch_generator(0, "b")) == (0.0, 1.0)


def test_same_generator_same_interval():
    values, clusters = torch.rand(30, generator=torch_generator(3, "v")), torch.arange(30) // 3
    one, two, other = (
        bootstrap_interval(values, clusters, generator=torch_generator(s, "b")) for s in (0, 0, 1)
    )
    assert one == two != other


def test_without_a_value():
    low, high = bootstrap_interval(
        torch.zeros(0), torch.zeros(0, dtype=torch.int64), generator=torch_generator(0, "b")
    )
    assert math.isnan(low) and math.isnan(high)


@pytest.mark.parametrize(
    ("clusters", "how", "message"),
    [
        (torch.arange(3), {}, r"must be \(N,\), found \(4,\) and \(3,\)"),
        (torch.arange(4)[:, None], {}, r"found \(4,\) and \(4, 1\)"),
        (torch.arange(4), {"draws": 0}, "draws is 0"),
        (torch.arange(4), {"level": 95}, r"level 95: at least 1, and inside \(0, 1\)"),
    ],
)
def test_mistakes_are_named(clusters, how, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(torch.zeros(4), clusters, generator=torch_generator(0, "b"), **how)


def test_times_drawn_are_counts_of_a_draw():
    found = times_drawn(5, 400, torch.Generator().manual_seed(3))
    drawn = torch.randint(5, (400, 5), generator=torch.Generator().manual_seed(3)).tolist()
    assert found.tolist() == [[row.count(k) for k in range(5)] for row in drawn]
    assert found.mean(dim=0).sub(1).abs().max() < 0.2
