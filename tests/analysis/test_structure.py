from collections import Counter

import pytest
import torch
import transformers as hf
from torch import nn

from simlearn.analysis.adapter import ModelAdapter, hidden
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.structure import (
    find_blocks,
    find_decoder,
    find_encoder,
    find_feed_forward,
    find_projector,
    find_sites,
)
from tests.analysis.models import CLIP, FAMILIES, TEXT, tiny_batch, tiny_model

PATHS = {
    "llava": (
        "model.vision_tower.encoder.layers.0.mlp.activation_fn",
        "model.multi_modal_projector",
    ),
    "llava_next": (
        "model.vision_tower.encoder.layers.0.mlp.activation_fn",
        "model.multi_modal_projector",
    ),
    "qwen2_vl": ("model.visual.blocks.0.mlp.act", "model.visual.merger"),
    "qwen2_5_vl": ("model.visual.blocks.0.mlp.act_fn", "model.visual.merger"),
    "qwen2_audio": ("model.audio_tower.layers.0.activation_fn", "model.multi_modal_projector"),
}


def all_sites(adapter):
    for part in adapter.parts():
        for kind in ("act", "product", "residual", "attn_out"):
            try:
                yield from adapter.sites(part, kind)
            except AnalysisError:
                assert part == "projector"


def record(sites, run):
    """Tensors that each site saw, by (path, io)."""
    seen = {(s.path, s.io): [] for s in sites}
    handles = []
    for site in sites:

        def keep(module, args, output, site=site):
            seen[site.path, site.io].append(hidden(output) if site.io == "output" else args[0])

        handles.append(site.module.register_forward_hook(keep))
    with torch.no_grad():
        run()
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize("family", FAMILIES)
def test_every_site_fires_once_with_its_width(family):
    adapter = ModelAdapter(tiny_model(family))
    sites = list(all_sites(adapter))
    seen = record(sites, lambda: adapter.forward(tiny_batch(family)))
    for site in sites:
        assert [x.shape[-1] for x in seen[site.path, site.io]] == [site.width], site
    counts = Counter((s.part, s.kind) for s in sites)
    encoder = "audio" if family == "qwen2_audio" else "vision"
    assert counts["text", "act"] == counts["text", "attn_out"] == 3
    assert counts[encoder, "act"] == counts[encoder, "product"] == counts[encoder, "residual"] == 2
    assert counts["projector", "residual"] == 1
    assert counts["projector", "act"] == (0 if family == "qwen2_audio" else 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_paths(family):
    adapter = ModelAdapter(tiny_model(family))
    encoder = "audio" if family == "qwen2_audio" else "vision"
    first = adapter.sites()[0]
    assert first.path == "model.language_model.layers.0.mlp.act_fn"
    assert adapter.sites(encoder)[0].path == PATHS[family][0]
    assert adapter.sites("projector", "residual")[0].path == PATHS[family][1]
    for site in all_sites(adapter):
        assert adapter.model.get_submodule(site.path) is site.module
    assert [s.layer for s in adapter.sites()] == [0, 1, 2]


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl"])
def test_product_is_gate_times_up(family):
    adapter = ModelAdapter(tiny_model(family))
    up = {s.layer: adapter.decoder.layers[s.layer].mlp.up_proj for s in adapter.sites()}
    ups = []
    handles = [m.register_forward_hook(lambda m, i, o: ups.append(o)) for m in up.values()]
    sites = adapter.sites() + adapter.sites("text", "product")
    seen = record(sites, lambda: adapter.forward(tiny_batch(family)))
    for handle in handles:
        handle.remove()
    for layer in range(3):
        act, product = (seen[s.path, s.io][0] for s in (sites[layer], sites[3 + layer]))
        assert torch.equal(act * ups[layer], product)


def test_widths_of_each_tower_are_its_own():
    torch.manual_seed(0)
    config = hf.LlavaConfig(
        text_config=hf.LlamaConfig(**TEXT),
        vision_config=hf.CLIPVisionConfig(**{**CLIP, "hidden_size": 24, "intermediate_size": 40}),
        image_token_index=255,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
    )
    adapter = ModelAdapter(hf.LlavaForConditionalGeneration(config).eval())
    sites = list(all_sites(adapter))
    seen = record(sites, lambda: adapter.forward(tiny_batch("llava")))
    for site in sites:
        assert [x.shape[-1] for x in seen[site.path, site.io]] == [site.width], site
    assert adapter.sites("vision", "residual")[0].width == 24
    assert adapter.sites("vision")[0].width == 40
    assert adapter.sites("projector", "residual")[0].width == 32


def test_shared_activation_is_read_behind():
    model = tiny_model("llava")
    batch = tiny_batch("llava")
    before = ModelAdapter(model)
    own = before.sites("vision")
    expected = record(own, lambda: before.forward(batch))
    layers = model.get_encoder(modality="image").encoder.layers
    for layer in layers:
        layer.mlp.activation_fn = layers[0].mlp.activation_fn
    adapter = ModelAdapter(model)
    sites = adapter.sites("vision")
    assert [s.io for s in sites] == ["input", "input"]
    assert [s.path.rsplit(".", 1)[1] for s in sites] == ["fc2", "fc2"]
    seen = record(sites, lambda: adapter.forward(batch))
    for a, b in zip(own, sites, strict=True):
        assert torch.equal(expected[a.path, a.io][0], seen[b.path, b.io][0])


def test_shared_gated_activation_is_refused():
    model = tiny_model("llava")
    layers = model.get_decoder().layers
    layers[1].mlp.act_fn = layers[0].mlp.act_fn
    with pytest.raises(AnalysisError, match=r"1 of 3 layers of the text part .* share one act"):
        ModelAdapter(model)


def test_plain_decoder_of_opt():
    config = hf.OPTConfig(
        vocab_size=64,
        hidden_size=16,
        ffn_dim=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
        word_embed_proj_dim=16,
        pad_token_id=0,
    )
    adapter = ModelAdapter(hf.OPTForCausalLM(config).eval(), text_only=True)
    ids = torch.tensor([[5, 6, 7]])
    sites = list(all_sites(adapter))
    seen = record(sites, lambda: adapter.forward({"input_ids": ids}))
    assert adapter.shape == (2, 24)
    for site in sites:
        assert [x.shape[-1] for x in seen[site.path, site.io]] == [site.width], site


def test_decoder_without_layers_is_named():
    config = hf.GPT2Config(vocab_size=32, n_embd=8, n_layer=1, n_head=2, n_positions=8)
    with pytest.raises(AnalysisError, match="leads to GPT2Model, which has no list `layers`.*wte"):
        find_decoder(hf.GPT2LMHeadModel(config))


def test_encoders_and_projector_of_a_text_model():
    model = hf.LlamaForCausalLM(hf.LlamaConfig(**TEXT))
    assert find_decoder(model) is model.model
    assert find_encoder(model, "image") is None
    assert find_encoder(model, "audio") is None
    assert find_projector(model, model.model) is None


def test_blocks_are_the_largest_list_of_one_class():
    tower = nn.Module()
    tower.inner = nn.Module()
    tower.inner.small = nn.ModuleList([nn.Linear(2, 2) for _ in range(5)])
    tower.inner.large = nn.ModuleList([nn.Linear(9, 9) for _ in range(2)])
    tower.inner.mixed = nn.ModuleList([nn.Linear(50, 50), nn.LayerNorm(3)])
    assert find_blocks(tower) == list(tower.inner.large)
    assert find_blocks(nn.Linear(2, 2)) == []


def test_intermediate_without_its_output_map():
    block = nn.Module()
    block.intermediate = nn.Module()
    block.intermediate.dense = nn.Linear(6, 10)
    block.intermediate.intermediate_act_fn = nn.GELU()
    block.norm = nn.LayerNorm(6)
    found = find_feed_forward(block)
    assert (found.width, found.down) == (10, None)
    sites = find_sites(block, "vision", [block])
    assert [(s.kind, s.width) for s in sites] == [("act", 10), ("residual", 6)]
    assert find_feed_forward(nn.Linear(2, 2)) is None
