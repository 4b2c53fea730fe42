"""Replay of generated representations: no image is stored (Huo and van Zyl, arXiv 2110.01303)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from simlearn.backbones.freeze import freeze_below
from simlearn.continual.base import KeepMeans
from simlearn.continual.class_means import class_means
from simlearn.continual.network import (
    FrozenNetwork,
    activations,
    embeddings_from,
    tensor_bytes,
)
from simlearn.continual.sample_bank import SampleBank
from simlearn.data.experiences import Experience
from simlearn.generators.base import RepresentationGenerator
from simlearn.learners.contract import Replay, Step
from simlearn.learners.metric import MetricLearner

New = Literal["real", "generated", "both"]
MakeGenerator = Callable[[Sequence[int]], RepresentationGenerator]


class RepresentationReplay(KeepMeans):
    """Old classes come back as generated activations at a cut and pass through the upper layers.

    After the first experience everything below the cut is frozen, buffers too: the activations
    that a generator has learnt stay those of the network (van de Ven et al. 2020 freeze their
    convolutions likewise). A generator learns every class at the end of its own experience. In the
    experiences that follow, each batch is joined by samples of the old classes, and at the end the
    class means of all old classes are computed anew, from fresh samples through the present upper
    layers. Where all activations that are first learnt are at least 0, as behind a ReLU, samples
    are cut off at 0 too. With augmented images (``data.flip``, ``data.shift``) the generator still
    learns the plain ones. The paper says that its VAEs generate representations that pass through
    the intermediate layers; the cut, the sizes and all values here are ours.

    Args:
        generator: makes an unfitted generator of activations of a shape.
        cut: where representations enter the backbone; before a ReLU a generator sees both signs.
        new: what the new classes of a batch are: "real" activations of their images, "generated"
            ones (a metric loss cannot then tell new from old by their origin), or "both".
        bank: samples of each class that are drawn once per experience and used again and again; 0
            draws fresh ones in every step.
        per_class: replayed samples of each class in a batch; ``None``: as many as there are new.
        distillation: weight of the mean squared distance between a replayed sample's embedding and
            the one that the network before this experience gave it.
        prototype_samples: samples from which the mean of an old class is computed.

    Raises:
        ValueError: a value out of its range.
    """

    replays = True

    def __init__(
        self,
        generator: MakeGenerator,
        cut: str = "conv4",
        new: New = "real",
        bank: int = 1500,
        per_class: int | None = None,
        distillation: float = 1.0,
        prototype_samples: int = 2000,
    ) -> None:
        super().__init__()
        if new not in get_args(New):
            raise ValueError(f"strategy.new is {new!r}, must be one of {', '.join(get_args(New))}")
        for name, value, least in (
            ("bank", bank, 0),
            ("prototype_samples", prototype_samples, 1),
            ("per_class", 2 if per_class is None else per_class, 2),
            ("distillation", distillation, 0),
        ):
            if not value >= least:
                raise ValueError(f"strategy.{name} is {value}, must be at least {least}")
        if cut == "input":
            raise ValueError(
                "strategy.cut is 'input': representations are replayed inside the network, images "
                "are not. Choose one of the backbone's other cuts, or strategy=icarl"
            )
        self.make_generator, self.cut, self.new = generator, cut, new
        self.bank_size, self.per_class = bank, per_class
        self.distillation, self.prototype_samples = distillation, prototype_samples
        self.generator: RepresentationGenerator | None = None
        self.bank: SampleBank | None = None
        self.before: FrozenNetwork | None = None
        self.old = 0

    def source(self, exp: Experience) -> str:
        """The cut, once everything below it is frozen."""
        return self.cut if exp.number else "input"

    def begin(self, learner: MetricLearner, exp: Experience) -> None:
        """From the second experience on: freeze, copy the network, fill the bank.

        Raises:
            ValueError: the backbone has no such cut.
        """
        learner.backbone.position(self.cut)  # told before the first training, not after it
        self.old = len(exp.old)
        freeze_below(learner.backbone, self.cut if exp.number else "input")
        if not exp.number:
            return
        if self.new != "real":
            self._fit(learner, exp)
        if self.distillation:
            self.before = FrozenNetwork(learner)
        if self.bank_size:
            self.bank = SampleBank.draw(
                self._fitted(), self.replayable(), self.bank_size, exp.generator("bank")
            )

    def end(self, learner: MetricLearner, exp: Experience) -> None:
        """Learn the new classes, and take the means of the old ones through the present layers."""
        self.bank = self.before = None
        freeze_below(learner.backbone, self.cut)
        super().end(learner, exp)
        if exp.number == 0 or self.new == "real":
            self._fit(learner, exp)
        if exp.old:
            generator = exp.generator("prototypes")
            means = [self._mean(learner, label, generator) for label in exp.old]
            self.means = torch.cat([*means, self.means[len(exp.old) :]])

    def _mean(self, learner: MetricLearner, label: int, generator: torch.Generator) -> Tensor:
        h, y = self._fitted().sample([label], self.prototype_samples, generator=generator)
        return class_means(embeddings_from(learner, h, self.cut), y, [label])

    def _fit(self, learner: MetricLearner, exp: Experience) -> None:
        h = activations(learner, exp.train, exp.scale, self.cut)
        if self.generator is None:
            self.generator = self.make_generator(h.shape[1:])
            self.generator.nonnegative |= bool((h >= 0).all())
        self.generator.fit(h, exp.train.y, generator=exp.generator("generator"))

    def _fitted(self) -> RepresentationGenerator:
        if self.generator is None:
            raise ValueError("nothing can be replayed before the end of the first experience")
        return self.generator

    def replayable(self) -> tuple[int, ...]:
        """All classes that the generator knows."""
        return self.generator.classes if self.generator is not None else ()

    def replay(
        self, classes: Sequence[int], per_class: int, *, generator: torch.Generator
    ) -> Replay | None:
        """Samples at the cut; of all classes alone where new ones are generated too."""
        if self.bank is not None:
            h, y = self.bank.take(classes, per_class, generator)
        else:
            h, y = self._fitted().sample(classes, per_class, generator=generator)
        return Replay(h, y, self.cut, replace=self.new == "generated")

    def penalty(self, step: Step) -> Tensor:
        """Mean squared distance of replayed old samples from where they lay before."""
        if self.before is None:
            return super().penalty(step)
        replayed = torch.arange(len(step.y), device=step.y.device) >= step.n_new
        rows = replayed & (step.y < self.old)
        if not rows.any():
            return super().penalty(step)
        _, z = self.before.to(step.h.device)(step.h[rows].detach(), step.cut)
        return self.distillation * F.mse_loss(step.z[rows], z, reduction="none").sum(1).mean()

    def memory_bytes(self) -> int:
        """Bytes of the means and of what the generator needs to sample (no encoder)."""
        kept = self.generator.memory_bytes() if self.generator is not None else 0
        return tensor_bytes(self.means) + kept

    def transient_bytes(self) -> int:
        """Bytes of the bank and of the copy of the network."""
        bank = self.bank.bytes() if self.bank is not None else 0
        return bank + (self.before.bytes() if self.before is not None else 0)

    def state_dict(self) -> dict[str, Any]:
        """The means and the generator."""
        state = super().state_dict()
        if self.generator is not None:
            state["shape"] = list(self.generator.shape)
            state["nonnegative"] = self.generator.nonnegative
            state["generator"] = dict(self.generator.state_dict())
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        super().load_state_dict(state)
        self.generator = None
        if "generator" in state:
            self.generator = self.make_generator(state["shape"])
            self.generator.nonnegative = bool(state["nonnegative"])
            self.generator.load_state_dict(state["generator"])
