"""What a run over experiences has reached: everything that the next experience needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simlearn.learners.contract import Strategy
from simlearn.learners.metric import MetricLearner
from simlearn.trainer.checkpoint import (
    FORMAT_VERSION,
    KEY,
    AtomicCheckpointIO,
    CheckpointError,
    check_fingerprint,
    model_fingerprint,
    read_checkpoint,
)


@dataclass
class StreamState:
    """Results of the experiences that are complete.

    Attributes:
        path: ``stream.ckpt``, which :meth:`save` writes.
        facts: what a resumed run must have in common: the data, the order of the classes and how
            they are dealt to experiences.
        results: one entry per complete experience, of tensors and plain values.
    """

    path: Path
    facts: Mapping[str, Any]
    results: list[dict[str, Any]] = field(default_factory=list)

    def save(self, learner: MetricLearner, strategy: Strategy) -> None:
        """Write everything, whole or not at all."""
        header = {
            "format_version": FORMAT_VERSION,
            "epoch": 0,
            "batch": 0,
            "step": len(self.results),
            "facts": {**self.facts, "model": model_fingerprint(learner.state_dict())},
        }
        content = {
            "state_dict": learner.state_dict(),
            "strategy": strategy.state_dict(),
            "results": self.results,
            KEY: header,
        }
        AtomicCheckpointIO().save_checkpoint(content, self.path)

    def restore(self, learner: MetricLearner, strategy: Strategy) -> None:
        """Read what :meth:`save` wrote, if it is there, into a new learner and strategy.

        Raises:
            CheckpointError: damaged, or of other data, another class order or another model.
        """
        if not self.path.exists():
            return
        content = read_checkpoint(self.path)
        check_fingerprint(content[KEY]["facts"], self.facts, self.path)
        if not isinstance(content.get("results"), list) or "strategy" not in content:
            raise CheckpointError(f"{self.path}: damaged (no results). Start the run anew")
        try:
            learner.load_state_dict(content["state_dict"])
            strategy.load_state_dict(content["strategy"])
        except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"{self.path}: of another network or strategy ({error}). Resume with the same "
                "configuration, or start a new run"
            ) from error
        self.results = content["results"]
