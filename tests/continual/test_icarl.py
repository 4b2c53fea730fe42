"""iCaRL: which images are kept, what is replayed, what is held, where prototypes lie."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from simlearn.continual.distillation import embedding_distillation, sigmoid_distillation
from simlearn.continual.herding_order import herding
from simlearn.continual.icarl import ICaRL
from simlearn.continual.network import embeddings
from simlearn.data.labelled_images import LabelledImages, PixelScale
from simlearn.learners.contract import Step
from simlearn.losses import CenterLoss
from tests.continual import toy

IMAGE = 64  # bytes of one


def step_of(learner, x, y, n_new):
    h = learner.backbone.low(x, "input")
    f = learner.backbone.high(h, "input")
    return Step(h, f, y, learner.head(f), "input", n_new)


def wanted_exemplars(learner, label, m):
    images = toy.patterns(seed=1).of([label])
    z = F.normalize(embeddings(learner, images, PixelScale()), dim=1)
    return images.x[herding(z, m)]


@pytest.mark.parametrize("normalise", [True, False])
def test_exemplars_are_herded_on_unit_embeddings(normalise):
    learner = toy.learner(normalise=normalise)
    strategy = toy.live(ICaRL(exemplars=10), learner, until=1)
    for label in (0, 1):
        assert torch.equal(strategy.memory.images[label], wanted_exemplars(learner, label, 5))
    assert strategy.memory.images[0].dtype == torch.uint8


def test_old_classes_lose_the_tail_and_new_ones_are_herded_by_the_new_network():
    learner = toy.learner()
    strategy = toy.live(ICaRL(exemplars=10), learner, until=1)
    first = [x.clone() for x in strategy.memory.images]
    exp = toy.two_experiences()[1]
    strategy.begin(learner, exp)
    toy.train(learner, exp)
    strategy.end(learner, exp)
    for label in (0, 1):
        assert torch.equal(strategy.memory.images[label], first[label][:2])
    for label in (2, 3):
        assert torch.equal(strategy.memory.images[label], wanted_exemplars(learner, label, 2))


@pytest.mark.parametrize("normalise", [True, False])
def test_prototypes_are_means_of_exemplars_through_the_present_network(normalise):
    learner = toy.learner(normalise=normalise)
    strategy = toy.live(ICaRL(exemplars=12), learner)
    found = strategy.prototypes()
    assert found.y.tolist() == [0, 1, 2, 3]
    for label, x in enumerate(strategy.memory.images):
        with torch.no_grad():
            mean = learner.eval()(PixelScale()(x)).mean(dim=0)
        assert torch.allclose(found.z[label], mean / mean.norm() if normalise else mean, atol=1e-5)
    assert toy.accuracy(strategy, learner, range(4)) > 0.9


def test_replay_is_of_stored_images_as_the_network_sees_them():
    learner = toy.learner()
    strategy = toy.live(ICaRL(exemplars=6), learner, until=1)
    strategy.begin(learner, toy.two_experiences()[1])
    assert strategy.replayable() == (0, 1) and ICaRL.replays
    drawn = strategy.replay([1, 0], 5, generator=torch.Generator().manual_seed(0))
    assert (drawn.cut, drawn.replace, drawn.y.tolist()) == ("input", False, [1] * 5 + [0] * 5)
    assert drawn.h.shape == (10, 1, 8, 8) and drawn.h.dtype == torch.float32
    for row, label in zip(drawn.h, drawn.y.tolist(), strict=True):
        stored = (strategy.memory.images[label].float() / 255 - 0.5) / 0.5
        assert (stored - row).abs().flatten(1).amax(dim=1).min() < 1e-6


def test_new_rows_come_first_and_the_replayed_after_them():
    learner = toy.learner()
    strategy = toy.live(ICaRL(exemplars=6, per_class=3), learner, until=1)
    strategy.begin(learner, toy.two_experiences()[1])
    steps = []
    penalty = strategy.penalty
    strategy.penalty = lambda step: steps.append(step) or penalty(step)
    toy.train(learner, toy.two_experiences()[1], steps=1)
    assert steps[0].n_new == 16
    assert steps[0].y.tolist() == [2] * 8 + [3] * 8 + [0] * 3 + [1] * 3


def test_the_penalty_holds_new_and_replayed_rows_to_the_network_before():
    learner = toy.learner()
    strategy = toy.live(ICaRL(exemplars=8, weight=0.25), learner, until=1)
    exp = toy.two_experiences()[1]
    strategy.begin(learner, exp)
    images = toy.patterns(seed=4)
    x = PixelScale()(images.x)
    with torch.no_grad():
        old = learner.eval()(x)
    toy.train(learner, exp)
    step = step_of(learner.eval(), x, images.y, 16)
    value = strategy.penalty(step).item()
    assert value == pytest.approx(0.25 * embedding_distillation(step.z, old).item())
    assert value > 0.001
    strategy.end(learner, exp)
    assert float(strategy.penalty(step)) == 0


def test_logits_of_old_classes_are_distilled_through_sigmoids_where_there_is_a_head():
    learner = toy.learner()
    learner.loss = CenterLoss(8, 2)
    strategy = toy.live(ICaRL(exemplars=8), learner, until=1)
    learner.loss.grow(4)
    strategy.begin(learner, toy.two_experiences()[1])
    images = toy.patterns()
    step = step_of(learner.eval(), PixelScale()(images.x), images.y, 16)
    head = learner.loss.head
    old = head(step.z)[:, :2].detach()
    with torch.no_grad():
        head.bias += torch.tensor([2.0, -1.0, 3.0, 3.0])
    wanted = sigmoid_distillation(old + torch.tensor([2.0, -1.0]), old)
    assert strategy.penalty(step).item() == pytest.approx(wanted.item(), rel=1e-4)


def test_bytes_are_those_of_the_images_and_the_means():
    strategy = toy.live(ICaRL(budget_bytes=7 * IMAGE + 5), toy.learner())
    assert strategy.memory.bytes() == 4 * 1 * IMAGE
    assert strategy.memory_bytes() == 4 * IMAGE + 4 * 8 * 4


def test_the_copy_is_transient():
    learner = toy.learner()
    strategy = toy.live(ICaRL(exemplars=8), learner, until=1)
    assert strategy.transient_bytes() == 0
    strategy.begin(learner, toy.two_experiences()[1])
    assert strategy.transient_bytes() > 4 * sum(p.numel() for p in learner.head.parameters())


def test_a_budget_that_will_not_do_is_refused_before_the_training():
    learner = toy.learner()
    strategy = toy.live(ICaRL(exemplars=3), learner, until=1)
    exp, before = toy.two_experiences()[1], [x.clone() for x in strategy.memory.images]
    for moment in (strategy.begin, strategy.end):
        with pytest.raises(ValueError, match="strategy.exemplars is 3: .* each of 4 classes"):
            moment(learner, exp)
    assert [len(x) for x in strategy.memory.images] == [1, 1]
    assert all(torch.equal(a, b) for a, b in zip(strategy.memory.images, before, strict=True))


def test_a_class_with_few_images_keeps_them_all():
    learner = toy.learner()
    exp = toy.two_experiences()[0]
    images = exp.train.rows(torch.tensor([0, 1, 2, 8, 9, 10, 11, 12]))
    strategy = ICaRL(exemplars=8)
    strategy.begin(learner, exp.with_train(images))
    strategy.end(learner, exp.with_train(images))
    assert [len(x) for x in strategy.memory.images] == [3, 4]
    x, _ = strategy.memory.draw([0], 7, generator=torch.Generator().manual_seed(0))
    assert len(x) == 7


def test_features_instead_of_images_are_kept_as_they_are():
    """Data may hold float features; the memory then counts four bytes for each number."""
    exp = toy.two_experiences()[0]
    x = PixelScale()(exp.train.x)
    strategy = ICaRL(exemplars=4)
    strategy.end(toy.learner(), exp.with_train(LabelledImages(x, exp.train.y, exp.train.index)))
    assert strategy.memory.bytes() == 4 * IMAGE * 4


def test_state_goes_through_and_the_stream_goes_on_the_same():
    learner = toy.learner()
    strategy = toy.live(ICaRL(exemplars=8), learner, until=1)
    other = ICaRL(exemplars=8)
    other.load_state_dict(strategy.state_dict())
    exp = toy.two_experiences()[1]
    draws = []
    for one in (strategy, other):
        one.begin(learner, exp)
        draws.append(one.replay([0, 1], 3, generator=torch.Generator().manual_seed(2)).h)
        one.end(learner, exp)
    assert torch.equal(*draws)
    assert torch.equal(strategy.prototypes().z, other.prototypes().z)


def test_the_papers_budget_is_the_default():
    assert ICaRL().memory.exemplars == 2000
    assert ICaRL(budget_bytes=100).memory.exemplars is None


def test_errors():
    with pytest.raises(ValueError, match="exemplars is 5 and budget_bytes 9: give exactly one"):
        ICaRL(exemplars=5, budget_bytes=9)
    with pytest.raises(ValueError, match="strategy.weight is nan"):
        ICaRL(weight=float("nan"))
    with pytest.raises(ValueError, match="strategy.per_class is 1, must be at least 2"):
        ICaRL(per_class=1)
