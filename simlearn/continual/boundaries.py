"""What happens between two experiences while one fit goes on over both."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from simlearn.continual.experience_fit import ExperienceTraining
from simlearn.continual.loop import Measure
from simlearn.continual.stream_state import StreamState
from simlearn.data.experiences import Experience
from simlearn.learners.contract import Strategy
from simlearn.learners.health import BatchHealth
from simlearn.learners.metric import MetricLearner
from simlearn.trainer.checkpoint import FORMAT_VERSION, KEY
from simlearn.trainer.interrupt import Interrupted


class Boundaries(Checkpoint):
    """Calls a strategy's ``end`` and ``begin`` between the steps, measures and saves.

    State is saved at boundaries alone: at the first one after ``trainer.checkpoint_minutes`` or
    ``checkpoint_steps``, at one where a signal asks to stop, and at the last.

    Args:
        strategy: what is done against forgetting.
        stream: the experiences.
        steps: of every experience; one without any is begun and ended at once.
        training: how often to save, and the signal that asks to stop.
        measure: see :func:`simlearn.continual.one_fit.learn_short_stream`.
        every: measure after every so many experiences and after the last; 0 for the last alone.
        state: results so far, to which new ones are added.
        health: counts batches.
    """

    def __init__(
        self,
        strategy: Strategy,
        stream: Sequence[Experience],
        steps: Sequence[int],
        training: ExperienceTraining,
        measure: Measure,
        *,
        every: int,
        state: StreamState,
        health: BatchHealth,
    ) -> None:
        self.strategy, self.stream, self.steps = strategy, stream, steps
        self.training, self.measure, self.every = training, measure, every
        self.state, self.health = state, health
        self.last_steps = list(accumulate(steps))
        self.open = False
        self._begun, self._transient, self._counts = 0.0, 0, dict(health.counts)
        self._saved_at, self._saved_step = time.monotonic(), 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Pass over experiences in which nothing is trained; a resumed fit is restored by now."""
        self._saved_step = trainer.global_step
        self.pass_untrained(_learner(pl_module))

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Before the first step of an experience: begin it."""
        if not self.open:
            self._begin(_learner(pl_module))

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """After the last step of an experience: end it, measure, save if it is time.

        Raises:
            Interrupted: a signal asked to stop; the state is saved.
        """
        if trainer.global_step < self.last_steps[len(self.state.results)]:
            return
        self._end(_learner(pl_module))
        self.pass_untrained(_learner(pl_module))
        finished = len(self.state.results) == len(self.stream)
        if finished or self.training.stop.signal or self._due(trainer.global_step):
            trainer.save_checkpoint(self.state.path)
            self._saved_at, self._saved_step = time.monotonic(), trainer.global_step
        if self.training.stop.signal and not finished:
            raise Interrupted(
                f"stopped by {self.training.stop.signal} after experience {len(self.state.results)}"
            )

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add what :class:`StreamState` keeps, and the position in the stream."""
        checkpoint["strategy"] = self.strategy.state_dict()
        checkpoint["results"] = self.state.results
        checkpoint[KEY] = {
            "format_version": FORMAT_VERSION,
            "epoch": 0,
            "batch": trainer.global_step,
            "step": trainer.global_step,
            "facts": dict(self.state.facts),
        }

    def pass_untrained(self, learner: MetricLearner) -> None:
        """Begin and end the experiences that come next and have no step."""
        while (number := len(self.state.results)) < len(self.stream) and not self.steps[number]:
            self._begin(learner)
            self._end(learner)

    def _begin(self, learner: MetricLearner) -> None:
        self._begun, self._counts = time.perf_counter(), dict(self.health.counts)
        self.strategy.begin(learner, self.stream[len(self.state.results)])
        self._transient, self.open = self.strategy.transient_bytes(), True

    def _end(self, learner: MetricLearner) -> None:
        """End the experience that was begun, and add its row to the results."""
        results, exp = self.state.results, self.stream[len(self.state.results)]
        self.strategy.end(learner, exp)
        seconds, self.open = time.perf_counter() - self._begun, False
        wanted = exp.number + 1 == len(self.stream) or (
            self.every and (exp.number + 1) % self.every == 0
        )
        measured = [row for row in results if row["measured"]]
        found = self.measure(learner, self.strategy, exp, measured) if wanted else {}
        since = {name: n - self._counts[name] for name, n in self.health.counts.items()}
        results.append(
            {
                **found,
                "measured": bool(wanted),
                "seconds": seconds,
                "transient_bytes": self._transient,
                "memory_bytes": self.strategy.memory_bytes(),
                "steps": self.steps[exp.number],
                "empty_batches": since["empty"],
                "collapse_warnings": since["collapses"],
            }
        )

    def _due(self, step: int) -> bool:
        """Whether it is time to save."""
        settings = self.training.trainer
        late = time.monotonic() - self._saved_at > settings.checkpoint_minutes * 60
        return late or 0 < settings.checkpoint_steps <= step - self._saved_step


def _learner(module: pl.LightningModule) -> MetricLearner:
    """The module, which is a learner."""
    assert isinstance(module, MetricLearner)  # noqa: S101
    return module
