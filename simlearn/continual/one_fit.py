"""A stream of short experiences inside one fit: starting one takes longer than fifty steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from simlearn.continual.boundaries import Boundaries
from simlearn.continual.experience_fit import ExperienceTraining
from simlearn.continual.loop import Measure, check_negatives, grow_tables
from simlearn.continual.stream_batches import StreamBatches
from simlearn.continual.stream_state import StreamState
from simlearn.data.experiences import Experience
from simlearn.data.randomness import derive_seed
from simlearn.learners.contract import Strategy
from simlearn.learners.health import BatchHealth
from simlearn.learners.metric import MetricLearner
from simlearn.trainer.checkpoint import (
    KEY,
    CheckpointError,
    model_fingerprint,
    read_checkpoint,
)
from simlearn.trainer.factory import make_trainer
from simlearn.trainer.progress import TrainingProgress


def learn_short_stream(
    make_learner: Callable[[], MetricLearner],
    strategy: Strategy,
    stream: Sequence[Experience],
    training: ExperienceTraining,
    measure: Measure,
    *,
    measure_every: int = 0,
) -> tuple[MetricLearner, list[dict[str, Any]]]:
    """Learn one experience after the other without leaving the fit between them.

    The batches are those of :func:`simlearn.continual.loop.learn_stream`. What differs from it:

    - one optimiser and one schedule go over all steps of the stream, so that momentum and the
      learning rate are carried from one experience to the next;
    - a loss that keeps something per class has room for all classes of the stream at once;
    - activations of frozen layers are computed in every step, whatever ``strategy.source`` says;
    - draws are functions of the step in the stream.

    A run that is killed anywhere and called again goes on at the last boundary at which
    ``checkpoints/stream.ckpt`` was saved, see :class:`Boundaries`, and ends with the same numbers,
    on the CPU to the last bit.

    Args:
        make_learner: gives the network before its first step; the same one each time.
        strategy: new, as the configuration describes it.
        stream: the experiences, at least one.
        training: how they are trained; epochs and steps count per experience.
        measure: called after the experiences that are measured, with the rows of those that were
            measured before.
        measure_every: measure after every so many experiences and after the last; 0 for the last
            alone: measuring soon takes longer than learning.

    Returns:
        The learner after the last experience, and a row for every experience as of
        ``learn_stream``, with ``measured``: whether it holds what ``measure`` gave.

    Raises:
        ValueError: rotations, a warm-up, or a strategy that draws the network anew in every
            experience.
        DataError: no negatives, see :func:`simlearn.continual.loop.check_negatives`.
        CheckpointError: what is there belongs to another run.
        Interrupted: a signal asked to stop; the state at this boundary is saved.
    """
    _check(strategy, training)
    learner = make_learner()
    check_negatives(strategy, stream, learner.loss)
    for exp in stream:
        grow_tables(learner, exp, rotations=False, seed=training.seed)
    learner.seed, learner.strategy = derive_seed(training.seed, "stream"), strategy
    path = training.checkpoint.with_name("stream.ckpt")
    facts = {**training.facts, "one fit": True, "model": model_fingerprint(learner.state_dict())}
    state = StreamState(path, facts)
    state.restore(learner, strategy)
    done = len(state.results)
    if done == len(stream):
        return learner, state.results
    batches = StreamBatches(stream, training, trains=strategy.trains, start=done)
    health = BatchHealth(training.trainer.log_every)
    boundaries = Boundaries(
        strategy,
        stream,
        batches.steps,
        training,
        measure,
        every=measure_every,
        state=state,
        health=health,
    )
    if not len(batches):
        boundaries.pass_untrained(learner.to(_device(training)))
        state.save(learner.cpu(), strategy)
        return learner, state.results
    _check_position(state, batches.steps)
    after = sum(batches.steps[:done]) if done else None
    trainer = make_trainer(
        replace(training.trainer, max_epochs=1, max_steps=None, fast_dev_run=False),
        run_dir=training.folder,
        callbacks=[
            health,
            TrainingProgress(training.line, f"{len(stream)} experiences"),
            boundaries,
        ],
        loggers=training.logs.build(training.folder / "logs" / "stream", after=after),
    )
    trainer.fit(
        learner, train_dataloaders=batches, ckpt_path=path if done else None, weights_only=True
    )
    return learner.cpu(), state.results


def _check(strategy: Strategy, training: ExperienceTraining) -> None:
    """Refuse what needs a fit of its own for an experience."""
    if training.rotations:
        raise ValueError(
            "rotated classes leave the loss after the first experience, which one fit over all "
            "cannot do: use rotations=False or learn_stream"
        )
    if strategy.restarts:
        raise ValueError(
            f"{type(strategy).__name__} draws the network anew in every experience, which one fit "
            "over all cannot do: use restarts=False or learn_stream"
        )
    if getattr(strategy, "warmup", 0):
        raise ValueError(
            f"strategy.warmup is {strategy.warmup}: steps are counted over the whole stream here, "  # type: ignore[attr-defined]
            "so that only the first experience would warm up. Use warmup=0 or learn_stream"
        )


def _check_position(state: StreamState, steps: Sequence[int]) -> None:
    """Refuse a state after another number of steps than the configuration gives.

    Raises:
        CheckpointError: says both numbers.
    """
    done = len(state.results)
    if not done:
        return
    saved, wanted = read_checkpoint(state.path)[KEY]["step"], sum(steps[:done])
    if saved != wanted:
        raise CheckpointError(
            f"{state.path}: {saved} steps over {done} experiences, and this configuration takes "
            f"{wanted}. Resume with the same configuration, or start a new run"
        )


def _device(training: ExperienceTraining) -> str:
    """PyTorch's name of the device."""
    return "cuda" if training.trainer.device == "gpu" else "cpu"
