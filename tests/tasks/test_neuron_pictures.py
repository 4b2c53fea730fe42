"""The pictures of a search for neurons where no group has any."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from simlearn.analysis.neuron_protocol import NeuronMasks
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.tasks.neuron_pictures import neuron_figures, set_figures

NAMES = ("text", "image")


def results(groups):
    """Random scores of 3 layers of 8 neurons and what was selected, nothing masked."""
    generator = torch.Generator().manual_seed(0)
    return SimpleNamespace(
        scores=torch.rand(1, 5, 2, 3, 8, generator=generator, dtype=torch.float64),
        names=NAMES,
        sets={0.02: NeuronSet(groups, shape=(3, 8))},
        masks=(),
        geometry=None,
        datasets=lambda: iter(()),
    )


def drawn(groups):
    parts = SimpleNamespace(protocol=NeuronMasks(ratio=0.02, ratios=(0.02,)))
    return [figure.name for figure in neuron_figures(parts, results(groups), [])]


def test_layers_and_overlap_are_left_out_where_no_group_has_a_neuron():
    empty = dict.fromkeys(NAMES, torch.zeros(0, 2, dtype=torch.int32))
    assert drawn(empty) == ["score_histogram"]
    one = {**empty, "image": torch.tensor([[0, 1], [2, 3]])}
    assert drawn(one) == ["neuron_layers", "neuron_overlap", "score_histogram"]


def test_groups_without_a_neuron_are_not_named():
    groups = {"text": torch.zeros(0, 2, dtype=torch.int32), "image": torch.tensor([[1, 1]])}
    layers, overlap = set_figures(NeuronSet(groups, shape=(3, 8)), 3, 8, "2 %")
    assert "image 1, most in layer 1" in layers.alt and "text" not in layers.alt + overlap.alt
    assert layers.title == "Selected neurons by layer (2 %)"
