"""One tone as a function of its wave, pitch and place in time."""

from __future__ import annotations

import numpy as np

RATE = 8000
"""Samples a second."""
SAMPLES = 5120
"""Of each sound: 0.64 s, 64 frames of a Whisper feature extractor (10 ms each)."""
NOTES = {
    **{"do": 523.25, "re": 587.33, "mi": 659.26, "fa": 698.46},
    **{"sol": 783.99, "la": 880.0, "ti": 987.77},
}
"""Frequencies of the C major scale from C5 up, in Hz."""
WAVES = ("sine", "square", "saw", "beep")
"""What a tone is made of; a beep is a sine that stops and starts 12.5 times a second."""


def tone(
    wave: str,
    frequency: float,
    *,
    phase: float = 0.0,
    onset: float = 0.0,
    length: float = SAMPLES / RATE,
    level: float = 0.2,
) -> np.ndarray:
    """One tone in silence, without overtones above half the rate.

    Args:
        wave: one of ``WAVES``.
        frequency: of the lowest partial, in (0, RATE / 2) Hz.
        phase: where the wave begins, in periods.
        onset: when it begins, in seconds.
        length: how long it lasts, in seconds; what lies beyond the end is cut off.
        level: root mean square of an unbroken tone.

    Returns:
        float64 ``(SAMPLES,)``.

    Raises:
        ValueError: ``wave`` is none of ``WAVES``.
    """
    if wave not in WAVES:
        raise ValueError(f"{wave!r} is no wave; there are {', '.join(WAVES)}")
    time = np.arange(SAMPLES) / RATE
    partials = np.arange(1, int((RATE / 2) // frequency) + 1)
    if wave == "square":
        partials = partials[::2]
    if wave in ("sine", "beep"):
        partials = partials[:1]
    turns = frequency * (time - onset) + phase
    heights = 1 / partials
    values = np.sin(2 * np.pi * np.outer(turns, partials)) @ heights
    values *= level / np.sqrt((heights**2).sum() / 2)
    edge = np.minimum(time - onset, onset + length - time) / 0.01  # 10 ms to swell and to fade
    values *= np.clip(edge, 0, 1)
    if wave == "beep":  # 40 ms on, 40 ms off, with soft edges
        values *= np.clip(0.5 + 4 * np.sin(2 * np.pi * 12.5 * (time - onset)), 0, 1)
    return values
