"""Parts of a class-incremental run give the same network again and again."""

from __future__ import annotations

import torch

from simlearn.learners import MetricLearner, SiameseNetwork, TripletNetwork
from tests.tasks.incremental_case import make_parts, patches


def test_every_learner_is_equal_and_its_own():
    parts = make_parts()
    one, two = parts.learner(5), parts.learner(5)
    assert one.seed == two.seed == 5
    names = dict(two.named_parameters())
    assert len(names) > 10
    for name, value in one.named_parameters():
        assert torch.equal(value, names[name]) and value is not names[name]
    with torch.no_grad():
        next(one.parameters()).add_(1.0)
    assert not torch.equal(next(one.parameters()), next(two.parameters()))
    assert torch.equal(next(parts.learner(5).parameters()), next(two.parameters()))


def test_a_loss_with_classes_is_its_own_too():
    parts = make_parts("loss=center")
    one, two = parts.learner(0), parts.learner(0)
    one.loss.grow(4, generator=torch.Generator().manual_seed(0))
    assert (one.loss.num_classes, two.loss.num_classes, parts.loss.num_classes) == (4, 0, 0)


def test_the_loss_decides_which_network():
    kinds = {
        "triplet": TripletNetwork,
        "contrastive": SiameseNetwork,
        "angular": MetricLearner,
        "center": MetricLearner,
    }
    for loss, kind in kinds.items():
        assert type(make_parts(f"loss={loss}").learner(0)) is kind
    assert make_parts("miner=semihard").learner(0).miner is not None
    assert make_parts().learner(0).miner is None


def test_a_quick_look_takes_few_images_and_resamples():
    from simlearn.tasks.incremental_parts import small_data

    parts = make_parts("evaluation.bootstrap=1000")
    assert parts.small().protocol.bootstrap == 50
    assert parts.small().source is parts.source
    data = patches([3, 70, 41], test=50)
    small = small_data(data)
    assert torch.bincount(small.splits["train"].y).tolist() == [3, 40, 40]
    assert torch.bincount(small.splits["test"].y).tolist() == [40, 40, 40]
    assert len(small.splits["val"]) == 0
    for label in range(3):
        first = data.splits["train"].of([label]).x[:40]
        assert torch.equal(small.splits["train"].of([label]).x, first)
    assert small.facts == {"data": "patches", "images_per_class": "first 40"}
