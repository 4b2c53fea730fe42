"""Distillation: how far a network has moved from an older one on the same inputs."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from simlearn.losses.base import positive_number


def embedding_distillation(z: Tensor, old: Tensor) -> Tensor:
    """Mean squared distance ``mean_i ||z_i - old_i||^2``.

    "E-LwF" of Yu et al. (2020), equation 4, as their code has it: squared, but a mean over the rows
    without their factor 1/2 where it sums. The same for features and for codes of them.

    Args:
        z: ``(B, d)`` of the present network, with a graph.
        old: ``(B, d)`` of the older one, taken as a constant.

    Returns:
        A scalar, float32 at least; 0 with a graph for B = 0.

    Raises:
        ValueError: different shapes.
    """
    _check("z", z, old)
    gaps = z.float() if z.dtype.itemsize < 4 else z
    return (gaps - old.detach().to(gaps.dtype)).square().sum() / max(1, len(z))


def softmax_distillation(logits: Tensor, old: Tensor, temperature: float = 2.0) -> Tensor:
    """``T^2 mean_i KL(softmax(old_i / T) || softmax(logits_i / T))``.

    The knowledge distillation of Hinton et al. (2015), with whose T^2 the size of the gradient does
    not depend on the temperature. Li and Hoiem (2016), equation 2, have the cross-entropy instead
    and no T^2: the gradient is theirs times T^2; the value is 0 where both agree.

    Args:
        logits: ``(B, C)`` of the present network, with a graph.
        old: ``(B, C)`` of the older one, taken as a constant.
        temperature: T, above 0; 2 in Li and Hoiem (2016).

    Returns:
        A scalar; 0 with a graph for B = 0 or C = 0.

    Raises:
        ValueError: different shapes, or a temperature that is not above 0.
    """
    _check("logits", logits, old)
    positive_number("temperature", temperature)
    ours = F.log_softmax(logits.float() / temperature, dim=1)
    theirs = F.log_softmax(old.detach().float() / temperature, dim=1)
    divergence = F.kl_div(ours, theirs, reduction="sum", log_target=True)
    return temperature**2 * divergence / max(1, len(logits))


def sigmoid_distillation(logits: Tensor, old: Tensor) -> Tensor:
    """``mean_i sum_c`` cross-entropy of ``sigmoid(logits)`` with ``sigmoid(old)``, less its least.

    The distillation of iCaRL (Rebuffi et al. 2017, algorithm 3), one binary choice per old class,
    computed from logits. The entropy of the targets is taken off, which changes no gradient: the
    value is 0 where both agree.

    Args:
        logits: ``(B, C)`` of the old classes in the present network, with a graph.
        old: ``(B, C)`` in the older one, taken as a constant.

    Returns:
        A scalar; 0 with a graph for B = 0 or C = 0.

    Raises:
        ValueError: different shapes.
    """
    _check("logits", logits, old)
    old = old.detach().float()
    targets = old.sigmoid()
    cross = F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="sum")
    least = F.binary_cross_entropy_with_logits(old, targets, reduction="sum")
    return (cross - least) / max(1, len(logits))


def _check(name: str, new: Tensor, old: Tensor) -> None:
    if new.ndim != 2 or new.shape != old.shape:
        raise ValueError(
            f"{name} must be (B, values) and as many of the older network, found "
            f"{tuple(new.shape)} and {tuple(old.shape)}"
        )
