"""The diagonal of the Fisher information, from the gradients of single samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from simlearn.continual.model_gradients import SampleLoss
from simlearn.continual.per_sample import Targets, mean_power, single_target
from simlearn.data.randomness import torch_generator

Kind = Literal["empirical", "sample", "exact"]


def fisher_diagonal(
    model: nn.Module,
    loss_fn: SampleLoss,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    kind: Kind = "empirical",
    generator: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """Mean over samples of the squared gradient of each sample's loss.

    Kirkpatrick et al. 2017 (EWC) use this diagonal; its estimators are compared by van de Ven 2025
    ("On the computation of the Fisher information in continual learning"). Squaring the gradient
    of a batch's mean, as is often done, gives another and much smaller number. How it is computed
    and what is promised about the model: :func:`simlearn.continual.per_sample.mean_power`.

    Args:
        model: gives ``output (B, ...)`` from x; frozen parameters are left out.
        loss_fn: ``(output, labels (B,)) -> (B,)`` losses, such as
            ``F.cross_entropy(output, y, reduction="none")``.
        batches: of inputs ``(B, ...)`` and labels ``(B,)`` int64; their size does not matter.
        kind: "empirical" takes the given labels; "sample" draws one label per sample from the
            model's own distribution, ``softmax(output)`` with output ``(B, C)``; "exact" takes the
            expectation over that distribution, with one backward pass per class.
        generator: draws the labels of "sample", in the order of the samples; without one the
            drawing starts from a fixed seed.

    Returns:
        By the parameters' names, in their shapes, not negative.

    Raises:
        ValueError: an unknown kind, no sample, a loss that is not one number per sample, or an
            output that is not ``(B, C)`` where it is read as logits.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"kind is {kind!r}, must be one of {', '.join(get_args(Kind))}")
    if generator is None:
        generator = torch_generator(0, "fisher_diagonal")
    targets: dict[str, Targets] = {
        "empirical": single_target,
        "sample": lambda output, y: single_target(output, drawn_labels(output, generator)),
        "exact": lambda output, y: every_label(output),
    }
    return mean_power(model, loss_fn, batches, targets[kind], power=2)


def every_label(logits: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Each class as the label of all samples, with its probabilities ``(B,)``.

    Args:
        logits: ``(B, C)``.

    Raises:
        ValueError: another number of axes.
    """
    p = _probabilities(logits)
    rows = torch.arange(p.shape[1], device=p.device)
    return [(label.expand(len(p)), p[:, c]) for c, label in enumerate(rows)]


def drawn_labels(logits: Tensor, generator: torch.Generator) -> Tensor:
    """``(B,)`` int64 labels, one drawn from ``softmax(logits)`` for each row of ``(B, C)``.

    A row takes one number from the generator, so that it does not matter how rows are batched.

    Raises:
        ValueError: another number of axes.
    """
    p = _probabilities(logits)
    u = torch.rand(len(p), dtype=torch.float64, generator=generator, device=generator.device)
    below = p.to(u).cumsum(1)
    return (below / below[:, -1:] <= u[:, None]).sum(1).to(logits.device)


def _probabilities(logits: Tensor) -> Tensor:
    if logits.ndim != 2:
        raise ValueError(
            f"the output is read as logits (B, C), found shape {tuple(logits.shape)}: use "
            "kind='empirical'"
        )
    return logits.softmax(1)
