"""The loop over experiences: begin, train, end, measure, save."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from simlearn.continual.experience_fit import ExperienceTraining, fit_experience
from simlearn.continual.network import activations, tensor_bytes
from simlearn.continual.stream_state import StreamState
from simlearn.data.errors import DataError
from simlearn.data.experiences import Experience
from simlearn.data.labelled_images import LabelledImages
from simlearn.data.randomness import torch_generator
from simlearn.learners.contract import Strategy
from simlearn.learners.metric import MetricLearner
from simlearn.losses.base import grows
from simlearn.losses.center import CenterLoss
from simlearn.losses.cross_batch_memory import CrossBatchMemory
from simlearn.trainer.interrupt import Interrupted

Measure = Callable[[MetricLearner, Strategy, Experience, list[dict[str, Any]]], dict[str, Any]]
"""What is measured after an experience, given the results of those before it."""


def check_negatives(
    strategy: Strategy, stream: Sequence[Experience], loss: object, *, rotations: bool = False
) -> None:
    """Refuse experiences in which a similarity loss has no two classes to tell apart.

    Raises:
        DataError: says which experience, and the way out.
    """
    if grows(loss):  # it compares with classes that are not in the batch
        return
    name = type(strategy).__name__
    for exp in stream:
        lonely = len(exp.new) == 1 and not strategy.cumulative and strategy.trains(exp)
        if exp.number == 0 and len(exp.new) == 1 and not rotations:
            raise DataError(
                "the first experience brings one class, so that a similarity loss has no "
                "negatives: use data.base_classes=2 or more"
            )
        if exp.number and lonely and not strategy.replays:
            raise DataError(
                f"experience {exp.number + 1} brings one new class and {name} replays none of the "
                "old ones, so that a similarity loss has no negatives. Use "
                "data.classes_per_experience=2 or more, a strategy that replays (strategy=icarl, "
                "strategy=representation_replay), or loss=center"
            )


def learn_stream(
    make_learner: Callable[[], MetricLearner],
    strategy: Strategy,
    stream: Sequence[Experience],
    training: ExperienceTraining,
    measure: Measure,
) -> tuple[MetricLearner, list[dict[str, Any]]]:
    """Learn one experience after the other, going on where an interrupted run stopped.

    A run that is killed anywhere and called again ends with the same numbers, on the CPU to the
    last bit: what is complete is read from ``checkpoints/stream.ckpt``, a training that was begun
    goes on from ``checkpoints/experience.ckpt``.

    Args:
        make_learner: gives the network before its first step; the same one each time.
        strategy: new, as the configuration describes it.
        stream: the experiences, from :func:`simlearn.data.experiences.experiences`.
        training: how each is trained.
        measure: see :data:`Measure`; its result is kept, together with ``seconds``,
            ``memory_bytes``, ``transient_bytes`` and the facts of the training.

    Returns:
        The learner after the last experience, and the results of all of them.

    Raises:
        DataError: no negatives, see :func:`check_negatives`.
        CheckpointError: what is there belongs to another run.
        Interrupted: a signal asked to stop; nothing is lost.
    """
    learner = make_learner()
    check_negatives(strategy, stream, learner.loss, rotations=training.rotations)
    if training.rotations:
        check_rotations(learner.loss)
    folder = training.checkpoint.parent
    state = StreamState(folder / "stream.ckpt", training.facts)
    state.restore(learner, strategy)
    device = "cuda" if training.trainer.device == "gpu" else "cpu"
    for exp in stream[len(state.results) :]:
        begun = time.perf_counter()
        if strategy.restarts and exp.number:
            learner = make_learner()
        learner.strategy = strategy
        grow_tables(learner, exp, rotations=training.rotations, seed=training.seed)
        strategy.begin(learner.to(device), exp)
        transient = strategy.transient_bytes()
        facts = _train(learner, strategy, exp, training) if strategy.trains(exp) else {}
        learner.to(device).at = "input"
        if training.rotations and exp.number == 0 and isinstance(learner.loss, CenterLoss):
            learner.loss.keep(len(exp.new))
        strategy.end(learner, exp)
        seconds = time.perf_counter() - begun
        found = measure(learner, strategy, exp, state.results)
        transient += int(facts.pop("activation_bytes", 0))
        kept = {"seconds": seconds, "transient_bytes": transient} | facts
        state.results.append({**found, **kept, "memory_bytes": strategy.memory_bytes()})
        state.save(learner.cpu(), strategy)
        training.checkpoint.unlink(missing_ok=True)
        if training.stop.signal and exp.number + 1 < exp.count:
            raise Interrupted(
                f"stopped by {training.stop.signal} after experience {exp.number + 1}"
            )
    training.checkpoint.unlink(missing_ok=True)  # killed right after the last experience
    return learner, state.results


def _train(
    learner: MetricLearner, strategy: Strategy, exp: Experience, training: ExperienceTraining
) -> dict[str, float]:
    """Fit; where the layers below a cut are frozen their activations are computed once."""
    if not training.trainer.trains:
        return {}
    images, cut, extra = exp.train, strategy.source(exp), {}
    if cut != "input" and not training.augments:
        h = activations(learner, images, exp.scale, cut)
        images, learner.at = LabelledImages(h, images.y, images.index), cut
        extra["activation_bytes"] = tensor_bytes(h)
    return fit_experience(learner, exp, images, training) | extra


def grow_tables(learner: MetricLearner, exp: Experience, *, rotations: bool, seed: int) -> None:
    """Give a loss that keeps something per class room for all classes seen so far.

    In a first experience with ``rotations`` there are four times as many.
    """
    if grows(learner.loss):
        factor = 4 if rotations and exp.number == 0 else 1
        generator = torch_generator(seed, "classes", exp.number)
        learner.loss.grow(factor * len(exp.seen), generator=generator)


def check_rotations(loss: object) -> None:
    """Refuse rotations with a loss that cannot give up classes again.

    What a memory keeps of a rotated class would have the label of a class that arrives later.

    Raises:
        DataError: names the loss and the way out.
    """
    if isinstance(loss, CrossBatchMemory) or (grows(loss) and not isinstance(loss, CenterLoss)):
        raise DataError(
            f"{type(loss).__name__} keeps something per class and cannot give up the rotated ones: "
            "use data.rotations=false"
        )
