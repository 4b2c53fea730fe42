"""The points of the figure of masks: what they are, what is refused, what they say in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from simlearn.report import panels
from simlearn.report.wording import number, one_line

RANDOM = "random"
PANELS, BASELINES = 6, 3  # most panels, most reference lines of a panel
ROUNDING = 1e-9  # by how much a mean of shares may leave [0, 1]
METRICS = {
    "accuracy": ("accuracy", True),
    "loss": ("loss per answer token", False),
    "margin": ("margin of the answer (logits)", False),
}
"""Label of each metric and whether it is a share."""
Lines = Mapping[str, Mapping[str, float]]


class MaskedScore(NamedTuple):
    """A metric under one mask.

    Attributes:
        panel: kind of the questions ("image questions").
        ratio: share of the neurons that is masked, in (0, 1].
        group: whose neurons are masked; ``random`` is the control drawn by chance.
        value: the metric; of ``random`` the mean over its masks; nan leaves a gap.
        low: lower end of the 95 % interval (of ``random``: 2.5 % of the masks are below), nan
            where there is none.
        high: its upper end.
    """

    panel: str
    ratio: float
    group: str
    value: float
    low: float = math.nan
    high: float = math.nan


def in_order(names: Iterable[str]) -> list[str]:
    """Different names in the order in which they first come."""
    return list(dict.fromkeys(names))


def mined_groups(rows: Sequence[MaskedScore]) -> list[str]:
    """Groups beside the random control, in the order in which they first come."""
    return [group for group in in_order(row.group for row in rows) if group != RANDOM]


def check_points(rows: Sequence[MaskedScore], *, share: bool) -> None:
    """Refuse a point that cannot be drawn, naming it.

    Raises:
        ValueError: two rows of one point, a ratio outside (0, 1], an infinite value or one that
            is no share, half an interval or one that is upside down.
    """
    seen: set[tuple[object, ...]] = set()
    for row in rows:
        what = f"panel {row.panel!r}, ratio {row.ratio:g}, group {row.group!r}"
        if not 0 < row.ratio <= 1:
            raise ValueError(f"{what}: a ratio lies in (0, 1]; give what no mask does as baseline")
        if row[:3] in seen:
            raise ValueError(f"{what}: two rows; give one")
        seen.add(row[:3])
        for value in (row.value, row.low, row.high):
            if not (math.isnan(value) or _drawable(value, share)):
                raise ValueError(f"{what}: {value:g} is no {_kind(share)}")
        if math.isnan(row.low) != math.isnan(row.high) or row.low > row.high:
            raise ValueError(f"{what}: [{row.low:g}, {row.high:g}] is no interval")


def check_panels(rows: Sequence[MaskedScore], baselines: Lines, *, share: bool) -> None:
    """Refuse panels that cannot be drawn, naming them.

    Raises:
        ValueError: no value at all, more than six panels or seven groups, more than three
            baselines of a panel or some of a panel that there is not.
    """
    names = in_order(row.panel for row in rows)
    if not 1 <= len(names) <= PANELS:
        raise ValueError(f"mask drops show 1 to {PANELS} panels, found {len(names)}: {names}")
    if not any(math.isfinite(row.value) for row in rows):
        raise ValueError(f"mask drops: none of {len(rows)} rows has a value; leave the figure out")
    if groups := mined_groups(rows):
        panels.group_looks(groups)
    for name, values in baselines.items():
        if name not in names or len(values) > BASELINES:
            raise ValueError(
                f"{len(values)} baselines of panel {name!r}: give at most {BASELINES} to each of "
                f"the panels {names}"
            )
        for label, value in values.items():
            if not _drawable(value, share):
                raise ValueError(f"baseline {label!r} of {name!r}: {value:g} is no {_kind(share)}")


def known_baselines(baselines: Lines) -> dict[str, dict[str, float]]:
    """Baselines without those that are nan."""
    return {
        name: {label: value for label, value in values.items() if not math.isnan(value)}
        for name, values in baselines.items()
    }


def _drawable(value: float, share: bool) -> bool:
    """Whether a value has a place on the axis."""
    return -ROUNDING <= value <= 1 + ROUNDING if share else math.isfinite(value)


def _kind(share: bool) -> str:
    """What a value must be."""
    return "share in [0, 1]; give shares, not percent" if share else "finite value"


def shown_score(value: float, metric: str) -> str:
    """Write a value of the metric with its unit."""
    return panels.percent(value) if METRICS[metric][1] else number(float(f"{value:.3g}"))


def shown_ratio(ratio: float) -> str:
    """Write a ratio in percent to three digits."""
    return f"{number(float(f'{100 * ratio:.3g}'))} %"


def drop_words(rows: Sequence[MaskedScore], baselines: Lines, metric: str) -> str:
    """Say the baselines, and every group at the highest ratio, of each panel with a value."""
    parts = []
    known = [row for row in rows if math.isfinite(row.value)]
    for name in in_order(row.panel for row in known):
        own = [row for row in known if row.panel == name]
        highest = max(row.ratio for row in own)
        lines = baselines.get(name, {})
        told = [f"{one_line(k, 40)} {shown_score(v, metric)}" for k, v in lines.items()]
        told += [
            f"{one_line(row.group, 40)} masked {shown_score(row.value, metric)}"
            for row in own
            if row.ratio == highest
        ]
        parts.append(f"{one_line(name, 40)} at {shown_ratio(highest)}: {', '.join(told)}")
    label = METRICS[metric][0]
    return f"{label[0].upper()}{label[1:]} under masks. {'; '.join(parts)}."
