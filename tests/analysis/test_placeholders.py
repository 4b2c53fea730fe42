import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.families import family_of
from simlearn.analysis.placeholders import (
    check_placeholders,
    media_features,
    placeholder_ids,
    token_codes,
)
from tests.analysis.models import FAMILIES, PLACEHOLDER, tiny_batch, tiny_model

CODE = {"qwen2_audio": 5}


@pytest.mark.parametrize("family", FAMILIES)
def test_ids_of_the_configuration(family):
    found = placeholder_ids(tiny_model(family).config)
    token, _ = PLACEHOLDER[family]
    expected = {CODE.get(family, 3): token}
    if "vl" in family:
        expected[4] = 251
    assert found == expected


def test_ids_without_any():
    class Config:
        image_token_index = 7
        audio_token_id = None

    assert placeholder_ids(Config()) == {3: 7}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=12))
def test_codes_against_a_loop(tokens):
    ids = torch.tensor([[token for token, _ in tokens]])
    mask = torch.tensor([[int(there) for _, there in tokens]])
    media, special = {3: 8, 5: 9}, {0, 1, 9}
    found = token_codes(ids, mask, media, special)
    expected = []
    for token, there in tokens:
        if not there:
            expected.append(0)
        elif token == 8:
            expected.append(3)
        elif token == 9:
            expected.append(5)  # the placeholder wins over special
        else:
            expected.append(2 if token in special else 1)
    assert found.dtype == torch.int8
    assert found.tolist() == [expected]
    assert token_codes(ids, None, media, special)[mask == 1].tolist() == found[mask == 1].tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_counts_are_those_of_the_model(family):
    model = tiny_model(family)
    batch = tiny_batch(family, words=(4, 2, 6))
    found = media_features(model, family_of(family), batch)
    assert found == {CODE.get(family, 3): [PLACEHOLDER[family][1]] * 3}


@pytest.mark.parametrize(
    "size", [(28, 56), (56, 28), (56, 56), (28, 28), (40, 50), (13, 90), (90, 13), (57, 41)]
)
def test_tiles_of_any_shape(size):
    model = tiny_model("llava_next")
    sizes = torch.tensor([size])
    pixels = torch.zeros(1, 5, 3, 28, 28)
    with torch.no_grad():
        features = model.model.get_image_features(pixels, sizes, return_dict=True).pooler_output
    batch = {"pixel_values": pixels, "image_sizes": sizes}
    found = media_features(model, family_of("llava_next"), batch)
    assert found == {3: [len(f) for f in features]}


@pytest.mark.parametrize("strategy", ["default", "full"])
def test_patches_and_the_class_token(strategy):
    model = tiny_model("llava")
    model.config.vision_feature_select_strategy = strategy
    pixels = torch.zeros(2, 3, 28, 28)
    with torch.no_grad():
        output = model.model.get_image_features(
            pixels, vision_feature_select_strategy=strategy, return_dict=True
        )
    found = media_features(model, family_of("llava"), {"pixel_values": pixels})
    assert found == {3: [len(f) for f in output.pooler_output]}


def test_pixtral_counts_by_size():
    model = tiny_model("llava")
    batch = {
        "pixel_values": torch.zeros(2, 3, 56, 56),
        "image_sizes": torch.tensor([[28, 56], [14, 30]]),
    }
    assert media_features(model, family_of("llava"), batch) == {3: [8, 2]}


@pytest.mark.parametrize("frames", [64, 63, 50, 7, 4])
def test_audio_frames(frames):
    model = tiny_model("qwen2_audio")
    mask = (torch.arange(64) < frames).long()[None]
    batch = {"input_features": torch.zeros(1, 16, 64), "feature_attention_mask": mask}
    found = media_features(model, family_of("qwen2_audio"), batch)
    assert found == {5: [(((frames - 1) // 2 + 1) - 2) // 2 + 1]}


def test_videos_and_images_apart():
    model = tiny_model("qwen2_vl")
    batch = {
        "pixel_values": torch.zeros(20, 1176),
        "image_grid_thw": torch.tensor([[1, 4, 4], [1, 2, 2]]),
        "pixel_values_videos": torch.zeros(48, 1176),
        "video_grid_thw": torch.tensor([[3, 4, 4]]),
    }
    assert media_features(model, family_of("qwen2_vl"), batch) == {3: [4, 1], 4: [12]}


def test_unknown_family_is_not_counted():
    batch = {"pixel_values": torch.zeros(1, 3, 28, 28)}
    assert media_features(None, family_of("idefics3"), batch) == {3: None}
    assert media_features(None, family_of("idefics3"), {}) == {}


@pytest.mark.parametrize("family", ["llava", "llava_next", "qwen2_vl", "qwen2_5_vl"])
def test_encoded_media_are_counted_too(family):
    adapter = ModelAdapter(tiny_model(family, dtype=torch.float64))
    batch = tiny_batch(family, dtype=torch.float64)
    names = {"image_grid_thw", "image_sizes"} & set(batch)
    with torch.no_grad():
        output = adapter.model.model.get_image_features(
            batch["pixel_values"], **{n: batch[n] for n in names}, return_dict=True
        )
        plain = adapter.forward(batch, logits="last")
        encoded = {k: v for k, v in batch.items() if k != "pixel_values"}
        encoded["mm_encoder_outputs"] = {"image": output}
        assert torch.equal(adapter.forward(encoded, logits="last"), plain)
    encoded["input_ids"] = encoded["input_ids"].clamp(max=100)
    features = 2 * PLACEHOLDER[family][1]
    with pytest.raises(AnalysisError, match=f"0 image tokens, but the 2 image.* {features} feat"):
        adapter.check(encoded)


def rows(*counts, code=3):
    width = max(max(counts), 1)
    return {code: torch.tensor([[i < n for i in range(width)] for n in counts])}


def test_check_accepts_what_fits():
    check_placeholders(rows(4, 4), {3: [4, 4]})
    check_placeholders(rows(8, 0, 4), {3: [4, 4, 4]})
    check_placeholders(rows(0, 0), {})
    check_placeholders(rows(3, 2), {3: None})


def test_check_refuses():
    with pytest.raises(
        AnalysisError, match=r"7 image tokens, but the 2 image\(s\) give 8 feat.*trunc"
    ):
        check_placeholders(rows(4, 3), {3: [4, 4]})
    with pytest.raises(AnalysisError, match="5 image tokens, but the batch has no pixel_values:"):
        check_placeholders(rows(5), {})
    with pytest.raises(AnalysisError, match="0 image tokens, but the 1 image"):
        check_placeholders(rows(0), {3: [4]})
    with pytest.raises(
        AnalysisError, match=r"row 0 has 5 image tokens, .*\[4, 4\].*order of the rows"
    ):
        check_placeholders(rows(5, 3), {3: [4, 4]})
    with pytest.raises(
        AnalysisError, match="2 audio tokens, but the 2 audio.* 32 .*one placeholder"
    ):
        check_placeholders(rows(1, 1, code=5), {5: [16, 16]})
