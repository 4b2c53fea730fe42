"""Four classes of noisy patterns in two experiences, a small network, a loop by hand."""

from __future__ import annotations

import torch

from simlearn.backbones import ConvNet, LinearHead
from simlearn.continual.class_means import nearest_class
from simlearn.continual.network import embeddings
from simlearn.data.batch import Batch
from simlearn.data.experiences import experiences
from simlearn.data.labelled_images import ClassData, LabelledImages, PixelScale
from simlearn.learners.metric import MetricLearner
from simlearn.losses import TripletLoss

NAMES = ("ant", "bee", "cat", "dog")


def patterns(per_class=8, seed=0):
    """``(4 * per_class, 1, 8, 8)`` bytes: one drawn pattern per class under noise of each image."""
    g = torch.Generator().manual_seed(7)
    means = torch.rand(len(NAMES), 1, 8, 8, generator=g) * 160 + 48
    y = torch.arange(len(NAMES)).repeat_interleave(per_class)
    noise = torch.randn(len(y), 1, 8, 8, generator=torch.Generator().manual_seed(seed)) * 12
    x = (means[y] + noise).clamp(0, 255).to(torch.uint8)
    return LabelledImages(x, y, torch.arange(len(y)))


def class_data():
    """Training and test images of the four classes."""
    splits = {"train": patterns(seed=1), "test": patterns(seed=2)}
    return ClassData(splits, NAMES, PixelScale(), "toy", {})


def two_experiences(cumulative=False, seed=3):
    """Two classes, then the two others."""
    return experiences(class_data(), (2, 2), seed=seed, cumulative=cumulative)


def learner(seed=1, normalise=True, norm="group"):
    """A ConvNet of a tenth of the width with embeddings of eight numbers."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        backbone = ConvNet(width=0.1, in_channels=1, norm=norm)
        head = LinearHead(backbone.dim, 8, normalise=normalise)
    return MetricLearner(backbone, head, TripletLoss(margin=0.5), seed=seed)


def train(learner, exp, steps=4, lr=0.05):
    """Steps on all images of an experience, one after the other."""
    optimizer = torch.optim.SGD(learner.parameters(), lr=lr)
    x, y = (torch.cat(column) for column in zip(*exp.batches(), strict=True))
    none = torch.full_like(y, -1)
    batch = Batch(x=x, y=y, group=none, index=exp.train.index)
    learner.train()
    for _ in range(steps):
        optimizer.zero_grad()
        learner.training_step(batch, 0)["loss"].backward()
        optimizer.step()


def live(strategy, learner, steps=4, until=2):
    """The experiences one after the other, as the loop calls a strategy; None where it holds."""
    learner.strategy = strategy
    for exp in two_experiences(strategy.cumulative)[:until]:
        strategy.begin(learner, exp)
        if strategy.trains(exp):
            train(learner, exp, steps)
        strategy.end(learner, exp)
    return strategy


def true_means(learner, classes=range(4)):
    """``(K, d)`` means of the training images through the network as it is, at unit length."""
    images = patterns(seed=1)
    z = embeddings(learner, images, PixelScale())
    means = torch.stack([z[images.y == label].mean(dim=0) for label in classes])
    return means / means.norm(dim=1, keepdim=True)


def accuracy(strategy, learner, classes):
    """Share of the test images of ``classes`` whose nearest class mean is their own."""
    images = patterns(seed=2).of(classes)
    z = embeddings(learner, images, PixelScale())
    return float((nearest_class(z, strategy.prototypes()) == images.y).float().mean())
