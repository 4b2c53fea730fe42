"""What is measured after an experience, against loops over plain numbers."""

from __future__ import annotations

import math

import pytest
import torch

from simlearn.continual import FineTune, ICaRL, RepresentationReplay
from simlearn.continual.class_means import prototypes_of
from simlearn.continual.measures import PICTURED, Measures
from simlearn.continual.network import activations, embeddings, embeddings_from
from simlearn.data.labelled_images import LabelledImages, PixelScale
from simlearn.data.randomness import derive_seed, torch_generator
from simlearn.evaluation.class_diagnostics import class_diagnostics
from simlearn.evaluation.origin_probe import origin_probe
from simlearn.evaluation.regions import intrusion, neighbour_purity
from tests.continual import toy

SIZES = (2, 1, 1)
TEST = toy.patterns(5, 2)


def replaying(cut="conv4", **how):
    values = {"bank": 0, "prototype_samples": 30, **how}
    return RepresentationReplay(toy.GENERATORS["gaussian"], cut=cut, **values)


def run(strategy, measure, normalise=False, until=3):
    """The experiences by hand, measured after each: the learner and what was found."""
    learner, found = toy.learner(normalise=normalise), []
    learner.strategy = strategy
    for exp in toy.stream(SIZES)[:until]:
        strategy.begin(learner, exp)
        toy.train(learner, exp, steps=2)
        strategy.end(learner, exp)
        found.append(measure(learner, strategy, exp, list(found)))
    return learner, found


def embedded(learner, images):
    with torch.no_grad():
        return learner.eval()(PixelScale()(images.x)).tolist()


def mean_of(rows):
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def right(z, y, means):
    """Whether the nearest of the means has the label, item by item."""
    found = []
    for row, label in zip(z, y, strict=True):
        distances = [math.dist(row, mean) for mean in means]
        found.append(distances.index(min(distances)) == label)
    return found


@pytest.mark.parametrize("strategy", [ICaRL(exemplars=8), FineTune()])
def test_accuracies_of_every_experience_so_far(strategy):
    learner, found = run(strategy, toy.measures(SIZES))
    z, y = embedded(learner, TEST), TEST.y.tolist()
    correct = right(z, y, strategy.prototypes().z.tolist())
    assert found[2]["correct"].tolist() == correct and found[2]["labels"].tolist() == y
    assert sum(correct) > 0 and all(correct) == isinstance(strategy, ICaRL)
    for k, classes in enumerate(((0, 1), (2,), (3,))):
        hits = [c for c, label in zip(correct, y, strict=True) if label in classes]
        assert found[2]["ncm"][k] == pytest.approx(sum(hits) / len(hits))
    assert [f["counts"] for f in found] == [[10], [10, 5], [10, 5, 5]]
    assert [len(f["ncm"]) for f in found] == [1, 2, 3]
    assert [f["labels"].unique().tolist() for f in found] == [[0, 1], [0, 1, 2], [0, 1, 2, 3]]
    for label in range(4):
        mean = mean_of([row for row, other in zip(z, y, strict=True) if other == label])
        assert found[2]["test_means"][label].tolist() == pytest.approx(mean, abs=1e-5)


class Fixed(FineTune):
    """Prototypes that a test chooses."""

    def __init__(self, z, y):
        super().__init__()
        self.z, self.y = z, y

    def prototypes(self):
        return prototypes_of(self.z, self.y)


def by_hand(train, test, sizes, z, y, **protocol):
    """Measures of images that are embedded as their own pixels, with chosen prototypes."""
    what = toy.measures(diagnostics=False, **protocol).protocol
    learner = toy.learner()
    learner.backbone.forward = lambda x: x.flatten(1)
    learner.head = torch.nn.Identity()
    measure = Measures(train, test, sizes, PixelScale(), what, seed=3)
    return learner, Fixed(torch.tensor(z), y), measure


def test_worked_numbers():
    """Three classes on a line: a test image of class 1 lies nearer to 0, one of class 2 to 1."""
    x = torch.tensor([0.0, 1.0, 4.0, 1.9, 6.9, 10.0]).reshape(6, 1, 1, 1)
    images = LabelledImages(x, torch.tensor([0, 0, 1, 1, 2, 2]), torch.arange(6))
    learner, strategy, measure = by_hand(
        images, images, SIZES[:2], [[0.0], [4.0], [10.0]], range(3)
    )
    exp = toy.stream((2, 1))[1]
    found = measure(learner, strategy, exp, [])
    assert found["correct"].tolist() == [True, True, True, False, False, True]
    assert (found["ncm"], found["counts"]) == ([0.75, 0.5], [4, 2])
    assert found["test_means"].flatten().tolist() == pytest.approx([0.5, 2.95, 8.45])
    assert set(found) == {"ncm", "counts", "correct", "labels", "test_means"}


def test_the_real_means_are_those_of_all_training_images_through_the_present_network():
    learner, found = run(FineTune(), toy.measures(SIZES, diagnostics=True, probe=False))
    train = toy.patterns(seed=1)
    z, y = embedded(learner, train), train.y.tolist()
    means = [
        mean_of([row for row, other in zip(z, y, strict=True) if other == label])
        for label in range(4)
    ]
    hits = right(embedded(learner, TEST), TEST.y.tolist(), means)
    assert found[2]["ncm_real"] == pytest.approx(sum(hits) / len(hits))


def test_diagnostics_are_those_of_the_evaluation_room():
    strategy = replaying()
    learner, found = run(strategy, toy.measures(SIZES, diagnostics=True, neighbours=4, svm_folds=3))
    z = embeddings(learner, TEST, PixelScale())
    seed = derive_seed(3, "svm", 2) % 2**31
    for name, value in class_diagnostics(z, TEST.y, folds=3, seed=seed).items():
        assert found[2][name] == value
    old = (0, 1, 2)
    assert found[2]["old_purity"] == neighbour_purity(z, TEST.y, old, k=4)
    assert found[2]["intrusion"] == intrusion(z, TEST.y, strategy.prototypes(), old)
    drift = [
        math.dist(found[1]["test_means"][c].tolist(), found[2]["test_means"][c].tolist())
        for c in old
    ]
    assert found[2]["old_mean_drift"] == pytest.approx(sum(drift) / 3, rel=1e-4)
    assert sum(drift) > 0


def test_nothing_is_said_of_old_classes_before_there_are_any():
    _, found = run(replaying(), toy.measures(SIZES, diagnostics=True), until=2)
    late = {"old_mean_drift", "old_purity", "intrusion", "origin_probe"}
    assert not late & set(found[0])
    assert set(found[1]) - set(found[0]) == late
    assert {"ncm_real", "map_at_r", "recall_at_1", "svm_accuracy"} <= set(found[0])


def test_drift_is_of_the_classes_that_were_measured_before():
    """Where experiences were not measured their classes have no place to have moved from."""
    strategy, learner = FineTune(), toy.learner()
    measure, stream = toy.measures(SIZES, diagnostics=True), toy.stream(SIZES)
    for exp in stream:
        strategy.end(learner, exp)
    before = torch.zeros(2, 8)
    found = measure(learner, strategy, stream[2], [{"test_means": before}])
    away = [float(found["test_means"][c].norm()) for c in (0, 1)]
    assert found["old_mean_drift"] == pytest.approx(sum(away) / 2, rel=1e-5)
    assert math.isnan(measure(learner, strategy, stream[2], [])["old_mean_drift"])


def test_the_probe_compares_generated_activations_with_those_of_test_images():
    strategy = replaying("block2")
    learner, found = run(strategy, toy.measures(SIZES, diagnostics=True))
    generator = torch_generator(3, "probe", 2)
    drawn = strategy.replay((0, 1, 2), 333, generator=generator).h.flatten(1)
    real = activations(learner, TEST.of((0, 1, 2)), PixelScale(), "block2").flatten(1)
    wanted = origin_probe(real, drawn, seed=derive_seed(3, "probe", 2) % 2**31)
    assert found[2]["origin_probe"] == wanted["accuracy"]


@pytest.mark.parametrize(
    ("strategy", "probe"),
    [
        (lambda: ICaRL(exemplars=8), True),
        (FineTune, True),
        (replaying, False),
    ],
)
def test_no_probe_of_images_or_of_nothing_or_unasked(strategy, probe):
    _, found = run(strategy(), toy.measures(SIZES, diagnostics=True, probe=probe), until=2)
    assert "origin_probe" not in found[1] and "intrusion" in found[1]


def test_without_diagnostics_there_is_the_accuracy_alone():
    _, found = run(replaying(), toy.measures(SIZES))
    for entry in found:
        assert set(entry) == {"ncm", "counts", "correct", "labels", "test_means"}


def test_pictures_of_the_experiences_that_are_asked_for():
    strategy = replaying()
    learner, found = run(strategy, toy.measures(SIZES, pictures=(1, 3, 7)))
    assert ["picture" in entry for entry in found] == [True, False, True]
    first, last = found[0]["picture"], found[2]["picture"]
    assert first["y"].tolist() == [0] * 5 + [1] * 5 and not first["hollow"].any()
    assert last["y"].tolist() == TEST.y.tolist() + [c for c in (0, 1, 2) for _ in range(30)]
    assert last["hollow"].tolist() == [False] * 20 + [True] * 90
    z = embeddings(learner, TEST, PixelScale())
    assert torch.equal(last["z"][:20], z)
    drawn = strategy.replay((0, 1, 2), 30, generator=torch_generator(3, "picture", 2))
    assert torch.equal(last["z"][20:], embeddings_from(learner, drawn.h, drawn.cut))


def test_a_picture_of_many_images_holds_the_first_of_each_class():
    assert PICTURED == 60
    test, train = toy.patterns(61, 2), toy.patterns()
    learner, strategy = toy.learner(), FineTune()
    exp = toy.stream((4, 2))[0]
    strategy.end(learner, exp)
    measure = toy.measures((4, 2), pictures=(1,))
    measure = Measures(train, test, (4, 2), PixelScale(), measure.protocol, seed=3)
    found = measure(learner, strategy, exp, [])["picture"]
    assert found["y"].bincount().tolist() == [60] * 4
    z = embeddings(learner, test, PixelScale())
    kept = [row for row in range(244) if row % 61 < 60]
    assert torch.equal(found["z"], z[kept])


def test_stored_images_are_drawn_hollow_too():
    _, found = run(ICaRL(exemplars=8), toy.measures(SIZES, pictures=(2,)), until=2)
    picture = found[1]["picture"]
    assert picture["hollow"].sum() == 2 * 30 and picture["y"][picture["hollow"]].max() == 1


def test_the_learner_is_left_as_it_was():
    strategy, learner = replaying(), toy.learner(norm="batch").train()
    exp = toy.stream(SIZES)[0]
    strategy.begin(learner, exp)
    strategy.end(learner, exp)
    before = {k: v.clone() for k, v in learner.state_dict().items()}
    torch.manual_seed(0)
    state = torch.get_rng_state()
    found = [
        toy.measures(SIZES, diagnostics=True, pictures=(1,))(learner, strategy, exp, [])
        for _ in range(2)
    ]
    assert toy.same(*found)
    assert toy.same(learner.state_dict(), before) and learner.head.training
    assert torch.equal(torch.get_rng_state(), state)


def test_a_strategy_without_prototypes():
    exp = toy.stream(SIZES)[0]
    with pytest.raises(ValueError, match="FineTune has no prototypes after an experience"):
        toy.measures(SIZES)(toy.learner(), FineTune(), exp, [])
