"""Learning experience by experience against the bare PyTorch loop, and Avalanche against its own.

``experience``: one experience of fine-tuning, a ConvNet on 28x28 images with steps of 10 ms or
more, by ``fit_experience`` with the default logs, progress line, batch health and checkpoints;
seconds per step after the first ones, and of the whole call. ``stream``: see continual_stream.py.
Weights must be equal first. Repeats are interleaved; the first one is not counted.
"""

from __future__ import annotations

import argparse
import io
import logging
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

import torch
from continual_setup import bare_loop, drawn_classes, learner_of, same_weights, training_in
from continual_stream import measure_stream
from results import median, write_result

from simlearn.backbones import ConvNet
from simlearn.backbones.base import Backbone
from simlearn.continual.experience_fit import fit_experience
from simlearn.continual.stream_batches import StreamBatches
from simlearn.data.experiences import experiences
from simlearn.learners.metric import MetricLearner
from simlearn.trainer.progress import ProgressLine

WARM_UP = 10
"""Steps of an experience that are not timed."""


class Clock(ProgressLine):
    """A progress line that notes when each step was over."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.times: dict[int, float] = {}

    def __call__(self, what: str, done: int, total: int, note=None) -> None:
        """Show the step and note the time."""
        super().__call__(what, done, total, note)
        self.times[done] = time.perf_counter()

    @property
    def per_step(self) -> float:
        """Mean seconds of the steps after the warm-up."""
        last = max(self.times)
        return (self.times[last] - self.times[WARM_UP]) / (last - WARM_UP)


def grey_convnet() -> Backbone:
    """The default ConvNet for grey images."""
    return ConvNet(in_channels=1)


def one_experience(
    folder: Path, steps: int, *, reverse: bool
) -> dict[str, tuple[float, float, MetricLearner]]:
    """Seconds of the whole call and per step, and the network, of ``simlearn`` and ``bare``."""
    data = drawn_classes(10, 60)
    exp = experiences(data, (10,), seed=0)[0]
    found = {}
    for which in ("bare", "simlearn")[:: -1 if reverse else 1]:
        how = training_in(folder / which, 8, 8, max_epochs=None, max_steps=steps)
        learner, clock = learner_of(grey_convnet), Clock()
        begun = time.perf_counter()
        if which == "bare":
            batches = StreamBatches([exp], how, trains=lambda exp: True)
            bare_loop(learner, batches, times=clock.times)
        else:
            fit_experience(learner, exp, exp.train, replace(how, line=clock))
        found[which] = (time.perf_counter() - begun, clock.per_step, learner)
    return found


def measure_experience(repeats: int, steps: int) -> dict[str, object]:
    """Interleaved repeats of one experience by both, the order reversed every other time."""
    whole: dict[str, list[float]] = {"bare": [], "simlearn": []}
    step: dict[str, list[float]] = {"bare": [], "simlearn": []}
    for repeat in range(repeats + 1):
        with tempfile.TemporaryDirectory() as folder:
            found = one_experience(Path(folder), steps, reverse=repeat % 2 == 1)
        assert same_weights(found["bare"][2], found["simlearn"][2])
        for name, (seconds, per_step, _model) in found.items():
            whole[name].append(seconds)
            step[name].append(per_step)
    whole, step = ({k: v[1:] for k, v in found.items()} for found in (whole, step))
    ratios = {
        name: [b / a for a, b in zip(found["bare"], found["simlearn"], strict=True)]
        for name, found in (("per step", step), ("whole call", whole))
    }
    return {
        "what": f"one experience, {steps} steps of 64 images of 28x28, ConvNet, seconds",
        "median_seconds_per_step": {name: median(v) for name, v in step.items()},
        "median_seconds": {name: median(v) for name, v in whole.items()},
        "median_ratio": {name: median(v) for name, v in ratios.items()},
        "seconds_per_step": step,
        "seconds": whole,
        "ratios": ratios,
        "weights_equal": True,
    }


def main() -> None:
    """Measure and write ``results/continual.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--experiences", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--name", default="continual", help="of the result file; '' writes none")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    result = {
        "threads": options.threads,
        "repeats": options.repeats,
        "stream": measure_stream(options.repeats, options.experiences),
        "experience": measure_experience(options.repeats, options.steps),
    }
    for part in ("stream", "experience"):
        print(part, result[part]["median_seconds"], result[part]["median_ratio"], flush=True)
    if options.name:
        write_result(options.name, result)


if __name__ == "__main__":
    main()
