"""Classes of noisy patterns, a small network, a loop by hand, and what the real loop needs."""

from __future__ import annotations

import io

import torch
from torch import Tensor, nn

from simlearn.backbones import ConvNet, LinearHead
from simlearn.continual.class_means import nearest_class
from simlearn.continual.experience_fit import ExperienceTraining
from simlearn.continual.measures import Measures
from simlearn.continual.network import embeddings
from simlearn.data import PKBatches
from simlearn.data.batch import Batch
from simlearn.data.experiences import experiences
from simlearn.data.labelled_images import ClassData, LabelledImages, PixelScale
from simlearn.evaluation import ClassIncremental
from simlearn.generators import VAE, ConditionalVAE, GaussianGenerator
from simlearn.learners import AdamW
from simlearn.learners.metric import MetricLearner
from simlearn.losses import TripletLoss
from simlearn.trainer import Logs, TrainerSettings
from simlearn.trainer.interrupt import StopFlag
from simlearn.trainer.progress import ProgressLine

NAMES = ("ant", "bee", "cat", "dog")
SMALL = {"hidden": (16,), "latent": 3, "epochs": 1, "min_steps": 8, "batch_size": 20}
GENERATORS = {
    "vae": lambda shape: VAE(shape, **SMALL),
    "conditional_vae": lambda shape: ConditionalVAE(shape, **SMALL, embedding=4),
    "gaussian": lambda shape: GaussianGenerator(shape, "diagonal"),
}
"""Quick generators, as a configuration makes them."""


def patterns(per_class=8, seed=0, classes=4):
    """``(classes * per_class, 1, 8, 8)`` bytes: a drawn pattern per class, noise in each image."""
    g = torch.Generator().manual_seed(7)
    means = torch.rand(classes, 1, 8, 8, generator=g) * 160 + 48
    y = torch.arange(classes).repeat_interleave(per_class)
    noise = torch.randn(len(y), 1, 8, 8, generator=torch.Generator().manual_seed(seed)) * 12
    x = (means[y] + noise).clamp(0, 255).to(torch.uint8)
    return LabelledImages(x, y, torch.arange(len(y)))


def class_data(classes=4):
    """Training and test images of the classes."""
    splits = {"train": patterns(seed=1, classes=classes), "test": patterns(5, 2, classes)}
    names = (*NAMES, *map(str, range(len(NAMES), classes)))[:classes]
    return ClassData(splits, names, PixelScale(), "toy", {})


def two_experiences(cumulative=False, seed=3):
    """Two classes, then the two others."""
    return experiences(class_data(), (2, 2), seed=seed, cumulative=cumulative)


def learner(seed=1, normalise=True, norm="group", loss=None):
    """A ConvNet of a tenth of the width with embeddings of eight numbers."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        backbone = ConvNet(width=0.1, in_channels=1, norm=norm)
        head = LinearHead(backbone.dim, 8, normalise=normalise)
    loss = TripletLoss(margin=0.5) if loss is None else loss
    return MetricLearner(backbone, head, loss, AdamW(lr=1e-2), seed=seed)


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


def stream(sizes=(2, 2, 2), cumulative=False, seed=3):
    """Experiences that bring so many classes each."""
    return experiences(class_data(sum(sizes)), sizes, seed=seed, cumulative=cumulative)


def training(folder, facts=None, stop=None, minutes=10.0, every=0, epochs=None, **how):
    """Three steps an experience, unless ``epochs`` are given."""
    return ExperienceTraining(
        trainer=TrainerSettings(
            accelerator="cpu",
            max_epochs=epochs,
            max_steps=how.pop("steps", 3 if epochs is None else None),
            log_every=1,
            checkpoint_minutes=minutes,
            checkpoint_steps=every,
        ),
        folder=folder,
        facts={"data": "toy"} if facts is None else facts,
        seed=3,
        stop=StopFlag() if stop is None else stop,
        line=ProgressLine(io.StringIO()),
        **{
            "batches": PKBatches(classes_per_batch=2, samples_per_class=4),
            "logs": Logs(tensorboard=False),
        }
        | how,
    )


def measures(sizes=(2, 2, 2), diagnostics=False, pictures=(), **protocol):
    """Measures on the toy's test images."""
    data = class_data(sum(sizes))
    what = ClassIncremental(diagnostics=diagnostics, pictures=pictures, **protocol)
    return Measures(data.splits["train"], data.splits["test"], sizes, data.scale, what, seed=3)


def tensors(state):
    """All tensors in nested containers, modules and plain objects."""
    if isinstance(state, Tensor):
        return [state]
    if isinstance(state, nn.Module):
        return list(state.state_dict().values())
    if isinstance(state, dict):
        return [t for value in state.values() for t in tensors(value)]
    if isinstance(state, list | tuple):
        return [t for value in state for t in tensors(value)]
    return tensors(vars(state)) if hasattr(state, "__dict__") and not callable(state) else []


def same(one, two):
    """Whether two nested containers are equal, tensors bit for bit, nan like nan."""
    if isinstance(one, Tensor):
        return isinstance(two, Tensor) and one.dtype == two.dtype and torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[k], two[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two or (one != one and two != two)
