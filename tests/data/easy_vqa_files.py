"""A tiny tree in easy-vqa's own format, with a colour, a shape and yes/no questions per image."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image

PAINT = {
    "red": (220, 20, 20),
    "blue": (30, 60, 220),
    "teal": (0, 128, 128),
    "gray": (128, 128, 128),
}
SHAPES = ("circle", "rectangle", "triangle")


def drawing(colour, shape, place=0):
    """64x64 uint8: one shape on a pale ground."""
    y, x = np.mgrid[:64, :64] - 24.0 - place % 16
    inside = {
        "circle": x**2 + y**2 < 18**2,
        "rectangle": (abs(x) < 18) & (abs(y) < 9),
        "triangle": (abs(x) < (y + 18) / 2) & (y < 18),
    }[shape]
    return np.where(inside[..., None], PAINT[colour], 230).astype(np.uint8)


def rows_about(number, colour, shape, other):
    """Six rows [question, answer, image] about one image."""
    return [
        ["what color is the shape?", colour, number],
        ["what shape is in the image?", shape, number],
        [f"is there a {colour} shape?", "yes", number],
        [f"is there a {other} shape?", "no", number],
        [f"is there not a {shape}?", "no", number],
        [f"is no {other} shape present?", "yes", number],
    ]


def write_easy_vqa(folder, *, train=6, test=3):
    """Write ``train`` and ``test`` images with their questions; gives ``folder``."""
    for split, count in (("train", train), ("test", test)):
        images = folder / split / "images"
        images.mkdir(parents=True)
        rows = []
        for n in range(count):
            colours = tuple(PAINT)
            colour, other = colours[n % 4], colours[(n + 1) % 4]
            shape = SHAPES[n % 3]
            Image.fromarray(drawing(colour, shape, 5 * n)).save(images / f"{n}.png")
            rows += rows_about(n, colour, shape, other)
        (folder / split / "questions.json").write_text(json.dumps(rows))
    return folder
