"""Which classes a configuration may name, and the parts that it describes."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from inspect import isabstract, signature
from types import FunctionType
from typing import Any

import torch
from torch import nn

from simlearn import (
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
from simlearn.backbones.base import Backbone
from simlearn.backbones.head import Head
from simlearn.config.build import build
from simlearn.config.compose import Composed
from simlearn.config.errors import ConfigError
from simlearn.config.targets import Target, Targets
from simlearn.data.class_source import ClassSource
from simlearn.data.randomness import derive_seed
from simlearn.data.video_source import VideoSource
from simlearn.generators import RepresentationGenerator
from simlearn.learners.contract import Strategy
from simlearn.learners.optim import Schedules
from simlearn.tasks.incremental_parts import IncrementalParts
from simlearn.tasks.metric_parts import MetricParts

Parts = MetricParts | IncrementalParts
INCREMENTAL = "class_incremental"
"""The task that learns classes one experience after the other."""


def targets() -> Targets:
    """Everything that a configuration may construct, by group and name."""
    return {
        "task": _offered(tasks, FunctionType, runtime=("parts", "run")),
        "data": _offered(data, VideoSource, ClassSource),
        "backbone": _offered(backbones, Backbone),
        "head": _offered(backbones, Head, runtime=("in_dim",)),
        "loss": _losses(),
        "memory": _offered(losses, losses.CrossBatchMemory, runtime=("loss", "dim")),
        "miner": _offered(miners, miners.Miner),
        "sampler": _offered(data, data.PKBatches),
        "strategy": _offered(continual, Strategy, runtime=("generator",)),
        "generator": _offered(generators, RepresentationGenerator, runtime=("shape",)),
        "evaluation": _offered(evaluation, evaluation.VideoRetrieval, evaluation.ClassIncremental),
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


def build_parts(composed: Composed, *, weights: bool = True) -> Parts:
    """Construct what a configuration describes; weights are drawn from its seed.

    Args:
        composed: the configuration.
        weights: read ``backbone.weights``; not needed where a checkpoint is loaded later.

    Raises:
        ConfigError: a value that a constructor refuses, with group and class; or parts that do not
            belong to the task.
    """
    allowed, config = targets(), deepcopy(composed.config)
    if not weights and config.backbone is not None and "weights" in config.backbone:
        config.backbone.weights = None

    def part(group: str, **runtime: Any) -> Any:
        if config[group] is None:
            raise ConfigError(f"{group}: no option is chosen; add {group}=OPTION")
        return build(config[group], allowed[group], **runtime)

    incremental = config.task is not None and config.task["class"] == INCREMENTAL
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(int(config.seed), "weights"))
        backbone = part("backbone")
        head = part("head", in_dim=backbone.dim)
        loss = part("loss", dim=head.dim, num_classes=0, embedding_size=head.dim)
    miner = part("miner") if config.miner is not None else None
    if miner is not None:
        _check_miner(config, loss)
    if config.memory is not None:
        loss = part("memory", loss=loss, dim=head.dim)
    source, protocol = part("data"), part("evaluation")
    _check_task(config, source, protocol, incremental)
    common = {
        "source": source,
        "backbone": backbone,
        "head": head,
        "loss": loss,
        "miner": miner,
        "optimizer": part("optimizer"),
        "batches": part("sampler"),
        "protocol": protocol,
        "trainer": part("trainer"),
        "logs": part("logger"),
    }
    if not incremental:
        return MetricParts(**common)
    strategy = part("strategy", generator=lambda shape: part("generator", shape=shape))
    _check_strategy(config, strategy, backbone)
    return IncrementalParts(**common, strategy=strategy)


def _check_task(config: Any, source: object, protocol: object, incremental: bool) -> None:
    """Refuse data and evaluation of another task.

    Raises:
        ConfigError: names the options that belong to the task.
    """
    wanted = (
        (ClassSource, evaluation.ClassIncremental)
        if incremental
        else (VideoSource, evaluation.VideoRetrieval)
    )
    examples = (
        ("digits or mnist", "class_incremental")
        if incremental
        else ("image_folder or youtube_faces", "video_retrieval")
    )
    task = "incremental" if incremental else "metric"
    for group, thing, kind, example in zip(
        ("data", "evaluation"), (source, protocol), wanted, examples, strict=True
    ):
        if not isinstance(thing, kind):
            raise ConfigError(
                f"{group} ({config[group]['class']}) does not belong to task={task}: use for "
                f"instance {group}={example}"
            )
    for group in () if incremental else ("strategy", "generator"):
        if config[group] is not None:
            raise ConfigError(
                f"{group} ({config[group]['class']}) belongs to task=incremental: use {group}=none"
            )


def _check_strategy(config: Any, strategy: Strategy, backbone: Backbone) -> None:
    """Refuse what a strategy lacks, and what its bytes would not count.

    Raises:
        ConfigError: says what to leave out or to add.
    """
    name, cut = config.strategy["class"], getattr(strategy, "cut", "input")
    if config.memory is not None:
        raise ConfigError(
            f"memory ({config.memory['class']}) would carry embeddings of old classes into the "
            "next experience beside the strategy: use memory=none"
        )
    if isinstance(strategy, continual.RepresentationReplay) and config.generator is None:
        raise ConfigError(
            f"strategy ({name}) replays what a generator draws: add generator=vae, "
            "generator=conditional_vae or generator=gaussian"
        )
    if cut not in backbone.cuts:
        raise ConfigError(
            f"strategy.cut is {cut!r}: {type(backbone).__name__} has the cuts "
            f"{', '.join(backbone.cuts)}"
        )


def _check_miner(config: Any, loss: nn.Module) -> None:
    """Refuse a miner beside something else that chooses the tuples.

    Raises:
        ConfigError: says which of the two to leave out.
    """
    name = config.miner["class"]
    if getattr(loss, "mining", "all") != "all":
        raise ConfigError(
            f"miner ({name}) and loss.mining={loss.mining} both choose the triplets: use "
            "miner=none, or loss.mining=all to let the miner choose"
        )
    if getattr(loss, "pairs", "all") != "all":
        raise ConfigError(
            f"miner ({name}) and loss.pairs={loss.pairs} both choose the pairs: use miner=none, or "
            "loss.pairs=all"
        )
    if config.memory is not None:
        raise ConfigError(
            f"miner ({name}) and memory: a miner sees only the batch. Use miner=none; the memory "
            "takes loss.mining"
        )
    if isinstance(loss, losses.CenterLoss):
        raise ConfigError(f"miner ({name}): CenterLoss takes no tuples. Use miner=none")
