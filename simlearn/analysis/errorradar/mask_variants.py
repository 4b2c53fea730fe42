"""The masks under which a table is made again: mined neurons, and random ones beside them."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from simlearn.analysis.controls import complement, per_modality, random_like
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.mask_plan import UNION
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.data.randomness import torch_generator

FILE = "neurons.safetensors"
"""What a run of ``task=neurons`` leaves."""


@dataclass(frozen=True, eq=False)
class MaskVariant:
    """A mask of a model's neurons.

    Attributes:
        name: "union", "image", "image random 1", ...; unique.
        group: the mined mask that it is or is a control of: "union" or a modality.
        neurons: what is switched off.
        control_of: name of the mined mask whose size it has; "" for a mined one.
    """

    name: str
    group: str
    neurons: NeuronSet
    control_of: str = ""

    @property
    def fingerprint(self) -> str:
        """16 hex digits of the neurons; two masks of the same ones have the same."""
        rows = self.neurons.union().tolist()
        return hashlib.blake2b(repr(rows).encode(), digest_size=8).hexdigest()


def mask_variants(
    neurons: NeuronSet, shape: tuple[int, int], *, controls: int, seed: int, model: str = ""
) -> list[MaskVariant]:
    """The union, every modality, and random masks with as many neurons in every layer.

    Args:
        neurons: mined; groups without a neuron are passed over, and a single group that has any
            is the union itself.
        shape: layers and neurons of a layer of the model, ``(L, N)``.
        controls: random masks of each, 0 for none; each a function of (seed, group, number).
        seed: of the random masks.
        model: fingerprint of the model; "" leaves the comparison to the moment when the neurons
            are switched off.

    Returns:
        Each mined mask followed by its random ones.

    Raises:
        AnalysisError: neurons of another model or shape, none at all, or a group that is named
            like another mask.
        ValueError: ``controls`` is negative.
    """
    if controls < 0:
        raise ValueError(f"controls is {controls}, must not be negative")
    if model and neurons.model and model != neurons.model:
        raise AnalysisError(
            f"these neurons are of model {neurons.model}, this model is {model}: mine them again "
            "on this model, or load the model that they were mined on"
        )
    if not len(neurons.union()):
        raise AnalysisError(
            "the set holds no neuron: mine again with a larger evaluation.ratio, or leave "
            "evaluation.neurons out"
        )
    complement(neurons, shape)  # raises where a neuron is not in the model
    whole = NeuronSet({UNION: neurons.union()}, shape=neurons.shape, model=neurons.model or model)
    groups = per_modality(neurons)
    found = []
    for group, own in [(UNION, whole), *(groups.items() if len(groups) > 1 else ())]:
        found.append(MaskVariant(group, group, own))
        for number in range(1, controls + 1):
            generator = torch_generator(seed, "random mask", group, number)
            drawn = random_like(own, shape, generator=generator)
            found.append(MaskVariant(f"{group} random {number}", group, drawn, control_of=group))
    double = [name for name, times in Counter(one.name for one in found).items() if times > 1]
    if double:
        raise AnalysisError(
            f"two masks are called {double[0]!r}: mine again with another name of that modality"
        )
    return found


def load_neurons(path: Path | str) -> NeuronSet:
    """The neurons that a finished run of ``task=neurons`` found.

    Args:
        path: the run's folder, or its ``neurons.safetensors``.

    Raises:
        AnalysisError: nothing is there, a folder of something else, or a damaged file.
    """
    path = Path(path).expanduser()
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        what = f"the folder holds no {FILE}" if path.is_dir() else "there is no such file"
        raise AnalysisError(
            f"evaluation.neurons={path}: {what}; give the folder of a finished run of "
            f"task=neurons, or its {FILE}"
        )
    return NeuronSet.load(file)
