import numpy as np
import pytest
import torch
import transformers as hf

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.encode import encode_questions, prompt_text, whole_chunk
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.families import family_of
from simlearn.analysis.tiny_models import TinyQwen2Audio
from simlearn.data.questions import Question
from tests.analysis.models import TEXT, tiny_model

WORDS = ["what", "colour", "is", "this", "?", "red", "say", "it"]
TEMPLATE = (
    "{% for m in messages %}{{ bos_token }}user {% if m.content is string %}{{ m.content }}"
    "{% else %}{% for p in m.content %}{% if p.type == 'text' %}{{ p.text }}"
    "{% elif 'image' in p %}<image>{% elif 'audio' in p %}<|AUDIO|>{% endif %}{% endfor %}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %} assistant{% endif %}"
)


def tokenizer_with(ids, template=None):
    """A word-level tokenizer of 256 ids with the named tokens at the named ids."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    names = {i: f"w{i}" for i in range(256)}
    names.update({0: "<pad>", 1: "<s>", 2: "</s>", 3: "<unk>", 4: "user", 5: "assistant"})
    names.update({10 + i: word for i, word in enumerate(WORDS)})
    names.update({i: name for name, i in ids.items()})
    core = Tokenizer(models.WordLevel({n: i for i, n in names.items()}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    tokenizer = hf.PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=list(ids),
    )
    tokenizer.chat_template = template
    return tokenizer


def llava_processor(template=None, **kw):
    return hf.LlavaProcessor(
        image_processor=hf.CLIPImageProcessor(
            size={"height": 28, "width": 28}, crop_size={"height": 28, "width": 28}
        ),
        tokenizer=tokenizer_with({"<image>": 255}, template),
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        **kw,
    )


def audio_processor(template=None):
    extractor = hf.WhisperFeatureExtractor(
        feature_size=16, sampling_rate=6400, hop_length=100, n_fft=400, chunk_length=1
    )
    marks = {"<|AUDIO|>": 250, "<|audio_bos|>": 248, "<|audio_eos|>": 249}
    return hf.Qwen2AudioProcessor(extractor, tokenizer_with(marks, template), template)


def picture(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (20, 30, 3)).astype(np.uint8)


def question(text="what colour is this ?", **kw):
    return Question(kw.pop("id", "q"), text, ("red",), **kw)


@pytest.mark.parametrize("template", [None, TEMPLATE])
def test_pictures(template):
    adapter = ModelAdapter(tiny_model("llava"), llava_processor(template))
    questions = [question(image=picture(0)), question("say it", image=picture(1))]
    batch = adapter.encode(questions)
    assert batch["pixel_values"].shape == (2, 3, 28, 28)
    assert all(value.device == adapter.device for value in batch.values())
    first, second = batch["input_ids"].tolist()
    if template is None:
        assert first == [1, 255, 255, 255, 255, 10, 11, 12, 13, 14]
    else:
        assert first == [1, 4, 255, 255, 255, 255, 10, 11, 12, 13, 14, 5]
        assert second[-3:] == [16, 17, 5]
    assert batch["attention_mask"].tolist()[1] == [int(token != 0) for token in second]
    assert second[0] == 0
    assert batch["attention_mask"][:, -1].all()
    codes = adapter.token_modality(batch).codes
    assert (codes == 3).sum(dim=1).tolist() == [4, 4]
    with torch.no_grad():
        one = adapter.forward(adapter.encode(questions[1:]), logits="last")
        assert torch.allclose(adapter.forward(batch, logits="last")[1], one[0], atol=1e-5)


def test_questions_with_and_without_a_picture():
    adapter = ModelAdapter(tiny_model("llava"), llava_processor(TEMPLATE))
    batch = adapter.encode([question("say it"), question(image=picture())])
    assert batch["pixel_values"].shape[0] == 1
    assert (adapter.token_modality(batch).codes == 3).sum(dim=1).tolist() == [0, 4]
    assert "pixel_values" not in adapter.encode([question("say it")])


@pytest.mark.parametrize("template", [None, TEMPLATE])
def test_sounds_are_brought_to_the_rate(template):
    adapter = ModelAdapter(tiny_model("qwen2_audio"), audio_processor(template))
    sound = np.sin(np.arange(8000, dtype=np.float32) / 9)
    batch = adapter.encode([question("say it", audio=sound, rate=12800)])
    frames = int(batch["feature_attention_mask"].sum())
    assert frames == 40  # 4000 samples at 6400 a second, 100 of them a frame
    codes = adapter.token_modality(batch).codes[0].tolist()
    assert codes.count(5) == 10
    with torch.no_grad():
        assert adapter.forward(batch, logits="last").shape == (1, 256)


def test_sounds_of_any_length_for_an_extractor_of_a_broken_number_of_seconds():
    """0.64 s are 5120.0 samples, by which transformers can neither cut nor fill."""
    _, processor = TinyQwen2Audio(hidden=32, intermediate=48, layers=1, heads=2).build((), seed=0)
    extractor = processor.feature_extractor
    assert extractor.n_samples == 5120 and isinstance(extractor.n_samples, float)
    wave = np.sin(np.arange(9000) / 7).astype(np.float32)
    features = []
    for length in (400, 5120, 9000):
        asked = Question("s", "what?", (), audio=wave[:length], rate=8000)
        batch = encode_questions([asked], processor, family_of("qwen2_audio"), {5: 6})
        features.append(batch["input_features"])
        assert features[-1].shape == (1, 40, 64)
    assert torch.equal(features[1], features[2]) and not torch.equal(features[0], features[1])
    assert np.array_equal(whole_chunk(wave, extractor), wave[:5120])
    filled = whole_chunk(wave[:400], extractor)
    assert np.array_equal(filled[:400], wave[:400]) and not filled[400:].any()
    extractor.n_samples = 5120
    assert whole_chunk(wave, extractor) is wave and whole_chunk(wave, object()) is wave


def test_tokenizer_alone():
    model = hf.LlamaForCausalLM(hf.LlamaConfig(**TEXT)).eval()
    adapter = ModelAdapter(model, tokenizer_with({}, TEMPLATE), text_only=True)
    batch = adapter.encode([question("say it"), question()])
    assert batch["input_ids"].tolist()[0] == [0, 0, 0, 1, 4, 16, 17, 5]
    with pytest.raises(AnalysisError, match="question 'p' has an image, but .* takes none"):
        adapter.encode([question(id="p", image=picture())])


def test_template_of_the_tokenizer_or_the_processor():
    family = family_of("llava")
    expected = "<s>user <image>say it assistant"
    for processor in (llava_processor(TEMPLATE), llava_processor(chat_template=TEMPLATE)):
        text = prompt_text(question("say it", image=picture()), processor, family, {3: 255})
        assert text == expected


def test_plain_text_with_the_marks_of_the_family():
    class Bare:
        """A processor without a chat template."""

        image_processor = feature_extractor = object()
        tokenizer = tokenizer_with({"<|AUDIO|>": 250, "<|image_pad|>": 251})

    q = question("say it", audio=np.zeros(4, np.float32), rate=4)
    text = prompt_text(q, Bare(), family_of("qwen2_audio"), {5: 250})
    assert text == "<|audio_bos|><|AUDIO|><|audio_eos|>say it"
    text = prompt_text(question("say it", image=picture()), Bare(), family_of("qwen2_vl"), {3: 251})
    assert text == "<|vision_start|><|image_pad|><|vision_end|>say it"
    assert prompt_text(question("say it"), Bare(), family_of("llava"), {}) == "say it"


def test_refusals():
    adapter = ModelAdapter(tiny_model("llava"))
    with pytest.raises(AnalysisError, match=r"need a processor: ModelAdapter\(model, processor\)"):
        adapter.encode([question("say it")])
    adapter = ModelAdapter(tiny_model("llava"), llava_processor(TEMPLATE))
    with pytest.raises(AnalysisError, match="question 'q' has an audio, but .*LlavaProcessor"):
        adapter.encode([question(audio=np.zeros(9, np.float32), rate=8000)])
    with pytest.raises(AnalysisError, match="no question"):
        adapter.encode([])
    tokenizer = tokenizer_with({})
    tokenizer.pad_token = None
    with pytest.raises(AnalysisError, match=r"pad_token = tokenizer\.eos_token"):
        encode_questions([question("say it")], tokenizer, family_of("llama"), {})
