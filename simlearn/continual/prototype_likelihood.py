"""A likelihood for similarity losses: the class whose mean is near is the likely one."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def prototype_logits(z: Tensor, means: Tensor, tau: float = 1.0) -> Tensor:
    """``(B, K)`` logits ``-||z - mu_c||^2 / tau`` of the classes.

    Their softmax is p(c|x), the classifier of prototypical networks (Snell et al. 2017, equation
    2). Triplet, contrastive and angular losses are functions of a batch and give a single sample no
    likelihood; this one does, from the embeddings that they made.

    Args:
        z: ``(B, d)`` embeddings.
        means: ``(K, d)`` a mean for each class; no class gives no column.
        tau: temperature, above 0.
    """
    return -(z[:, None] - means).square().sum(2) / tau


class PrototypeClassifier(nn.Module):
    """A network that gives :func:`prototype_logits` of images, with class means that stay.

    Its parameters are the network's own, under the names ``backbone.*`` and ``head.*``.

    Args:
        backbone: images to features.
        head: features to embeddings ``(B, d)``.
        means: ``(K, d)``.
        tau: temperature.

    Raises:
        ValueError: a temperature that is not above 0.
    """

    means: Tensor

    def __init__(
        self, backbone: nn.Module, head: nn.Module, means: Tensor, tau: float = 1.0
    ) -> None:
        super().__init__()
        if not tau > 0:
            raise ValueError(f"tau is {tau}, must be above 0")
        self.backbone, self.head, self.tau = backbone, head, tau
        device = next((p.device for p in self.parameters()), torch.device("cpu"))
        self.register_buffer("means", means.to(device))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, K)`` logits of ``(B, ...)`` images."""
        return prototype_logits(self.head(self.backbone(x)), self.means, self.tau)
