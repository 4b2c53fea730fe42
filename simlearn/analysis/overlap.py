"""How many neurons the groups of a set share, against what chance would give."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.neuron_set import NeuronSet

THIRDS = ("low", "middle", "high")
"""The thirds of a model's layers, from its input."""


@dataclass(frozen=True, eq=False)
class Overlap:
    """What ``G`` groups share.

    Attributes:
        names: ``G`` groups.
        counts: int64 ``(G, G)``: neurons that are in both; the group's size on the diagonal.
        jaccard: float64 ``(G, G)`` in [0, 1]: the same over those in either; 0 if there is none.
        expected: float64 ``(G, G)``: counts by chance if each layer's neurons were drawn at random,
            as many as each group has there: sum over layers of ``n_a * n_b / N``, the mean of the
            hypergeometric distribution. On the diagonal: two draws of the group's size.
    """

    names: tuple[str, ...]
    counts: Tensor
    jaccard: Tensor
    expected: Tensor


def overlap_matrix(neurons: NeuronSet) -> Overlap:
    """What the groups of a set share.

    Raises:
        AnalysisError: the set does not know the shape of its model.
    """
    return _overlap(neurons, torch.arange(_shape(neurons)[0]))


def overlap_by_third(neurons: NeuronSet, layers: int | None = None) -> dict[str, Overlap]:
    """The same within the low, middle and high third of the layers.

    Args:
        neurons: the set.
        layers: ``L``; by default that of the set's shape.

    Returns:
        By name of ``THIRDS``. A third without a layer holds zeros.

    Raises:
        AnalysisError: the set does not know its shape, or ``layers`` is not that of the set.
    """
    known = _shape(neurons)[0]
    if layers not in (None, known):
        raise AnalysisError(f"the neurons are of a model with {known} layers, not {layers}")
    third = layer_thirds(known)
    return {name: _overlap(neurons, (third == i).nonzero()[:, 0]) for i, name in enumerate(THIRDS)}


def layer_thirds(layers: int) -> Tensor:
    """Int64 ``(L,)``: 0 low, 1 middle, 2 high, by where the middle of a layer lies.

    The low and the high third have the same number of layers. A single layer is the middle; two
    are low and high.
    """
    return (6 * torch.arange(layers) + 3) // (2 * max(layers, 1))


def _shape(neurons: NeuronSet) -> tuple[int, int]:
    """The shape of the set's model."""
    if neurons.shape is None:
        raise AnalysisError(
            "the set does not know its model's layers and width: NeuronSet(..., shape=(L, N))"
        )
    return neurons.shape


def _overlap(neurons: NeuronSet, layers: Tensor) -> Overlap:
    """The overlap within some layers."""
    shape = _shape(neurons)
    masks = [neurons.only(name).mask()[layers] for name in neurons]
    member = (
        torch.stack(masks) if masks else torch.zeros(0, len(layers), shape[1], dtype=torch.bool)
    )
    flat, per_layer = member.flatten(1).double(), member.sum(2).double()
    counts = flat @ flat.T
    either = counts.diagonal()[:, None] + counts.diagonal() - counts
    return Overlap(
        names=tuple(neurons),
        counts=counts.long(),
        jaccard=counts / either.clamp(min=1),
        expected=per_layer @ per_layer.T / shape[1],
    )
