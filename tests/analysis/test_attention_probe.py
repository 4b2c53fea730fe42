import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.attention_probe import AttentionProbe, token_weights
from simlearn.analysis.errors import AnalysisError
from tests.analysis.models import tiny_batch, tiny_model

X = torch.tensor([[1, -1, 2, 0], [3, -2, -1, 0.5], [0, 1, 1, -0.5], [2, 2, -3, 1]]).double()
A = torch.tensor(
    [[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.2, 0.3, 0.5, 0], [0.1, 0.2, 0.3, 0.4]]
).double()
ONEHOT = torch.tensor([[1, 0, 0, 1], [0, 1, 1, 0]]).bool()


def test_worked_numbers_of_the_released_code():
    w_k, w_q = token_weights(A, ONEHOT)
    expected_k = [[2.8877, 0.6632, -0.4387, 0.8877], [2.7821, -0.7821, 0.1453, -0.0726]]
    expected_q = [[2.8434, 0.5302, -0.2169, 0.8434], [3.2179, -1.2179, -0.1453, 0.0726]]
    assert torch.allclose(w_k @ X, torch.tensor(expected_k).double(), atol=1e-4)
    assert torch.allclose(w_q @ X, torch.tensor(expected_q).double(), atol=1e-4)


def attention(tokens, seed):
    g = torch.Generator().manual_seed(seed)
    a = torch.randn(tokens, tokens, generator=g, dtype=torch.float64) * 3
    return a.masked_fill(~torch.ones(tokens, tokens).bool().tril(), -torch.inf).softmax(-1)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 9), st.integers(0, 99), st.booleans())
def test_reference_is_the_second_softmax_of_each_block(tokens, seed, causal):
    a = attention(tokens, seed)
    codes = torch.randint(0, 3, (tokens,), generator=torch.Generator().manual_seed(seed))
    onehot = torch.stack([codes == m for m in range(2)])
    x = torch.randn(tokens, 3, dtype=torch.float64)
    w_k, w_q = token_weights(a, onehot, "reference", causal)
    for m in range(2):
        where = onehot[m].nonzero()[:, 0].tolist()
        pairs = [(i, j) for i in where for j in where if j <= i or not causal]
        total_k, total_q = torch.zeros(3).double(), torch.zeros(3).double()
        for i, j in pairs:
            column = sum(float(a[p, j].exp()) for p in where if (p, j) in pairs)
            row = sum(float(a[i, p].exp()) for p in where if (i, p) in pairs)
            total_k += float(a[i, j].exp()) / column * x[i]
            total_q += float(a[i, j].exp()) / row * x[j]
        assert torch.allclose(w_k[m] @ x, total_k)
        assert torch.allclose(w_q[m] @ x, total_q)
        assert float(w_k[m].sum()) == pytest.approx(len(where))
        assert bool((w_k[m][~onehot[m]] == 0).all()) and bool((w_q[m][~onehot[m]] == 0).all())


def test_received_is_the_attention_itself():
    w_k, w_q = token_weights(A, ONEHOT, "received")
    assert torch.allclose(w_k, torch.tensor([[1.8, 0, 0, 0.4], [0, 1.0, 0.8, 0]]).double())
    assert torch.allclose(w_q, torch.tensor([[1.0, 0, 0, 0.5], [0, 0.5, 0.8, 0]]).double())
    batch = token_weights(torch.stack([A, A]), torch.stack([ONEHOT, ~ONEHOT]), "received")
    assert torch.equal(batch[0][0], w_k)


def test_unknown_mode():
    with pytest.raises(ValueError, match="mode is 'both'"):
        token_weights(A, ONEHOT, "both")


@pytest.mark.parametrize("family", ["llava", "qwen2_vl", "qwen2_audio"])
@pytest.mark.parametrize("how", [("reference", False), ("reference", True), ("received", False)])
def test_probe_of_a_padded_batch_equals_single_rows_read_from_eager_weights(family, how):
    mode, causal = how
    adapter = ModelAdapter(tiny_model(family, dtype=torch.float64))
    batch = tiny_batch(family, words=(6, 2), dtype=torch.float64)
    tokens = adapter.token_modality(batch)
    valid, onehot = tokens.codes != 0, tokens.onehot()
    with AttentionProbe(adapter, mode, causal=causal) as probe:
        probe.watch(valid, onehot)
        adapter.forward(batch)
        found = [probe.take(layer) for layer in range(3)]
        with pytest.raises(AnalysisError, match='layer 1 was not heard .*attn="none"'):
            probe.take(1)
    for row in range(2):
        alone, keep = single(batch, row), valid[row]
        eager = ModelAdapter(tiny_model(family, dtype=torch.float64))
        eager.model.set_attn_implementation("eager")
        weights = eager.model(**alone, output_attentions=True).attentions
        with AttentionProbe(adapter, "reference") as probe:
            probe.watch(keep[keep][None], onehot[row : row + 1, :, keep])
            adapter.forward(alone)
            free = [probe.take(layer) for layer in range(3)]
        for layer in range(3):
            expected = [w[0] for w in free[layer]]
            if mode == "received" or causal:
                a = weights[layer][0].mean(0)
                expected = token_weights(a, onehot[row][:, keep], mode, causal)
            for w, e in zip(found[layer], expected, strict=True):
                assert torch.allclose(w[row][:, keep], e, atol=1e-6)
                assert float(w[row][:, ~keep].abs().sum()) == 0


def single(batch, row):
    """One row without its padding."""
    keep, rows = batch["attention_mask"][row].bool(), len(batch["input_ids"])
    out = {}
    for name, value in batch.items():
        if name in ("input_ids", "attention_mask", "mm_token_type_ids"):
            out[name] = value[row : row + 1, keep]
        else:
            size = len(value) // rows
            out[name] = value[row * size : (row + 1) * size]
    return out


def test_reference_attention_sees_the_tokens_behind():
    adapter = ModelAdapter(tiny_model("llava", dtype=torch.float64))
    batch = tiny_batch("llava", words=(6,), dtype=torch.float64)
    onehot = adapter.token_modality(batch).onehot()
    kept, seen = [], {}
    layer = adapter.sites("text", "attn_out")[0].module
    layer.q_proj.register_forward_hook(lambda m, a, out: kept.append(out))
    layer.k_proj.register_forward_hook(lambda m, a, out: kept.append(out))
    rotary = adapter.decoder.rotary_emb
    rotary.register_forward_hook(lambda m, a, out: seen.update(cos=out[0], sin=out[1]))
    with AttentionProbe(adapter, "reference") as probe:
        probe.watch(batch["attention_mask"].bool(), onehot)
        adapter.forward(batch)
        w_k, w_q = probe.take(0)
    q, k = (t[0].view(-1, t.shape[-1] // 8, 8).transpose(0, 1) for t in kept)

    def rotate(t):
        half = torch.cat([-t[..., 4:], t[..., :4]], -1)
        return t * seen["cos"][0] + half * seen["sin"][0]

    q, k = rotate(q), rotate(k).repeat_interleave(2, 0)
    a = (q @ k.transpose(1, 2) / 8**0.5).softmax(-1).mean(0)
    for w, e in zip((w_k[0], w_q[0]), token_weights(a, onehot[0]), strict=True):
        assert torch.allclose(w, e, atol=1e-9)


def test_steps_after_the_prompt_are_not_looked_at():
    adapter = ModelAdapter(tiny_model("llava"))
    batch = tiny_batch("llava")
    with AttentionProbe(adapter, "received") as probe:
        probe.watch(None, None)
        adapter.generate(batch, max_new_tokens=2)
        probe.watch(batch["attention_mask"][:, 1:].bool(), adapter.token_modality(batch).onehot())
        with pytest.raises(AnalysisError, match="attention over 10 tokens, the batch has 9"):
            adapter.forward(batch)
    assert adapter.decoder.config._attn_implementation == "sdpa"
