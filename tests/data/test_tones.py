"""Questions about drawn tones: the same every time, balanced, and to be heard in the sound."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

from simlearn.config.targets import Target, arguments, plain_default
from simlearn.data.media import load_audio
from simlearn.data.tone_waves import NOTES, RATE, SAMPLES, WAVES, tone
from simlearn.data.tones import Tones

CONFIG = Path(__file__).parents[2] / "configs" / "data" / "tones.yaml"
SMALL = {"train": 400, "test": 80, "text_train": 400, "text_test": 40}


@pytest.fixture(scope="module")
def drawn():
    return Tones(**SMALL).open()


def heard(audio):
    """Note and wave of a sound: the best of all tones by their spectra at any time."""
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio))))
    hertz = np.fft.rfftfreq(len(audio), 1 / RATE)
    low = np.where((hertz > 400) & (hertz < 1020), spectrum, 0)
    note = min(NOTES, key=lambda n: abs(np.log(NOTES[n] / hertz[low.argmax()])))

    def height(k):
        return spectrum[np.abs(hertz - k * NOTES[note]) < 15].max()

    first, second, third = height(1), height(2), height(3)
    if second > 0.3 * first:
        return note, "saw"
    if third > 0.2 * first:
        return note, "square"
    loud = np.abs(audio).reshape(-1, 80).max(1) > 0.3 * np.abs(audio).max()  # 10 ms each
    begin, end = np.flatnonzero(loud)[[0, -1]]
    return note, "sine" if loud[begin:end].all() else "beep"


def test_sizes_ids_and_sharing(drawn):
    for split, count, texts in (("train", 400, 400), ("test", 80, 40)):
        questions = drawn.splits[split]
        assert Counter(q.dataset for q in questions) == {"tones": count, "text": texts}
        assert [q.id for q in questions[:count]] == [f"{split}-{n}" for n in range(count)]
        arrays = {id(q.audio) for q in questions[:count]}
        assert len(arrays) == count // 4
        for q in questions[:count]:
            assert q.audio.dtype == np.float32 and q.audio.shape == (SAMPLES,) and q.rate == RATE
            assert not q.audio.flags.writeable and np.abs(q.audio).max() <= 1
        assert all(q.audio is None for q in questions[count:])
    sounds = [
        q.audio for s in ("train", "test") for q in drawn.splits[s] if q.kind == "note" and q.rate
    ]
    assert len({a.tobytes() for a in sounds}) == len(sounds) == 120


def test_the_answers_can_be_heard(drawn):
    right = Counter()
    for q in drawn.splits["train"][:400]:
        note, wave = heard(q.audio)
        if q.kind == "yes_no":
            named = q.text.split()[-2]
            answer = "yes" if named in (note, wave) else "no"
        else:
            answer = note if q.kind == "note" else wave
        right[q.kind] += answer == q.answers[0]
    assert right == {"note": 100, "wave": 100, "yes_no": 200}


def test_the_answers_stand_in_the_text(drawn):
    said = r"the note is (\w+) and the sound is a (\w+)|the sound is a (\w+) and the note is (\w+)"
    for q in drawn.splits["train"][400:]:
        found = re.match(rf"(?:{said}|a (\w+) plays (\w+)) (wh|is)", q.text)
        (note,), (wave,) = set(found.groups()) & set(NOTES), set(found.groups()) & set(WAVES)
        if q.kind == "yes_no":
            assert q.answers == ("yes" if q.text.split()[-2] in (note, wave) else "no",)
        else:
            assert q.answers == (note if q.kind == "note" else wave,)
        assert q.kind in q.text.replace("sound", "wave") or q.kind == "yes_no"


def test_few_plain_words(drawn):
    questions = [q for s in ("train", "test") for q in drawn.splits[s]]
    assert all(re.fullmatch(r"[a-z]+( [a-z]+)* \?", q.text) for q in questions)
    words = {w for q in questions for w in [*q.text.split(), *q.answers]}
    assert len(words) == 24 and {*NOTES, *WAVES, "yes", "no", "?"} < words


def test_nothing_is_to_be_guessed(drawn):
    for dataset in ("tones", "text"):
        asked = [q for q in drawn.splits["train"] if q.dataset == dataset]
        for kind, choices in (("note", NOTES), ("wave", WAVES), ("yes_no", ("yes", "no"))):
            counts = Counter(q.answers[0] for q in asked if q.kind == kind)
            assert set(counts) == set(choices)
            assert max(counts.values()) < 1.7 * counts.total() / len(choices)


def test_draws_are_functions_of_seed_split_and_number(drawn):
    again, other = Tones(**SMALL).open(), Tones(**SMALL, draw_seed=1).open()
    assert again.fingerprint == drawn.fingerprint != other.fingerprint
    for a, b in zip(again.splits["test"], drawn.splits["test"], strict=True):
        assert a.text == b.text and a.answers == b.answers
        assert (a.audio is None and b.audio is None) or np.array_equal(a.audio, b.audio)
    few = Tones(train=10, test=1, text_train=3, text_test=0).open().splits
    assert [len(few[s]) for s in ("train", "val", "test")] == [13, 0, 1]
    for a, b in zip(few["train"][:10], drawn.splits["train"], strict=False):
        assert (a.text, a.answers) == (b.text, b.answers) and np.array_equal(a.audio, b.audio)


def test_sounds_are_loaded_for_a_model_of_16_khz(drawn):
    assert load_audio(drawn.splits["test"][0], 16000).shape == (10240,)  # 64 frames of 10 ms


def test_noise_is_faint_and_sounds_differ(drawn):
    first = next(q for q in drawn.splits["train"] if q.kind == "note")
    quiet = first.audio[:20]
    assert 0 < np.abs(quiet).max() < 0.1 * np.abs(first.audio).max()
    assert not np.allclose(first.audio, tone("sine", NOTES[first.answers[0]]), atol=0.01)


def test_progress_is_reported():
    calls = []
    Tones(train=9, test=4, text_train=0, text_test=0).open(report=lambda *c: calls.append(c))
    assert calls[2] == ("drawing train tones", 3, 3) and calls[-1] == ("drawing test tones", 1, 1)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"train": 0}, "data.train is 0, must be at least 1"),
        ({"text_train": -1}, r"data.text_train is -1, must be from 0 to data.train \(400\)"),
        ({"text_test": 81}, r"data.text_test is 81, must be from 0 to data.test \(80\)"),
    ],
)
def test_numbers_out_of_range(changed, text):
    with pytest.raises(ValueError, match=text):
        Tones(**{**SMALL, **changed})


def test_the_option_file_fits_the_class():
    values, known = yaml.safe_load(CONFIG.read_text()), arguments(Target(Tones))
    assert values.pop("class") == "Tones"
    assert values == {key: plain_default(argument)[1] for key, argument in known.items()}
