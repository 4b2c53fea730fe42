"""The confusion matrix: who is taken for whom, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simlearn.report import drawing
from simlearn.report.confusion_plan import NUMBERED
from simlearn.report.confusion_svg import confusion_svg
from simlearn.report.report import FigureImage
from simlearn.report.wording import number, one_line

if TYPE_CHECKING:
    from torch import Tensor

PAIRS = 10


def confusion_figure(
    counts: np.ndarray | Tensor, names: Sequence[str], *, title: str, most: int = PAIRS
) -> FigureImage:
    """Draw a matrix of true (rows) against predicted classes (columns), coloured by row.

    Blue cells are right, orange ones wrong; the colour is the cell's share of its row in steps,
    finer where shares are small. Up to 20 classes each cell has its count (its percent of the row
    where the count is too long); above, the caption lists the pairs that are confused most often.
    Of very many cells those below a share that the caption names are left blank.

    Args:
        counts: (C,C) whole numbers, C >= 1; row: true class, column: predicted. A row of zeros
            stays blank.
        names: C names of the classes, shortened where they are long; from about 60 classes on only
            every second, fifth, ... class is named.
        title: heading of the figure on the page.
        most: pairs in the caption, 0 to 10; by count, then share of the row, then place.

    Returns:
        The figure as SVG, below 300 kB for C = 500 whatever the counts.

    Raises:
        ValueError: counts that are not square, not whole, negative, or count nothing; as many
            names as classes are not given; ``most`` outside 0 to 10.
    """
    table = _checked(counts, names, most)
    rows = table.sum(axis=1, dtype=np.float64)
    share = table / np.maximum(rows, 1)[:, None]
    right, total = int(np.trace(table)), int(table.sum())
    pairs = _pairs(table, share, [one_line(name, 40) for name in names], max(most, 1))
    accuracy = f"{number(right)} of {number(total)} items are right ({100 * right / total:.1f} %)"
    worst = f"Most often confused: {pairs[0]}." if pairs else "No class is taken for another."
    with drawing.figure_style():
        svg, words = confusion_svg(table, share, names)
    if len(table) > NUMBERED and pairs and most:
        words += (
            " Most often confused (true \u2192 predicted: items, share of the row): "
            f"{'; '.join(pairs[:most])}."
        )
    if empty := int((rows == 0).sum()):
        words += f" Rows of classes without items are blank: {empty}."
    return FigureImage(
        name="confusion",
        title=title,
        alt=f"Confusion matrix of {len(table)} classes. {accuracy[0].upper()}{accuracy[1:]}. "
        f"{worst}",
        svg=svg,
        caption=f"Rows: true class, columns: predicted class; {accuracy}. {words}",
    )


def _checked(counts: np.ndarray | Tensor, names: Sequence[str], most: int) -> np.ndarray:
    """Give the counts as (C,C) int64, or refuse them by what was found."""
    table = np.asarray(counts.cpu() if hasattr(counts, "cpu") else counts)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or table.size == 0:
        raise ValueError(
            f"confusion matrix: counts must be (C,C) with C >= 1, found shape {table.shape}"
        )
    if not np.issubdtype(table.dtype, np.integer):
        raise ValueError(
            f"confusion matrix: counts must be whole numbers, found {table.dtype}; give counts, "
            "not shares"
        )
    if table.min() < 0:
        row, column = np.argwhere(table < 0)[0].tolist()
        raise ValueError(
            f"confusion matrix: count {table[row, column]} in row {row}, column {column} is "
            "negative; a count is 0 or more"
        )
    if len(names) != len(table):
        raise ValueError(
            f"confusion matrix: {len(names)} names for {len(table)} classes; give one per class"
        )
    if table.max() == 0:
        raise ValueError("confusion matrix: all counts are 0; there must be an item to show")
    if not 0 <= most <= PAIRS:
        raise ValueError(f"confusion matrix: most={most} pairs, must be 0 to {PAIRS}")
    return table.astype(np.int64)


def _pairs(table: np.ndarray, share: np.ndarray, names: list[str], most: int) -> list[str]:
    """Write the most frequent confusions: "A -> B: 12 (24.0 %)"."""
    wrong = table.copy()
    np.fill_diagonal(wrong, 0)
    row, column = np.nonzero(wrong)
    order = np.lexsort((column, row, -share[row, column], -wrong[row, column]))[:most]
    return [
        f"{names[i]} \u2192 {names[j]}: {number(int(wrong[i, j]))} ({100 * share[i, j]:.1f} %)"
        for i, j in zip(row[order].tolist(), column[order].tolist(), strict=True)
    ]
