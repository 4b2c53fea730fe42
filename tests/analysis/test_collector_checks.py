import types

import pytest
import torch
from torch import nn

from simlearn.analysis.collector_checks import (
    check_finite,
    check_fired,
    not_finite,
    refuse_unreadable,
)
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.layer_sums import layer_sums
from simlearn.analysis.sites import Site

SITES = [Site("text", "act", i, f"layers.{i}.act", nn.Identity(), "output", 3) for i in range(2)]
NAMES = ("text", "image", "audio")


def test_every_site_must_fire_as_often_as_asked():
    check_fired(SITES, {0: 1, 1: 1}, 1)
    check_fired(SITES, {0: 2, 1: 2}, None)
    text = r"layer 1 of the text part \(layers.1.act\) fired 0 times .* must be 1.*use_kernels"
    with pytest.raises(AnalysisError, match=text):
        check_fired(SITES, {0: 1, 1: 0}, 1)
    with pytest.raises(AnalysisError, match="fired 2 times in one pass, must be 1"):
        check_fired(SITES, {0: 2, 1: 2}, 1)
    with pytest.raises(AnalysisError, match="layer 0 .* fired 1 times in one pass, must be 2"):
        check_fired(SITES, {0: 1, 1: 2}, None)
    with pytest.raises(AnalysisError, match="layer 0 .* fired 0 times"):
        check_fired(SITES, {0: 0, 1: 0}, None)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_sums_that_are_no_numbers_name_layer_and_modality(value):
    x, onehot = torch.zeros(2, 4, 3), torch.zeros(2, 3, 4, dtype=torch.bool)
    onehot[:, 0, :2], onehot[:, 1, 2:] = True, True
    fine = not_finite(layer_sums(x, onehot))
    check_finite([(SITES[0], fine)], NAMES)
    check_finite([], NAMES)
    x[1, 3, 2] = value
    flags = [(SITES[0], fine), (SITES[1], not_finite(layer_sums(x, onehot)))]
    named = "image" if value != float("-inf") else "text, image"
    with pytest.raises(
        AnalysisError, match=rf"layer 1 \(layers.1.act\) are not finite for {named} tokens"
    ):
        check_finite(flags, NAMES)


def test_compiled_and_training_models_are_refused():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU())).eval()
    refuse_unreadable(model)
    with pytest.raises(AnalysisError, match=r"training mode: call model.eval\(\)"):
        refuse_unreadable(nn.Sequential(nn.ReLU()).train())
    with pytest.raises(AnalysisError, match="^0 is compiled.*before torch.compile"):
        refuse_unreadable(nn.Sequential(torch.compile(nn.Linear(2, 2))).eval())
    inplace = nn.Sequential(nn.Linear(2, 2)).eval()
    inplace[0].compile()
    with pytest.raises(AnalysisError, match="^0 is compiled"):
        refuse_unreadable(inplace)
    method = nn.Sequential(nn.Linear(2, 2)).eval()
    method.forward = torch.compile(method.forward)
    with pytest.raises(AnalysisError, match="^the model is compiled"):
        refuse_unreadable(method)
    model.forward = types.MethodType(lambda self, x: x, model)
    refuse_unreadable(model)
