"""Learn classes one experience after the other, and measure what is forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from simlearn.continual.experience_fit import ExperienceTraining
from simlearn.continual.joint import Joint
from simlearn.continual.loop import learn_stream
from simlearn.continual.measures import Measures
from simlearn.data.experiences import Experience, experiences
from simlearn.data.labelled_images import ClassData
from simlearn.learners import MetricLearner
from simlearn.learners.contract import Strategy
from simlearn.report import Report, write_report
from simlearn.tasks.incremental_baselines import class_mean_baselines
from simlearn.tasks.incremental_checks import check_begun, check_run
from simlearn.tasks.incremental_ideal import Ideal, ideal_of_results, read_ideal
from simlearn.tasks.incremental_parts import IncrementalParts, small_data
from simlearn.tasks.incremental_report import incremental_report, protocol_facts
from simlearn.tasks.run_context import RunContext
from simlearn.trainer.interrupt import StopFlag, stop_signals
from simlearn.trainer.progress import ProgressLine
from simlearn.trainer.stopwatch import Stopwatch

JOINT = "joint"
"""Folder of the ceiling's training inside a run's folder, and the value that asks for it."""


def class_incremental(parts: IncrementalParts, run: RunContext) -> Report:
    """Open the data, train the ceiling and the strategy over all experiences, measure, report.

    Args:
        parts: what the configuration describes.
        run: the run's folder, seed and recipe. With ``resume`` the experiences that are complete
            are not learnt again, and one that was begun goes on from its last checkpoint.

    Returns:
        The report, already written into ``run.run_dir``.

    Raises:
        DataError, CheckpointError, Interrupted, TrainingStopped: with the way out in their text.
    """
    watch, line = Stopwatch(), ProgressLine()
    if parts.trainer.devices > 1:
        raise ValueError(
            f"trainer.devices is {parts.trainer.devices}: experiences are learnt by one process. "
            "Use trainer.devices=1"
        )
    if parts.trainer.threads:
        torch.set_num_threads(parts.trainer.threads)
    with watch("data"):
        data = parts.source.open(seed=run.seed, report=line)
        sizes = parts.source.sizes(len(data.names))
        if parts.trainer.fast_dev_run:
            parts, data = parts.small(), small_data(data)
    check_run(parts, data, sizes, seed=run.seed)
    check_begun(run.checkpoints / "stream.ckpt", stream_facts(data, sizes, parts.strategy))
    with watch("baselines"):
        baselines = class_mean_baselines(parts, data, sizes, seed=run.seed)
    with stop_signals() as stop:
        with watch("ceiling"):
            ideal = _ideal(parts, run, data, sizes, stop, line)
        with watch("experiences"):
            learner, results = _learn(
                parts, run.run_dir, run.seed, data, sizes, stop, line, parts.strategy
            )
    if isinstance(parts.strategy, Joint) and parts.protocol.ideal == JOINT:
        ideal = ideal_of_results(results)
    report = incremental_report(
        parts, run, data, sizes, results, ideal, baselines, learner, watch.seconds
    )
    write_report(report)
    return report


def _ideal(
    parts: IncrementalParts,
    run: RunContext,
    data: ClassData,
    sizes: Sequence[int],
    stop: StopFlag,
    line: ProgressLine,
) -> Ideal | None:
    """What the strategy is compared with: trained here, read from another run, or a number."""
    if parts.protocol.ideal != JOINT:
        return read_ideal(parts.protocol.ideal, protocol_facts(parts, data, sizes))
    if isinstance(parts.strategy, Joint):
        return None
    cheap = replace(parts.protocol, diagnostics=False, pictures=())
    ceiling = replace(parts, protocol=cheap)
    line.prefix = "ceiling, "
    _, results = _learn(ceiling, run.run_dir / JOINT, run.seed, data, sizes, stop, line, Joint())
    line.prefix = ""
    return ideal_of_results(results)


def _learn(
    parts: IncrementalParts,
    folder: Path,
    seed: int,
    data: ClassData,
    sizes: Sequence[int],
    stop: StopFlag,
    line: ProgressLine,
    strategy: Strategy,
) -> tuple[MetricLearner, list[dict[str, Any]]]:
    """Run the loop with one strategy in one folder."""
    stream: list[Experience] = experiences(data, sizes, seed=seed, cumulative=strategy.cumulative)
    training = ExperienceTraining(
        trainer=parts.trainer,
        batches=parts.batches,
        logs=parts.logs,
        folder=folder,
        facts=stream_facts(data, sizes, strategy),
        seed=seed,
        stop=stop,
        line=line,
        flip=parts.source.flip,
        shift=parts.source.shift,
        rotations=parts.source.rotations,
    )
    measure = Measures(
        data.splits["train"],
        data.splits[parts.protocol.split],
        sizes,
        data.scale,
        parts.protocol,
        seed,
    )
    return learn_stream(lambda: parts.learner(seed), strategy, stream, training, measure)


def stream_facts(data: ClassData, sizes: Sequence[int], strategy: Strategy) -> Mapping[str, Any]:
    """What a checkpoint and the run that goes on from it must have in common."""
    return {
        "class order": ", ".join(data.names),
        "classes of the experiences": list(sizes),
        "data": data.fingerprint,
        "strategy": type(strategy).__name__,
    }
