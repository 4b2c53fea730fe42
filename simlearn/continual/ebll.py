"""Encoder-based lifelong learning (Rannen Triki et al. 2017), for networks that embed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from simlearn.continual.distillation import embedding_distillation
from simlearn.continual.lwf import LwF
from simlearn.continual.network import FrozenNetwork
from simlearn.continual.under_complete import Encoder, code_size, encode, fit_encoder
from simlearn.data.experiences import Experience
from simlearn.data.randomness import derive_seed
from simlearn.learners.contract import Step
from simlearn.learners.metric import MetricLearner

LEAST = {"alpha": 0, "code": 1, "steps": 0, "batch": 2, "reconstruction": 0, "warmup": 0}


class EBLL(LwF):
    """Hold those directions of the features that earlier experiences need.

    At the end of an experience an under-complete autoencoder is fitted to the features of its
    images, such that the head still does the task on what it gives back; the paper's task loss on
    class scores becomes the learner's metric loss on ``head(r(f))``. Only the encoder is kept. From
    then on the penalty is that of :class:`LwF` and, for every earlier encoder::

        alpha * mean_i || encode_k(f_i) - encode_k(f_i before the experience) ||^2

    The paper first trains the new task's head alone, the rest frozen. A metric learner has one head
    for all experiences, so ``warmup`` is 0 by default; where it is not, in the first ``warmup``
    steps of each experience but the first no gradient passes from the features to the backbone.
    Unlike in the paper, weight decay and the statistics of batch norms go on in these steps.

    Args:
        alpha: weight of the code loss, at least 0; 0.1 in the paper's demonstration code.
        code: values of a code, 100 in the paper and 300 for ImageNet; at most half as many as there
            are features.
        weight: of the distillation, see :class:`LwF`.
        temperature: see :class:`LwF`.
        steps: of Adam for an autoencoder.
        batch: images of such a step.
        reconstruction: weight of the squared error of the standardised features; the value is ours.
        warmup: steps at the beginning of an experience in which the backbone stays as it is.

    Attributes:
        encoders: one per experience that is complete.

    Raises:
        ValueError: a value out of its range.
    """

    def __init__(
        self,
        alpha: float = 0.1,
        code: int = 100,
        weight: float = 1.0,
        temperature: float = 2.0,
        steps: int = 500,
        batch: int = 128,
        reconstruction: float = 0.1,
        warmup: int = 0,
    ) -> None:
        super().__init__(weight, temperature)
        self.alpha, self.code, self.steps, self.batch = alpha, code, steps, batch
        self.reconstruction, self.warmup = reconstruction, warmup
        for name, least in LEAST.items():
            if not getattr(self, name) >= least:
                raise ValueError(
                    f"strategy.{name} is {getattr(self, name)}, must be at least {least}"
                )
        self.encoders: list[Encoder] = []
        self.learner: MetricLearner | None = None

    def begin(self, learner: MetricLearner, exp: Experience) -> None:
        """From the second experience on: copy the network as it is before the first step."""
        super().begin(learner, exp)
        self.learner = learner
        self.encoders = _moved(self.encoders, next(learner.parameters()).device)

    def end(self, learner: MetricLearner, exp: Experience) -> None:
        """Keep the means of the new classes and the encoder of their features."""
        self.learner = None
        super().end(learner, exp)
        network = FrozenNetwork(learner)
        device = next(learner.parameters()).device
        f = torch.cat([network(x.to(device), "input")[0] for x, _ in exp.batches()])
        encoder = fit_encoder(
            f,
            exp.train.y.to(device),
            _task_loss(learner, network.head, exp),
            code=code_size(self.code, f.shape[1]),
            steps=self.steps,
            batch=self.batch,
            reconstruction=self.reconstruction,
            generator=exp.generator("autoencoder"),
        )
        self.encoders = _moved([*self.encoders, encoder], torch.device("cpu"))

    def penalty(self, step: Step) -> Tensor:
        """Distillation and code losses over all rows of the batch; 0 in the first experience."""
        if self.teacher is None:
            return super().penalty(step)
        if self._warming() and step.f.requires_grad:
            step.f.register_hook(torch.zeros_like)
        f, z = self.teacher.embed(step.h, step.cut)
        value = self.distillation(self.teacher, step.z, z)
        for encoder in self.encoders:
            codes = embedding_distillation(encode(step.f, encoder), encode(f, encoder))
            value = value + self.alpha * codes
        return value

    def _warming(self) -> bool:
        """Whether this is one of the first steps; a resumed run counts on where it stopped."""
        return self.learner is not None and self.learner.global_step < self.warmup

    def state_dict(self) -> dict[str, Any]:
        """The means and the encoders."""
        return {**super().state_dict(), "encoders": [dict(e) for e in self.encoders]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        super().load_state_dict(state)
        self.encoders = [dict(e) for e in state["encoders"]]


def _moved(encoders: Sequence[Encoder], device: torch.device) -> list[Encoder]:
    """The encoders on a device, where a step finds them."""
    return [{name: v.to(device) for name, v in encoder.items()} for encoder in encoders]


def _task_loss(
    learner: MetricLearner, head: nn.Module, exp: Experience
) -> Callable[[Tensor, Tensor, int], Tensor]:
    """The learner's loss on embeddings of features; nothing that belongs to the learner moves."""
    if learner.loss is None:
        raise ValueError("EBLL fits autoencoders by the learner's loss: give the learner a loss")
    loss = deepcopy(learner.loss)
    if isinstance(loss, nn.Module):
        loss.requires_grad_(False).eval()

    def task_loss(f: Tensor, y: Tensor, step: int) -> Tensor:
        z, tuples = head(f), None
        if learner.miner is not None:
            generator = torch.Generator(device=z.device)
            generator.manual_seed(derive_seed(exp.seed, "autoencoder miner", exp.number, step))
            tuples = learner.miner(z.detach(), y, generator=generator)
        devices = [z.device] if z.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):  # of what the loss draws
            torch.manual_seed(derive_seed(exp.seed, "autoencoder loss", exp.number, step))
            return loss(z, y, tuples).value

    return task_loss
