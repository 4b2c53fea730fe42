import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.attention_probe import AttentionProbe
from simlearn.analysis.collector import Collector, collect, stats_for
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.stats import ActivationStats
from simlearn.analysis.tokens import MODALITIES, TokenModality
from tests.analysis.hook_counts import hook_counts
from tests.analysis.models import FAMILIES, tiny_batch, tiny_model

DOUBLE = torch.float64


def brute_force(adapter, batch, part="text", kind="act"):
    """All activations, kept."""
    kept, handles = {}, []
    for site in adapter.sites(part, kind):

        def keep(module, args, output, layer=site.layer, io=site.io):
            x = args[0] if io == "input" else output
            kept[layer] = x if isinstance(x, torch.Tensor) else x[0]

        handles.append(site.module.register_forward_hook(keep))
    with torch.no_grad():
        adapter.forward(batch)
    for handle in handles:
        handle.remove()
    return torch.stack([kept[layer] for layer in range(len(kept))])


def compare(stats, tokens_of):
    """Against activations (tokens, N) of each (modality, layer)."""
    for m, name in enumerate(stats.names):
        for layer in range(stats.pos.shape[1]):
            x = tokens_of(name, layer)
            assert int(stats.count[m, layer]) == len(x)
            assert torch.equal(stats.pos[m, layer], (x > 0).sum(0))
            assert torch.allclose(stats.sum[m, layer], x.sum(0).double(), atol=1e-9)
            top = x.amax(0).float() if len(x) else torch.full(x.shape[1:], -torch.inf)
            assert torch.equal(stats.max[m, layer], top)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("side", ["left", "right"])
def test_equals_all_activations_kept(family, side):
    adapter = ModelAdapter(tiny_model(family, dtype=DOUBLE))
    batches = [tiny_batch(family, side=side, seed=s, dtype=DOUBLE) for s in range(2)]
    stats = collect(adapter, batches)
    whole = [brute_force(adapter, b) for b in batches]
    codes = [adapter.token_modality(b) for b in batches]

    def tokens_of(name, layer):
        return torch.cat([x[layer][c.select(name)] for x, c in zip(whole, codes, strict=True)])

    assert stats.names == MODALITIES
    compare(stats, tokens_of)
    assert int(stats.count[:, 0].sum()) == sum(int(b["attention_mask"].sum()) for b in batches)
    assert not stats.wsum.any()


@settings(max_examples=3, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=3, max_size=3), st.integers(0, 99))
def test_padding_side_and_batch_size_do_not_matter(words, seed):
    adapter = ModelAdapter(tiny_model("llava", dtype=DOUBLE))
    left = tiny_batch("llava", words=words, seed=seed, dtype=DOUBLE)
    right = tiny_batch("llava", words=words, seed=seed, side="right", dtype=DOUBLE)
    alone = [{k: v[i : i + 1] for k, v in left.items()} for i in range(3)]
    cut = [
        {k: v[:, b["attention_mask"][0].bool()] if v.ndim == 2 else v for k, v in b.items()}
        for b in alone
    ]
    for attn in ("reference", "received"):
        first, *others = (collect(adapter, b, attn=attn) for b in ([left], [right], alone, cut))
        for other in others:
            assert torch.equal(first.count, other.count)
            near = brute_force(adapter, left).abs().amin() < 1e-9
            assert near or torch.equal(first.pos, other.pos)
            for name in ("sum", "wsum", "max"):
                one, two = getattr(first, name), getattr(other, name)
                assert torch.allclose(one, two, 0, 1e-9 if name != "max" else 1e-6)
        assert bool(first.wsum.any())


@pytest.mark.parametrize(
    ("attn", "causal"), [("reference", False), ("reference", True), ("received", False)]
)
def test_weighted_sums_use_the_attention_of_the_same_layer(attn, causal):
    adapter = ModelAdapter(tiny_model("qwen2_vl", dtype=DOUBLE))
    batch = tiny_batch("qwen2_vl", dtype=DOUBLE)
    stats = collect(adapter, [batch], attn=attn, causal=causal)
    x, tokens = brute_force(adapter, batch), adapter.token_modality(batch)
    with AttentionProbe(adapter, attn, causal=causal) as probe:
        probe.watch(tokens.codes != 0, tokens.onehot())
        adapter.forward(batch)
        for layer in range(3):
            weights = probe.take(layer)[0]
            expected = torch.einsum("bmt,btn->mn", weights, x[layer])
            assert torch.allclose(stats.wsum[:, layer], expected, atol=1e-9)


@pytest.mark.parametrize(
    ("family", "part"),
    [
        *((family, "vision") for family in FAMILIES[:4]),
        ("qwen2_audio", "audio"),
        *(("llava", "projector"), ("qwen2_vl", "projector")),
    ],
)
def test_encoders_and_projectors_have_one_modality(family, part):
    adapter = ModelAdapter(tiny_model(family, dtype=DOUBLE))
    batch = tiny_batch(family, dtype=DOUBLE)
    stats = collect(adapter, [batch], part=part)
    whole = brute_force(adapter, batch, part).flatten(1, -2)
    assert stats.names == ("all",)
    compare(stats, lambda name, layer: whole[layer])
    text = tiny_batch("text", words=(4,))
    assert int(collect(adapter, [text], part=part).count.sum()) == 0


@pytest.mark.parametrize("kind", ["product", "residual", "attn_out"])
def test_other_kinds_of_sites(kind):
    adapter = ModelAdapter(tiny_model("llava", dtype=DOUBLE))
    batch = tiny_batch("llava", dtype=DOUBLE)
    sites = adapter.sites("text", kind)
    stats = ActivationStats.zeros(("image",), len(sites), sites[0].width)
    tokens = adapter.token_modality(batch)
    with Collector(adapter, [stats], kind=kind, names=("image",)) as collector:
        collector.watch(tokens)
        adapter.forward(batch)
    x = brute_force(adapter, batch, kind=kind)
    compare(stats, lambda name, layer: x[layer][tokens.select("image")].detach())


def test_a_plain_model_no_batch_and_more_accumulators():
    model = tiny_model("llava")
    other = stats_for(ModelAdapter(model))
    stats = collect(model, [tiny_batch("llava")], accumulators=[other])
    assert torch.equal(stats.sum, other.sum) and int(stats.count.sum()) > 0
    assert int(collect(model, []).count.sum()) == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_half_precision(dtype):
    adapter = ModelAdapter(tiny_model("llava", dtype=dtype))
    batch = tiny_batch("llava", dtype=dtype)
    stats = collect(adapter, [batch], attn="received")
    x, codes = brute_force(adapter, batch), adapter.token_modality(batch)
    for m, name in enumerate(MODALITIES):
        chosen = x[:, codes.select(name)].double()
        assert torch.equal(stats.pos[m], (chosen > 0).sum(1))
        assert torch.allclose(stats.sum[m], chosen.sum(1), atol=1e-5)


class Log:
    """An accumulator that writes down its calls."""

    def __init__(self):
        self.calls = []

    def add(self, layer, sums, rows=None):
        self.calls.append((layer, sums.n.sum(0).tolist(), rows))


def test_decoding_steps_are_left_out_or_counted_as_generated():
    adapter = ModelAdapter(tiny_model("llava"))
    batch = tiny_batch("llava")
    log = Log()
    with Collector(adapter, [log]) as collector:
        collector.watch(adapter.token_modality(batch), rows="which")
        adapter.generate(batch, max_new_tokens=4)
    assert [c[0] for c in log.calls] == [0, 1, 2] and {c[2] for c in log.calls} == {"which"}
    log = Log()
    with Collector(adapter, [log], phase="all", names=("text", "generated")) as collector:
        for _ in range(2):
            collector.watch(adapter.token_modality(batch), rows="which")
            adapter.model.generation_config.eos_token_id = None
            adapter.generate(batch, max_new_tokens=4)
    step = [(layer, [0, 2], "which") for layer in range(3)]
    prompt = [(layer, [8, 0], "which") for layer in range(3)]
    assert log.calls == (prompt + 3 * step) * 2


@pytest.mark.parametrize("family", ["llava", "qwen2_vl"])
def test_generated_tokens_of_a_row_do_not_depend_on_the_rows_beside_it(family):
    adapter = ModelAdapter(tiny_model(family, dtype=DOUBLE))
    batch = tiny_batch(family, words=(5, 3, 4), dtype=DOUBLE)
    adapter.model.generation_config.eos_token_id = None
    written = adapter.generate(batch, max_new_tokens=6)
    row = written[1].tolist()
    end = next(t for t in row if row.index(t) > 0)  # the second row ends in between
    adapter.model.generation_config.eos_token_id = [end, 300]

    def counted(part):
        stats = stats_for(adapter)
        with Collector(adapter, [stats], phase="all") as collector:
            collector.watch(adapter.token_modality(part))
            adapter.generate(part, max_new_tokens=6)
        return stats

    together = counted(batch)
    rows = [counted(rows_of(batch, i, 3)) for i in range(3)]
    total = rows[0].merge(rows[1]).merge(rows[2])
    place = MODALITIES.index("generated")
    steps = [min([r.index(end)] if end in r else [5]) for r in written.tolist()]
    assert int(together.count[place, 0]) == sum(steps)
    assert torch.equal(together.count, total.count)
    assert torch.allclose(together.sum, total.sum, atol=1e-9)


def rows_of(batch, row, rows):
    return {k: v[row * len(v) // rows : (row + 1) * len(v) // rows] for k, v in batch.items()}


def test_hooks_and_kernel_are_put_back_when_the_model_fails():
    adapter = ModelAdapter(tiny_model("llava"))
    batch = tiny_batch("llava")
    adapter.forward(batch)
    before, logits = hook_counts(adapter.model), adapter.forward(batch, logits="all")
    layer = adapter.decoder.layers[1]
    handle = layer.register_forward_pre_hook(lambda *_: 1 / 0)
    for attn in ("none", "received"):
        with pytest.raises(ZeroDivisionError):
            collect(adapter, [batch], attn=attn)
    handle.remove()
    collect(adapter, [batch], attn="received")
    assert hook_counts(adapter.model) == before
    assert adapter.decoder.config._attn_implementation == "sdpa"
    assert torch.equal(adapter.forward(batch, logits="all"), logits)


def test_a_site_that_did_not_fire_and_one_that_fired_twice():
    adapter = ModelAdapter(tiny_model("llava"))
    batch = tiny_batch("llava")
    mlp = adapter.decoder.layers[1].mlp
    real = mlp.forward
    mlp.forward = lambda x: mlp.down_proj(torch.nn.functional.silu(mlp.gate_proj(x)))
    with pytest.raises(
        AnalysisError, match=r"layer 1 of the text part .*layers\.1\.mlp\.act_fn.* fired 0"
    ):
        collect(adapter, [batch])
    mlp.forward = lambda x: real(x) + 0 * real(x)
    with pytest.raises(AnalysisError, match="fired 2 times in one pass, must be 1"):
        collect(adapter, [batch], attn="received")
    mlp.forward = real
    tower = adapter.sites("vision")[0]
    tower.module.forward, silent = (lambda x: x), tower.module
    assert int(collect(adapter, [batch], part="vision").count.sum()) > 0
    block = adapter.model.model.vision_tower.encoder.layers[0]
    block.mlp.forward = lambda x: block.mlp.fc2(silent.forward(block.mlp.fc1(x)))
    with pytest.raises(AnalysisError, match="layer 0 of the vision part .* fired 0 times"):
        collect(adapter, [batch], part="vision")
    for other in adapter.model.model.vision_tower.encoder.layers:
        other.mlp.forward = lambda x: x
    with pytest.raises(AnalysisError, match="layer 0 of the vision part .* fired 0 times"):
        collect(adapter, [batch], part="vision")


def test_compiled_and_training_models_are_refused():
    adapter = ModelAdapter(tiny_model("llava"))
    adapter.decoder.layers[2].mlp._compiled_call_impl = print
    with pytest.raises(AnalysisError, match=r"layers\.2\.mlp is compiled"):
        collect(adapter, [tiny_batch("llava")])
    with pytest.raises(AnalysisError, match="training mode"):
        collect(tiny_model("llava").train(), [tiny_batch("llava")])


def test_activations_that_are_no_numbers():
    adapter = ModelAdapter(tiny_model("llava"))
    batch = tiny_batch("llava")
    place = (adapter.token_modality(batch).codes == 3).nonzero()[-1].tolist()

    def spoil(module, args, output):
        output[(*place, 7)] = torch.nan

    handle = adapter.sites()[1].module.register_forward_hook(spoil)
    with pytest.raises(
        AnalysisError, match=r"layer 1 \(.*act_fn\) are not finite for image tokens"
    ):
        collect(adapter, [batch])
    handle.remove()
    batch["pixel_values"][1] = torch.nan
    with pytest.raises(AnalysisError, match=r"layer 0 \(.*act_fn\) are not finite for .*image"):
        collect(adapter, [batch])


def test_a_pass_without_watch_or_watch_without_a_pass_or_another_batch():
    adapter = ModelAdapter(tiny_model("llava"))
    batch = tiny_batch("llava")
    tokens = adapter.token_modality(batch)
    for part in ("text", "vision"):
        with (
            pytest.raises(AnalysisError, match=r"without watch\(adapter.token_modality"),
            Collector(adapter, [], part=part),
        ):
            adapter.forward(batch)
    with pytest.raises(AnalysisError, match="without watch"), Collector(adapter, []) as collector:
        collector.watch(tokens)
        adapter.forward(batch)
        adapter.forward(batch)
    with (
        pytest.raises(AnalysisError, match="the language model never ran"),
        Collector(adapter, []) as collector,
    ):
        collector.watch(tokens)
    with (
        pytest.raises(AnalysisError, match=r"layer 0 .*\(2, 10, 48\), the batch has 2 rows of 9"),
        Collector(adapter, []) as collector,
    ):
        collector.watch(TokenModality(tokens.codes[:, 1:]))
        adapter.forward(batch)
    with Collector(adapter, []) as collector:  # a pass that failed may be announced again
        collector.watch(TokenModality(tokens.codes[:, 1:]))
        with pytest.raises(AnalysisError, match="the batch has"):
            adapter.forward(batch)
        collector.watch(tokens)
        adapter.forward(batch)


def test_choices_that_do_not_go_together():
    adapter = ModelAdapter(tiny_model("llava"))
    for wrong, text in [
        ({"attn": "eager"}, "attn='eager'"),
        ({"phase": "decode"}, "phase='decode'"),
        ({"attn": "received", "part": "vision"}, "text part and the prefill only"),
        ({"attn": "received", "phase": "all"}, "text part and the prefill only"),
        ({"phase": "all", "names": ("text",)}, '"generated" among the names'),
        ({"phase": "all", "part": "vision"}, "needs the text part"),
    ]:
        with pytest.raises(ValueError, match=text):
            Collector(adapter, [], **wrong)
    with pytest.raises(AnalysisError, match="no part 'audio'"):
        collect(adapter, [], part="audio")


def test_memory_is_guarded_before_the_model_runs():
    adapter = ModelAdapter(tiny_model("llava"))
    ran = []
    adapter.decoder.register_forward_pre_hook(lambda *_: ran.append(1))
    with pytest.raises(AnalysisError, match="raise max_bytes"):
        collect(adapter, [tiny_batch("llava")], max_bytes=1000)
    assert not ran
