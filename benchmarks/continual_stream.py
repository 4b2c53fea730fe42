"""Streams of 100 experiences of ten images: ours, the bare loop, and Avalanche with its bare loop.

Two new classes and one step in each experience, a network of one hidden layer. ``simlearn`` learns
them inside one fit (``learn_short_stream``), ``fits`` gives each a fit of its own
(``learn_stream``), ``bare`` is the loop without anything else, ``means`` the loop that also keeps
the class means that a prediction needs. ``avalanche`` is Naive without metrics or loggers on the
same images, and ``classifier`` the bare loop of the same classifier. All that train the same thing
must end with equal weights first.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
import warnings
from pathlib import Path

import torch
from continual_setup import (
    HIDDEN,
    LR,
    OneLayer,
    bare_loop,
    drawn_classes,
    learner_of,
    same_weights,
    training_in,
)
from results import median
from torch import Tensor, nn

from simlearn.continual import FineTune
from simlearn.continual.loop import learn_stream
from simlearn.continual.one_fit import learn_short_stream
from simlearn.continual.stream_batches import StreamBatches
from simlearn.data.experiences import Experience, experiences
from simlearn.data.labelled_images import PixelScale
from simlearn.learners.metric import MetricLearner

EACH, NEW = 5, 2
"""Images of a class, and new classes of an experience."""


class Timed(FineTune):
    """Fine-tuning that knows when its first experience began and its last one ended."""

    def begin(self, learner: MetricLearner, exp: Experience) -> None:
        """Start the clock in the first experience."""
        if exp.number == 0:
            self.begun = time.perf_counter()

    def end(self, learner: MetricLearner, exp: Experience) -> None:
        """Keep the means, then look at the clock."""
        super().end(learner, exp)
        self.seconds = time.perf_counter() - self.begun


def our_stream(which: str, folder: Path, count: int) -> tuple[float, float, MetricLearner]:
    """Seconds of the whole call, those from the first step to the last end, and the network."""
    stream = experiences(drawn_classes(NEW * count, EACH), (NEW,) * count, seed=0)
    how = training_in(folder, NEW, EACH, max_epochs=1)
    strategy, begun = Timed(), time.perf_counter()
    if which in ("bare", "means"):
        batches = StreamBatches(stream, how, trains=lambda exp: True)
        inside = time.perf_counter()
        learner = bare_loop(learner_of(OneLayer), batches, means=which == "means")
        now = time.perf_counter()
        return now - begun, now - inside, learner
    learn = learn_short_stream if which == "simlearn" else learn_stream
    learner, _ = learn(lambda: learner_of(OneLayer), strategy, stream, how, nothing)
    return time.perf_counter() - begun, strategy.seconds, learner


class Labelled(torch.utils.data.TensorDataset):
    """Images and labels in the form that Avalanche asks for."""

    @property
    def targets(self) -> list[int]:
        """Labels."""
        return self.tensors[1].tolist()


def classifier(count: int) -> nn.Module:
    """The same hidden layer with an output per class."""
    torch.manual_seed(0)
    return nn.Sequential(OneLayer(), nn.Linear(HIDDEN, NEW * count))


def pixels(count: int) -> tuple[Tensor, Tensor]:
    """The images of the stream as floats, and their labels."""
    train = drawn_classes(NEW * count, EACH).splits["train"]
    return PixelScale()(train.x), train.y


def bare_classifier(count: int) -> tuple[float, nn.Module]:
    """Seconds and network of the bare loop with cross-entropy."""
    (x, y), model = pixels(count), classifier(count)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    begun = time.perf_counter()
    for low in range(0, len(y), NEW * EACH):
        rows = slice(low, low + NEW * EACH)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    return time.perf_counter() - begun, model


def avalanche_classifier(count: int) -> tuple[float, nn.Module]:
    """Seconds of Avalanche's Naive over the experiences, without metrics, and its network."""
    from avalanche.benchmarks import nc_benchmark
    from avalanche.training import Naive
    from avalanche.training.plugins import EvaluationPlugin

    data, model = Labelled(*pixels(count)), classifier(count)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        stream = nc_benchmark(data, data, count, task_labels=False, shuffle=False).train_stream
        naive = Naive(
            model=model,
            optimizer=torch.optim.SGD(model.parameters(), lr=LR),
            criterion=nn.CrossEntropyLoss(),
            train_mb_size=NEW * EACH,
            train_epochs=1,
            evaluator=EvaluationPlugin(loggers=[]),
        )
        begun = time.perf_counter()
        for experience in stream:
            naive.train(experience, num_workers=0, shuffle=False)
        return time.perf_counter() - begun, model


def nothing(*_) -> dict[str, object]:
    """Measure nothing."""
    return {}


def measure_stream(repeats: int, count: int) -> dict[str, object]:
    """Interleaved repeats of all six, the order reversed every other time."""
    names = ["bare", "means", "simlearn", "fits", "classifier", "avalanche"]
    whole: dict[str, list[float]] = {name: [] for name in names}
    inside: dict[str, list[float]] = {name: [] for name in names[:4]}
    for repeat in range(repeats + 1):
        models = {}
        for name in names[:: -1 if repeat % 2 else 1]:
            with tempfile.TemporaryDirectory() as folder:
                if name in inside:
                    seconds, within, models[name] = our_stream(name, Path(folder), count)
                    inside[name].append(within)
                elif name == "classifier":
                    seconds, models[name] = bare_classifier(count)
                else:
                    seconds, models[name] = avalanche_classifier(count)
            whole[name].append(seconds)
        for name in ("means", "simlearn", "fits"):
            assert same_weights(models[name], models["bare"]), name
        assert same_weights(models["avalanche"], models["classifier"])
    whole, inside = ({k: v[1:] for k, v in found.items()} for found in (whole, inside))

    def ratio(found: dict[str, list[float]], one: str, other: str) -> list[float]:
        return [a / b for a, b in zip(found[one], found[other], strict=True)]

    ratios = {
        "simlearn / bare, inside the fit": ratio(inside, "simlearn", "bare"),
        "simlearn / means, inside the fit": ratio(inside, "simlearn", "means"),
        "simlearn / bare, whole call": ratio(whole, "simlearn", "bare"),
        "simlearn / means, whole call": ratio(whole, "simlearn", "means"),
        "fits / bare, whole call": ratio(whole, "fits", "bare"),
        "avalanche / classifier": ratio(whole, "avalanche", "classifier"),
    }
    return {
        "what": f"{count} experiences of {NEW * EACH} images, one step each, seconds",
        "median_seconds": {name: median(v) for name, v in whole.items()},
        "median_ratio": {name: median(v) for name, v in ratios.items()},
        "seconds": whole,
        "seconds_inside": inside,
        "ratios": ratios,
        "weights_equal": True,
    }
