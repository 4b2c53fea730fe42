"""The parts that the search for modality-specific neurons is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simlearn.analysis.model_sources import ModelSource
from simlearn.analysis.neuron_protocol import NeuronMasks
from simlearn.data.questions import QuestionSource
from simlearn.trainer import Logs, TrainerSettings

FEW = 16
"""Questions of each data set and split that ``trainer.fast_dev_run`` looks at."""


@dataclass(frozen=True)
class NeuronParts:
    """Everything that the configuration describes, constructed; not yet opened."""

    source: QuestionSource
    model: ModelSource
    protocol: NeuronMasks
    trainer: TrainerSettings
    logs: Logs

    def small(self) -> NeuronParts:
        """The parts of a quick look: a few questions, one ratio, two random masks."""
        few = {name: min(FEW, getattr(self.source, name) or FEW) for name in ("train", "test")}
        return replace(
            self,
            source=replace(self.source, **few),
            protocol=replace(
                self.protocol, ratios=(self.protocol.ratio,), controls=2, bootstrap=50
            ),
        )
