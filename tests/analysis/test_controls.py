import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.controls import complement, per_modality, random_like
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.neuron_set import NeuronSet

SHAPE = (3, 6)
PAIRS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), max_size=18)


@settings(max_examples=40, deadline=None)
@given(PAIRS, PAIRS, st.integers(0, 99))
def test_random_like_has_as_many_per_layer(text, image, seed):
    neurons = NeuronSet({"text": text, "image": image}, shape=SHAPE, model="ab")
    g = torch.Generator().manual_seed(seed)
    control = random_like(neurons, SHAPE, generator=g)
    assert list(control) == ["random"] and control.shape == SHAPE and control.model == "ab"
    expected = [len({p for p in text + image if p[0] == layer}) for layer in range(3)]
    assert control.per_layer()["random"].tolist() == expected
    again = random_like(neurons, SHAPE, generator=torch.Generator().manual_seed(seed))
    assert again == control


def test_random_like_draws_all_neurons_of_a_layer_alike():
    neurons = NeuronSet({"text": [(1, 0), (1, 1)]}, shape=SHAPE)
    g = torch.Generator().manual_seed(0)
    seen = sum(random_like(neurons, SHAPE, generator=g).mask().long() for _ in range(200))
    assert seen[[0, 2]].sum() == 0
    assert (3 * seen[1] - 200).abs().max() < 3 * 6 * (200 * 2 / 9) ** 0.5
    full = NeuronSet({"text": [(1, n) for n in range(6)]}, shape=SHAPE)
    assert random_like(full, SHAPE, generator=g)["random"].equal(full["text"])


@settings(max_examples=30, deadline=None)
@given(PAIRS, PAIRS)
def test_complement_is_the_rest(text, image):
    neurons = NeuronSet({"text": text, "image": image}, shape=SHAPE)
    rest = complement(neurons, SHAPE)
    every = {(k, n) for k in range(3) for n in range(6)}
    assert {tuple(r) for r in rest["complement"].tolist()} == every - {*text, *image}
    assert list(rest) == ["complement"] and rest.shape == SHAPE


def test_per_modality_leaves_empty_groups_out():
    neurons = NeuronSet({"text": [(0, 1)], "image": [(0, 1), (2, 2)], "audio": []}, shape=SHAPE)
    parts = per_modality(neurons)
    assert list(parts) == ["text", "image"]
    assert parts["image"] == neurons.only("image")


def test_another_shape_is_refused():
    neurons = NeuronSet({"text": [(2, 5)]}, shape=SHAPE)
    g = torch.Generator()
    for call in (lambda n, s: random_like(n, s, generator=g), complement):
        with pytest.raises(AnalysisError, match="3 layers of 6, not 3 of 5: use the model"):
            call(neurons, (3, 5))
        with pytest.raises(AnalysisError, match="no neuron 5 in layer 2"):
            call(NeuronSet({"text": [(2, 5)]}), (3, 5))
        call(NeuronSet({"text": [(2, 5)]}), SHAPE)
