"""Embeddings of several experiences side by side, as points of two common principal axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from simlearn.data.randomness import torch_generator
from simlearn.report import drawing
from simlearn.report.projection_svg import Panel, projection_svg
from simlearn.report.report import FigureImage
from simlearn.report.wording import number, one_line

MOST_PANELS = 9
MOST = 600
"""Points of a panel that are drawn."""
MOST_IN_ALL = 3600
"""Points of a figure that are drawn; about 45 bytes each."""

Drawn = tuple[str, Any, Any, Any]
"""A panel: its title, points ``(N, 2)``, labels ``(N,)``, and ``(N,)`` bool: replayed."""


def project_2d(z: Tensor) -> Tensor:
    """``(N, 2)`` float64 coordinates of ``z (N, d)`` on its two principal axes.

    Fitted once on the points of all panels, so that these can be compared. The mean is the origin;
    each axis points where its component of largest size is positive, of equal ones the first.
    Where there are fewer than two axes (d = 1) or no spread the coordinate is 0.

    Raises:
        ValueError: not ``(N, d)`` with d >= 1, or values that are not finite.
    """
    if z.ndim != 2 or z.shape[1] < 1:
        raise ValueError(f"points must be (N, d) with d >= 1, found {tuple(z.shape)}")
    if not torch.isfinite(z).all():
        raise ValueError("points hold values that are not finite: the training has diverged")
    points = z.detach().cpu().double()
    found = torch.zeros(len(points), 2, dtype=torch.float64)
    if not len(points):
        return found
    centred = points - points.mean(dim=0)
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1)[:, :2]
    largest = (axes.abs() > axes.abs().amax(dim=0) - 1e-9).int().argmax(dim=0)
    axes = axes * axes.gather(0, largest[None]).sign()
    found[:, : axes.shape[1]] = centred @ axes
    return found


def explained_share(z: Tensor, points: Tensor) -> float:
    """Share in [0, 1] of the variance of ``z (N, d)`` that its projection ``points (N, 2)`` keeps.

    nan where ``z`` has no spread.
    """
    spread, kept = (
        (p.detach().cpu().double() - p.detach().cpu().double().mean(dim=0)).square().sum()
        for p in (z, points)
    )
    return float(kept / spread) if len(z) and spread > 0 else float("nan")


def projection_figure(
    panels: Sequence[Drawn],
    names: Sequence[str],
    *,
    title: str,
    seed: int,
    explained: float | None = None,
) -> FigureImage:
    """Small pictures of 2-D points with common axes, a colour and shape per class.

    Args:
        panels: (title, points ``(N, 2)``, labels ``(N,)``, replayed ``(N,)`` bool) in the order of
            the experiences; the points all come from one :func:`project_2d`. Replayed points are
            hollow. Of more than 600 points (fewer with more than six panels) so many are drawn.
        names: name of every class by its label.
        title: heading of the figure on the page.
        seed: of the draw of points.
        explained: share in [0, 1] of the variance that the two axes keep, for the caption.

    Returns:
        The figure ``embedding`` as SVG.

    Raises:
        ValueError: no panel or more than nine, none with a point, shapes that do not belong
            together, values that are not finite, a label without a name.
    """
    checked = _checked(panels, len(names))
    most = min(MOST, MOST_IN_ALL // len(checked))
    thinned = [_thinned(panel, most, seed, i) for i, panel in enumerate(checked)]
    with drawing.figure_style():
        svg = projection_svg(thinned, [one_line(name, 24) for name in names])
    hollow = sum(int(panel.hollow.sum()) for panel in checked)
    share = f", which keep {100 * explained:.0f} % of the variance" if explained is not None else ""
    few = any(len(panel.y) > most for panel in checked)
    counts = "; ".join(
        f"{one_line(panel.title, 60)}: {_many(len(panel.y), 'point')} of "
        + _many(len(set(panel.y.tolist())), "class")
        for panel in checked
    )
    return FigureImage(
        name="embedding",
        title=title,
        alt=f"Embeddings on two axes, {_many(len(checked), 'panel')}. {counts}."
        + (f" {number(hollow)} of the points are replayed." if hollow else ""),
        svg=svg,
        caption=f"Points on the two principal axes of all panels' points{share}; all panels have "
        "the same axes."
        + (" Hollow: replayed." if hollow else "")
        + (f" At most {most} points of a panel are drawn." if few else ""),
    )


def _many(count: int, noun: str) -> str:
    """Write "1 class", "5 classes"."""
    more = "es" if noun.endswith("s") else "s"
    return f"{number(count)} {noun}{'' if count == 1 else more}"


def _checked(panels: Sequence[Drawn], classes: int) -> list[Panel]:
    """Give the panels as arrays, or refuse them by what was found."""
    if not 1 <= len(panels) <= MOST_PANELS:
        raise ValueError(f"a projection has 1 to {MOST_PANELS} panels, found {len(panels)}")
    found = []
    for title, points, y, hollow in panels:
        at, labels, open_ = (
            np.asarray(v.detach().cpu() if isinstance(v, Tensor) else v)
            for v in (points, y, hollow)
        )
        n = len(labels)
        if at.shape != (n, 2) or labels.shape != (n,) or open_.shape != (n,):
            raise ValueError(
                f"panel {title!r}: points must be (N, 2) with (N,) labels and (N,) replayed, found "
                f"{at.shape}, {labels.shape} and {open_.shape}"
            )
        if not np.isfinite(at).all():
            raise ValueError(f"panel {title!r} holds points that are not finite")
        outside = labels[(labels < 0) | (labels >= classes)]
        if len(outside):
            raise ValueError(
                f"panel {title!r}: label {outside[0]} has no name; there are {classes} names"
            )
        panel = Panel(str(title), at.astype(np.float64), labels.astype(int), open_.astype(bool))
        found.append(panel)
    if not any(len(panel.y) for panel in found):
        raise ValueError("a projection needs a point: every panel is empty")
    return found


def _thinned(panel: Panel, most: int, seed: int, place: int) -> Panel:
    """At most ``most`` points, drawn at random, in their order."""
    if len(panel.y) <= most:
        return panel
    drawn = torch.randperm(len(panel.y), generator=torch_generator(seed, "projection", place))
    rows = np.sort(drawn[:most].numpy())
    return Panel(panel.title, panel.points[rows], panel.y[rows], panel.hollow[rows])
