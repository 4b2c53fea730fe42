"""Questions about one coloured shape that a sentence describes: no picture is needed."""

from __future__ import annotations

from simlearn.data.questions import Question
from simlearn.data.randomness import numpy_generator

COLOURS = ("black", "blue", "brown", "gray", "green", "red", "teal", "yellow")
SHAPES = ("circle", "rectangle", "triangle")
STATEMENTS = (
    "the shape is a {colour} {shape} .",
    "there is a {colour} {shape} in the image .",
    "the image does contain a {colour} {shape} .",
    "a {colour} {shape} is present .",
)
ASKED = {
    "colour": (
        *("what color is the shape?", "what is the color of the shape?"),
        *("what color is the {shape}?", "what is the color of the {shape}?"),
    ),
    "shape": (
        *("what shape is in the image?", "what shape does the image contain?"),
        *("what shape is present?", "what is the {colour} shape?"),
    ),
    "yes_no": (
        *("is there a {thing} in the image?", "is there a {thing}?", "is a {thing} present?"),
        *("does the image contain a {thing}?", "does the image not contain a {thing}?"),
        *("is there not a {thing} in the image?", "is there not a {thing}?"),
        "is no {thing} present?",
    ),
}
"""The wordings of easy-vqa; a thing is a shape or "red shape"."""
SHARES = {"colour": 0.25, "shape": 0.25, "yes_no": 0.5}


def answer_about(question: str, colour: str, shape: str) -> str:
    """The right answer to one of easy-vqa's questions about one coloured shape.

    Args:
        question: in easy-vqa's words.
        colour: of the shape, one of ``COLOURS``.
        shape: one of ``SHAPES``.

    Returns:
        The colour, the shape, "yes" or "no".

    Raises:
        ValueError: a question that names neither a colour nor a shape where it has to.
    """
    words = question.rstrip("?").split()
    if "color" in words:
        return colour
    if words[0] == "what":
        return shape
    named = [w for w in words if w in (*COLOURS, *SHAPES)]
    if len(named) != 1:
        raise ValueError(f"{question!r} asks for no single colour or shape")
    there = named[0] in (colour, shape)
    return "yes" if there != bool({"no", "not"} & set(words)) else "no"


def text_questions(count: int, *, seed: int, split: str) -> list[Question]:
    """Draw questions whose answer stands in the text, half of them yes/no.

    Half of the yes/no questions ask for something that is there, half of all things are a colour
    and half a shape, so that the answer is not to be had without the sentence.

    Args:
        count: how many; may be 0.
        seed: of the draws, each a function of (seed, split, number).
        split: "train", "val" or "test".

    Returns:
        Questions of the data set "text".
    """
    return [_question(n, seed=seed, split=split) for n in range(count)]


def _question(number: int, *, seed: int, split: str) -> Question:
    g = numpy_generator(seed, "text question", split, number)
    colour, shape = COLOURS[g.integers(len(COLOURS))], SHAPES[g.integers(len(SHAPES))]
    kind = tuple(SHARES)[g.choice(len(SHARES), p=list(SHARES.values()))]
    wording = ASKED[kind][g.integers(len(ASKED[kind]))]
    named = (colour, shape)
    if g.random() < 0.5:  # something else, for the yes/no questions
        named = (_other(COLOURS, colour, g.random()), _other(SHAPES, shape, g.random()))
    thing = f"{named[0]} shape" if g.random() < 0.5 else named[1]
    asked = wording.format(colour=colour, shape=shape, thing=thing)
    statement = STATEMENTS[g.integers(len(STATEMENTS))].format(colour=colour, shape=shape)
    answer = answer_about(asked, colour, shape)
    return Question(f"{split}-{number}", f"{statement} {asked}", (answer,), kind, "text")


def _other(names: tuple[str, ...], name: str, draw: float) -> str:
    """Another name than ``name``, by a draw in [0, 1)."""
    rest = [n for n in names if n != name]
    return rest[int(draw * len(rest))]
