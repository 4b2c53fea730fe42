import pytest
import torch
from torch import nn

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.fold import down_weight, folded
from simlearn.analysis.intervene import deactivate
from simlearn.analysis.sites import Site
from tests.analysis.models import FAMILIES, tiny_batch, tiny_model

SOME = {"image": [(0, 3), (2, 47), (2, 5)], "text": [(0, 3), (1, 0)]}


def logits(adapter, batch):
    with torch.no_grad():
        return adapter.forward(batch, logits="all")


def weights(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def bits(x):
    return x.view(torch.int32) if x.dtype == torch.float32 else x.view(torch.int64)


@pytest.mark.parametrize("family", FAMILIES)
def test_folding_equals_the_hook(family):
    model = tiny_model(family)
    adapter, batch = ModelAdapter(model), tiny_batch(family)
    for layer in adapter.decoder.layers:
        layer.mlp.down_proj.weight.data *= 100
    before, base = weights(model), logits(adapter, batch)
    with deactivate(adapter, SOME):
        hooked = logits(adapter, batch)
    with folded(model, SOME):
        found = logits(adapter, batch)
    assert not torch.allclose(found, base, atol=1e-3)
    assert torch.allclose(found, hooked, atol=1e-6)
    assert torch.equal(logits(adapter, batch), base)
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())


def test_weights_come_back_bit_for_bit_whatever_happens():
    model = tiny_model("llava")
    down = ModelAdapter(model).decoder.layers[0].mlp.down_proj.weight
    with torch.no_grad():
        down[0, 3], down[1, 3], down[2, 3] = -0.0, float("nan"), 1e-42
    before = bits(down.detach()).clone()
    with pytest.raises(RuntimeError, match="own"), folded(model, SOME):
        assert not bool(down[:, 3].any())
        raise RuntimeError("own")
    assert torch.equal(bits(down.detach()), before)


def test_nested_contexts_and_gradients():
    adapter = ModelAdapter(tiny_model("llava"))
    before = weights(adapter.model)
    with folded(adapter, {"a": [(0, 3), (0, 4)]}):
        with folded(adapter, {"b": [(0, 4), (0, 5)]}):
            assert not bool(adapter.decoder.layers[0].mlp.down_proj.weight[:, 3:6].any())
        assert bool(adapter.decoder.layers[0].mlp.down_proj.weight[:, 5].any())
    assert all(torch.equal(p, before[name]) for name, p in adapter.model.named_parameters())
    assert all(p.requires_grad for p in adapter.model.parameters())


def test_an_empty_set_touches_nothing():
    adapter = ModelAdapter(tiny_model("llava"))
    version = adapter.decoder.layers[0].mlp.down_proj.weight._version
    with folded(adapter, {"none": torch.zeros(0, 2, dtype=torch.int64)}):
        pass
    assert adapter.decoder.layers[0].mlp.down_proj.weight._version == version


def test_compiled_code_obeys():
    model = tiny_model("llava")
    adapter, batch = ModelAdapter(model), tiny_batch("llava")
    mlp = adapter.decoder.layers[0].mlp
    compiled = torch.compile(mlp, backend="eager")
    x = torch.randn(1, 4, 32)
    base = compiled(x)
    with folded(adapter, {"a": [(0, n) for n in range(48)]}):
        assert not bool(compiled(x).any())
    assert torch.equal(compiled(x), base)
    outer = torch.compile(model, backend="eager")
    with folded(outer, SOME), deactivate(adapter, SOME):
        assert torch.isfinite(logits(adapter, batch)).all()


def test_other_values_and_missing_neurons_are_refused():
    model = tiny_model("llava")
    with pytest.raises(AnalysisError, match="value 1.0 cannot be folded.*deactivate"):
        folded(model, SOME, 1.0).__enter__()
    with pytest.raises(AnalysisError, match=r"neuron \(0, 48\)"):
        folded(model, {"a": [(0, 48)]}).__enter__()


@pytest.mark.parametrize("kind", ["int8", "meta", "wrapped"])
def test_weights_that_cannot_be_changed_are_refused_before_any_is(kind):
    model = tiny_model("llava")
    adapter = ModelAdapter(model)
    mlp = adapter.decoder.layers[2].mlp
    before = weights(model)
    if kind == "int8":
        quantised = torch.zeros(32, 48, dtype=torch.int8)
        mlp.down_proj.weight = nn.Parameter(quantised, requires_grad=False)
    elif kind == "meta":
        mlp.down_proj.to("meta")
    adapter._sites.clear()
    if kind == "wrapped":
        site = Site("text", "product", 2, "x", nn.Sequential(mlp.down_proj), "input", 48)
        with pytest.raises(AnalysisError, match="x is a Sequential with weight none"):
            down_weight(site)
        return
    with pytest.raises(AnalysisError, match=f"down_proj is a Linear.*{kind}.*use `deactivate`"):
        folded(adapter, SOME).__enter__()
    first = adapter.decoder.layers[0].mlp.down_proj.weight
    assert torch.equal(first, before["model.language_model.layers.0.mlp.down_proj.weight"])
