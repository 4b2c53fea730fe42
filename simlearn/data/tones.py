"""Drawn tones and questions about them, for a small model that hears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simlearn.data.questions import Question, QuestionSource
from simlearn.data.randomness import numpy_generator
from simlearn.data.tone_waves import NOTES, RATE, SAMPLES, WAVES, tone

if TYPE_CHECKING:
    from simlearn.data.video_source import Report

PER_SOUND = 4
"""Questions about one sound: its note, its wave, and yes or no about each."""

TONES, TEXTS = "tones", "text"
"""Names of the two data sets."""

ASKED = {
    "note": ("which note is this ?", "what is the note ?"),
    "wave": ("which sound is this ?", "what is the sound ?"),
}
STATEMENTS = (
    "the note is {note} and the sound is a {wave}",
    "the sound is a {wave} and the note is {note}",
    "a {wave} plays {note}",
)


@dataclass(frozen=True, kw_only=True)
class Tones(QuestionSource):
    """Seven notes in four waves, drawn from numbers, and as many descriptions as are asked for.

    Of each sound four questions are asked: "which note is this ?", "which sound is this ?", "is
    the note re ?", "is the sound a saw ?"; half of the last two with "yes". A sound is one of 28
    tones of random phase, beginning, length, loudness and noise. The questions of the data set
    "text" describe a tone in words and ask the same: "a saw plays re which note is this ?". Kinds
    are "note", "wave" and "yes_no". Every draw is a function of (``draw_seed``, split, number), so
    fewer questions are the first of more.

    ``train`` and ``test`` of :class:`QuestionSource` count per data set ("tones" and "text").

    Args:
        train: questions about training sounds.
        test: questions about test sounds.
        text_train: training questions whose answer stands in the text, at most ``train``; 0 for
            none.
        text_test: such test questions, at most ``test``.

    Raises:
        ValueError: a number out of its range.
    """

    train: int = 4000
    test: int = 600
    text_train: int = 2000
    text_test: int = 300

    def __post_init__(self) -> None:
        super().__post_init__()
        for split in ("train", "test"):
            few, most = getattr(self, f"text_{split}"), getattr(self, split)
            if not 0 <= few <= most:
                raise ValueError(
                    f"data.text_{split} is {few}, must be from 0 to data.{split} ({most})"
                )

    def read(self, report: Report | None = None) -> dict[str, list[Question]]:
        """The questions of "train" and "test", those about sounds first.

        Four questions share one array of 20 kB: 25 MB in all with the defaults.

        Args:
            report: called with the number of sounds drawn.
        """
        found: dict[str, list[Question]] = {}
        for split, count, texts in (
            ("train", self.train, self.text_train),
            ("test", self.test, self.text_test),
        ):
            found[split] = []
            for number in range(-(-count // PER_SOUND)):
                found[split] += _about_a_sound(self.draw_seed, split, number)
                if report is not None:
                    report(f"drawing {split} tones", number + 1, -(-count // PER_SOUND))
            del found[split][count:]
            found[split] += [_about_a_text(self.draw_seed, split, n) for n in range(texts)]
        return found


def _about_a_sound(seed: int, split: str, number: int) -> list[Question]:
    """The four questions about one drawn sound."""
    g = numpy_generator(seed, "tone", split, number)
    note, wave = _draw(g, tuple(NOTES)), _draw(g, WAVES)
    onset = g.uniform(0, 0.1)
    clean = tone(
        wave,
        NOTES[note],
        phase=g.random(),
        onset=onset,
        length=g.uniform(0.4, 0.54),
        level=(level := g.uniform(0.05, 0.25)),
    )
    noise = level * g.uniform(0.01, 0.05) * g.standard_normal(SAMPLES)
    audio = np.clip(clean + noise, -1, 1).astype(np.float32)
    audio.setflags(write=False)  # four questions share it
    asked = [_asked(g, kind, note, wave) for kind in ("note", "wave", "is_note", "is_wave")]
    return [
        Question(
            id=f"{split}-{PER_SOUND * number + place}",
            text=text,
            answers=(answer,),
            kind=kind,
            dataset=TONES,
            audio=audio,
            rate=RATE,
        )
        for place, (text, answer, kind) in enumerate(asked)
    ]


def _about_a_text(seed: int, split: str, number: int) -> Question:
    """One question about a tone that words describe; half of them yes/no."""
    g = numpy_generator(seed, "tone in words", split, number)
    note, wave = _draw(g, tuple(NOTES)), _draw(g, WAVES)
    said = _draw(g, STATEMENTS).format(note=note, wave=wave)
    text, answer, kind = _asked(g, _draw(g, ("note", "wave", "is_note", "is_wave")), note, wave)
    return Question(f"{split}-{number}", f"{said} {text}", (answer,), kind, TEXTS)


def _asked(g: np.random.Generator, about: str, note: str, wave: str) -> tuple[str, str, str]:
    """A question of one kind about a tone: text, answer, kind."""
    if about in ASKED:
        return _draw(g, ASKED[about]), note if about == "note" else wave, about
    right = g.random() < 0.5
    if about == "is_note":
        named = note if right else _draw(g, tuple(n for n in NOTES if n != note))
        return f"is the note {named} ?", "yes" if right else "no", "yes_no"
    named = wave if right else _draw(g, tuple(w for w in WAVES if w != wave))
    return f"is the sound a {named} ?", "yes" if right else "no", "yes_no"


def _draw(g: np.random.Generator, names: tuple[str, ...]) -> str:
    """One of several names."""
    return names[g.integers(len(names))]
