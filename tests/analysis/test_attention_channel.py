import pytest
import torch

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.attention_channel import PREFIX, AttentionChannel, register_probe
from simlearn.analysis.errors import AnalysisError
from tests.analysis.hook_counts import hook_counts
from tests.analysis.models import tiny_batch, tiny_model

WITH_DECODER = ("llava", "qwen2_vl", "qwen2_audio")


def adapter_of(family, kernel="sdpa", dtype=torch.float64, **text):
    model = tiny_model(family, dtype=dtype, **text)
    model.set_attn_implementation(kernel)
    return ModelAdapter(model)


@pytest.mark.parametrize("family", WITH_DECODER)
@pytest.mark.parametrize("kernel", ["sdpa", "eager"])
@pytest.mark.parametrize("words", [(5, 3), (4, 4)])
def test_logits_do_not_change_by_a_bit_and_everything_is_put_back(family, kernel, words):
    adapter = adapter_of(family, kernel, torch.float32)
    batch = tiny_batch(family, words=words)
    before, hooked = adapter.forward(batch, logits="all"), hook_counts(adapter.model)
    heard = []
    with AttentionChannel(adapter, heard.append):
        inside = adapter.forward(batch, logits="all")
    assert [call.layer for call in heard] == [0, 1, 2]
    assert torch.equal(before, inside)
    assert hook_counts(adapter.model) == hooked
    assert adapter.decoder.config._attn_implementation == kernel
    assert torch.equal(before, adapter.forward(batch, logits="all"))
    assert len(heard) == 3


@pytest.mark.parametrize("family", WITH_DECODER)
@pytest.mark.parametrize("side", ["left", "right"])
def test_weights_equal_those_that_eager_attention_gives_out(family, side):
    batch = tiny_batch(family, side=side)  # eager softmax of padding is NaN in float64
    valid, heard = batch["attention_mask"].bool(), {}

    def listen(call):
        heard[call.layer] = call.head_mean(valid)

    for kernel in ("sdpa", "eager"):
        adapter = adapter_of(family, kernel, torch.float32)
        with AttentionChannel(adapter, listen):
            adapter.forward(batch)
        eager = adapter_of(family, "eager", torch.float32).model(**batch, output_attentions=True)
        for layer, weights in enumerate(eager.attentions):
            expected = weights.mean(1) * valid[:, :, None]
            assert torch.allclose(heard[layer], expected, atol=1e-6), (kernel, layer)


def test_generation_is_the_same_and_steps_are_heard():
    adapter = adapter_of("llava")
    batch = tiny_batch("llava", dtype=torch.float64)
    sizes = []
    expected = adapter.generate(batch, max_new_tokens=3)
    with AttentionChannel(adapter, lambda c: sizes.append((c.query.shape[2], c.key.shape[2]))):
        assert torch.equal(adapter.generate(batch, max_new_tokens=3), expected)
    assert sizes == [(10, 10)] * 3 + [(1, 11)] * 3 + [(1, 12)] * 3


def test_an_exception_leaves_nothing_behind():
    adapter = adapter_of("llava")
    adapter.forward(tiny_batch("llava", dtype=torch.float64))
    hooked = hook_counts(adapter.model)

    def fail(call):
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"), AttentionChannel(adapter, fail):
        adapter.forward(tiny_batch("llava", dtype=torch.float64))
    assert hook_counts(adapter.model) == hooked
    assert adapter.decoder.config._attn_implementation == "sdpa"


def test_one_probe_at_a_time():
    adapter = adapter_of("llava")
    with AttentionChannel(adapter, print):
        with pytest.raises(AnalysisError, match="one attention probe at a time"):
            AttentionChannel(adapter, print).__enter__()
        assert adapter.decoder.config._attn_implementation == PREFIX + "sdpa"
    assert adapter.decoder.config._attn_implementation == "sdpa"


def test_what_cannot_be_heard_is_refused(monkeypatch):
    with pytest.raises(AnalysisError, match="'magic' cannot be listened to: .*sdpa"):
        register_probe("magic")
    adapter = adapter_of("llava", "eager")
    heard = []
    site = adapter.sites("text", "attn_out")[1].module
    site.register_forward_pre_hook(lambda m, a, k: (a, {**k, "softcap": 3.0}), with_kwargs=True)
    refused = pytest.raises(AnalysisError, match='softcap, which .*attn="none"')
    with refused, AttentionChannel(adapter, heard.append):
        adapter.forward(tiny_batch("llava", dtype=torch.float64))
    assert [call.layer for call in heard] == [0]
