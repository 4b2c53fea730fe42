"""From a composed configuration to a finished run: the only place where all parts meet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from datetime import datetime
from inspect import isabstract, signature
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch import nn

from simlearn import backbones, data, evaluation, learners, losses, miners, tasks, trainer
from simlearn.backbones.base import Backbone
from simlearn.backbones.head import Head
from simlearn.config.build import build
from simlearn.config.compose import Composed, compose
from simlearn.config.errors import ConfigError
from simlearn.config.run_config import load_run_config, save_run_config
from simlearn.config.targets import Target, Targets
from simlearn.data.randomness import derive_seed
from simlearn.data.video_source import VideoSource
from simlearn.learners.optim import Schedules
from simlearn.report import Report, environment, write_json_atomic
from simlearn.tasks.embedder import Embedder
from simlearn.tasks.metric import join_training
from simlearn.tasks.metric_parts import MetricParts
from simlearn.tasks.run_context import RunContext
from simlearn.tasks.training import load_best
from simlearn.trainer.factory import check_machine
from simlearn.trainer.interrupt import Interrupted
from simlearn.trainer.processes import Job

OUTPUTS = Path("outputs")
NOT_BEGUN = {".lock", "config.yaml", "recipe.yaml", "environment.json"}
"""All that is in the folder of a run that failed before it did anything."""


def targets() -> Targets:
    """Everything that a configuration may construct, by group and name."""
    return {
        "task": _offered(tasks, FunctionType, runtime=("parts", "run")),
        "data": _offered(data, VideoSource),
        "backbone": _offered(backbones, Backbone),
        "head": _offered(backbones, Head, runtime=("in_dim",)),
        "loss": _losses(),
        "memory": _offered(losses, losses.CrossBatchMemory, runtime=("loss", "dim")),
        "miner": _offered(miners, miners.Miner),
        "sampler": _offered(data, data.PKBatches),
        "evaluation": _offered(evaluation, evaluation.VideoRetrieval),
        "optimizer": _offered(learners, Schedules),
        "trainer": _offered(trainer, trainer.TrainerSettings),
        "logger": _offered(trainer, trainer.Logs),
    }


def _losses() -> dict[str, Target]:
    """The losses; how many classes and values a row there are is the program's to say."""
    offered = _offered(losses, nn.Module, runtime=("dim", "num_classes", "embedding_size"))
    return {name: t for name, t in offered.items() if t.callable is not losses.CrossBatchMemory}


def _offered(package: Any, kind: type, *, runtime: Sequence[str] = ()) -> dict[str, Target]:
    """What a package offers in its ``__all__``: subclasses of ``kind``, or functions.

    ``runtime`` are the arguments that the program gives to those that take them.
    """
    public = {name: getattr(package, name) for name in package.__all__}
    return {
        name: Target(thing, frozenset(runtime) & signature(thing).parameters.keys())
        for name, thing in public.items()
        if not isabstract(thing)
        and (issubclass(thing, kind) if isinstance(thing, type) else kind is FunctionType)
    }


def build_parts(composed: Composed, *, weights: bool = True) -> MetricParts:
    """Construct what a configuration describes; weights are drawn from its seed.

    Args:
        composed: the configuration.
        weights: read ``backbone.weights``; not needed where a checkpoint is loaded later.

    Raises:
        ConfigError: a value that a constructor refuses, with group and class.
    """
    allowed, config = targets(), deepcopy(composed.config)
    if not weights and config.backbone is not None and "weights" in config.backbone:
        config.backbone.weights = None

    def part(group: str, **runtime: Any) -> Any:
        if config[group] is None:
            raise ConfigError(f"{group}: no option is chosen; add {group}=OPTION")
        return build(config[group], allowed[group], **runtime)

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
    return MetricParts(
        source=part("data"),
        backbone=backbone,
        head=head,
        loss=loss,
        miner=miner,
        optimizer=part("optimizer"),
        batches=part("sampler"),
        protocol=part("evaluation"),
        trainer=part("trainer"),
        logs=part("logger"),
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


def new_run_dir(base: Path, recipe: str, seed: int) -> Path:
    """Make ``base/<recipe>/<date>_<time>_<seed>``; a second run in the same second gets ``-2``."""
    name = f"{datetime.now().astimezone():%Y-%m-%d_%H-%M-%S}_{seed}"
    for number in range(1, 1000):
        folder = base / recipe / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{base / recipe / name}: a thousand runs began in this second")


def _claim_run_dir(composed: Composed) -> Path:
    recipe, seed = composed.recipe or "run", int(composed.config.seed)
    given = composed.config.run_dir
    if given is None:
        return new_run_dir(OUTPUTS, recipe, seed)
    folder = Path(str(given)).expanduser()
    if folder.exists() and {p.name for p in folder.iterdir()} - NOT_BEGUN:
        raise FileExistsError(
            f"run_dir={folder}: the folder is not empty, and no two runs share one. Name another "
            f"one, or go on with the run that is there: resume={folder}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def execute(composed: Composed, *, run_dir: Path | None = None) -> Report:
    """Run a composed configuration, or go on with the run in ``run_dir``.

    Raises:
        ConfigError, DataError, CheckpointError, FileExistsError, TrainingStopped, Interrupted: with
            the way out in their text.
    """
    if composed.config.task is None:
        raise ConfigError("task: no option is chosen; add task=OPTION")
    begun = run_dir is not None and (run_dir / "checkpoints" / "last.ckpt").exists()
    parts = build_parts(composed, weights=not begun)
    try:
        check_machine(parts.trainer)
    except ValueError as error:  # a missing GPU is told before anything is made
        raise ConfigError(str(error)) from error
    folder = run_dir or _claim_run_dir(composed)
    context = RunContext(
        recipe=composed.recipe or "run",
        card=composed.card,
        config=composed.text,
        run_dir=folder,
        seed=int(composed.config.seed),
        resume=run_dir is not None,
    )
    task = targets()["task"][composed.config.task["class"]].callable
    try:
        with _sole_user(folder):
            if run_dir is None:  # a resumed run keeps what it began with until it ends
                save_run_config(composed, folder)
                write_json_atomic(folder / "environment.json", environment())
            report: Report = task(parts, context)
    except (Interrupted, KeyboardInterrupt) as stopped:
        what = str(stopped) or "stopped"
        how = f"python -m simlearn.train resume={folder}"
        raise Interrupted(f"{what}; go on with: {how}") from stopped
    return report


def take_part(words: str) -> None:
    """Be another process of a fit; rank 0, which owns the run and its folder, starts it.

    Args:
        words: the job as JSON, see :class:`simlearn.trainer.processes.Job`.

    Raises:
        Whatever fails, for rank 0 to tell; a wish to stop is no failure.
    """
    job = Job.read(words)
    composed = load_run_config(Path(job.config_dir), [], targets())
    context = RunContext(
        recipe="",
        card={},
        config=composed.text,
        run_dir=Path(job.run_dir),
        seed=int(composed.config.seed),
        resume=job.resume,
    )
    with suppress(Interrupted):
        join_training(build_parts(composed, weights=False), context, job)


@contextmanager
def _sole_user(folder: Path) -> Iterator[None]:
    """Keep a second process out of a run's folder.

    Raises:
        FileExistsError: another process works there.
    """
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise FileExistsError(
            f"{folder}: another process works on this run; wait for it or stop it"
        ) from error
    try:
        yield
    finally:
        lock.release()


def run(recipe: str, overrides: Sequence[str] = (), *, config_dirs: Sequence[Path] = ()) -> Report:
    """Run a recipe as ``python -m simlearn.train recipe=...`` does.

    Args:
        recipe: its name.
        overrides: ``group=option`` and ``key=value``.
        config_dirs: further folders with recipes and options.

    Returns:
        The report; its page is at ``report.report_path``.

    Raises:
        ConfigError: everything that is wrong with the configuration, at once.
    """
    composed = compose([f"recipe={recipe}", *overrides], targets(), config_dirs=config_dirs)
    return execute(composed)


def resume(
    run_dir: Path, overrides: Sequence[str] = (), *, config_dirs: Sequence[Path] = ()
) -> Report | None:
    """Go on with an interrupted run; ``None`` if it is finished already.

    Raises:
        ConfigError: not the folder of a run, or an override that a run does not take.
    """
    composed = load_run_config(Path(run_dir), overrides, targets(), config_dirs=config_dirs)
    if finished(Path(run_dir)):
        return None
    return execute(composed, run_dir=Path(run_dir))


def finished(run_dir: Path) -> bool:
    """Whether ``metrics.json``, which is written last, is there and whole."""
    try:
        json.loads((run_dir / "metrics.json").read_text())
    except (OSError, ValueError):
        return False
    return True


def load(run_dir: Path | str) -> Embedder:
    """The trained network of a finished run (``best.ckpt``, else the last), ready to embed.

    Args:
        run_dir: the run's folder.

    Raises:
        ConfigError: not the folder of a run.
        CheckpointError: its checkpoint is missing or damaged.
    """
    folder = Path(run_dir)
    parts = build_parts(load_run_config(folder, [], targets()), weights=False)
    learner = parts.learner(seed=0)
    load_best(learner, folder)
    return Embedder(
        learner,
        parts.source,
        clips_per_video=parts.protocol.clips_per_video,
        images=parts.backbone.kind == "image",
    )
