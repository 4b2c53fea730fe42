import pytest

from simlearn.analysis import AnalysisError, NeuronSet


def test_a_user_can_catch_it_as_a_value_error():
    with pytest.raises(ValueError, match="neuron") as caught:
        NeuronSet({"image": [[-1, 0]]}, shape=(2, 3))
    assert isinstance(caught.value, AnalysisError)
