"""One tone against sums of sines written out, and what its spectrum shows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simlearn.data.tone_waves import NOTES, RATE, SAMPLES, WAVES, tone


def naive(wave, frequency, phase, onset, length, level, n):
    """Sample ``n`` of a tone."""
    t = n / RATE
    total = power = 0.0
    k = 1
    while k * frequency < RATE / 2:
        if wave == "saw" or k == 1 or (wave == "square" and k % 2):
            total += math.sin(2 * math.pi * k * (frequency * (t - onset) + phase)) / k
            power += 0.5 / k**2
        k += 1
    value = level * total / math.sqrt(power)
    value *= min(max(min(t - onset, onset + length - t) / 0.01, 0), 1)
    if wave == "beep":
        gate = 0.5 + 4 * math.sin(2 * math.pi * 12.5 * (t - onset))
        value *= min(max(gate, 0), 1)
    return value


@pytest.mark.parametrize("wave", WAVES)
def test_against_a_loop(wave):
    arguments = {"phase": 0.3, "onset": 0.05, "length": 0.4, "level": 0.1}
    found = tone(wave, NOTES["sol"], **arguments)
    assert found.shape == (SAMPLES,)
    for n in (0, 399, 401, 440, 700, 1234, 3599, 3601, 5119):
        wanted = naive(wave, NOTES["sol"], *arguments.values(), n)
        assert found[n] == pytest.approx(wanted, abs=1e-9)
    assert np.all(found[:400] == 0) and np.all(found[3601:] == 0)


@pytest.mark.parametrize("wave", ["sine", "square", "saw"])
def test_waves_are_equally_loud(wave):
    middle = tone(wave, NOTES["la"], level=0.2)[800:4000]  # whole periods of 880 Hz
    assert np.sqrt((middle**2).mean()) == pytest.approx(0.2, rel=1e-3)


def test_overtones_tell_the_waves_apart():
    def partial(wave, k):
        time = np.arange(SAMPLES) / RATE
        return abs(tone(wave, NOTES["la"]) @ np.exp(-2j * np.pi * k * NOTES["la"] * time))

    for wave, heights in {
        "sine": (0, 0, 0),
        "square": (0, 1 / 3, 0),
        "saw": (1 / 2, 1 / 3, 1 / 4),
    }.items():
        found = [partial(wave, k) / partial(wave, 1) for k in (2, 3, 4)]
        assert found == pytest.approx(heights, abs=0.01)


def test_a_beep_stops_and_starts():
    pieces = np.abs(tone("beep", NOTES["do"])).reshape(-1, 320)[:, 80:240]  # the middle of 40 ms
    assert np.all(pieces[:8:2].max(1) > 0.2) and np.all(pieces[1:8:2] == 0)


def test_notes_are_the_scale_of_c_major():
    steps = [round(12 * math.log2(f / NOTES["la"])) for f in NOTES.values()]
    assert steps == [-9, -7, -5, -4, -2, 0, 2]


def test_unknown_waves():
    with pytest.raises(ValueError, match="'noise' is no wave; there are sine, square, saw, beep"):
        tone("noise", 440.0)
