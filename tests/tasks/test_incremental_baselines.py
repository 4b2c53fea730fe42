"""Nearest class mean of an untrained network and of pixels, against loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simlearn.tasks.incremental_baselines import class_mean_baselines, share_metric
from tests.tasks.incremental_case import digits, make_parts, patches


def nearest(known, known_y, asked):
    """Label of the nearest mean of each row, in float64; means at unit length where rows are."""
    known, asked = np.asarray(known, np.float64), np.asarray(asked, np.float64)
    unit = np.allclose((known**2).sum(1), 1, atol=1e-3)
    means = []
    for label in sorted(set(known_y.tolist())):
        mean = known[known_y.numpy() == label].mean(0)
        means.append(mean / np.linalg.norm(mean) if unit else mean)
    return [int(np.argmin([((row - m) ** 2).sum() for m in means])) for row in asked]


@pytest.mark.parametrize("split", ["test", "val"])
def test_both_models_by_loops(split):
    parts = make_parts("data.val_per_class=4", f"evaluation.split={split}")
    data = digits(parts)
    found = class_mean_baselines(parts, data, (2, 2, 2), seed=3)
    assert set(found) == {"untrained", "pixels"}
    train, asked = data.splits["train"], data.splits[split]
    learner = parts.learner(3).eval()
    with torch.no_grad():
        z = {
            "untrained": [learner(data.scale(images.x)) for images in (train, asked)],
            "pixels": [data.scale(images.x).reshape(len(images), -1) for images in (train, asked)],
        }
    for name, (known, questions) in z.items():
        hits = np.array(nearest(known, train.y, questions)) == asked.y.numpy()
        metric = found[name]["ncm_all"]
        assert metric.value == pytest.approx(hits.mean())
        assert metric.n == len(asked) == 6 * (8 if split == "test" else 4)
    assert found["pixels"]["ncm_all"].value > 0.6  # digits of 64 pixels are that easy


def test_the_network_that_is_trained_later_is_left_alone():
    parts = make_parts()
    before = {name: value.clone() for name, value in parts.backbone.state_dict().items()}
    class_mean_baselines(parts, patches([4] * 6), (2, 2, 2), seed=0)
    assert all(torch.equal(value, before[n]) for n, value in parts.backbone.state_dict().items())


def test_a_share_and_its_interval():
    hits = torch.tensor([True, False, True, True])
    metric = share_metric(hits, 200, seed=1)
    assert (metric.value, metric.n, metric.higher_is_better) == (0.75, 4, True)
    low, high = metric.interval
    assert 0 <= low < 0.75 < high <= 1
    assert share_metric(hits, 200, seed=1) == metric
    assert share_metric(torch.ones(5, dtype=torch.bool), 20, seed=1).interval == (1.0, 1.0)
