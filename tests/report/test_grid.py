from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from simlearn.report import GridRow, Neighbour, grid, retrieval_grid
from tests.report.report_parts import image, row


def pixels(png: bytes | None) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png or b"")).convert("RGB"))


def holds(picture: np.ndarray, colour: str) -> bool:
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return bool((picture == rgb).all(axis=2).any())


def test_the_grid_is_a_png_of_fixed_width_that_says_how_many_are_right():
    figure = retrieval_grid([row(), row()], title="Found")
    assert pixels(figure.png).shape[1] == grid.WIDTH == 1600
    assert (figure.name, figure.title) == ("retrieval", "Found")
    assert "2 queries" in figure.alt
    assert "6 of 10 neighbours are of the query's class" in figure.alt


def test_the_same_rows_give_the_same_bytes():
    assert retrieval_grid([row()], title="t").png == retrieval_grid([row()], title="t").png


def test_frames_tell_right_from_wrong_by_colour_and_by_shape():
    plain = np.full((20, 20, 3), 128, np.uint8)
    right = grid.framed(plain, grid.RIGHT, broken=False)
    wrong = grid.framed(plain, grid.WRONG, broken=True)
    assert holds(right, grid.RIGHT)
    assert holds(wrong, grid.WRONG)
    white = (255, 255, 255)
    assert not (right[0] == white).all(axis=1).any()
    assert (wrong[0] == white).all(axis=1).any()
    edge = grid.FRAME + 4
    np.testing.assert_array_equal(wrong[edge:-edge, edge:-edge], plain)


def test_small_images_grow_by_whole_factors_without_blur():
    small = image(1, 7, 5)
    large = grid.enlarge(small, 100)
    assert large.shape == (98, 70, 3)
    np.testing.assert_array_equal(large[::14, ::14], small)
    np.testing.assert_array_equal(large[13::14, 13::14], small)
    canvas = pixels(retrieval_grid([row(0, query=small)], title="t").png)
    factor = (grid.CELL - 2 * (grid.FRAME + 4)) // 7
    block = np.repeat(np.repeat(small, factor, 0), factor, 1)
    top = grid.HEAD + (grid.CELL - 7 * factor) // 2
    left = grid.MARGIN + (grid.CELL - 5 * factor) // 2
    np.testing.assert_array_equal(canvas[top : top + 7 * factor, left : left + 5 * factor], block)


@pytest.mark.parametrize(("height", "width"), [(300, 200), (130, 130), (1, 900), (200, 3)])
def test_large_images_are_fitted_with_their_shape(height, width):
    fitted = grid.enlarge(image(2, height, width), 180)
    assert max(fitted.shape[:2]) == 180
    assert fitted.shape[0] / fitted.shape[1] == pytest.approx(height / width, rel=0.01) or (
        min(fitted.shape[:2]) <= 3
    )


@pytest.mark.parametrize("count", [0, 1, 3, 8])
def test_any_number_of_neighbours_is_taken(count):
    figure = retrieval_grid([row(count)], title="t")
    shown = min(count, 5)
    assert f"of {shown} neighbours" in figure.alt
    picture = pixels(figure.png)
    assert holds(picture, grid.RIGHT) == (count > 0)
    assert holds(picture, grid.WRONG) == (count > 1)


def test_non_square_images_far_and_missing_distances_and_odd_names():
    found = [
        Neighbour(image(1, 40, 20), "x" * 500, 12345.6, True),
        Neighbour(image(2, 20, 40), "李 $x^ <b>\x00\u202e\n", math.nan, False),
        Neighbour(image(3, 1, 1), "", -math.inf, False),
    ]
    figure = retrieval_grid([GridRow(image(4, 9, 30), "$\\frac{", found)], title="t")
    assert pixels(figure.png).shape[1] == 1600


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="needs at least one row"):
        retrieval_grid([], title="t")


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        [[1]],
    ],
)
def test_what_is_no_image_is_named_by_its_row(bad):
    with pytest.raises(ValueError, match=r"row 1, query 'id 0': expected a uint8 image \(H,W,3\)"):
        retrieval_grid([row(), row(query=bad)], title="t")
    wrong = GridRow(image(), "id 0", [Neighbour(bad, "who", 0.1, True)])
    with pytest.raises(ValueError, match=r"row 0, neighbour 0 'who'"):
        retrieval_grid([wrong], title="t")
