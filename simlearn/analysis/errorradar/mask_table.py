"""The table of ErrorRadar under masks: what mined neurons cost beside random ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from simlearn.analysis.errorradar.mask_counts import (
    COLUMNS,
    MASK_METRICS,
    OTHERS,
    VISUAL,
    column_metrics,
    row_columns,
)
from simlearn.analysis.mask_effect import CELLS, bounds, mask_weights
from simlearn.data.randomness import torch_generator
from simlearn.evaluation.intervals import times_drawn

if TYPE_CHECKING:
    from simlearn.analysis.errorradar.mask_variants import MaskVariant

Row = Mapping[str, Any]
SAME = ("id", "gold_step", "gold_category", "n_steps")
"""Fields in which the rows of all masks agree."""


@dataclass(frozen=True)
class MaskedMetric:
    """One metric without and with a mask; nan where there is nothing to average.

    Attributes:
        unmasked: in [0, 1].
        masked: under the mined mask.
        random: mean over its random masks; nan without one.
        drop: ``unmasked - masked``; positive means that it got worse.
        random_drop: ``unmasked - random``.
        excess: ``drop - random_drop``.
        interval: (low, high) of ``excess``, 95 %, over problems and random masks.
    """

    unmasked: float
    masked: float
    random: float
    drop: float
    random_drop: float
    excess: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class MaskEffects:
    """A mined mask beside its random ones.

    Attributes:
        group: "union" or a modality.
        n: problems.
        masks: random masks.
        metrics: by the names of ``MASK_METRICS``.
        visual_excess: excess of the recall of VIS less that of the other categories; positive
            where the mask hurts visual perception more than it hurts the rest.
        visual_interval: (low, high) of it, 95 %.
    """

    group: str
    n: int
    masks: int
    metrics: Mapping[str, MaskedMetric]
    visual_excess: float
    visual_interval: tuple[float, float]

    def records(self) -> Iterator[dict[str, object]]:
        """One flat row per metric, for a table in a file; the last one is ``visual_excess``."""
        head: dict[str, object] = {"mask": self.group, "n": self.n, "masks": self.masks}
        for name, one in self.metrics.items():
            values = {key: value for key, value in vars(one).items() if key != "interval"}
            low, high = one.interval
            yield {**head, "metric": name, **values, "excess_low": low, "excess_high": high}
        low, high = self.visual_interval
        blank = dict.fromkeys(("unmasked", "masked", "random", "drop", "random_drop"), float("nan"))
        yield {
            **head,
            "metric": "visual_excess",
            **blank,
            "excess": self.visual_excess,
            "excess_low": low,
            "excess_high": high,
        }


def mask_effects(
    rows_by_variant: Mapping[str, Sequence[Row]],
    variants: Sequence[MaskVariant],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> list[MaskEffects]:
    """What every mined mask changes in the metrics, less what random masks of its size change.

    Intervals are a paired bootstrap: problems and random masks are drawn anew together (Owen 2007,
    "The pigeonhole bootstrap"), every mask is measured on the same drawn problems, and metrics are
    worked out anew from their counts. Draws in which a metric is not defined (no problem of a
    category) are left out; the interval is nan where that is so in more than half of them. With R
    random masks it cannot say anything rarer than they do.

    Args:
        rows_by_variant: rows as ``error_radar_metrics`` takes them by name of the variant, "" for
            the model as it is; all about the same problems in the same order.
        variants: of :func:`~simlearn.analysis.errorradar.mask_variants.mask_variants`.
        draws: resamples.
        seed: of the resamples.

    Returns:
        One for each mined mask, in the order of ``variants``.

    Raises:
        ValueError: a variant without rows, rows about other problems, no draw, or a row that is
            not as it must be.
    """
    if draws < 1:
        raise ValueError(f"draws is {draws}: at least 1")
    names = ["", *(variant.name for variant in variants)]
    _check_rows(rows_by_variant, names)
    columns = [row_columns(rows_by_variant[name]) for name in names]
    exact = column_metrics(np.stack([c.sum(0, dtype=np.int64) for c in columns]))  # (V, M)
    drawn = _resampled(columns, draws, torch_generator(seed, "error masks", "problems"))
    found = []
    for mined in variants:
        if mined.control_of:
            continue
        controls = [names.index(v.name) for v in variants if v.control_of == mined.name]
        generator = torch_generator(seed, "error masks", mined.name)
        weights = mask_weights(len(controls), draws, generator).numpy()
        places = (names.index(mined.name), controls)
        found.append(_effects(mined.group, exact, drawn, places, weights, len(columns[0])))
    return found


def _check_rows(rows: Mapping[str, Sequence[Row]], names: Sequence[str]) -> None:
    """Refuse variants without rows and rows about other problems."""
    for name in names:
        if name not in rows:
            raise ValueError(f"there are no rows under mask {name!r} ('' is the unmasked model)")
        if len(rows[name]) != len(rows[""]):
            raise ValueError(
                f"mask {name!r} has {len(rows[name])} rows, the unmasked model {len(rows[''])}: "
                "all must be about the same problems"
            )
        for number, (one, base) in enumerate(zip(rows[name], rows[""], strict=True), 1):
            for field in SAME:
                if one.get(field) != base.get(field):
                    raise ValueError(
                        f"mask {name!r}, row {number}: {field} is {ascii(one.get(field))[:60]}, "
                        f"without a mask {ascii(base.get(field))[:60]}: all masks must have rows "
                        "about the same problems in the same order"
                    )


def _resampled(columns: Sequence[np.ndarray], draws: int, generator: torch.Generator) -> np.ndarray:
    """``(V, draws, M)``: metrics of every variant on the same resampled problems."""
    count = len(columns[0])
    found = np.full((len(columns), draws, len(MASK_METRICS)), np.nan)
    if not count:
        return found
    start = 0
    for part in torch.arange(draws).split(max(1, CELLS // count)):
        # whole numbers below 2^24 are exact in single precision
        times = times_drawn(count, len(part), generator).float().numpy()
        rows = slice(start, start + len(part))
        for v, own in enumerate(columns):
            found[v, rows] = column_metrics(times @ own.astype(np.float32).reshape(-1, COLUMNS))
        start += len(part)
    return found


def _effects(
    group: str,
    exact: np.ndarray,
    drawn: np.ndarray,
    places: tuple[int, list[int]],
    weights: np.ndarray,
    n: int,
) -> MaskEffects:
    """One mined mask (at the first place) beside its random ones (at the others)."""
    mined, controls = places
    base, masked = exact[0], exact[mined]
    if controls:
        random = exact[controls].mean(0)
        random_draws = np.einsum("dr,rdm->dm", weights, drawn[controls])
    else:
        random, random_draws = np.full_like(base, np.nan), np.full_like(drawn[0], np.nan)
    excess, excess_draws = random - masked, random_draws - drawn[mined]
    metrics = {
        name: MaskedMetric(
            unmasked=float(base[m]),
            masked=float(masked[m]),
            random=float(random[m]),
            drop=float(base[m] - masked[m]),
            random_drop=float(base[m] - random[m]),
            excess=float(excess[m]),
            interval=_interval(excess_draws[:, m], excess[m]),
        )
        for m, name in enumerate(MASK_METRICS)
    }
    a, b = MASK_METRICS.index(VISUAL), MASK_METRICS.index(OTHERS)
    return MaskEffects(
        group=group,
        n=n,
        masks=len(controls),
        metrics=metrics,
        visual_excess=float(excess[a] - excess[b]),
        visual_interval=_interval(excess_draws[:, a] - excess_draws[:, b], excess[a] - excess[b]),
    )


def _interval(values: np.ndarray, middle: float) -> tuple[float, float]:
    """Percentiles of the draws in which there is a value; nan if that is less than half."""
    there = values[~np.isnan(values)]
    if np.isnan(middle) or 2 * len(there) < len(values):
        return float("nan"), float("nan")
    point: Tensor = torch.tensor(middle, dtype=torch.float64)
    return bounds(torch.from_numpy(there), point)
