"""What the rows of a run come to: counts, examples, and who is right where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.record_source import RecordData
from simlearn.analysis.errorradar.row_cell import step_place
from simlearn.analysis.errorradar.tally import Tally
from simlearn.data.randomness import derive_seed
from simlearn.report.step_positions import POSITIONS, length_group
from simlearn.tasks.error_human import Human
from simlearn.tasks.error_rivals import Rights, Rival
from simlearn.tasks.error_scoring import Row, Usage, category_right, rights_of, step_right

EXAMPLES = 3
"""Shown of each: wholly right, and not."""


@dataclass
class StepGroup:
    """Solutions whose wrong step stands at one place, or that are of similar length.

    Attributes:
        n: solutions with a wrong step that was asked for.
        right: whose wrong step was found.
        chance: sum of 1 / number of steps.
    """

    n: int = 0
    right: int = 0
    chance: float = 0.0


@dataclass(frozen=True)
class Example:
    """A record, how the reply was read, and what was said."""

    record: Record
    row: Row
    text: str


@dataclass
class ErrorResults:
    """Counted row by row.

    Attributes:
        data: the records.
        name: of the model.
        weights: "open" or "closed".
        rivals: finished runs beside this one.
        human: ratings of people.
        seed: draws the examples.
        usage: what the replies without a mask took.
        masked_usage: what those under masks took.
        notes: sentences that a reader must see.
        tally: counts of the rows without a mask.
        groups: right steps by ("position" or "length", name).
        rights: by record, kept where it is compared.
        by_variant: all rows by mask, kept where there are masks; "" for none.
        examples: drawn, right and wrong ones.
    """

    data: RecordData
    name: str
    weights: str
    rivals: list[Rival]
    human: Human | None
    seed: int
    masked: bool
    usage: Usage = field(default_factory=Usage)
    masked_usage: Usage = field(default_factory=Usage)
    notes: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    groups: dict[tuple[str, str], StepGroup] = field(default_factory=dict)
    rights: Rights = field(default_factory=dict)
    by_variant: dict[str, list[Row]] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)
    _drawn: dict[bool, list[tuple[int, Row]]] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Count one row."""
        name = row.get("variant", "")
        if self.masked:
            self.by_variant.setdefault(name, []).append(row)
        if name:
            return
        self.tally.add(row)
        if self.rivals or self.human is not None:
            self.rights[row["id"]] = rights_of(row)
        self._draw(row)
        if row["gold_step"] and "pred_step" in row:
            third = POSITIONS[step_place(row["gold_step"], row["n_steps"]) - 1]
            for key in (("position", third), ("length", length_group(row["n_steps"]))):
                group = self.groups.setdefault(key, StepGroup())
                group.n += 1
                group.right += bool(step_right(row))
                group.chance += 1 / row["n_steps"]

    def _draw(self, row: Row) -> None:
        """Keep the row if its number is among the smallest of its kind."""
        rights = [r for r in (step_right(row), category_right(row)) if r is not None]
        good = bool(rights) and all(rights)
        kept = self._drawn.setdefault(good, [])
        kept.append((derive_seed(self.seed, "example", row["id"]), row))
        kept.sort(key=lambda one: one[0])
        del kept[2 * EXAMPLES :]

    def show(self, texts: Mapping[str, str]) -> None:
        """Make the examples: as many right as wrong ones where both are there.

        Args:
            texts: what was said, by record.
        """
        right, wrong = (self._drawn.get(good, []) for good in (True, False))
        few = max(EXAMPLES, 2 * EXAMPLES - len(wrong))
        chosen = {row["id"]: row for _, row in right[:few]}
        chosen |= {row["id"]: row for _, row in wrong[: 2 * EXAMPLES - len(chosen)]}
        self.examples = [
            Example(record, chosen[record.id], texts.get(record.id, ""))
            for record in self.data.records()
            if record.id in chosen
        ]

    def wanted(self) -> set[str]:
        """Ids of records that may be shown."""
        return {row["id"] for kept in self._drawn.values() for _, row in kept}
