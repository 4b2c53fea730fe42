"""Masks of a table: which there are, that random ones match, names, fingerprints, files."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.errorradar.mask_variants import FILE, load_neurons, mask_variants
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.intervene import deactivate
from simlearn.analysis.neuron_set import NeuronSet
from tests.analysis.small_llava import small_llava

SHAPE = (3, 10)
GROUPS = {"image": [(0, 1), (0, 2), (2, 9)], "text": [(0, 2), (1, 5)], "special": []}


def mined(groups=None, **more):
    return NeuronSet(GROUPS if groups is None else groups, **{"shape": SHAPE, **more})


def planned(neurons=None, *, controls=2, seed=0, **more):
    chosen = mined() if neurons is None else neurons
    return mask_variants(chosen, SHAPE, controls=controls, seed=seed, **more)


def rows_of(variant):
    return {tuple(row) for row in variant.neurons.union().tolist()}


def test_the_union_every_modality_and_their_random_masks():
    found = planned()
    assert [(one.name, one.group, one.control_of) for one in found] == [
        ("union", "union", ""),
        ("union random 1", "union", "union"),
        ("union random 2", "union", "union"),
        ("image", "image", ""),
        ("image random 1", "image", "image"),
        ("image random 2", "image", "image"),
        ("text", "text", ""),
        ("text random 1", "text", "text"),
        ("text random 2", "text", "text"),
    ]
    by_name = {one.name: one for one in found}
    assert rows_of(by_name["union"]) == {(0, 1), (0, 2), (2, 9), (1, 5)}
    assert rows_of(by_name["image"]) == set(GROUPS["image"])
    assert [one.name for one in planned(controls=0)] == ["union", "image", "text"]


def test_a_single_group_is_the_union():
    found = planned(mined({"image": GROUPS["image"], "text": []}), controls=1)
    assert [one.name for one in found] == ["union", "union random 1"]
    assert rows_of(found[0]) == set(GROUPS["image"])


neuron = st.tuples(st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1))
groups = st.dictionaries(
    st.sampled_from(["image", "text", "audio"]), st.lists(neuron, max_size=12), min_size=1
)


@settings(max_examples=60, deadline=None)
@given(groups, st.integers(0, 3), st.integers(0, 2**40))
def test_random_masks_have_as_many_neurons_in_every_layer(drawn, controls, seed):
    if not any(drawn.values()):
        drawn = {"image": [(0, 0)]}
    found = planned(mined(drawn, model="m"), controls=controls, seed=seed)
    by_name = {one.name: one for one in found}
    assert len(by_name) == len(found)
    for one in found:
        assert one.neurons.model == "m" and one.neurons.shape == SHAPE
        if one.control_of:
            match = by_name[one.control_of]
            for layer in range(SHAPE[0]):
                counts = [sum(row[0] == layer for row in rows_of(v)) for v in (one, match)]
                assert counts[0] == counts[1]
    again = planned(mined(drawn, model="m"), controls=controls, seed=seed)
    assert [one.fingerprint for one in again] == [one.fingerprint for one in found]


def test_draws_depend_on_seed_group_and_number_and_on_nothing_else():
    every = {one.name: one.fingerprint for one in planned(controls=3)}
    fewer = {one.name: one.fingerprint for one in planned(controls=1)}
    assert fewer.items() < every.items()
    other = {one.name: one.fingerprint for one in planned(controls=3, seed=1)}
    assert all((every[n] == other[n]) == ("random" not in n) for n in every)
    randoms = [every[name] for name in every if name.startswith("union random")]
    assert len(set(randoms)) == 3


def test_a_fingerprint_is_of_the_neurons_alone():
    one = planned(mined({"image": [(0, 1), (2, 3)]}), controls=0)[0]
    two = planned(mined({"a": [(2, 3)], "b": [(0, 1), (2, 3)]}), controls=0)[0]
    assert one.fingerprint == two.fingerprint and len(one.fingerprint) == 16
    three = planned(mined({"a": [(2, 4)], "b": [(0, 1), (2, 3)]}), controls=0)[0]
    assert three.fingerprint != one.fingerprint


@pytest.mark.parametrize(
    ("neurons", "more", "text"),
    [
        (mined({"image": []}), {}, "no neuron.*evaluation.ratio"),
        (mined({}), {}, "no neuron"),
        (mined({"a": [(0, 99)]}, shape=None), {}, "99"),
        (mined(shape=(3, 11)), {"controls": 0}, "3 layers of 11, not 3 of 10"),
        (mined(model="old"), {"model": "new"}, "of model old, this model is new"),
        (mined({"union": [(0, 1)], "a": [(1, 1)]}), {}, "two masks are called 'union'"),
        (mined({"a random 1": [(0, 1)], "a": [(1, 1)]}), {}, "are called 'a random 1'"),
    ],
)
def test_what_does_not_fit_is_refused(neurons, more, text):
    with pytest.raises(AnalysisError, match=text):
        planned(neurons, **more)


def test_a_negative_number_of_controls():
    with pytest.raises(ValueError, match="controls is -1"):
        planned(controls=-1)


def test_neurons_come_from_a_file_or_a_run(tmp_path):
    mined(model="abc").save(tmp_path / FILE)
    for path in (tmp_path, tmp_path / FILE, str(tmp_path)):
        assert load_neurons(path) == mined(model="abc")


def test_what_is_no_run_is_named(tmp_path):
    with pytest.raises(AnalysisError, match=f"the folder holds no {FILE}.*task=neurons"):
        load_neurons(tmp_path)
    with pytest.raises(AnalysisError, match="there is no such file"):
        load_neurons(tmp_path / "nowhere")
    (tmp_path / FILE).write_bytes(b"\0" * 50)
    with pytest.raises(AnalysisError, match="damaged"):
        load_neurons(tmp_path)


def test_neurons_of_another_model_are_refused_when_they_are_switched_off():
    adapter = small_llava()
    neurons = NeuronSet({"image": [(0, 1)]}, shape=adapter.shape, model="0123456789abcdef")
    (one,) = mask_variants(neurons, adapter.shape, controls=0, seed=0)
    with (
        pytest.raises(AnalysisError, match="of model 0123456789abcdef"),
        deactivate(adapter, one.neurons),
    ):
        pass
    own = NeuronSet({"image": [(0, 1)]}, shape=adapter.shape, model=adapter.fingerprint)
    (one,) = mask_variants(own, adapter.shape, controls=0, seed=0, model=adapter.fingerprint)
    with deactivate(adapter, one.neurons):
        assert torch.equal(one.neurons.union(), own["image"])
