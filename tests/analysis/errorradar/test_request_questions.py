"""Requests as questions: the text, pictures from files and bytes, reasons in one line."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from simlearn.analysis.errorradar.endpoint import Request
from simlearn.analysis.errorradar.request_questions import (
    LONGEST,
    one_text,
    picture,
    reason_of,
    request_question,
)
from simlearn.data.errors import DataError


def encoded(pixels, form="PNG", **more):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **more)
    return file.getvalue()


def noise(height=5, width=7):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def asked(image=None, system="", text="which step?"):
    return Request("k", "r1", "step", "", system, text, image)


def test_the_role_comes_first_and_an_empty_line_after_it():
    assert one_text("You teach.", "Which?") == "You teach.\n\nWhich?"
    assert one_text("", "Which?") == "Which?"
    question = request_question(asked(system="a", text="{b} %s"))
    assert (question.id, question.text, question.answers) == ("r1", "a\n\n{b} %s", ())
    assert question.image is None


def test_a_file_and_its_bytes_give_the_same_pixels(tmp_path):
    pixels = noise()
    path = tmp_path / "a.png"
    path.write_bytes(encoded(pixels))
    for image in (path, path.read_bytes()):
        found = request_question(asked(image)).image
        assert found.dtype == np.uint8 and np.array_equal(found, pixels)


def test_pictures_are_turned_and_in_colour():
    turned = Image.fromarray(noise()).getexif()
    turned[0x0112] = 3  # upside down
    assert np.array_equal(picture(encoded(noise(), exif=turned), "r"), noise()[::-1, ::-1])
    assert picture(encoded(noise()[:, :, 0]), "r").shape == (5, 7, 3)


def test_transparent_pictures_lie_on_white(tmp_path):
    alpha = np.random.default_rng(1).integers(0, 256, (5, 7), dtype=np.uint8)
    alpha[0, 0], alpha[0, 1] = 0, 255
    content = encoded(np.dstack([noise(), alpha]))
    path = tmp_path / "a.png"
    path.write_bytes(content)
    part = alpha[:, :, None] / 255
    for image in (content, path):
        found = picture(image, "r")
        assert found.shape == (5, 7, 3) and found.dtype == np.uint8
        assert np.abs(found - (part * noise() + (1 - part) * 255)).max() <= 1
        assert (found[0, 0] == 255).all() and (found[0, 1] == noise()[0, 1]).all()
    line = Image.new("LA", (6, 6), (0, 0))  # black lines on nothing
    line.putpixel((2, 3), (0, 255))
    for form in ("LA", "RGBA"):
        file = io.BytesIO()
        line.convert(form).save(file, "PNG")
        found = picture(file.getvalue(), "r")
        assert (found[3, 2] == 0).all() and (found == 255).sum() == 3 * 35
    shades = Image.new("P", (2, 1))
    shades.putpalette([0, 0, 0, 9, 9, 9])
    shades.putpixel((1, 0), 1)
    file = io.BytesIO()
    shades.save(file, "PNG", transparency=0)
    assert picture(file.getvalue(), "r").tolist() == [[[255] * 3, [9] * 3]]


def bomb():
    """A PNG whose header states 100,000 x 100,000 pixels."""
    body = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body
    return head + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize("content", [b"", b"no image", encoded(noise())[:60], bomb()])
def test_what_is_no_image_is_named(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    for image in (content, path, tmp_path / "missing.png"):
        with pytest.raises(DataError, match="question 'r1'.*cannot be read as an image"):
            request_question(asked(image))


@given(st.text(max_size=2 * LONGEST))
def test_reasons_are_one_short_printable_line(text):
    reason = reason_of(ValueError(text))
    assert reason and reason.isprintable()
    assert len(reason) <= 6 * LONGEST  # every letter may become an escape
    if text.isprintable() and len(text) <= LONGEST and text == " ".join(text.split()) != "":
        assert reason == text


def test_a_long_reason_is_cut_and_an_empty_one_is_the_error_s_name():
    assert reason_of(ValueError("x" * 999)) == "x" * (LONGEST - 1) + "\u2026"
    assert reason_of(KeyError()) == "KeyError"
    assert reason_of(ValueError("a\x1b[31m\nb")) == "a\\u001b[31m b"
