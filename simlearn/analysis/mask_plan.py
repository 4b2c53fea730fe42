"""Which masks are laid over a model: mined ones by group and ratio, each beside random ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from simlearn.analysis.aggregate import WEIGHTS, aggregate_scores
from simlearn.analysis.controls import complement, per_modality, random_like
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.neuron_protocol import NeuronMasks
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.analysis.selection import ratio_sweep, select_neurons
from simlearn.data.randomness import torch_generator

UNION, COMPLEMENT, ONLY = "union", "complement", "mined on "


@dataclass(frozen=True, eq=False)
class PlannedMask:
    """A mined mask and its controls.

    Attributes:
        group: "union", a modality, "complement", or "mined on <data set>".
        ratio: share of the neurons that the selection was asked for.
        neurons: what is masked.
        controls: random masks with as many neurons in every layer; none for the complement.
    """

    group: str
    ratio: float
    neurons: NeuronSet
    controls: tuple[NeuronSet, ...]

    @property
    def name(self) -> str:
        """For a file: ASCII letters, digits, "-" and "_"; a data set's with a digest of its own."""
        group = "".join(c if c.isascii() and c.isalnum() else "_" for c in self.group)[:80]
        if self.group.startswith(ONLY):
            group += f"-{hashlib.blake2b(self.group.encode(), digest_size=4).hexdigest()}"
        return f"{group}-{str(self.ratio).replace('.', '_')}"


def plan_masks(
    scores: Tensor,
    datasets: Sequence[str],
    names: Sequence[str],
    protocol: NeuronMasks,
    *,
    model: str,
    seed: int,
) -> tuple[dict[float, NeuronSet], list[PlannedMask]]:
    """Select neurons at every ratio and list the masks to be scored.

    Args:
        scores: ``(D, 5, M, L, N)`` of :func:`simlearn.analysis.mining.dataset_scores`.
        datasets: names of the ``D`` data sets.
        names: of the ``M`` modalities.
        protocol: weights, strategy, ratios and controls.
        model: the model's fingerprint.
        seed: of the random masks, each a function of (seed, group, ratio, number).

    Returns:
        The selected sets by ratio, and the masks: at each ratio the union and every modality, at
        the main ratio the complement and what each data set alone selects.

    Raises:
        AnalysisError: no modality occurred, or the main ratio selects no neuron.
    """
    shape = (int(scores.shape[-2]), int(scores.shape[-1]))
    weights = WEIGHTS[protocol.weights]
    sets = ratio_sweep(
        aggregate_scores(scores, weights),
        protocol.ratios,
        protocol.strategy,
        names=names,
        model=model,
    )

    def planned(group: str, ratio: float, neurons: NeuronSet, controls: int) -> PlannedMask:
        return PlannedMask(
            group,
            ratio,
            neurons,
            tuple(
                random_like(
                    neurons,
                    shape,
                    generator=torch_generator(seed, "random mask", group, f"{ratio:g}", number),
                )
                for number in range(controls)
            ),
        )

    masks = []
    for ratio, neurons in sets.items():
        masks.append(planned(UNION, ratio, neurons, protocol.controls))
        modalities = per_modality(neurons)
        for group, own in modalities.items() if len(modalities) > 1 else ():
            masks.append(planned(group, ratio, own, protocol.controls))
    chosen = sets[protocol.ratio]
    if not len(chosen.union()):
        raise AnalysisError(
            f"evaluation.ratio={protocol.ratio} selects none of the model's {shape[0]} x "
            f"{shape[1]} neurons by {protocol.strategy} over {len(names)} modalities: use a larger "
            "one"
        )
    if protocol.complement:
        masks.append(planned(COMPLEMENT, protocol.ratio, complement(chosen, shape), 0))
    if protocol.transfer and len(datasets) > 1:
        for d, dataset in enumerate(datasets):
            alone = aggregate_scores(scores[d : d + 1], weights)
            neurons = select_neurons(
                alone, protocol.ratio, protocol.strategy, names=names, model=model
            )
            masks.append(planned(f"{ONLY}{dataset}", protocol.ratio, neurons, protocol.controls))
    return sets, [mask for mask in masks if len(mask.neurons.union())]
