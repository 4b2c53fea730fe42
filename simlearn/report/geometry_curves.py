"""How apart the modalities are in each layer, before and after neurons are switched off."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from simlearn.report import drawing, panels
from simlearn.report.report import FigureImage
from simlearn.report.wording import number, one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curves = Mapping[str, np.ndarray | Tensor | Sequence[float]]
TALL = 190.0  # points
AFTER: Any = (0, (4, 2.2))
DOTS = 48  # most layers with a marker each
ROUNDING = 1e-3  # by how much sums of rounded weights may leave their range
QUANTITIES = {
    "silhouette": ("silhouette", False, -1.0, 1.0),
    "purity": ("neighbours of the same modality", True, 0.0, 1.0),
    "distance": ("distance to the other modalities", False, 0.0, math.inf),
    "attention": ("attention of the last token", True, 0.0, 1.0),
}
"""Label, whether it is a share, lowest and highest value of each quantity."""


def geometry_curves_figure(
    before: Curves,
    after: Curves | None = None,
    *,
    title: str,
    quantity: str,
    name: str | None = None,
) -> FigureImage:
    """Draw one quantity per layer and modality: solid before deactivation, broken after it.

    Args:
        before: 1 to 7 names with L values each, L >= 1; nan leaves a gap.
        after: L values of some or all of the same names; None where nothing was deactivated.
        title: heading of the figure on the page.
        quantity: "silhouette" in [-1, 1], "purity" and "attention" (mass of the last token's
            attention) in [0, 1], "distance" (of centroids) >= 0.
        name: the figure's file name, ``geometry_`` and the quantity where none is given.

    Raises:
        ValueError: an unknown quantity, no curve, more than seven, curves of different lengths,
            no value before, a value out of range, a curve after without one before.
    """
    if quantity not in QUANTITIES:
        raise ValueError(f"quantity {quantity!r} is none of {', '.join(QUANTITIES)}")
    solid = {key: _flat(v) for key, v in before.items()}
    broken = {key: _flat(v) for key, v in (after or {}).items()}
    panels.group_looks(list(solid))
    _check(solid, broken, quantity)
    with drawing.figure_style():
        svg = drawing.svg_text(_draw(solid, broken, quantity))
    label = QUANTITIES[quantity][0]
    return FigureImage(
        name=name or f"geometry_{quantity}",
        title=title,
        alt=_words(solid, broken, quantity),
        svg=svg,
        caption=f"{label[0].upper()}{label[1:]} per layer."
        + (" Solid: before deactivation; broken: after it." if broken else ""),
    )


def _flat(values: Any) -> np.ndarray:
    """Give ``(L,)`` float64; ``None`` is nan."""
    plain = values.cpu() if isinstance(values, Tensor) else values
    return np.asarray(plain, dtype=np.float64).ravel()


def _check(
    solid: Mapping[str, np.ndarray], broken: Mapping[str, np.ndarray], quantity: str
) -> None:
    """Refuse what cannot be drawn, naming the curve and what was found."""
    if strange := [key for key in broken if key not in solid]:
        raise ValueError(f"curve {strange[0]!r} after deactivation has no curve before it")
    if not any(np.isfinite(values).any() for values in solid.values()):
        raise ValueError(f"none of the {quantity} curves {list(solid)} has a value; draw none")
    count = len(next(iter(solid.values())))
    _, _, low, high = QUANTITIES[quantity]
    for key, values in [*solid.items(), *broken.items()]:
        if len(values) != count:
            raise ValueError(
                f"{quantity} curve {key!r} has {len(values)} values, {next(iter(solid))!r} has "
                f"{count}; give one per layer"
            )
        wrong = np.isinf(values) | (values < low - ROUNDING) | (values > high + ROUNDING)
        if wrong.any():
            layer = int(wrong.argmax())
            raise ValueError(
                f"{quantity} curve {key!r}, layer {layer}: {values[layer]:g} is outside "
                f"[{low:g}, {high:g}]"
            )


def _words(solid: Mapping[str, np.ndarray], broken: Mapping[str, np.ndarray], quantity: str) -> str:
    """Mean over the layers of every curve, before and after."""
    label, share, _, _ = QUANTITIES[quantity]

    def mean(values: np.ndarray) -> str:
        """Write the mean of what is there, "-" for nothing."""
        known = values[np.isfinite(values)]
        value = float(known.mean()) if len(known) else math.nan
        return panels.percent(value) if share else number(float(f"{value:.3g}"))

    parts = [
        f"{one_line(key, 40)} {mean(values)}"
        + (f", after deactivation {mean(broken[key])}" if key in broken else "")
        for key, values in solid.items()
    ]
    count = len(next(iter(solid.values())))
    return (
        f"{label[0].upper()}{label[1:]} in {count} layer{'' if count == 1 else 's'}. "
        f"Mean over the layers: {'; '.join(parts)}."
    )


def _draw(
    solid: Mapping[str, np.ndarray], broken: Mapping[str, np.ndarray], quantity: str
) -> Figure:
    """Draw lines with markers where layers are few, hollow ones after deactivation."""
    from matplotlib.lines import Line2D

    label, share, _, _ = QUANTITIES[quantity]
    looks = panels.group_looks(list(solid))
    count = len(next(iter(solid.values())))
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker if count <= DOTS else None,
               markersize=4, linewidth=1.8, label=panels.fitted(key, 200, panels.SMALL))
        for key, look in looks.items()
    ]  # fmt: skip
    if broken:
        handles += [
            Line2D([], [], color=drawing.MUTED, linestyle="-", label="before deactivation"),
            Line2D([], [], color=drawing.MUTED, linestyle=AFTER, label="after deactivation"),
        ]
    figure, (axes,) = panels.panel_axes(1, handles, tall=TALL)
    panels.layer_axis(axes, count)
    scale = 100.0 if share else 1.0
    for curves, dash, inside in ((solid, "-", None), (broken, AFTER, drawing.PAPER)):
        for key, values in curves.items():
            few = count <= DOTS or np.isfinite(values).sum() <= 2
            axes.plot(range(count), scale * values, color=looks[key].colour, linestyle=dash,
                      linewidth=1.8 if curves is solid else 1.4, markersize=4,
                      marker=looks[key].marker if few else None,
                      markerfacecolor=inside or looks[key].colour,
                      clip_on=False)  # fmt: skip
    every = np.concatenate([*solid.values(), *broken.values()]).tolist()
    panels.value_axis(axes, every, share=share)
    axes.set_ylabel(label)
    return figure
