import warnings

import pytest
import torch
import transformers as hf
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.adapter import ModelAdapter, hidden
from simlearn.analysis.errors import AnalysisError
from tests.analysis.models import CLIP, FAMILIES, PLACEHOLDER, TEXT, tiny_batch, tiny_model


class Tokenizer:
    """As much of a tokenizer as the checks look at."""

    def __init__(self, size=254, tokens=None, special=(0, 1, 2)):
        self.tokens = tokens or {"<image>": 255}
        self.size = size
        self.bos_token_id, self.eos_token_id, self.pad_token_id = 1, 2, 0
        self.all_special_ids = list(special)

    def __len__(self):
        return self.size

    def get_vocab(self):
        return self.tokens

    def convert_tokens_to_ids(self, text):
        return self.tokens.get(text, 3)


class Processor:
    def __init__(self, tokenizer, **tokens):
        self.tokenizer = tokenizer
        vars(self).update(tokens)


def doubles(family, **kw):
    return tiny_batch(family, dtype=torch.float64, **kw)


def one_row(family, batch, row):
    """A row of a batch without its padding."""
    keep = batch["attention_mask"][row].bool()
    per_image = {"qwen2_vl": 16, "qwen2_5_vl": 16}.get(family, 1)
    alone = {}
    for key, value in batch.items():
        if key in ("input_ids", "attention_mask", "mm_token_type_ids"):
            alone[key] = value[row : row + 1, keep]
        elif key == "pixel_values":
            alone[key] = value[row * per_image : (row + 1) * per_image]
        else:
            alone[key] = value[row : row + 1]
    return alone


ADAPTERS = {}


def adapter_of(family):
    """One adapter per family for all examples."""
    if family not in ADAPTERS:
        ADAPTERS[family] = ModelAdapter(tiny_model(family, dtype=torch.float64))
    return ADAPTERS[family]


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=3, deadline=None)
@given(words=st.tuples(st.integers(1, 7), st.integers(1, 7)), seed=st.integers(0, 99))
def test_padding_and_batching_change_nothing(family, words, seed):
    adapter = adapter_of(family)
    left = doubles(family, words=words, seed=seed)
    right = doubles(family, words=words, seed=seed, side="right")
    codes = [adapter.token_modality(batch).codes for batch in (left, right)]
    with torch.no_grad():
        logits = adapter.forward(left, logits="last")
        assert torch.allclose(adapter.forward(right, logits="last"), logits, atol=1e-9, rtol=0)
        for row in range(2):
            alone = one_row(family, left, row)
            assert torch.allclose(
                adapter.forward(alone, logits="last")[0], logits[row], atol=1e-9, rtol=0
            )
            expected = adapter.token_modality(alone).codes[0]
            for batch, found in zip((left, right), codes, strict=True):
                mask = batch["attention_mask"][row].bool()
                assert torch.equal(found[row][mask], expected)
                assert (found[row][~mask] == 0).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_the_models_own(family):
    adapter = adapter_of(family)
    batch = doubles(family, side="right")
    lengths = batch["attention_mask"].sum(dim=1)
    with torch.no_grad():
        full = adapter.forward(batch, logits="all")
        last = adapter.forward(batch, logits="last")
        own = adapter.model(**one_row(family, batch, 0)).logits
        assert adapter.forward(batch) is None
    assert full.shape == (*batch["input_ids"].shape, 256)
    for row, length in enumerate(lengths):
        assert torch.allclose(last[row], full[row, length - 1], atol=1e-12, rtol=0)
    assert torch.allclose(full[0, : lengths[0]], own[0], atol=1e-9, rtol=0)


@pytest.mark.parametrize("family", ["llava", "qwen2_vl", "qwen2_audio"])
def test_head_runs_only_when_asked_for(family):
    adapter = ModelAdapter(tiny_model(family))
    rows = []
    adapter.model.lm_head.register_forward_hook(lambda m, i, o: rows.append(o.shape[:-1].numel()))
    with torch.no_grad():
        adapter.forward(tiny_batch(family))
        assert rows == []
        adapter.forward(tiny_batch(family), logits="last")
    assert rows in ([2], [1 * 2])
    with pytest.raises(ValueError, match="'first'"):
        adapter.forward(tiny_batch(family), logits="first")


@pytest.mark.parametrize("family", FAMILIES)
def test_generate_is_greedy_step_by_step(family):
    adapter = adapter_of(family)
    batch = doubles(family)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new = adapter.generate(batch, max_new_tokens=3, min_new_tokens=3)
    assert new.shape == (2, 3)
    ids = batch["input_ids"]
    banned = PLACEHOLDER[family][0]
    longer = dict(batch)
    with torch.no_grad():
        for step in range(3):
            logits = adapter.forward(longer, logits="last")
            logits[:, 2] = -torch.inf  # min_new_tokens forbids the end
            assert torch.equal(logits.argmax(dim=1), new[:, step])
            if (new[:, step] == banned).any() or (new[:, step] == 251).any():
                break
            ids = torch.cat([ids, new[:, step : step + 1]], dim=1)
            grown = torch.nn.functional.pad
            longer["input_ids"] = ids
            for key in ("attention_mask", "mm_token_type_ids"):
                if key in longer:
                    longer[key] = grown(longer[key], (0, 1), value=int(key == "attention_mask"))


def test_generate_takes_settings_and_refuses_right_padding():
    adapter = adapter_of("llava")
    batch = doubles("llava")
    found = adapter.generate(batch, max_new_tokens=2, num_beams=2, num_return_sequences=2)
    assert found.shape[0] == 4
    torch.manual_seed(0)
    drawn = {
        tuple(adapter.generate(batch, max_new_tokens=2, do_sample=True)[0].tolist())
        for _ in range(4)
    }
    assert len(drawn) > 1
    with pytest.raises(AnalysisError, match="padding_side='left'"):
        adapter.generate(doubles("llava", side="right"), max_new_tokens=1)


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl"])
def test_stale_rope_deltas_and_missing_types(family):
    adapter = adapter_of(family)
    batch = doubles(family)
    with torch.no_grad():
        expected = adapter.forward(batch, logits="last")
        adapter.model.model.rope_deltas = torch.tensor([[77], [77]])
        bare = {k: v for k, v in batch.items() if k != "mm_token_type_ids"}
        assert torch.equal(adapter.forward(bare, logits="last"), expected)
        assert adapter.model.model.rope_deltas is not None
        adapter.reset()
        assert adapter.model.model.rope_deltas is None
        adapter.generate(batch, max_new_tokens=2)
        assert adapter.model.model.rope_deltas is None


@pytest.mark.parametrize("family", FAMILIES)
def test_text_without_media(family):
    adapter = adapter_of(family)
    left, right = (tiny_batch("text", side=side) for side in ("left", "right"))
    codes = adapter.token_modality(left).codes
    assert codes.tolist() == [[2, 1, 1, 1, 1, 1], [0, 0, 2, 1, 1, 1]]
    with torch.no_grad():
        a, b = (adapter.forward(batch, logits="last") for batch in (left, right))
    assert torch.allclose(a, b, atol=1e-9, rtol=0)


def test_codes_of_qwen():
    adapter = adapter_of("qwen2_vl")
    codes = adapter.token_modality(doubles("qwen2_vl"))
    assert codes.codes.tolist() == [
        [2, 2, 3, 3, 3, 3, 2, 1, 1, 1, 1, 1],
        [0, 0, 2, 2, 3, 3, 3, 3, 2, 1, 1, 1],
    ]
    batch = tiny_batch("text", words=(2,))
    batch["input_ids"][0, -1] = 0  # a pad token that is attended to
    assert adapter.token_modality(batch).codes.tolist() == [[2, 1, 2]]
    del batch["attention_mask"]
    assert adapter.token_modality(batch).codes.tolist() == [[2, 1, 2]]


def test_check_names_both_counts():
    adapter = adapter_of("llava")
    batch = doubles("llava")
    batch["input_ids"][0, 2] = 9
    for call in (adapter.check, adapter.token_modality, adapter.forward):
        with pytest.raises(AnalysisError, match="7 image tokens, but the 2 .* 8 features"):
            call(batch)
    with pytest.raises(AnalysisError, match="7 image tokens"):
        adapter.generate(batch, max_new_tokens=1)
    missing = {k: v for k, v in doubles("llava").items() if k != "pixel_values"}
    with pytest.raises(AnalysisError, match="8 image tokens, but the batch has no pixel_values"):
        adapter.forward(missing)


def test_old_audio_batches_are_refused():
    adapter = adapter_of("qwen2_audio")
    batch = doubles("qwen2_audio")
    batch["input_ids"] = torch.tensor([[1, 250, 7, 8], [1, 250, 9, 9]])
    batch["attention_mask"] = torch.ones(2, 4).long()
    with pytest.raises(
        AnalysisError, match="2 audio tokens.*32 features: one placeholder per audio"
    ):
        adapter.forward(batch)


def test_unembed():
    adapter = adapter_of("llava")
    seen = {}
    batch = doubles("llava")
    handles = [
        module.register_forward_hook(lambda m, i, o, n=name: seen.update({n: hidden(o)}))
        for name, module in (("block", adapter.decoder.layers[-1]), ("norm", adapter.decoder.norm))
    ]
    with torch.no_grad():
        full = adapter.forward(batch, logits="all")
        for handle in handles:
            handle.remove()
        assert torch.equal(adapter.unembed(seen["block"]), full)
        assert torch.equal(adapter.unembed(seen["norm"], norm=False), full)
    assert adapter.unembed(seen["block"][0, 0]).shape == (256,)


def test_hidden():
    x = torch.zeros(2)
    assert hidden(x) is hidden((x, None)) is x


def idefics3():
    torch.manual_seed(0)
    config = hf.Idefics3Config(
        text_config=hf.LlamaConfig(**TEXT),
        vision_config={**CLIP, "patch_size": 7},
        image_token_id=250,
        scale_factor=2,
    )
    return hf.Idefics3ForConditionalGeneration(config).double().eval()


def test_unknown_family():
    adapter = ModelAdapter(idefics3())
    assert adapter.shape == (3, 48)
    text = adapter.describe()
    assert "no entry for idefics3: resolved by structure" in text
    assert "text act: 3 x 48, output of model.text_model.layers.0.mlp.act_fn" in text
    assert "vision act: 2 x 64, output of model.vision_model.encoder.layers.0" in text
    assert "projector residual: 1 x 32, output of model.connector" in text
    assert "projector act: none" in text
    rows = [[1, *[250] * 4, 7, 8, 9], [1, *[250] * 4, 5, 0, 0]]
    right = {
        "input_ids": torch.tensor(rows),
        "attention_mask": torch.tensor([[1] * 8, [1] * 6 + [0] * 2]),
        "pixel_values": torch.randn(2, 1, 3, 28, 28, dtype=torch.float64),
    }
    left = {**right, "input_ids": right["input_ids"].clone()}
    left["input_ids"][1] = right["input_ids"][1].roll(2)
    left["attention_mask"] = torch.tensor([[1] * 8, [0] * 2 + [1] * 6])
    assert adapter.token_modality(left).codes.tolist() == [
        [2, 3, 3, 3, 3, 1, 1, 1],
        [0, 0, 2, 3, 3, 3, 3, 1],
    ]
    with torch.no_grad():
        a, b = (adapter.forward(batch, logits="last") for batch in (left, right))
    assert torch.allclose(a, b, atol=1e-9, rtol=0)
    assert adapter.generate(left, max_new_tokens=2).shape == (2, 2)


def test_model_without_a_model_beneath_its_head():
    torch.manual_seed(0)
    config = hf.InstructBlipConfig(
        text_config={**TEXT, "model_type": "llama"},
        vision_config=CLIP,
        qformer_config={
            **{"vocab_size": 256, "hidden_size": 32, "intermediate_size": 48},
            **{"num_hidden_layers": 1, "num_attention_heads": 4, "encoder_hidden_size": 32},
        },
        num_query_tokens=4,
        image_token_index=250,
    )
    model = hf.InstructBlipForConditionalGeneration(config).eval()
    adapter = ModelAdapter(model)
    batch = {
        "input_ids": torch.tensor([[250, 250, 250, 250, 1, 7, 8, 0]]),
        "attention_mask": torch.tensor([[1] * 7 + [0]]),
        "pixel_values": torch.randn(1, 3, 28, 28),
        "qformer_input_ids": torch.tensor([[3, 4]]),
    }
    assert adapter.sites()[2].path == "language_model.model.layers.2.mlp.act_fn"
    with torch.no_grad():
        assert adapter.forward(batch) is None
        full = adapter.forward(batch, logits="all")
        assert torch.allclose(adapter.forward(batch, logits="last"), full[:, 6])
    left = {k: v[:, :7] if k in ("input_ids", "attention_mask") else v for k, v in batch.items()}
    assert adapter.generate(left, max_new_tokens=2, min_new_tokens=2).shape == (1, 2)
    model.config.image_token_id = None
    with pytest.raises(
        AnalysisError, match="InstructBlipConfig names no placeholder.*image_token_id"
    ):
        ModelAdapter(model)


def test_text_only():
    model = hf.LlamaForCausalLM(hf.LlamaConfig(**TEXT)).double().eval()
    with pytest.raises(AnalysisError, match="LlamaForCausalLM only reads text.*text_only=True"):
        ModelAdapter(model)
    adapter = ModelAdapter(model, Tokenizer(size=200), text_only=True)
    assert adapter.parts() == ("text",)
    assert adapter.shape == (3, 48)
    batch = tiny_batch("text")
    assert adapter.token_modality(batch).codes.tolist()[1] == [0, 0, 2, 1, 1, 1]
    with torch.no_grad():
        logits = adapter.forward(batch, logits="last")
        own = model(batch["input_ids"][1:, 2:]).logits[0, -1]
    assert torch.allclose(logits[1], own, atol=1e-9, rtol=0)
    with pytest.raises(AnalysisError, match="has no part 'vision'; it has text"):
        adapter.sites("vision")


def test_refused_models():
    model = tiny_model("llava")
    with pytest.raises(AnalysisError, match="OptimizedModule is compiled.*_orig_mod"):
        ModelAdapter(torch.compile(model))
    model.model.language_model.layers[1].compile()
    with pytest.raises(AnalysisError, match="LlavaForConditionalGeneration is compiled"):
        ModelAdapter(model)
    with pytest.raises(AnalysisError, match="Linear is no transformers model"):
        ModelAdapter(torch.nn.Linear(2, 2))
    with pytest.raises(AnalysisError, match="LlavaModel has no language model head"):
        ModelAdapter(tiny_model("llava").model)
    small = {"d_model": 8, "num_layers": 1, "num_heads": 2, "d_kv": 4, "d_ff": 8, "vocab_size": 16}
    with pytest.raises(AnalysisError, match="T5ForConditionalGeneration is a sequence-to-seq"):
        ModelAdapter(hf.T5ForConditionalGeneration(hf.T5Config(**small)))


def test_experts_are_refused():
    config = hf.MixtralConfig(**TEXT, num_local_experts=2)
    with pytest.raises(AnalysisError, match=r"0 of 3 layers of the text part.*residual.*experts"):
        ModelAdapter(hf.MixtralForCausalLM(config), text_only=True)


def test_refused_processors():
    model = tiny_model("llava")
    with pytest.raises(AnalysisError, match=r"has 300 tokens, .* embeds 256.*resize.*\(300\)"):
        ModelAdapter(model, Processor(Tokenizer(size=300)))
    with pytest.raises(AnalysisError, match="id 255 as placeholder of an image.*only 254 tokens"):
        ModelAdapter(model, Processor(Tokenizer(size=254)))
    wrong = Tokenizer(size=256, tokens={"<image>": 17})
    with pytest.raises(AnalysisError, match="image token '<image>' is id 17, .* expects 255"):
        ModelAdapter(model, Processor(wrong, image_token="<image>"))
    ModelAdapter(model, Processor(Tokenizer(size=256), image_token="<image>"))


def test_special_tokens_of_a_tokenizer():
    tokens = {"<|im_start|>": 44, "<|im_end|>": 45, "<|vision_start|>": 252, "word": 46}
    tokenizer = Tokenizer(size=256, tokens=tokens, special=(0, 99))
    known = ModelAdapter(tiny_model("qwen2_vl"), Processor(tokenizer))
    assert known.special == {0, 1, 2, 44, 45, 252, 253}
    assert ModelAdapter(tiny_model("qwen2_vl")).special == {0, 1, 2, 252, 253}
    unknown = ModelAdapter(idefics3(), Processor(tokenizer))
    assert unknown.special == {0, 1, 2, 99}


def test_fingerprint():
    prints = {ModelAdapter(tiny_model(f)).fingerprint for f in FAMILIES}
    assert len(prints) == 5
    assert all(len(p) == 16 and int(p, 16) >= 0 for p in prints)
    first = ModelAdapter(tiny_model("llava", seed=1)).fingerprint
    assert first == ModelAdapter(tiny_model("llava", seed=2)).fingerprint
    assert first != ModelAdapter(tiny_model("llava", intermediate_size=40)).fingerprint
    assert first != ModelAdapter(tiny_model("llava", num_hidden_layers=2)).fingerprint


@pytest.mark.parametrize(("taken", "unused"), [(-1, ""), (-2, "1"), (0, "0, 1"), ([0, -2], "1")])
def test_describe_names_layers_without_effect(taken, unused):
    model = tiny_model("llava")
    model.config.vision_feature_layer = taken
    text = ModelAdapter(model).describe()
    assert text.startswith("LlavaForConditionalGeneration (family LLaVA)\n")
    assert ("cannot affect" in text) == bool(unused)
    if unused:
        assert f"vision layers {unused} cannot affect the text: vision_feature_layer" in text


def test_layers_without_effect_have_none():
    model = tiny_model("llava", dtype=torch.float64)
    model.config.vision_feature_layer = -2
    adapter = ModelAdapter(model)
    batch = doubles("llava")
    with torch.no_grad():
        before = adapter.forward(batch, logits="last")
        handle = adapter.sites("vision")[1].module.register_forward_hook(lambda m, i, o: o * 0)
        assert torch.equal(adapter.forward(batch, logits="last"), before)
        handle.remove()
        adapter.sites("vision")[0].module.register_forward_hook(lambda m, i, o: o * 0)
        assert not torch.equal(adapter.forward(batch, logits="last"), before)


def test_sites_are_kept_and_nothing_is_changed():
    model = tiny_model("llava")
    hooks = sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())
    state = {k: v.clone() for k, v in model.state_dict().items()}
    adapter = ModelAdapter(model)
    assert adapter.sites()[0] is adapter.sites()[0]
    with torch.no_grad():
        adapter.forward(tiny_batch("llava"))
    adapter.describe()
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    after = sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())
    capture = 5  # transformers installs its own to record hidden states of the vision tower
    assert after - hooks <= capture
    assert adapter.device == torch.device("cpu")


def test_gradients_are_the_callers_choice():
    adapter = ModelAdapter(tiny_model("llava"))
    assert adapter.forward(tiny_batch("llava"), logits="last").requires_grad
