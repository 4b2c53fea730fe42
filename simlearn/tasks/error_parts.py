"""The parts that a search for wrong steps is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simlearn.analysis.errorradar.endpoint import Endpoint
from simlearn.analysis.errorradar.error_protocol import ErrorRadar
from simlearn.analysis.errorradar.record_source import RecordSource
from simlearn.analysis.model_sources import ModelSource
from simlearn.trainer import Logs, TrainerSettings

FEW = 6
"""Problems that ``trainer.fast_dev_run`` asks about."""


@dataclass(frozen=True)
class ErrorParts:
    """Everything that the configuration describes, constructed; not yet opened."""

    source: RecordSource
    model: ModelSource | None
    endpoint: Endpoint
    protocol: ErrorRadar
    trainer: TrainerSettings
    logs: Logs

    def small(self) -> ErrorParts:
        """The parts of a quick look: a few problems, two random masks.

        Other runs and people are left out: they are about all problems.
        """
        controls = min(2, self.protocol.controls)
        protocol = replace(self.protocol, bootstrap=50, controls=controls, compare=(), human=None)
        return replace(self, source=self.source.few(FEW), protocol=protocol)
