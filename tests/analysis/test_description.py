import transformers as hf

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.description import unused_vision_layers
from tests.analysis.models import CLIP, TEXT, tiny_model


def test_parts_layers_widths_and_paths():
    text = ModelAdapter(tiny_model("llava")).describe()
    assert text.splitlines()[0] == "LlavaForConditionalGeneration (family LLaVA)"
    assert "  text act: 3 x 48, output of model.language_model.layers.0.mlp.act_fn" in text
    assert "vision act: 2 x 64" in text and "projector act: 1 x 32" in text
    assert "cannot affect" not in text


def test_vision_layers_that_the_text_never_sees():
    config = hf.LlavaConfig(
        text_config=hf.LlamaConfig(**TEXT),
        vision_config=hf.CLIPVisionConfig(**CLIP),
        image_token_index=255,
        vision_feature_layer=-2,
    )
    adapter = ModelAdapter(hf.LlavaForConditionalGeneration(config).eval())
    assert unused_vision_layers(adapter) == [1]
    assert "vision layers 1 cannot affect the text: vision_feature_layer = -2" in adapter.describe()
    adapter.model.config.vision_feature_layer = [-3, 1]
    assert unused_vision_layers(adapter) == [1]
