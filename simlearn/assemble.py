"""The parts that a configuration describes, constructed and checked against each other."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from torch import nn

from simlearn import analysis, continual, data, evaluation, losses
from simlearn.analysis import errorradar
from simlearn.analysis.errorradar.endpoint import Endpoint
from simlearn.analysis.errorradar.record_source import RecordSource
from simlearn.analysis.model_sources import ModelSource
from simlearn.analysis.tiny_models import TinyModel
from simlearn.backbones.base import Backbone
from simlearn.config.build import build
from simlearn.config.compose import Composed
from simlearn.config.errors import ConfigError
from simlearn.data.class_source import ClassSource
from simlearn.data.questions import QuestionSource
from simlearn.data.randomness import derive_seed
from simlearn.data.video_source import VideoSource
from simlearn.learners.contract import Strategy
from simlearn.offers import targets
from simlearn.tasks.error_parts import ErrorParts
from simlearn.tasks.incremental_parts import IncrementalParts
from simlearn.tasks.language_parts import LanguageParts
from simlearn.tasks.metric_parts import MetricParts
from simlearn.tasks.neuron_parts import NeuronParts

Parts = MetricParts | IncrementalParts | LanguageParts | NeuronParts | ErrorParts
INCREMENTAL, LANGUAGE, NEURONS = "class_incremental", "train_language_model", "find_neurons"
ERRORS = "find_error_steps"
"""Tasks: classes one experience after the other; a small multimodal model; its neurons; wrong
steps of worked solutions."""
LANGUAGE_GROUPS = {
    LANGUAGE: ("data", "model", "sampler", "evaluation", "optimizer", "trainer", "logger"),
    NEURONS: ("data", "model", "evaluation", "trainer", "logger"),
    ERRORS: ("data", "endpoint", "model", "evaluation", "trainer", "logger"),
}
"""What the tasks of language models are made of; every other group must be ``none``."""


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

    task = None if config.task is None else config.task["class"]
    if task in LANGUAGE_GROUPS:
        return _language_parts(config, task, part)
    for group in ("model", "endpoint"):
        if config[group] is not None:
            others = "task=language, task=neurons and " if group == "model" else ""
            raise ConfigError(
                f"{group} ({config[group]['class']}) belongs to {others}task=error_steps: use "
                f"{group}=none"
            )
    incremental = task == INCREMENTAL
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


def _language_parts(
    config: Any, task: str, part: Callable[..., Any]
) -> LanguageParts | NeuronParts | ErrorParts:
    """The parts of a run with a language model.

    Raises:
        ConfigError: a group that does not belong to the task, or an option of another task.
    """
    name = {LANGUAGE: "language", NEURONS: "neurons", ERRORS: "error_steps"}[task]
    for group in sorted(set(config) - {*LANGUAGE_GROUPS[task], "task", "seed", "run_dir"}):
        if config[group] is not None:
            raise ConfigError(
                f"{group} ({config[group]['class']}) does not belong to task={name}: use "
                f"{group}=none"
            )
    kinds: dict[str, tuple[type, str]] = {
        "data": (QuestionSource, "easy_vqa, tones or question_sets"),
        "model": (TinyModel, "tiny_llava or tiny_qwen2vl"),
        "evaluation": (analysis.QuestionAnswering, "answers"),
        "sampler": (data.QuestionBatches, "questions"),
    }
    if task == NEURONS:
        kinds["model"] = (ModelSource, "tiny_shipped, or pretrained with model.path=FOLDER")
        kinds["evaluation"] = (analysis.NeuronMasks, "neuron_masks")
    if task == ERRORS:
        kinds["data"] = (RecordSource, "error_problems, or error_records with data.path=FILE")
        kinds["model"] = (ModelSource, "tiny_shipped, or pretrained with model.path=FOLDER")
        kinds["evaluation"] = (errorradar.ErrorRadar, "error_radar")
    built: dict[str, Any] = {}
    for group in LANGUAGE_GROUPS[task]:
        if group == "model" and task == ERRORS and _asks_elsewhere(config, built["endpoint"]):
            built[group] = None
            continue
        built[group] = part(group)
        if group in kinds and not isinstance(built[group], kinds[group][0]):
            raise ConfigError(
                f"{group} ({config[group]['class']}) does not belong to task={name}: use "
                f"{group}={kinds[group][1]}"
            )
    common = {
        "source": built["data"],
        "model": built["model"],
        "protocol": built["evaluation"],
        "trainer": built["trainer"],
        "logs": built["logger"],
    }
    if task == ERRORS:
        _check_masks(config, built["endpoint"])
        return ErrorParts(**common, endpoint=built["endpoint"])
    if task == NEURONS:
        return NeuronParts(**common)
    return LanguageParts(**common, optimizer=built["optimizer"], batches=built["sampler"])


def _asks_elsewhere(config: Any, endpoint: Endpoint) -> bool:
    """Whether the prompts go to something else than a model of this process.

    Raises:
        ConfigError: a model is needed and not chosen, or chosen and not needed.
    """
    if endpoint.needs_model:
        if config.model is None:
            raise ConfigError(
                f"endpoint ({config.endpoint['class']}) asks a model in this process: add "
                "model=pretrained model.path=FOLDER, or model=tiny_shipped"
            )
        return False
    if config.model is not None:
        raise ConfigError(
            f"model ({config.model['class']}) is asked by endpoint=local alone, and endpoint is "
            f"{config.endpoint['class']}: use model=none, or endpoint=local"
        )
    return True


def _check_masks(config: Any, endpoint: Endpoint) -> None:
    """Refuse masks over the neurons of a model that is not here.

    Raises:
        ConfigError: says which of the two to change.
    """
    if config.evaluation.neurons is not None and not endpoint.needs_model:
        raise ConfigError(
            "evaluation.neurons masks neurons of a model in this process, and endpoint is "
            f"{config.endpoint['class']}: use endpoint=local model=pretrained model.path=FOLDER"
        )


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
