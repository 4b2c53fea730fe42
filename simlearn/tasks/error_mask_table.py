"""What masks over neurons do to the table of wrong steps, in a table and in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from simlearn.analysis.errorradar.mask_table import MaskEffects
from simlearn.report import Table
from simlearn.report.wording import one_line
from simlearn.tasks.error_cells import between_points, percent, signed

MASK_WORDS = {
    "step_accuracy": "step accuracy",
    "step_within_one": "step within one",
    "category_accuracy": "category accuracy",
    "category_macro_f1": "category macro-F1",
    "joint_accuracy": "both right",
    "visual_recall": "recall of VIS",
    "other_recall": "recall of the other kinds",
}


def mask_table(effects: Sequence[MaskEffects]) -> Table:
    """Every metric under every mask beside its random masks."""
    rows: list[tuple[str | float | int | None, ...]] = []
    for effect in effects:
        for name, one in effect.metrics.items():
            rows.append(
                (
                    *(one_line(effect.group, 40), MASK_WORDS[name], percent(one.unmasked)),
                    *(percent(one.masked), percent(one.random), signed(one.drop)),
                    *(signed(one.random_drop), signed(one.excess), between_points(one.interval)),
                )
            )
        ends = between_points(effect.visual_interval)
        words = "recall of VIS less that of the other kinds"
        excess = signed(effect.visual_excess)
        rows.append((one_line(effect.group, 40), words, "", "", "", "", "", excess, ends))
    return Table(
        title="Under masks",
        columns=(
            *("masked", "metric", "unmasked %", "masked %", "random %", "drop", "random drop"),
            *("excess", "95 % interval"),
        ),
        rows=tuple(rows),
        note="Drops in points, positive is worse. Random: mean over masks with as many neurons in "
        "every layer; intervals over problems and random masks.",
    )


def mask_sentences(effects: Sequence[MaskEffects]) -> Iterator[str]:
    """Does a mask hurt visual perception more than the rest, by the rule for claims."""
    for effect in effects:
        low, high = effect.visual_interval
        if math.isnan(low):
            continue
        answer = "Yes" if low > 0 else "The other way round" if high < 0 else "Undecided"
        yield (
            f"Does the mask over the {one_line(effect.group, 40)} neurons cost the recall of "
            "visual perception errors more than that of the other kinds, beyond random masks? "
            f"{answer} ({signed(effect.visual_excess)} points, 95 % interval "
            f"{between_points(effect.visual_interval)})."
        )
