"""Which classes a configuration may name: an exact list made from what each package offers."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import isabstract, signature
from types import FunctionType
from typing import Any

from torch import nn

from simlearn import (
    analysis,
    backbones,
    continual,
    data,
    evaluation,
    generators,
    learners,
    losses,
    miners,
    tasks,
    trainer,
)
from simlearn.analysis import errorradar
from simlearn.analysis.errorradar.endpoint import Endpoint
from simlearn.analysis.errorradar.record_source import RecordSource
from simlearn.analysis.model_sources import ModelSource
from simlearn.analysis.tiny_models import TinyModel
from simlearn.backbones.base import Backbone
from simlearn.backbones.head import Head
from simlearn.config.targets import Target, Targets
from simlearn.data.class_source import ClassSource
from simlearn.data.questions import QuestionSource
from simlearn.data.video_source import VideoSource
from simlearn.generators import RepresentationGenerator
from simlearn.learners.contract import Strategy
from simlearn.learners.optim import Schedules


def targets() -> Targets:
    """Everything that a configuration may construct, by group and name."""
    return {
        "task": _offered(tasks, FunctionType, runtime=("parts", "run")),
        "data": {
            **_offered(data, VideoSource, ClassSource, QuestionSource),
            **_offered(errorradar, RecordSource, QuestionSource),
        },
        "endpoint": _offered(errorradar, Endpoint),
        "model": _offered(analysis, TinyModel, ModelSource),
        "backbone": _offered(backbones, Backbone),
        "head": _offered(backbones, Head, runtime=("in_dim",)),
        "loss": _losses(),
        "memory": _offered(losses, losses.CrossBatchMemory, runtime=("loss", "dim")),
        "miner": _offered(miners, miners.Miner),
        "sampler": _offered(data, data.PKBatches, data.QuestionBatches),
        "strategy": _offered(continual, Strategy, runtime=("generator",)),
        "generator": _offered(generators, RepresentationGenerator, runtime=("shape",)),
        "evaluation": {
            **_offered(evaluation, evaluation.VideoRetrieval, evaluation.ClassIncremental),
            **_offered(analysis, analysis.QuestionAnswering, analysis.NeuronMasks),
            **_offered(errorradar, errorradar.ErrorRadar),
        },
        "optimizer": _offered(learners, Schedules),
        "trainer": _offered(trainer, trainer.TrainerSettings),
        "logger": _offered(trainer, trainer.Logs),
    }


def _losses() -> dict[str, Target]:
    """The losses; how many classes and values a row there are is the program's to say."""
    offered = _offered(losses, nn.Module, runtime=("dim", "num_classes", "embedding_size"))
    return {name: t for name, t in offered.items() if t.callable is not losses.CrossBatchMemory}


def _offered(package: Any, *kinds: type, runtime: Sequence[str] = ()) -> dict[str, Target]:
    """What a package offers in its ``__all__``: subclasses of ``kinds``, or functions.

    ``runtime`` are the arguments that the program gives to those that take them.
    """
    public = {name: getattr(package, name) for name in package.__all__}
    return {
        name: Target(thing, frozenset(runtime) & signature(thing).parameters.keys())
        for name, thing in public.items()
        if not isabstract(thing)
        and (issubclass(thing, kinds) if isinstance(thing, type) else FunctionType in kinds)
    }
