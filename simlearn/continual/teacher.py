"""The network before an experience, which the one that learns is held to."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from simlearn.continual.network import FrozenNetwork, tensor_bytes
from simlearn.learners.metric import MetricLearner
from simlearn.losses.center import CenterLoss


def softmax_head(learner: MetricLearner) -> nn.Linear | None:
    """The layer from embeddings to class logits, where the learner's loss owns one."""
    return learner.loss.head if isinstance(learner.loss, CenterLoss) else None


class Teacher:
    """A frozen copy of a learner, with the rows of its softmax head that old classes have.

    Args:
        learner: what is copied, as it is now; its head goes on learning.
        classes: K old classes: the first rows of the head.
    """

    def __init__(self, learner: MetricLearner, classes: int) -> None:
        self.network = FrozenNetwork(learner)
        self.head = softmax_head(learner)
        self.rows: tuple[Tensor, Tensor] | None = None
        if self.head is not None:
            weight, bias = self.head.weight.detach(), self.head.bias.detach()
            self.rows = weight[:classes].clone(), bias[:classes].clone()

    def embed(self, h: Tensor, cut: str) -> tuple[Tensor, Tensor]:
        """Features ``(B, dim)`` and embeddings ``(B, d)`` of activations ``h`` at ``cut``.

        Both are constants, by the copy in eval mode, on the device of ``h``.
        """
        f, z = self.network.to(h.device)(h.detach(), cut)
        return f, z

    def logits(self, z: Tensor, old: Tensor) -> tuple[Tensor, Tensor] | None:
        """Logits ``(B, K)`` of the old classes by the present head and by the copied rows.

        Args:
            z: ``(B, d)`` embeddings by the present network.
            old: ``(B, d)`` of the same inputs by the copy.

        Returns:
            Both, the first with a graph; ``None`` for a loss without a softmax head.
        """
        if self.head is None or self.rows is None:
            return None
        weight, bias = (part.to(old.device) for part in self.rows)
        k = len(bias)
        with torch.autocast(z.device.type, enabled=False):
            present = F.linear(z.to(weight.dtype), self.head.weight[:k], self.head.bias[:k])
            return present, F.linear(old.to(weight.dtype), weight, bias).detach()

    def bytes(self) -> int:
        """Bytes of the copies."""
        return self.network.bytes() + tensor_bytes(self.rows)
