"""The squared gradient of a batch's similarity loss, as an importance of the parameters."""

from __future__ import annotations

import torch
from torch import Tensor

from simlearn.continual.per_sample import in_eval_mode, without_fused_recurrence
from simlearn.data.labelled_images import LabelledImages, PixelScale
from simlearn.learners.metric import MetricLearner

ROWS = 32
"""Images in a batch, or twice the number of classes where that is more."""


def batch_loss_fisher(
    learner: MetricLearner,
    images: LabelledImages,
    scale: PixelScale,
    *,
    batches: int,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Mean over balanced batches of the squared gradient of each batch's loss.

    What Yu et al. 2020 ("Semantic Drift Compensation", E-EWC) call the Fisher information, but in
    eval mode. A similarity loss is a function of a batch: this is no mean over samples, it shrinks
    as batches grow, and it counts no tuple of an image with one of another batch. It depends on the
    batches' size, which is why that is fixed here (:data:`ROWS`).

    Args:
        learner: its network, loss and miner; as it was afterwards, also after an error.
        images: N >= 1 of them, with labels.
        scale: from bytes to what the network sees.
        batches: number of them, at least 1.
        generator: draws the batches and whatever the miner draws.

    Returns:
        By name, in the parameters' shapes, of the backbone's and the head's parameters that are
        trained; those of the loss (its own tables of classes) are left out.

    Raises:
        ValueError: no batch, no image, or a learner without a loss.
    """
    if learner.loss is None or batches < 1 or not len(images):
        raise ValueError("the Fisher of a batch's loss needs a loss, an image and a batch")
    parameters = {
        name: p
        for name, p in learner.named_parameters()
        if p.requires_grad and name.startswith(("backbone.", "head."))
    }
    sums = {name: torch.zeros_like(p) for name, p in parameters.items()}
    device = next(learner.parameters()).device
    with in_eval_mode(learner), torch.enable_grad(), without_fused_recurrence(learner):
        for _ in range(batches if parameters else 0):
            part = images.rows(balanced_rows(images.y, ROWS, generator))
            z, y = learner(scale(part.x.to(device))), part.y.to(device)
            tuples = None
            if learner.miner is not None:
                draws = torch.Generator(device).manual_seed(_seed(generator))
                tuples = learner.miner(z.detach(), y, generator=draws)
            value = learner.loss(z, y, tuples).value
            found = torch.autograd.grad(value, list(parameters.values()), allow_unused=True)
            for total, g in zip(sums.values(), found, strict=True):
                if g is not None:
                    total += g.square() / batches
    return sums


def balanced_rows(y: Tensor, rows: int, generator: torch.Generator) -> Tensor:
    """Positions of about ``rows`` samples, equally many of each drawn class, at least two.

    With more than ``rows / 2`` classes so many are drawn; a class with too few samples gives all.

    Args:
        y: ``(N,)`` labels.
        rows: samples wanted, at least 2.
        generator: draws the classes and their samples.
    """
    classes = y.unique()
    order = torch.randperm(len(classes), generator=generator)[: max(1, rows // 2)]
    each = max(2, rows // max(1, len(order)))
    found = []
    for label in classes[order]:
        own = (y == label).nonzero().flatten()
        found.append(own[torch.randperm(len(own), generator=generator)[:each]])
    return torch.cat(found) if found else y.new_zeros(0)


def _seed(generator: torch.Generator) -> int:
    return int(torch.randint(2**62, (), generator=generator))
