"""Pictures as data URLs."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from simlearn.analysis.errorradar import image_url
from simlearn.analysis.errorradar.image_url import image_data_url
from simlearn.data.errors import DataError
from tests.analysis.errorradar.requests_to_ask import PNG


def written(kind, mode="RGB", **options):
    file = io.BytesIO()
    image = Image.fromarray(np.arange(60, dtype=np.uint8).reshape(4, 5, 3)).convert(mode)
    if mode == "RGBA":
        image.putalpha(100)
    image.save(file, kind, **options)
    return file.getvalue()


def parts(url):
    head, _, data = url.partition(",")
    return head, base64.b64decode(data, validate=True)


def test_png_and_jpeg_are_sent_as_they_are(tmp_path):
    for kind, data in (("png", written("PNG")), ("jpeg", written("JPEG")), ("png", PNG)):
        path = tmp_path / "picture.gif"  # the name does not matter
        path.write_bytes(data)
        assert parts(image_data_url(data)) == (f"data:image/{kind};base64", data)
        assert image_data_url(path) == image_data_url(data)


@pytest.mark.parametrize(
    ("kind", "mode", "wanted"),
    [
        ("BMP", "RGB", "RGB"),
        ("GIF", "P", "RGB"),
        ("WEBP", "RGBA", "RGBA"),
        ("TIFF", "CMYK", "RGB"),
        ("BMP", "L", "L"),
    ],
)
def test_others_become_png(kind, mode, wanted):
    options = {"lossless": True} if kind == "WEBP" else {}
    data = written(kind, mode, **options)
    head, png = parts(image_data_url(data))
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(png)) as image, Image.open(io.BytesIO(data)) as source:
        assert (image.format, image.size, image.mode) == ("PNG", (5, 4), wanted)
        assert np.array_equal(np.asarray(image), np.asarray(source.convert(wanted)))


def test_turned_pictures_are_turned_when_converted():
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(io.BytesIO(parts(image_data_url(written("TIFF", exif=exif)))[1])) as image:
        assert image.size == (4, 5)


def test_what_cannot_be_read(tmp_path):
    png = written("PNG")
    for data in (
        b"",
        b"text",
        png[:40],
        png[:8],
        b"\x89PNG\r\n\x1a\n" + b"x" * 50,
        b"\xff\xd8\xff",
    ):
        with pytest.raises(DataError, match="the picture is damaged or no picture"):
            image_data_url(data)
    with pytest.raises(DataError, match="gone.png' is not there; put it back"):
        image_data_url(tmp_path / "gone.png")
    with pytest.raises(DataError, match="is not there"):
        image_data_url(tmp_path)


def test_size(tmp_path, monkeypatch):
    data = written("PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    monkeypatch.setattr(image_url, "MOST_BYTES", len(data))
    assert image_data_url(path) == image_data_url(data)
    monkeypatch.setattr(image_url, "MOST_BYTES", len(data) - 1)
    for image in (path, data):
        with pytest.raises(DataError, match="is larger than 0 MiB; make it smaller"):
            image_data_url(image)
