"""Trained models as a configuration names them, opened as adapters."""

from __future__ import annotations

import pytest
import torch

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.model_sources import ModelSource, Pretrained, TinyShipped
from simlearn.analysis.tiny import save_model
from tests.analysis.tiny_case import shown, tiny_case


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    _, model, processor, _ = tiny_case("qwen2_vl")
    path = tmp_path_factory.mktemp("qwen") / "model"
    save_model(model, processor, path, {})
    return path


@pytest.mark.parametrize(
    ("words", "dtype"),
    [
        ({}, torch.float32),
        ({"dtype": "float16"}, torch.float16),
        ({"dtype": "float32"}, torch.float32),
        ({"dtype": "bfloat16"}, torch.bfloat16),
        ({"dtype": "float32", "device_map": "cpu"}, torch.float32),
    ],
)
def test_a_folder(folder, words, dtype):
    source = Pretrained(path=str(folder), **words)
    adapter = source.open("cpu")
    assert isinstance(source, ModelSource)
    assert {p.dtype for p in adapter.model.parameters()} == {dtype}
    assert adapter.model.config.model_type == "qwen2_vl" and adapter.shape == (1, 48)
    assert adapter.device == torch.device("cpu") and not adapter.model.training
    batch = adapter.encode(shown(tiny_case("qwen2_vl")[3])[:2])
    if dtype == torch.float32:
        assert adapter.forward(batch, logits="last").isfinite().all()


def test_a_device_map_decides_alone(folder, monkeypatch):
    moved = []
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, *a, **k: moved.append(a) or self)
    Pretrained(path=str(folder), device_map="cpu").open("gpu")
    assert ("cuda",) not in moved
    Pretrained(path=str(folder)).open("gpu")
    assert ("cuda",) in moved


def test_the_model_that_ships(folder, monkeypatch):
    monkeypatch.setattr("simlearn.analysis.model_sources.SHIPPED", folder)
    adapter = TinyShipped().open("cpu")
    assert {p.dtype for p in adapter.model.parameters()} == {torch.float32}
    assert adapter.shape == (1, 48)


def test_nothing_is_there(tmp_path):
    with pytest.raises(AnalysisError, match="holds no config.json"):
        Pretrained(path=str(tmp_path)).open("cpu")
