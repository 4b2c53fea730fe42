"""Pictures are turned so that the eyes lie at one place, and written whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.errors import DataError
from simlearn.data.image_folder import read_image_folder

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
EYES = {
    "00001aa": (70, 116, 122, 114),
    "00001ab": (60, 90, 100, 110),
    "00002aa": (129, 103, 84, 102),  # the right eye first
    "00002ab": (90.5, 100, 110, 100.5),
    "00003aa": (40, 60, 150, 90),
}


@pytest.fixture
def scrapshots(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import scrapshots

    return scrapshots


def draw(eyes, width=200, height=218):
    """A dark picture with a bright disc at each eye, the right one in the picture larger."""
    y, x = np.mgrid[:height, :width].astype(float)
    image = np.zeros((height, width))
    x1, y1, x2, y2 = eyes
    for (ex, ey), size in zip(sorted([(x1, y1), (x2, y2)]), (3.0, 4.0), strict=True):
        image += 250 * np.exp(-((x - ex) ** 2 + (y - ey) ** 2) / (2 * size**2))
    return image.clip(0, 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Five drawn pictures of three people, in the form of the Scrapshots."""
    root = tmp_path / "scrapshots"
    root.mkdir()
    for name, eyes in EYES.items():
        (root / f"{name}.pgm").write_bytes(cv2.imencode(".pgm", draw(eyes))[1].tobytes())
    lines = [f"{name} {' '.join(map(str, eyes))} " for name, eyes in EYES.items()]
    (root / "coords.txt").write_text("\n".join(lines) + "\n")
    (root / "gender.txt").write_text("00001aa.pgm F\n")
    return root


def state(root):
    return {p: (p.stat().st_mtime_ns, p.is_file() and p.read_bytes()) for p in root.rglob("*")}


def centre(image):
    """Centre of brightness (x, y)."""
    weight = image.astype(float)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return (x * weight).sum() / weight.sum(), (y * weight).sum() / weight.sum()


@pytest.mark.parametrize("side", [40, 96, 130])
def test_eyes_come_to_their_places(scrapshots, folder, tmp_path, side):
    assert scrapshots.prepare_scrapshots(folder, tmp_path / "out", side=side) == len(EYES)
    for name in EYES:
        image = cv2.imread(str(tmp_path / "out" / name[:5] / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        assert image.shape == (side, side) and image.dtype == np.uint8
        left, right = image[:, : side // 2], image[:, side // 2 :]
        x, y = centre(left)
        assert (x, y) == pytest.approx((0.35 * side - 0.5, 0.4 * side - 0.5), abs=0.4)
        x, y = centre(right)
        assert (x + side // 2, y) == pytest.approx((0.65 * side - 0.5, 0.4 * side - 0.5), abs=0.4)
        assert right.sum() > left.sum()  # upright and not mirrored


@given(
    st.tuples(st.integers(60, 90), st.integers(80, 120)),
    st.tuples(st.integers(100, 140), st.integers(80, 120)),
    st.sampled_from([24, 25, 60]),
)
def test_a_slope_is_seen_where_it_was(one, two, side):
    """The picture of a slope is one: each pixel is the slope at the place that it came from."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import scrapshots
    finally:
        sys.path.remove(str(BENCHMARKS))
    y, x = np.mgrid[:200, :200]
    image = np.round(0.5 * x + 0.7 * y).astype(np.uint8)
    eyes = scrapshots.Eyes(complex(*one), complex(*two), "here")
    got = scrapshots.align_by_eyes(image, eyes, side)
    place = np.array([0.35 * side - 0.5, 0.4 * side - 0.5])
    step = np.array([two[0] - one[0], two[1] - one[1]]) / (0.3 * side)  # source pixels per pixel
    for row in range(side):
        for column in range(side):
            u, v = np.array([column, row]) - place
            sx, sy = one[0] + step[0] * u - step[1] * v, one[1] + step[1] * u + step[0] * v
            if 4 < sx < 195 and 4 < sy < 195:
                assert abs(0.5 * sx + 0.7 * sy - got[row, column]) < 1.6


def test_the_result_is_a_folder_of_images(scrapshots, folder, tmp_path):
    scrapshots.prepare_scrapshots(folder, tmp_path / "deep" / "out")
    videos = read_image_folder(tmp_path / "deep" / "out")
    assert [v.name for v in videos] == [f"{n[:5]}/{n}" for n in sorted(EYES)]
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == ["out"]
    assert cv2.imread(str(tmp_path / "deep/out/00001/00001aa.png")).shape == (96, 96, 3)


def test_a_second_call_changes_nothing(scrapshots, folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()  # an empty folder is no obstacle
    scrapshots.prepare_scrapshots(folder, out, 32)
    before = state(out)
    assert scrapshots.prepare_scrapshots(folder, out, 32) == len(EYES)
    assert state(out) == before and len(before) == len(EYES) + 3


@pytest.mark.parametrize("change", ["side", "picture", "file"])
def test_another_target_is_left_alone(scrapshots, folder, tmp_path, change):
    out = tmp_path / "out"
    if change == "file":
        out.write_text("mine")
    else:
        scrapshots.prepare_scrapshots(folder, out, 32)
    if change == "picture":
        (out / "00001" / "mine.png").write_bytes(b"x")
    before = state(tmp_path)
    text = r"out holds something else than these 5 pictures of \d+ pixels; delete it or name an"
    with pytest.raises(FileExistsError, match=text):
        scrapshots.prepare_scrapshots(folder, out, 24 if change == "side" else 32)
    after = state(tmp_path)
    assert before == after


def test_a_failure_leaves_no_target(scrapshots, folder, tmp_path):
    (folder / "00003aa.pgm").write_bytes(b"P5\n200 218\n255\n")
    with pytest.raises(DataError, match=r"00003aa\.pgm: not an image that OpenCV can read; copy"):
        scrapshots.prepare_scrapshots(folder, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["scrapshots"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("00009aa 1 2 3", r"line 6: '00009aa 1 2 3' is not of the form name x1 y1 x2 y2"),
        ("00009aa 1 2 3 4 5", r"line 6: .* is not of the form"),
        ("00009aa 1 2 3 four", r"line 6: .* is not of the form"),
        ("00009aa 1 2 3 nan", r"line 6: .* is not of the form"),
        ("../00009 1 2 3 4", r"line 6: .* is not of the form"),
        ("00009aa", r"line 6: '00009aa' is not of the form"),
        ("00001aa 70 116 122 114", r"line 6: 00001aa stands there twice, see .*line 1$"),
        ("00009aa 50 60 50 90", r"line 6: both eyes of 00009aa at x = 50; correct the line"),
        ("00009aa 50 60 90 60", r"line 6: there is no picture .*00009aa\.pgm; restore it"),
    ],
)
def test_a_wrong_line_is_named(scrapshots, folder, tmp_path, line, message):
    with (folder / "coords.txt").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match=r"coords\.txt, " + message):
        scrapshots.prepare_scrapshots(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_picture_without_a_line(scrapshots, folder, tmp_path):
    (folder / "00009aa.pgm").write_bytes(b"x")
    with pytest.raises(DataError, match=r"00009aa\.pgm: no line for 00009aa in .*coords\.txt; add"):
        scrapshots.prepare_scrapshots(folder, tmp_path / "out")


def test_an_eye_beside_the_picture(scrapshots, folder, tmp_path):
    text = (folder / "coords.txt").read_text().replace("70 116 122 114", "70 116 222 114")
    (folder / "coords.txt").write_text(text)
    text = r"line 1: the eye at \(222, 114\) lies beside .*00001aa\.pgm, which has 200 x 218 pixels"
    with pytest.raises(DataError, match=text):
        scrapshots.prepare_scrapshots(folder, tmp_path / "out")


def test_folders_that_are_none(scrapshots, folder, tmp_path):
    with pytest.raises(DataError, match=r"coords\.txt: the list of eye positions is not there"):
        scrapshots.prepare_scrapshots(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "coords.txt").touch()
    with pytest.raises(DataError, match=r"empty: no picture \*\.pgm there; give the folder"):
        scrapshots.prepare_scrapshots(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(ValueError, match="side is 7, must be at least 8 pixels"):
        scrapshots.prepare_scrapshots(folder, tmp_path / "out", side=7)


def test_harmless_differences_of_the_list(scrapshots, folder, tmp_path):
    scrapshots.prepare_scrapshots(folder, tmp_path / "out", 32)
    lines = (folder / "coords.txt").read_text().splitlines()
    changed = "\r\n\r\n".join(line.replace(" ", ".pgm\t", 1) for line in reversed(lines))
    (folder / "coords.txt").write_bytes(b"\xef\xbb\xbf" + changed.encode())
    before = state(tmp_path / "out")
    assert scrapshots.prepare_scrapshots(folder, tmp_path / "out", 32) == len(EYES)
    assert state(tmp_path / "out") == before


def test_the_command(scrapshots, folder, tmp_path, monkeypatch, capsys):
    words = ["scrapshots.py", str(folder), str(tmp_path / "out"), "--side", "24"]
    monkeypatch.setattr(sys, "argv", words)
    scrapshots.main()
    assert capsys.readouterr().out == f"5 pictures in {tmp_path / 'out'}\n"
