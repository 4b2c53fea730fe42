"""Pictures and sounds of questions: every form that they come in, and damaged files."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import wavfile

from simlearn.data.errors import DataError
from simlearn.data.media import load_audio, load_image, resample
from simlearn.data.questions import Question
from simlearn.data.randomness import numpy_generator
from tests.data.ytf_tree import mutants


def ask(**media):
    return Question("q7", "what is it?", ("a cat",), **media)


def picture(height=5, width=7):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def sound(samples=400, rate=8000, hertz=440.0):
    return np.sin(2 * np.pi * hertz * np.arange(samples) / rate) / 2


def test_pictures_in_memory_and_in_files(tmp_path):
    x = picture()
    assert np.array_equal(np.asarray(load_image(ask(image=x))), x)
    for mode, wanted in (("RGB", x), ("L", None), ("RGBA", x), ("P", None)):
        path = tmp_path / f"{mode}.png"
        Image.fromarray(x).convert(mode).save(path)
        found = load_image(ask(image=path))
        assert found.mode == "RGB" and found.size == (7, 5)
        if wanted is not None:
            assert np.array_equal(np.asarray(found), wanted)


def test_photographs_stand_upright(tmp_path):
    x, exif = picture(), Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    path = tmp_path / "turned.png"
    Image.fromarray(x).save(path, exif=exif)
    assert np.array_equal(np.asarray(load_image(ask(image=path))), np.rot90(x, -1))


@pytest.mark.parametrize(
    "array",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)],
)
def test_arrays_that_are_no_picture(array):
    with pytest.raises(DataError, match=r"question 'q7': its image is .* must be uint8 \(H, W, 3"):
        load_image(ask(image=array))


def test_broken_pictures_name_question_and_file(tmp_path):
    with pytest.raises(DataError, match="question 'q7' has no image"):
        load_image(ask())
    with pytest.raises(
        DataError, match=r"question 'q7': .*gone.jpg: cannot be read as an image .*No such file"
    ):
        load_image(ask(image=tmp_path / "gone.jpg"))
    whole = tmp_path / "whole.jpg"
    Image.fromarray(picture(64, 64)).save(whole)
    load_image(ask(image=whole))
    for name, data in (("short.jpg", whole.read_bytes()[:900]), ("text.jpg", b"hello")):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(DataError, match=rf"question 'q7': .*{name}: .*Copy the file again"):
            load_image(ask(image=path))


def test_sounds_in_memory():
    x = sound().astype(np.float32)
    found = load_audio(ask(audio=x, rate=8000), 8000)
    assert found.dtype == np.float32 and np.array_equal(found, x)
    assert load_audio(ask(audio=x.astype(np.float64), rate=8000), 16000).dtype == np.float32


@pytest.mark.parametrize("name", ["x.wav", "x.flac", "x.FLAC", "x.ogg"])
def test_sounds_in_files(tmp_path, name):
    x = sound(4000)
    if name.endswith("wav"):
        wavfile.write(tmp_path / name, 8000, np.round(x * 32767).astype(np.int16))
    else:
        soundfile.write(tmp_path / name, x, 8000)
    found = load_audio(ask(audio=tmp_path / name), 8000)
    assert found.dtype == np.float32
    loss = np.abs(found[:4000] - x).max()
    assert len(found) == 4000 and loss < (0.05 if name == "x.ogg" else 1e-4)


@pytest.mark.parametrize(
    ("dtype", "scale", "shift"),
    [(np.int16, 2**15, 0), (np.int32, 2**31, 0), (np.uint8, 128, 128), (np.float32, 1, 0)],
)
def test_every_kind_of_wav(tmp_path, dtype, scale, shift):
    values = np.array([0.0, 0.5, -0.5, -1.0])
    wavfile.write(tmp_path / "x.wav", 100, (values * scale + shift).astype(dtype))
    assert load_audio(ask(audio=tmp_path / "x.wav"), 100).tolist() == values.tolist()


@pytest.mark.parametrize("name", ["x.wav", "x.flac"])
def test_channels_become_their_mean(tmp_path, name):
    x = np.stack([sound(), -sound(), sound()], 1)
    if name.endswith("wav"):
        wavfile.write(tmp_path / name, 8000, x.astype(np.float32))
    else:
        soundfile.write(tmp_path / name, x, 8000, subtype="PCM_24")
    found = load_audio(ask(audio=tmp_path / name), 8000)
    assert np.allclose(found, sound() / 3, atol=1e-6)


@pytest.mark.parametrize(("source", "rate"), [(8000, 16000), (44100, 16000), (16000, 8000)])
def test_resampling_against_the_sine_itself(source, rate):
    moved = resample(sound(source // 4, source), source, rate)
    assert len(moved) == math.ceil(source // 4 * rate / source)
    wanted = sound(len(moved), rate)
    middle = slice(200, -200)
    assert np.abs(moved[middle] - wanted[middle]).max() < 2e-3


def test_resampling_keeps_out_what_the_new_rate_cannot_hold():
    high = resample(sound(4000, 16000, hertz=6000.0), 16000, 8000)
    assert np.abs(high[100:-100]).max() < 0.01


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 300), st.integers(1, 50), st.integers(1, 50))
def test_lengths_and_scale_of_resampling(samples, source, rate):
    x = np.random.default_rng(samples).standard_normal(samples)
    once = resample(x, source, rate)
    assert once.dtype == np.float32 and len(once) == -(-samples * rate // source)
    assert np.allclose(resample(3 * x, source, rate), 3 * once, atol=1e-4)


def test_bad_sounds_name_question_and_file(tmp_path):
    path = tmp_path / "x.wav"
    with pytest.raises(DataError, match="question 'q7' has no audio"):
        load_audio(ask(), 8000)
    with pytest.raises(
        DataError, match=r"question 'q7': .*x.wav: cannot be read as a sound .*No such file"
    ):
        load_audio(ask(audio=path), 8000)
    with pytest.raises(
        DataError, match=r"question 'q7': .*x.flac: cannot be read as a sound .*No such file"
    ):
        load_audio(ask(audio=tmp_path / "x.flac"), 8000)
    with pytest.raises(DataError, match="its audio has no rate"):
        load_audio(ask(audio=sound()), 8000)
    with pytest.raises(DataError, match=r"its audio is int16 \(3,\), must be float32 \(S,\)"):
        load_audio(ask(audio=np.zeros(3, np.int16), rate=8), 8)
    with pytest.raises(DataError, match="its sound holds no sample"):
        load_audio(ask(audio=np.zeros(0, np.float32), rate=8), 8)
    with pytest.raises(DataError, match="its sound is not finite"):
        load_audio(ask(audio=np.array([0.0, np.nan]), rate=8), 8)
    for rate in (0, -1, 400_000):
        with pytest.raises(DataError, match=rf"its sound has {rate} samples a second, must be"):
            load_audio(ask(audio=sound(), rate=rate), 8000)
    with pytest.raises(ValueError, match="rate is 0, must be at least 1"):
        load_audio(ask(audio=sound(), rate=8000), 0)


@pytest.mark.parametrize("name", ["x.wav", "x.flac"])
def test_sounds_cut_short_are_refused(tmp_path, name):
    path = tmp_path / name
    soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 20_000), 8000)
    data = path.read_bytes()
    assert len(load_audio(ask(audio=path), 8000)) == 20_000
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=rf"question 'q7': .*{name}: cannot be read as a sound"):
        load_audio(ask(audio=path), 8000)


def test_a_missing_package_is_answered_with_its_pip_line(tmp_path, monkeypatch):
    path = tmp_path / "x.flac"
    soundfile.write(path, sound(), 8000)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(DataError, match=r"needs the package soundfile: pip install 'simlearn\[ana"):
        load_audio(ask(audio=path), 8000)
    wavfile.write(tmp_path / "x.wav", 8000, sound().astype(np.float32))
    assert len(load_audio(ask(audio=tmp_path / "x.wav"), 8000)) == 400


@pytest.mark.parametrize("name", ["x.wav", "x.flac", "x.png", "x.jpg"])
def test_mutants_are_decoded_or_refused(tmp_path, name):
    whole, path, opened = tmp_path / name, tmp_path / f"mutant{name[1:]}", 0
    if name in ("x.wav", "x.flac"):
        soundfile.write(whole, sound(), 8000)
    else:
        Image.fromarray(picture(16, 16)).save(whole)
    generator = numpy_generator(0, "mutants", name)
    for data in mutants(whole.read_bytes(), 75, generator):
        path.write_bytes(data)
        try:
            if name in ("x.wav", "x.flac"):
                found = load_audio(ask(audio=path), 8000)
                assert found.dtype == np.float32 and found.ndim == 1
            else:
                assert load_image(ask(image=path)).mode == "RGB"
        except DataError as error:
            assert "question 'q7'" in str(error)
        else:
            opened += 1
    assert opened < 75


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_black_lines_on_nothing_are_black_on_white(mode, tmp_path):
    """A figure without a ground would be black all over if its transparency were dropped."""
    drawn = Image.new("RGBA", (6, 4), (0, 0, 0, 0))
    for x in range(6):
        drawn.putpixel((x, 1), (0, 0, 0, 255))
    path = tmp_path / "figure.png"
    drawn.convert(mode).save(path, **({"transparency": 0} if mode == "P" else {}))
    seen = np.asarray(load_image(Question("q", "what?", (), image=path)))
    assert seen.shape == (4, 6, 3)
    if mode != "P":
        assert (seen[1] == 0).all() and (np.delete(seen, 1, axis=0) == 255).all()
    else:
        assert (seen[0] == 255).all()
