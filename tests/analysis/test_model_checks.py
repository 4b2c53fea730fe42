import pytest
import torch
import transformers as hf

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.model_checks import check_model, check_tokenizer, fingerprint_of, special_ids
from simlearn.analysis.tiny_models import TinyLlava
from simlearn.analysis.tokens import IMAGE
from tests.analysis.models import TEXT, tiny_model

SMALL = {"hidden": 32, "intermediate": 48, "layers": 2, "heads": 2}


def test_what_is_no_plain_model_is_refused():
    model = tiny_model("llava")
    check_model(model)
    with pytest.raises(AnalysisError, match="is no transformers model"):
        check_model(torch.nn.Linear(2, 2))
    with pytest.raises(AnalysisError, match="has no language model head"):
        check_model(model.model)
    with pytest.raises(AnalysisError, match="is compiled"):
        check_model(torch.compile(model, backend="eager"))
    config = hf.T5Config(d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, vocab_size=20)
    with pytest.raises(AnalysisError, match="sequence-to-sequence"):
        check_model(hf.T5ForConditionalGeneration(config))
    with pytest.raises(AnalysisError, match="LlamaForCausalLM"):
        ModelAdapter(hf.LlamaForCausalLM(hf.LlamaConfig(**TEXT)))


def test_a_processor_of_another_model_is_refused():
    model, processor = TinyLlava(**SMALL).build(["red", "blue"], seed=0)
    check_tokenizer(model, processor, {IMAGE: model.config.image_token_id})
    _, larger = TinyLlava(**SMALL).build(["red", "blue", "green"], seed=0)
    with pytest.raises(AnalysisError, match=r"has 9 tokens, .* embeds 8: load the processor"):
        check_tokenizer(model, larger, {IMAGE: 5})
    with pytest.raises(AnalysisError, match="has only 8 tokens"):
        check_tokenizer(model, processor, {IMAGE: 8})
    with pytest.raises(AnalysisError, match="'<image>' is id 5, .* expects 6"):
        check_tokenizer(model, processor, {IMAGE: 6})


def test_special_tokens_by_name_and_without_a_processor():
    model, processor = TinyLlava(**SMALL).build(["red", "blue"], seed=0)
    assert special_ids(model, processor, ("<answer>", "<nothing>"), True) == {0, 1, 2, 4}
    assert special_ids(model, processor, (), False) >= {0, 1, 2, 3, 4, 5}
    assert special_ids(model, None, (), True) == {0, 1, 2}
    assert special_ids(tiny_model("qwen2_vl"), None, (), True) == {0, 1, 2, 252, 253}


def test_fingerprint_tells_families_and_sizes_apart_but_not_weights():
    one, other = tiny_model("llava", seed=0), tiny_model("llava", seed=1)
    assert fingerprint_of(one, (3, 48)) == fingerprint_of(other, (3, 48))
    wider = tiny_model("llava", intermediate_size=64)
    prints = {
        fingerprint_of(one, (3, 48)),
        fingerprint_of(wider, (3, 64)),
        fingerprint_of(tiny_model("llava_next"), (3, 48)),
    }
    assert len(prints) == 3 and all(len(p) == 16 for p in prints)
