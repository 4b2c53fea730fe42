"""Everything that a search for neurons found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from simlearn.analysis.answers import AnswerScores
from simlearn.analysis.geometry import ModalityGeometry
from simlearn.analysis.last_token import LastTokenAttention
from simlearn.analysis.mask_plan import PlannedMask
from simlearn.analysis.mask_scores import MaskedAnswers
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.analysis.sample_scores import SampleScores
from simlearn.analysis.stats import ActivationStats
from simlearn.data.questions import Question

Measured = tuple[ModalityGeometry, LastTokenAttention]


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where the modalities lie, without a mask and under the union at the main ratio.

    Attributes:
        before: without a mask.
        after: under the union; nothing where none was selected.
        random: what the last token looks at under a few random masks of the union's size.
    """

    before: Measured
    after: Measured | None
    random: tuple[LastTokenAttention, ...]


@dataclass(frozen=True, eq=False)
class NeuronResults:
    """What was mined, selected, masked and measured.

    Attributes:
        asked: Q questions.
        names: M modalities that occurred.
        scores: ``(D, 5, M, L, N)`` mean scores by data set.
        stats: of all tokens.
        sample_scores: sums behind ``scores``.
        sets: selected neurons by ratio.
        masks: what was masked.
        masked: answers under each mask and its controls.
        plain: answers without a mask.
        blanked: the same with grey pictures and silence.
        lookup: ``(Q,)`` bool: right answers that the question alone gives.
        geometry: nothing where it was not asked for.
    """

    asked: Sequence[Question]
    names: tuple[str, ...]
    scores: Tensor
    stats: ActivationStats
    sample_scores: SampleScores
    sets: Mapping[float, NeuronSet]
    masks: Sequence[PlannedMask]
    masked: Sequence[MaskedAnswers]
    plain: AnswerScores
    blanked: AnswerScores
    lookup: Tensor
    geometry: Geometry | None

    def datasets(self) -> Iterator[tuple[str, Tensor]]:
        """(name, ``(Q,)`` bool) of the data sets that were asked."""
        for name in dict.fromkeys(q.dataset for q in self.asked):
            yield name, torch.tensor([q.dataset == name for q in self.asked])

    def mask(self, group: str, ratio: float) -> MaskedAnswers | None:
        """Answers under one mask."""
        for mask, answers in zip(self.masks, self.masked, strict=True):
            if mask.group == group and mask.ratio == ratio:
                return answers
        return None
