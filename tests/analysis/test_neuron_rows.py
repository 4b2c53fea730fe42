import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.neuron_rows import checked_rows, no_rows, rows_in, unique_rows

PAIRS = st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)), max_size=12)


@settings(max_examples=50, deadline=None)
@given(PAIRS, PAIRS)
def test_rows_are_a_sorted_set(a, b):
    rows = checked_rows("a", a + a, None)
    assert rows.dtype == torch.int32 and rows.shape[1] == 2
    assert [tuple(r) for r in rows.tolist()] == sorted(set(a))
    other = checked_rows("b", b, None)
    assert rows_in(rows, other).tolist() == [p in set(b) for p in sorted(set(a))]


@pytest.mark.parametrize(
    "kind", [list, np.array, torch.tensor, lambda p: torch.tensor(p, dtype=torch.int16)]
)
def test_any_whole_numbers_are_taken(kind):
    assert checked_rows("a", kind([[1, 2], [0, 3]]), (2, 4)).tolist() == [[0, 3], [1, 2]]


def test_nothing_is_an_empty_group():
    for nothing in ([], torch.empty(0), torch.empty(0, 2), no_rows()):
        rows = checked_rows("a", nothing, None)
        assert rows.shape == (0, 2) and rows.dtype == torch.int32
    assert unique_rows(no_rows()).shape == (0, 2)


def test_faults_are_named():
    for wrong in ([[1.5, 2]], [[1, 2, 3]], [1, 2], [[True, False]], [[1], [1, 2]], "text"):
        with pytest.raises(AnalysisError, match=r"group 'image'.*\(layer, neuron\)"):
            checked_rows("image", wrong, None)
    with pytest.raises(AnalysisError, match="no neuron 4 in layer 1; the model has 2 layers of 4"):
        checked_rows("image", [[0, 1], [1, 4]], (2, 4))
    with pytest.raises(AnalysisError, match="no neuron 0 in layer 2; the model"):
        checked_rows("image", [[2, 0]], (2, 4))
    for pair in ([-1, 0], [0, 1 << 31]):
        with pytest.raises(AnalysisError, match=f"no neuron {pair[1]} in layer {pair[0]}$"):
            checked_rows("image", [pair], None)
