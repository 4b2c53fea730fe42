import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import numpy as plain

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.neuron_set import FORM, NeuronSet
from simlearn.analysis.tensor_file import write_tensors

SHAPE = (3, 5)
PAIRS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), max_size=10)
GROUPS = st.dictionaries(st.sampled_from(["text", "image", "audio"]), PAIRS)


def example():
    return NeuronSet(
        {"text": [(2, 1), (0, 3), (0, 3)], "image": [(0, 3), (1, 0)], "audio": []},
        shape=SHAPE,
        model="0123456789abcdef",
    )


def as_sets(neurons):
    return {name: {tuple(r) for r in rows.tolist()} for name, rows in neurons.items()}


def test_rows_are_sorted_unique_int32():
    neurons = example()
    assert list(neurons) == ["text", "image", "audio"] and len(neurons) == 3
    assert neurons["text"].tolist() == [[0, 3], [2, 1]]
    assert neurons["audio"].shape == (0, 2)
    assert all(rows.dtype == torch.int32 for rows in neurons.values())
    assert repr(neurons) == "NeuronSet(text 2, image 2, audio 0 of 3 x 5)"
    assert repr(NeuronSet({})) == "NeuronSet(no group)"


def test_nothing_can_be_changed():
    given_rows = torch.tensor([[0, 1]], dtype=torch.int32)
    neurons = NeuronSet({"text": given_rows})
    given_rows += 1
    neurons["text"].fill_(4)
    for rows in neurons.values():
        rows.fill_(4)
    assert neurons["text"].tolist() == [[0, 1]]
    with pytest.raises(TypeError):
        neurons["text"] = given_rows
    with pytest.raises(TypeError):
        hash(neurons)


@settings(max_examples=50, deadline=None)
@given(GROUPS, GROUPS)
def test_algebra_is_that_of_sets(a, b):
    first, second = NeuronSet(a, shape=SHAPE), NeuronSet(b, shape=SHAPE)
    sa, sb = as_sets(first), as_sets(second)
    none = set()
    assert as_sets(first & second) == {n: sa[n] & sb[n] for n in sa if n in sb}
    assert as_sets(first | second) == {n: sa.get(n, none) | sb.get(n, none) for n in {*sa, *sb}}
    assert as_sets(first - second) == {n: sa[n] - sb.get(n, none) for n in sa}
    assert (first & second) == (second & first) and (first | second) == (second | first)
    union = [tuple(r) for r in first.union().tolist()]
    assert union == sorted(set().union(*sa.values()))
    mask = first.mask()
    assert mask.shape == SHAPE and [tuple(p) for p in mask.nonzero().tolist()] == union
    assert first.share() == pytest.approx(len(union) / 15)
    for name, counts in first.per_layer().items():
        assert counts.tolist() == [sum(p[0] == layer for p in sa[name]) for layer in range(3)]
    names, jaccard = first.jaccard()
    for i, x in enumerate(names):
        for j, y in enumerate(names):
            whole = len(sa[x] | sa[y])
            assert float(jaccard[i, j]) == (len(sa[x] & sa[y]) / whole if whole else 0)


def test_shape_and_model_are_carried_and_checked():
    plain_set = NeuronSet({"text": [(0, 1)]})
    both = plain_set | example()
    assert both.shape == SHAPE and both.model == "0123456789abcdef"
    assert example().only("image").model == "0123456789abcdef"
    other = NeuronSet({"text": []}, model="f" * 16)
    with pytest.raises(AnalysisError, match="two models: model 0123456789abcdef and ffff"):
        example() & other
    with pytest.raises(AnalysisError, match=r"two models: shape \(3, 5\) and \(3, 6\)"):
        example() - NeuronSet({}, shape=(3, 6))
    with pytest.raises(AnalysisError, match="not with dict"):
        example() | {"text": [(0, 1)]}
    assert example() != plain_set and example() == example() and example() != 3
    assert NeuronSet({"a": [(0, 1)]}) != NeuronSet({"a": [(0, 2)]})
    assert NeuronSet({"a": [(0, 1)]}) != NeuronSet({"b": [(0, 1)]})


def test_a_set_without_shape_takes_it_from_the_caller():
    neurons = NeuronSet({"text": [(1, 4)]})
    assert neurons.per_layer(2)["text"].tolist() == [0, 1]
    assert neurons.mask(2, 5).nonzero().tolist() == [[1, 4]]
    for ask in (neurons.per_layer, neurons.mask, neurons.share):
        with pytest.raises(AnalysisError, match="does not know the model's layers"):
            ask()
    with pytest.raises(AnalysisError, match="no neuron 4 in layer 1"):
        neurons.per_layer(1)
    with pytest.raises(AnalysisError, match="no neuron 4 in layer 1; the model has 2 layers of 4"):
        neurons.mask(2, 4)


def test_only_names_the_closest_group():
    assert list(example().only("audio", "text")) == ["audio", "text"]
    with pytest.raises(AnalysisError, match="no group 'imagge'; did you mean 'image'"):
        example().only("imagge")
    with pytest.raises(KeyError):
        example()["imagge"]


@pytest.mark.parametrize("name", ["", "__metadata__", "a\nb", "\ud800", 3])
def test_names_that_no_file_can_hold_are_refused(name):
    with pytest.raises(AnalysisError, match="cannot be the name of a group"):
        NeuronSet({name: [(0, 1)]})


def test_a_file_is_the_same_set(tmp_path):
    path = tmp_path / "neurons.safetensors"
    for neurons in (example(), NeuronSet({}), NeuronSet({"画 像": [(7, 2)]})):
        neurons.save(path)
        loaded = NeuronSet.load(path)
        assert loaded == neurons and list(loaded) == list(neurons)
    example().save(path)
    np.testing.assert_array_equal(plain.load_file(path)["text"], [[0, 3], [2, 1]])
    with pytest.raises(AnalysisError, match="cannot be read"):
        NeuronSet.load(tmp_path / "none.safetensors")


@pytest.mark.parametrize("mutants", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_changed_file_is_refused_or_the_same_set(tmp_path, mutants):
    path = tmp_path / "neurons.safetensors"
    example().save(path)
    whole, rng, refused = path.read_bytes(), np.random.default_rng(1), 0
    for _ in range(mutants):
        data = bytearray(whole)
        for at in rng.integers(len(data), size=rng.integers(1, 4)):
            data[at] = rng.integers(256)
        path.write_bytes(bytes(data[: rng.integers(len(data))] if rng.random() < 0.3 else data))
        try:
            loaded = NeuronSet.load(path)
        except AnalysisError as error:
            assert str(path) in str(error)
            refused += 1
        else:
            assert loaded == example()
    assert refused > 0.9 * mutants


@pytest.mark.parametrize(
    "facts",
    [
        *(None, {}, {"groups": ["text"]}, {"groups": ["image"], "shape": None, "model": ""}),
        *({"groups": ["text"], "shape": shape, "model": ""} for shape in (3, [3], ["a", 1])),
        {"groups": ["text"], "shape": [float("inf"), 1], "model": ""},
        {"groups": ["text"], "shape": [10**30, 1], "model": ""},
        {"groups": ["text"], "shape": [1, 1], "model": ""},
        {"groups": [["text"]], "shape": None, "model": ""},
    ],
)
def test_a_well_formed_file_with_hostile_facts_is_refused(tmp_path, facts):
    path = tmp_path / "neurons.safetensors"
    write_tensors(path, {"text": torch.tensor([[0, 3]])}, form=FORM, facts=facts)
    with pytest.raises(AnalysisError, match="holds no set of neurons"):
        NeuronSet.load(path)
