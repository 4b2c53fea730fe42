"""Centre loss (Wen, Zhang, Li and Qiao 2016): pull every embedding to the centre of its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from simlearn.data.randomness import torch_generator
from simlearn.losses.base import LossOutput, full_precision, labels_of_batch


def center_loss(z: Tensor, y: Tensor, centers: Tensor) -> LossOutput:
    """``1/2 mean_i ||z_i - centers[y_i]||^2``.

    Equation 2 of Wen et al. (2016) with the mean over the batch in place of the sum, so that the
    value does not grow with the batch. Their softmax loss is a sum too (equation 5): with the mean
    of both, the weight between them is still theirs.

    Args:
        z: ``(B, d)`` embeddings, used as given.
        y: ``(B,)`` integer labels in [0, C).
        centers: ``(C, d)``; a gradient reaches them only where they ask for one.

    Returns:
        The loss; ``total`` is B, ``active`` the samples that are not on their centre. 0 with a
        graph for B = 0.

    Raises:
        ValueError: wrong shapes, or a label without a centre.
    """
    y = labels_of_batch(z, y)
    if centers.ndim != 2 or centers.shape[1] != z.shape[1]:
        raise ValueError(
            f"centers must be (C, d) with d = {z.shape[1]} as z, found {tuple(centers.shape)}"
        )
    check_classes(y, len(centers))
    costs = _costs(full_precision(z), y, centers)
    value = costs.sum() / max(1, len(z))
    return LossOutput(value=value, active=int((costs > 0).sum()), total=len(z))


def check_classes(y: Tensor, num_classes: int) -> None:
    """Check that the labels ``y (B,)`` lie in [0, num_classes).

    Raises:
        ValueError: with the first label that does not.
    """
    y = y.long()
    outside = (y < 0) | (y >= num_classes)
    if outside.any():
        raise ValueError(
            f"label {int(y[outside][0])} is out of range: there are {num_classes} classes, "
            "numbered from 0; grow(n) makes room for more"
        )


def _costs(z: Tensor, y: Tensor, centers: Tensor) -> Tensor:
    """``(B,)`` half squared distances of every sample to the centre of its class."""
    return (z - centers[y].to(z.dtype)).square().sum(dim=1) / 2


class CenterLoss(nn.Module):
    """Softmax cross-entropy of an own linear head plus ``weight`` times :func:`center_loss`.

    Equation 5 of Wen et al. (2016). The head is ``head``, an ``nn.Linear(dim, num_classes)``. The
    centres are no parameters but the buffer ``centers (C, d)``; in training mode every call moves
    them, after the value was computed with the old ones, by equations 4 and 6 of the paper::

        c_j <- c_j - alpha * sum_i [y_i = j] (c_j - z_i) / (1 + sum_i [y_i = j])

    A class that appears for the first time (buffer ``seen (C,)`` bool) starts at its mean in that
    batch, before the value is computed; this start is ours, the paper says none. Nothing moves in
    evaluation mode, under ``torch.inference_mode`` and for embeddings that are not finite. The
    centre of a class that was never seen is 0.

    A state of another number of classes may be loaded: the instance takes the state's shape, and
    an optimiser must be made afterwards, as after :meth:`grow`.

    Args:
        dim: d, the length of an embedding.
        num_classes: C; 0 is allowed, see :meth:`grow`.
        alpha: rate of the centres, in [0, 1].
        weight: lambda of the paper, at least 0.

    Raises:
        ValueError: a value out of its range.
    """

    centers: Tensor
    seen: Tensor

    def __init__(
        self, dim: int, num_classes: int, alpha: float = 0.5, weight: float = 0.003
    ) -> None:
        super().__init__()
        if dim < 1:
            raise ValueError(f"dim is {dim}, must be at least 1")
        if num_classes < 0:
            raise ValueError(f"num_classes is {num_classes}, must not be negative")
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha is {alpha}, must be in [0, 1]")
        if not weight >= 0:
            raise ValueError(f"weight is {weight}, must not be negative")
        self.dim, self.alpha, self.weight = dim, alpha, weight
        rows = max(1, num_classes)  # nn.Linear warns about none
        self.head = nn.Linear(dim, rows)
        self.register_buffer("centers", torch.zeros(rows, dim))
        self.register_buffer("seen", torch.zeros(rows, dtype=torch.bool))
        self._resize(num_classes)

    @property
    def num_classes(self) -> int:
        """C, the classes there are now."""
        return len(self.centers)

    def forward(self, z: Tensor, y: Tensor, tuples: Sequence[Tensor] | None = None) -> LossOutput:
        """Loss of ``z (B, d)`` with labels ``y (B,)`` in [0, C).

        Returns:
            The mean over the batch; ``total`` is B, ``active`` the samples with a loss above 0,
            ``parts`` the unweighted means "softmax" and "center". 0 with a graph for B = 0.

        Raises:
            ValueError: wrong shapes, a label out of range, or ``tuples``.
        """
        if tuples is not None:
            raise ValueError("CenterLoss takes no tuples: it compares samples with centres")
        y = labels_of_batch(z, y)
        if z.shape[1] != self.dim:
            raise ValueError(f"z has {z.shape[1]} values a row, this loss was made for {self.dim}")
        check_classes(y, self.num_classes)
        z = full_precision(z)
        moves = self.training and not torch.is_inference_mode_enabled()
        moves = moves and bool(torch.isfinite(z).all())
        with torch.autocast(z.device.type, enabled=False):
            if moves:
                self._meet(z, y)
            logits = F.linear(z, self.head.weight.to(z.dtype), self.head.bias.to(z.dtype))
            softmax = F.cross_entropy(logits, y, reduction="none")
            center = _costs(z, y, self.centers)
            costs = softmax + self.weight * center
            if moves:
                self._move(z, y)
        n = max(1, len(z))
        return LossOutput(
            value=costs.sum() / n,
            active=int((costs > 0).sum()),
            total=len(z),
            parts={"softmax": softmax.detach().sum() / n, "center": center.detach().sum() / n},
        )

    @torch.no_grad()
    def _meet(self, z: Tensor, y: Tensor) -> None:
        """Start the centres of classes that were never seen at their means."""
        new = ~self.seen[y]
        if not new.any():
            return
        sums = z.new_zeros(self.centers.shape).index_add_(0, y[new], z[new])
        counts = torch.bincount(y[new], minlength=self.num_classes)
        fresh = counts > 0
        self.centers[fresh] = (sums[fresh] / counts[fresh, None]).to(self.centers.dtype)
        self.seen |= fresh

    @torch.no_grad()
    def _move(self, z: Tensor, y: Tensor) -> None:
        """One step of the centres; those of absent classes stay as they are, bit for bit."""
        away = self.centers[y].to(z.dtype) - z
        sums = z.new_zeros(self.centers.shape).index_add_(0, y, away)
        counts = torch.bincount(y, minlength=self.num_classes)
        step = self.alpha * sums / (1 + counts[:, None])
        self.centers.sub_(step.to(self.centers.dtype))

    def grow(self, num_classes: int, *, generator: torch.Generator | None = None) -> None:
        """Make room for ``num_classes`` classes in all; with as many as there are nothing happens.

        The rows of the old classes (head, centres, seen) stay as they are, bit for bit; the centre
        of a new class starts when the class first appears. The head's parameters are replaced: make
        the optimiser afterwards.

        Args:
            num_classes: classes in all, not new ones.
            generator: draws the new rows of the head, uniform in +-1/sqrt(dim) as ``nn.Linear``
                does. By default one whose seed depends on ``num_classes`` alone.

        Raises:
            ValueError: fewer classes than there are.
        """
        have = self.num_classes
        if num_classes < have:
            raise ValueError(f"grow({num_classes}): there are {have} classes, none is taken away")
        if num_classes == have:
            return
        if generator is None:
            generator = torch_generator(0, "CenterLoss.grow", num_classes)
        self._resize(num_classes)
        bound = self.dim**-0.5
        with torch.no_grad():
            for parameter in (self.head.weight, self.head.bias):
                rows = torch.empty(parameter[have:].shape, device=generator.device)
                parameter[have:] = rows.uniform_(-bound, bound, generator=generator)

    def keep(self, num_classes: int) -> None:
        """Give up all classes but the first ``num_classes``; make the optimiser afterwards.

        Raises:
            ValueError: more classes than there are, or a negative number.
        """
        if not 0 <= num_classes <= self.num_classes:
            raise ValueError(f"keep({num_classes}): there are {self.num_classes} classes")
        self._resize(num_classes)

    def _resize(self, num_classes: int) -> None:
        """Cut or lengthen every table where needed; rows beyond the old ones are 0."""
        if num_classes == self.num_classes:
            return
        for parameter in ("weight", "bias"):
            old = getattr(self.head, parameter)
            table = nn.Parameter(_resized(old.detach(), num_classes), old.requires_grad)
            setattr(self.head, parameter, table)
        self.head.out_features = num_classes
        self.centers = _resized(self.centers, num_classes)
        self.seen = _resized(self.seen, num_classes)

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        centers = state_dict.get(prefix + "centers")
        if isinstance(centers, Tensor) and centers.shape[1:] == (self.dim,):
            self._resize(len(centers))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _resized(table: Tensor, rows: int) -> Tensor:
    """The first ``rows`` rows of a table, filled up with zeros where it has fewer."""
    new = table.new_zeros(rows, *table.shape[1:])
    kept = min(rows, len(table))
    new[:kept] = table[:kept]
    return new
