import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.controls import random_like
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.analysis.overlap import THIRDS, layer_thirds, overlap_by_third, overlap_matrix

SHAPE = (4, 5)
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=14)


def naive(groups, layers):
    sets = [{p for p in rows if p[0] in layers} for rows in groups.values()]
    for i, a in enumerate(sets):
        for j, b in enumerate(sets):
            expected = sum(
                sum(p[0] == k for p in a) * sum(p[0] == k for p in b) / SHAPE[1] for k in layers
            )
            yield i, j, len(a & b), len(a & b) / len(a | b) if a | b else 0.0, expected


@settings(max_examples=40, deadline=None)
@given(PAIRS, PAIRS)
def test_equals_plain_sets(text, image):
    groups = {"text": text, "image": image, "audio": []}
    neurons = NeuronSet(groups, shape=SHAPE)
    parts = [(overlap_matrix(neurons), range(4))]
    thirds = overlap_by_third(neurons, 4)
    assert tuple(thirds) == THIRDS
    parts += list(zip(thirds.values(), ([0], [1, 2], [3]), strict=True))
    for part, layers in parts:
        assert part.names == ("text", "image", "audio")
        assert part.counts.dtype == torch.int64
        for i, j, count, jaccard, expected in naive(groups, layers):
            assert int(part.counts[i, j]) == count
            assert float(part.jaccard[i, j]) == pytest.approx(jaccard)
            assert float(part.expected[i, j]) == pytest.approx(expected)
    whole = parts[0][0]
    assert torch.equal(sum(part.counts for part in thirds.values()), whole.counts)
    names, jaccard = neurons.jaccard()
    assert names == whole.names
    torch.testing.assert_close(jaccard, whole.jaccard)


def test_expected_is_what_random_sets_of_the_same_layers_share():
    g = torch.Generator().manual_seed(0)
    neurons = NeuronSet({"a": [(0, 0), (0, 1), (2, 3)], "b": [(0, 4), (2, 0), (2, 1)]}, shape=SHAPE)
    a, b = neurons.only("a"), neurons.only("b")
    shared = [
        (random_like(a, SHAPE, generator=g) & random_like(b, SHAPE, generator=g)).union().shape[0]
        for _ in range(200)
    ]
    expected = float(overlap_matrix(neurons).expected[0, 1])
    assert expected == pytest.approx(2 * 1 / 5 + 1 * 2 / 5)
    assert sum(shared) / 200 == pytest.approx(expected, abs=0.25)


@pytest.mark.parametrize(
    ("layers", "sizes"),
    [
        *((0, [0, 0, 0]), (1, [0, 1, 0]), (2, [1, 0, 1]), (3, [1, 1, 1]), (4, [1, 2, 1])),
        *((5, [2, 1, 2]), (28, [9, 10, 9]), (32, [11, 10, 11])),
    ],
)
def test_thirds_of_the_layers(layers, sizes):
    third = layer_thirds(layers)
    assert torch.bincount(third, minlength=3).tolist() == sizes
    assert third.tolist() == sorted(third.tolist())


def test_a_model_of_one_layer_has_empty_thirds():
    thirds = overlap_by_third(NeuronSet({"text": [(0, 1)]}, shape=(1, 3)))
    assert thirds["low"].counts.tolist() == [[0]] and thirds["middle"].counts.tolist() == [[1]]
    assert overlap_matrix(NeuronSet({}, shape=(1, 3))).counts.shape == (0, 0)


def test_faults_are_named():
    with pytest.raises(AnalysisError, match="does not know its model's layers"):
        overlap_matrix(NeuronSet({"text": [(0, 1)]}))
    with pytest.raises(AnalysisError, match="with 4 layers, not 5"):
        overlap_by_third(NeuronSet({"text": []}, shape=SHAPE), 5)
