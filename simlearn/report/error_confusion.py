"""Which kind of error is taken for which: five kinds against five and replies without one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simlearn.analysis.errorradar.taxonomy import CATEGORIES, NAMES
from simlearn.report import drawing, panels
from simlearn.report.error_map import COLUMNS, UNPARSED, error_map
from simlearn.report.report import FigureImage
from simlearn.report.wording import number

if TYPE_CHECKING:
    from torch import Tensor

MOST = 10**12  # largest count


def error_confusion_figure(
    confusion: np.ndarray | Tensor | Sequence[Sequence[int]],
    *,
    title: str,
    name: str = "error_confusion",
) -> FigureImage:
    """Draw how often each kind of error (rows) is said to be which (columns).

    Blue cells are right, orange ones wrong, grey ones replies that name no kind; the colour is the
    cell's share of its row in steps. A cell has its count and its percent of the row.

    Args:
        confusion: (5,6) whole numbers: true kinds VIS, CAL, REAS, KNOW, MIS; columns the same and
            then what could not be read. A row of zeros stays blank.
        title: heading of the figure on the page.
        name: the figure's file name.

    Returns:
        The figure as SVG.

    Raises:
        ValueError: counts that are not (5,6), not whole, negative, above 10^12, or count nothing.
    """
    table = _checked(confusion)
    rows = table.sum(axis=1)
    right, total = int(np.trace(table)), int(table.sum())
    unread = int(table[:, -1].sum())
    with drawing.figure_style():
        svg = drawing.svg_text(error_map(table))
    words = f"{number(right)} of {number(total)} kinds of errors are right "
    words += f"({panels.percent(right / total)}), {number(unread)} replies name none"
    caption = f"Rows: true kind, columns: said kind; {words}. Numbers: problems and share of the "
    caption += "row; colour: share of the row."
    if empty := int((rows == 0).sum()):
        caption += f" Rows of kinds without a problem are blank: {empty}."
    told = "; ".join(
        _words(code, row) for code, row in zip(CATEGORIES, table.tolist(), strict=True)
    )
    return FigureImage(
        name, title, f"True against said kinds of errors: {words}. {told}.", svg=svg,
        caption=caption,
    )  # fmt: skip


def _checked(confusion: Any) -> np.ndarray:
    """Give the counts as (5,6) int64, or refuse them by what was found."""
    table = np.asarray(confusion.cpu() if hasattr(confusion, "cpu") else confusion)
    shape = (len(CATEGORIES), len(COLUMNS))
    if table.shape != shape:
        raise ValueError(
            f"error confusion: counts must be {shape}, rows {', '.join(CATEGORIES)} and the same "
            f"columns before {UNPARSED}, found shape {table.shape}"
        )
    if not np.issubdtype(table.dtype, np.integer):
        raise ValueError(
            f"error confusion: counts must be whole numbers up to {MOST:g}, found {table.dtype}; "
            "give counts, not shares"
        )
    wrong = np.argwhere((table < 0) | (table > MOST)).tolist()
    if wrong:
        i, j = wrong[0]
        raise ValueError(
            f"error confusion: count {table[i, j]} in row {CATEGORIES[i]}, column {COLUMNS[j]} is "
            f"not in 0 to {MOST:g}"
        )
    if table.max() == 0:
        raise ValueError("error confusion: all counts are 0; leave the figure out")
    return table.astype(np.int64)


def _words(code: str, row: list[int]) -> str:
    """One row for those who cannot see it; cells of 0 are not named."""
    total = sum(row)
    if not total:
        return f"{code} ({NAMES[code]}): none"
    cells = [
        f"{column} {number(count)} ({panels.percent(count / total)})"
        for column, count in zip(COLUMNS, row, strict=True)
        if count
    ]
    return f"{code} ({NAMES[code]}, n = {number(total)}): {', '.join(cells)}"
