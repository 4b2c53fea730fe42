import pytest
import torch

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.phase import Phase
from tests.analysis.models import FAMILIES, tiny_batch, tiny_model


def follow(adapter, run):
    """(phase, step, tokens) of every pass through the first layer."""
    seen = []
    with Phase(adapter.decoder) as phase:
        handle = adapter.sites()[0].module.register_forward_hook(
            lambda m, i, o: seen.append((phase.name, phase.step, o.shape[1]))
        )
        run()
        handle.remove()
    return seen


@pytest.mark.parametrize("family", FAMILIES)
def test_generate(family):
    adapter = ModelAdapter(tiny_model(family))
    batch = tiny_batch(family)
    length = batch["input_ids"].shape[1]
    seen = follow(adapter, lambda: adapter.generate(batch, max_new_tokens=4, min_new_tokens=4))
    assert seen == [("prefill", 0, length), ("decode", 1, 1), ("decode", 2, 1), ("decode", 3, 1)]


@pytest.mark.parametrize("family", ["llava", "qwen2_vl"])
def test_forward_is_prefill_each_time(family):
    adapter = ModelAdapter(tiny_model(family))
    batch = tiny_batch(family)

    def run():
        adapter.generate(batch, max_new_tokens=2, min_new_tokens=2)
        with torch.no_grad():
            adapter.forward(batch)

    assert [s[:2] for s in follow(adapter, run)] == [("prefill", 0), ("decode", 1), ("prefill", 0)]


def test_chunked_prompt_is_refused():
    adapter = ModelAdapter(tiny_model("llava"))
    batch = tiny_batch("llava")
    with Phase(adapter.decoder), pytest.raises(AnalysisError, match="prefill_chunk_size"):
        adapter.generate(batch, max_new_tokens=2, prefill_chunk_size=3)


def test_hook_goes_after_an_exception():
    adapter = ModelAdapter(tiny_model("llava"))
    before = len(adapter.decoder._forward_pre_hooks)
    with pytest.raises(KeyError), Phase(adapter.decoder):
        assert len(adapter.decoder._forward_pre_hooks) == before + 1
        raise KeyError
    assert len(adapter.decoder._forward_pre_hooks) == before
    phase = Phase(adapter.decoder)
    assert (phase.name, phase.step) == ("prefill", 0)
