"""What is written down of a sample that was counted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from simlearn.analysis.tokens import NAMES, PAD, TokenModality


@dataclass(frozen=True)
class SampleRecord:
    """One sample that was counted.

    Attributes:
        id: unique within its data set.
        dataset: its name.
        tokens: number of tokens by modality, those that occur.
    """

    id: str
    dataset: str = ""
    tokens: Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """(dataset, id)."""
        return (self.dataset, self.id)

    def line(self) -> str:
        """One line of JSON."""
        told = {"id": self.id, "dataset": self.dataset, "tokens": dict(self.tokens)}
        return json.dumps(told) + "\n"


def records_of_batch(
    ids: Sequence[str], datasets: Sequence[str], tokens: TokenModality
) -> list[SampleRecord]:
    """Records of a batch's rows, with their tokens by modality."""
    codes = range(PAD + 1, len(NAMES))
    counts = torch.stack([(tokens.codes == code).sum(1) for code in codes], 1).tolist()
    return [
        SampleRecord(i, d, {NAMES[c]: n for c, n in zip(codes, row, strict=True) if n})
        for i, d, row in zip(ids, datasets, counts, strict=True)
    ]
