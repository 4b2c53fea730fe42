import pytest
import torch

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.intervene import deactivate
from simlearn.analysis.last_token import last_token_attention, modality_mass
from simlearn.analysis.tokens import MODALITIES
from tests.analysis.models import FAMILIES, tiny_batch, tiny_model


def sharpened(family, **more):
    """A tiny model whose attention is far from even."""
    model = tiny_model(family, dtype=torch.float64, **more)
    for layer in ModelAdapter(model).decoder.layers:
        layer.self_attn.q_proj.weight.data *= 30
        layer.self_attn.k_proj.weight.data *= 30
    return model


def test_mass_is_a_loop_over_tokens():
    g = torch.Generator().manual_seed(0)
    attention = torch.rand(2, 5, generator=g).softmax(dim=1)
    codes = torch.randint(3, (2, 5), generator=g)
    onehot = torch.stack([codes == m for m in range(3)], dim=1)
    found = modality_mass(attention, onehot)
    for b in range(2):
        for m in range(3):
            expected = sum(float(attention[b, t]) for t in range(5) if int(codes[b, t]) == m)
            assert float(found[b, m]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("family", FAMILIES)
def test_mass_equals_that_of_eager_weights(family, side):
    model = sharpened(family)
    adapter = ModelAdapter(model)
    batch = tiny_batch(family, words=(5, 3, 5), side=side, dtype=torch.float64)
    found = last_token_attention(adapter, [batch])
    codes = adapter.token_modality(batch).codes
    # transformers' weights, for each row alone so that padding plays no part
    expected = torch.zeros(3, 6, dtype=torch.float64)
    model.set_attn_implementation("eager")
    for row in range(3):
        own = batch["attention_mask"][row].bool()
        alone = {k: batch[k][row : row + 1][:, own] for k in ("input_ids", "attention_mask")}
        for name, value in batch.items():
            if name not in alone:
                size = len(value) // 3
                alone[name] = value[row * size : (row + 1) * size]
        if "mm_token_type_ids" in alone:
            alone["mm_token_type_ids"] = batch["mm_token_type_ids"][row : row + 1][:, own]
        with torch.no_grad():
            layers = model(**alone, output_attentions=True).attentions
        for layer, weights in enumerate(layers):
            for t, code in enumerate(codes[row][own].tolist()):
                expected[layer, code - 1] += weights[0, :, -1, t].mean() / 3
    assert torch.allclose(found.mass, expected, atol=1e-6)
    assert float((found.mass[0] - found.share).abs().max()) > 0.01
    assert (found.names, found.n) == (MODALITIES, 3)


def test_layers_sum_to_one_and_batches_do_not_matter():
    adapter = ModelAdapter(sharpened("llava"))
    parts = [tiny_batch("llava", words=w, dtype=torch.float64) for w in ((5, 3), (4,))]
    both = last_token_attention(adapter, parts)
    assert torch.allclose(both.mass.sum(dim=1), torch.ones(3).double())
    one, two = (last_token_attention(adapter, [part]) for part in parts)
    assert torch.allclose(both.mass, (2 * one.mass + two.mass) / 3)
    assert both.n == 3
    tokens = torch.tensor([[5, 4], [3, 4], [4, 4]])  # words and image tokens, and one bos
    shares = (tokens / (tokens.sum(dim=1, keepdim=True) + 1)).double().mean(dim=0)
    places = [MODALITIES.index("text"), MODALITIES.index("image")]
    assert torch.allclose(both.share[places], shares)


def test_the_model_is_as_before_and_deactivation_shows():
    model = sharpened("llava")
    adapter = ModelAdapter(model)
    batch = tiny_batch("llava", dtype=torch.float64)
    with torch.no_grad():
        base = adapter.forward(batch, logits="all")
    plain = last_token_attention(adapter, [batch])
    with torch.no_grad():
        assert torch.equal(adapter.forward(batch, logits="all"), base)
    assert model.config.text_config._attn_implementation == "sdpa"
    with deactivate(adapter, {"a": [(0, n) for n in range(48)]}):
        inside = last_token_attention(adapter, [batch])
    assert torch.allclose(inside.mass[0], plain.mass[0], atol=1e-12)
    assert not torch.allclose(inside.mass[1], plain.mass[1], atol=1e-6)


def test_errors_leave_nothing_behind():
    model = tiny_model("llava")
    adapter = ModelAdapter(model)
    with pytest.raises(AnalysisError, match="give at least one batch"):
        last_token_attention(adapter, [])
    broken = tiny_batch("llava")
    broken["pixel_values"][0, 0, 0, 0] = float("nan")
    with pytest.raises(AnalysisError, match="attention of layer 0 is not finite"):
        last_token_attention(adapter, [broken])
    assert model.config.text_config._attn_implementation == "sdpa"
    assert all(len(layer.self_attn._forward_pre_hooks) == 0 for layer in adapter.decoder.layers)
