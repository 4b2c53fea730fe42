"""Pictures and sounds as the model's own processor makes them, bit for bit, and turned."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.media_tensors import (
    CHUNK,
    TURNS,
    MediaTensors,
    from_patches,
    media_tensors,
    to_patches,
    turned,
)
from simlearn.data.errors import DataError
from simlearn.data.questions import Question
from tests.analysis.tiny_case import TAUGHT, noise_picture, read, shown, tiny_case


def ask(**media):
    return Question("q7", "what?", ("a",), **media)


def test_turns_are_the_eight_of_a_square():
    x = torch.arange(2 * 9.0).reshape(1, 2, 3, 3)
    found = [turned(x, torch.tensor([t])) for t in range(TURNS)]
    assert torch.equal(found[0], x)
    plane = x[0, 0].numpy()
    group = {np.rot90(p, k).tobytes() for k in range(4) for p in (plane, plane[:, ::-1])}
    assert {f[0, 0].numpy().tobytes() for f in found} == group and len(group) == 8
    for t, f in enumerate(found):
        one = plane
        one = one[:, ::-1] if t & 1 else one
        one = one[::-1] if t & 2 else one
        one = one.T if t & 4 else one
        assert np.array_equal(f[0, 0].numpy(), one)
        assert torch.equal(f[0, 1] - 9, f[0, 0])  # all channels alike


def test_each_picture_of_a_batch_has_its_own_turn():
    x = torch.rand(16, 3, 4, 4)
    turns = torch.arange(16) % TURNS
    found = turned(x, turns)
    for i in range(16):
        assert torch.equal(found[i], turned(x[i : i + 1], turns[i : i + 1])[0])
    assert torch.equal(x, x.clone()) and turned(x[:0], turns[:0]).shape == (0, 3, 4, 4)


@settings(max_examples=25)
@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(1, 2), st.integers(1, 3)
)
def test_patches_one_by_one(count, blocks, merge, temporal, patch):
    side = blocks * merge * patch
    x = torch.arange(count * 3 * side * side).float().reshape(count, 3, side, side)
    rows = []
    for picture in x:
        for r, c, i, j in product(range(blocks), range(blocks), range(merge), range(merge)):
            top, left = (r * merge + i) * patch, (c * merge + j) * patch
            square = picture[:, top : top + patch, left : left + patch]
            rows.append(torch.stack([square] * temporal, dim=1).flatten())
    found = to_patches(x, patch, merge, temporal)
    assert torch.equal(found, torch.stack(rows))
    assert torch.equal(from_patches(found, side, patch, merge, temporal), x)


@pytest.mark.parametrize(("side", "patch"), [(48, 4), (24, 4), (56, 14)])
def test_patches_are_in_the_order_of_qwen2_vl(side, patch):
    from transformers import Qwen2VLImageProcessor

    own = Qwen2VLImageProcessor(
        **{"min_pixels": side**2, "max_pixels": side**2, "patch_size": patch},
        **{"image_mean": [0.5] * 3, "image_std": [0.25] * 3},
    )
    images = [noise_picture(side, side, seed) for seed in (0, 1)]
    wanted = own([Image.fromarray(i) for i in images], return_tensors="pt")["pixel_values"]
    pixels = from_patches(wanted, side, patch)
    assert torch.equal(to_patches(pixels, patch), wanted)
    naive = torch.tensor(np.stack(images)).permute(0, 3, 1, 2) / 255
    assert torch.allclose(pixels, (naive - 0.5) / 0.25, atol=1e-5)


@pytest.mark.parametrize("family", TAUGHT)
def test_inputs_are_those_of_the_processor(family):
    settings, _, processor, questions = tiny_case(family)
    media = media_tensors(family, processor, questions)
    asked = shown(questions)[::3]
    rows = torch.tensor([questions.index(q) for q in asked])
    found = media.inputs(media.rows[rows])
    if family == "qwen2_audio":
        given = {"audio": [q.audio for q in asked], "sampling_rate": settings.rate}
    else:
        given = {"images": [Image.fromarray(q.image) for q in asked]}
    own = processor(text=[settings.place] * len(asked), return_tensors="pt", **given)
    assert found.keys() == own.keys() - {"input_ids", "attention_mask", "mm_token_type_ids"}
    for name, value in found.items():
        assert torch.equal(value, own[name]), name
    assert media.rows[[questions.index(q) for q in read(questions)]].eq(-1).all()


@pytest.mark.parametrize("family", ["llava", "qwen2_vl"])
def test_turned_inputs_are_those_of_a_turned_picture(family):
    _, _, processor, _ = tiny_case(family)
    x = noise_picture(24, 24)
    mirrored = [x, x[:, ::-1], x[::-1], x.transpose(1, 0, 2)]
    asked = [ask(image=np.ascontiguousarray(m)) for m in mirrored]
    media = media_tensors(family, processor, asked)
    wanted = media.inputs(torch.arange(4))
    found = media.inputs(torch.zeros(4, dtype=torch.long), torch.tensor([0, 1, 2, 4]))
    for name in wanted:
        assert torch.equal(found[name], wanted[name])


def test_sounds_are_not_turned():
    x = torch.rand(2, 4, 4)
    media = MediaTensors("qwen2_audio", x, torch.arange(2))
    found = media.inputs(torch.arange(2), torch.tensor([3, 7]))
    assert torch.equal(found["input_features"], x)
    assert found["feature_attention_mask"].tolist() == [[1] * 4] * 2


def test_every_medium_once(tmp_path):
    _, _, processor, _ = tiny_case("llava")
    x, y = noise_picture(30, 40, 0), noise_picture(30, 40, 0)
    path = tmp_path / "a.png"
    Image.fromarray(noise_picture(20, 20, 3)).save(path)
    asked = [ask(image=x), ask(), ask(image=path), ask(image=x), ask(image=y), ask(image=path)]
    media = media_tensors("llava", processor, asked)
    assert media.rows.tolist() == [0, -1, 1, 0, 2, 1] and media.rows.dtype == torch.int64
    assert media.values.shape == (3, 3, 24, 24) and media.values.dtype == torch.float32
    assert torch.equal(media.values[0], media.values[2])
    none = media_tensors("llava", processor, [ask(), ask()])
    assert len(none.values) == 0 and none.rows.tolist() == [-1, -1]


def test_many_media_come_in_parts_and_are_reported():
    _, _, processor, _ = tiny_case("llava")
    asked = [ask(image=noise_picture(4, 4, n)) for n in range(CHUNK + 3)]
    calls = []
    media = media_tensors("llava", processor, asked, report=lambda *c: calls.append(c))
    assert calls == [("pictures", CHUNK, CHUNK + 3), ("pictures", CHUNK + 3, CHUNK + 3)]
    alone = media_tensors("llava", processor, asked[CHUNK:])
    assert torch.equal(media.values[CHUNK:], alone.values)


@pytest.mark.parametrize("size", [8, 24, 38, 47, 64, 76, 85, 94, 143, 331])
def test_squares_of_any_size_fit_qwen2_vl(size):
    _, _, processor, _ = tiny_case("qwen2_vl")
    media = media_tensors("qwen2_vl", processor, [ask(image=noise_picture(size, size))])
    assert media.values.shape == (1, 3, 24, 24)


def test_a_picture_that_is_no_square():
    _, _, processor, _ = tiny_case("qwen2_vl")
    asked = [ask(image=noise_picture(24, 24)), ask(image=noise_picture(24, 90))]
    with pytest.raises(
        AnalysisError, match="'q7': its picture has 90 x 24 pixels.*model=tiny_llava"
    ):
        media_tensors("qwen2_vl", processor, asked)
    _, _, processor, _ = tiny_case("llava")
    assert media_tensors("llava", processor, asked).values.shape == (2, 3, 24, 24)


@pytest.mark.parametrize("samples", [1000, 5119, 5120, 5121, 9000])
def test_a_sound_of_any_length_is_what_the_model_is_asked_about(samples):
    kind, model, processor, _ = tiny_case("qwen2_audio")
    sound = np.random.default_rng(0).normal(size=samples).astype(np.float32) / 10
    q = ask(audio=sound, rate=8000)
    media = media_tensors("qwen2_audio", processor, [q])
    wanted = ModelAdapter(model, processor).encode([q])
    for name, value in media.inputs(media.rows).items():
        assert torch.equal(value, wanted[name].to(value)), name
    assert int((wanted["input_ids"] == model.config.audio_token_id).sum()) == kind.tokens


def test_a_sound_at_another_rate():
    _, _, processor, _ = tiny_case("qwen2_audio")
    asked = [ask(audio=np.zeros(10240, np.float32), rate=16000)]
    assert media_tensors("qwen2_audio", processor, asked).values.shape == (1, 40, 64)


def test_a_picture_that_is_not_there(tmp_path):
    _, _, processor, _ = tiny_case("llava")
    with pytest.raises(DataError, match=r"question 'q7': .*gone\.png"):
        media_tensors("llava", processor, [ask(image=tmp_path / "gone.png")])
