"""Sets of neurons to compare a selection with: random ones, the rest, one modality alone."""

from __future__ import annotations

import torch

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.neuron_set import NeuronSet


def random_like(
    neurons: NeuronSet, shape: tuple[int, int], *, generator: torch.Generator
) -> NeuronSet:
    """As many random neurons per layer as the union of the groups has there.

    Drawn without replacement from all neurons of the layer, those of ``neurons`` among them.

    Args:
        neurons: what is to be matched.
        shape: layers and neurons of a layer, ``(L, N)``.
        generator: on the CPU.

    Returns:
        One group "random", of the same size as ``neurons.union()``.

    Raises:
        AnalysisError: a neuron lies outside ``shape``, or ``shape`` is not that of ``neurons``.
    """
    taken = _mask(neurons, shape).sum(1).tolist()
    rows = []
    for layer, count in enumerate(taken):
        drawn = torch.randperm(shape[1], generator=generator)[:count]
        rows.append(torch.stack([torch.full_like(drawn, layer), drawn], dim=1))
    return NeuronSet({"random": torch.cat(rows)}, shape=shape, model=neurons.model)


def complement(neurons: NeuronSet, shape: tuple[int, int]) -> NeuronSet:
    """Every neuron that is in no group, as one group "complement" (MINER's ``complementary_mask``).

    Args:
        neurons: what is left out.
        shape: layers and neurons of a layer, ``(L, N)``.

    Raises:
        AnalysisError: a neuron lies outside ``shape``, or ``shape`` is not that of ``neurons``.
    """
    rest = (~_mask(neurons, shape)).nonzero()
    return NeuronSet({"complement": rest}, shape=shape, model=neurons.model)


def per_modality(neurons: NeuronSet) -> dict[str, NeuronSet]:
    """Each group that is not empty as a set of its own, by name."""
    return {name: neurons.only(name) for name in neurons if len(neurons[name])}


def _mask(neurons: NeuronSet, shape: tuple[int, int]) -> torch.Tensor:
    """Bool ``shape``: the union, checked."""
    if neurons.shape is not None and neurons.shape != tuple(shape):
        raise AnalysisError(
            f"the neurons are of a model with {neurons.shape[0]} layers of {neurons.shape[1]}, "
            f"not {shape[0]} of {shape[1]}: use the model that they were mined in"
        )
    return neurons.mask(*shape)
