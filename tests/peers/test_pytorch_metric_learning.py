"""Defects of pytorch-metric-learning 2.9 (PML), shown on it, and that simlearn has none of them.

The other two of the list, gradients of a gathered loss and batches of different size on the ranks,
need two processes: tests/peers/test_two_processes.py.
"""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from torch.nn import functional as F

from simlearn.evaluation import retrieval_metrics
from simlearn.losses import CrossBatchMemory, LossOutput, PMLLoss, TripletLoss, angular_loss


def calculator(*names, **how):
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
    from pytorch_metric_learning.utils.inference import CustomKNN

    knn = CustomKNN(LpDistance(normalize_embeddings=False))
    return AccuracyCalculator(include=names, knn_func=knn, device=torch.device("cpu"), **how)


def theirs(z, y, *names, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return calculator(*names, **how).get_accuracy(z, y)


def test_labels_that_float32_cannot_tell_apart():
    """Every nearest neighbour is wrong; as float32 the labels of half of them are equal."""
    z = torch.tensor([[0.0], [0.1], [5.0], [5.1], [9.0], [9.1]])
    y = 2**24 + torch.tensor([0, 1, 2, 3, 1, 3])
    assert retrieval_metrics(z, y, ks=(1,))["recall_at_1"] == 0.0
    by_peer = theirs(z, y, "precision_at_1")["precision_at_1"]
    assert by_peer > 0, "PML no longer compares labels as float32: mend the page"


def test_map_at_r_does_not_depend_on_how_many_neighbours_are_fetched():
    g = torch.Generator().manual_seed(0)
    z, y = torch.randn(120, 8, generator=g), torch.arange(120) % 4
    z[:, 0] += y
    right = theirs(z, y, "mean_average_precision_at_r", k="max_bin_count")
    few = theirs(z, y, "mean_average_precision_at_r", k=5)
    ours = [retrieval_metrics(z, y, ks=(1,), chunk=c)["map_at_r"] for c in (1, 7, 120)]
    assert ours[0] == ours[1] == ours[2]
    assert ours[0] == pytest.approx(right["mean_average_precision_at_r"], abs=1e-6)
    assert few["mean_average_precision_at_r"] < 0.7 * ours[0], "PML mended k below R"


def naive_angular(a, p, n, y, alpha):
    """Three lists of vectors for the three roles."""
    t2, terms = math.tan(math.radians(alpha)) ** 2, []
    for i in range(len(y)):
        for j in range(len(y)):
            if i != j and y[i] == y[j]:
                own = -2 * (1 + t2) * float(a[i] @ p[j])
                total = sum(
                    math.exp(4 * t2 * float((a[i] + p[j]) @ n[k]) + own)
                    for k in range(len(y))
                    if y[k] != y[i]
                )
                terms.append(math.log1p(total))
    return sum(terms) / len(terms)


def test_angular_loss_treats_anchors_positives_and_negatives_alike():
    from pytorch_metric_learning.losses import AngularLoss as Theirs

    g = torch.Generator().manual_seed(1)
    raw, y = torch.randn(6, 4, generator=g, dtype=torch.float64), torch.arange(6) % 3
    unit = F.normalize(raw, dim=1)
    assert float(angular_loss(raw, y, alpha=40).value) == pytest.approx(
        naive_angular(raw, raw, raw, y, 40), rel=1e-9
    )
    scaled = float(angular_loss(F.normalize(10 * raw, dim=1), y, alpha=40).value)
    assert scaled == pytest.approx(naive_angular(unit, unit, unit, y, 40), rel=1e-9)
    by_peer = float(Theirs(alpha=40)(raw, y))
    assert by_peer == pytest.approx(naive_angular(unit, unit, raw, y, 40), rel=1e-5)
    assert abs(by_peer - scaled) > 0.1, "PML now normalises the negatives: mend the page"
    assert float(Theirs(alpha=40)(unit, y)) == pytest.approx(scaled, rel=1e-5)


def test_a_memory_goes_on_where_its_state_was_taken():
    from pytorch_metric_learning.losses import CrossBatchMemory as Theirs
    from pytorch_metric_learning.losses import TripletMarginLoss

    g = torch.Generator().manual_seed(2)
    batches = [
        (F.normalize(torch.randn(8, 4, generator=g), dim=1), torch.arange(8) % 4) for _ in range(5)
    ]

    def after_resume(make):
        """The loss of the last batch with and without a state_dict round trip before it."""
        first, second = make(), make()
        for z, y in batches[:-1]:
            first(z, y)
        second.load_state_dict(first.state_dict())
        return [memory(*batches[-1]) for memory in (first, second)]

    ours = [out.value for out in after_resume(lambda: CrossBatchMemory(TripletLoss(), 4, 20))]
    assert torch.equal(ours[0], ours[1])
    by_peer = after_resume(lambda: Theirs(TripletMarginLoss(), 4, memory_size=20))
    assert not torch.equal(by_peer[0], by_peer[1]), "PML now saves its pointer: mend the page"


def test_a_soft_margin_loss_takes_a_second_step():
    from pytorch_metric_learning.losses import DynamicSoftMarginLoss

    def two_steps(loss):
        for _ in range(2):
            z = torch.randn(8, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
            value = loss(z, torch.arange(8) // 2)
            (value.value if isinstance(value, LossOutput) else value).backward()
        return z.grad

    assert torch.isfinite(two_steps(PMLLoss("DynamicSoftMarginLoss"))).all()
    with pytest.raises(RuntimeError, match="second time"):
        two_steps(DynamicSoftMarginLoss())
