"""From a composed configuration to a finished run: the only place where all parts meet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from simlearn import backbones, data, evaluation, learners, losses, tasks, trainer
from simlearn.config.build import build
from simlearn.config.compose import Composed, compose
from simlearn.config.run_config import load_run_config, save_run_config
from simlearn.config.targets import Target, Targets
from simlearn.data.randomness import derive_seed
from simlearn.report import Report
from simlearn.tasks.embedder import Embedder
from simlearn.tasks.metric_parts import MetricParts
from simlearn.tasks.run_context import RunContext
from simlearn.tasks.training import load_best
from simlearn.trainer.interrupt import Interrupted

OUTPUTS = Path("outputs")


def targets() -> Targets:
    """Everything that a configuration may construct, by group and name."""
    return {
        "task": _named(tasks, "metric_learning", runtime=("parts", "run")),
        "data": _named(data, "YouTubeFaces", "SyntheticFaces"),
        "backbone": _named(backbones, "C3D", "Conv3DNet"),
        "head": _named(backbones, "LinearHead", runtime=("in_dim",)),
        "loss": _named(losses, "TripletLoss", "ContrastiveLoss"),
        "sampler": _named(data, "PKBatches"),
        "evaluation": _named(evaluation, "VideoRetrieval"),
        "optimizer": _named(learners, "AdamW", "SGD"),
        "trainer": _named(trainer, "TrainerSettings"),
        "logger": _named(trainer, "Logs"),
    }


def _named(package: Any, *names: str, runtime: Sequence[str] = ()) -> dict[str, Target]:
    unknown = [name for name in names if name not in package.__all__]
    if unknown:
        raise AttributeError(f"{package.__name__} does not offer {unknown}")
    return {name: Target(getattr(package, name), frozenset(runtime)) for name in names}


def build_parts(composed: Composed) -> MetricParts:
    """Construct what a configuration describes; weights are drawn from its seed.

    Raises:
        ConfigError: a value that a constructor refuses, with group and class.
    """
    allowed, config = targets(), composed.config

    def part(group: str, **runtime: Any) -> Any:
        return build(config[group], allowed[group], **runtime)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(int(config.seed), "weights"))
        backbone = part("backbone")
        head = part("head", in_dim=backbone.dim)
    return MetricParts(
        source=part("data"),
        backbone=backbone,
        head=head,
        loss=part("loss"),
        optimizer=part("optimizer"),
        batches=part("sampler"),
        protocol=part("evaluation"),
        trainer=part("trainer"),
        logs=part("logger"),
    )


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
    folder = Path(str(given))
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(
            f"run_dir={folder}: the folder is not empty, and no two runs share one. Name another "
            f"one, or go on with the run that is there: resume={folder}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def execute(composed: Composed, *, run_dir: Path | None = None) -> Report:
    """Run a composed configuration, or go on with the run in ``run_dir``.

    Raises:
        ConfigError, DataError, CheckpointError, Interrupted: with the way out in their text.
    """
    parts = build_parts(composed)
    resume = run_dir is not None
    folder = run_dir or _claim_run_dir(composed)
    save_run_config(composed, folder)
    context = RunContext(
        recipe=composed.recipe or "run",
        card=composed.card,
        config=composed.text,
        run_dir=folder,
        seed=int(composed.config.seed),
        resume=resume,
    )
    task = targets()["task"][composed.config.task["class"]].callable
    try:
        report: Report = task(parts, context)
    except (Interrupted, KeyboardInterrupt) as stopped:
        what = str(stopped) or "stopped"
        how = f"python -m simlearn.train resume={folder}"
        raise Interrupted(f"{what}; go on with: {how}") from stopped
    return report


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


def resume(run_dir: Path, overrides: Sequence[str] = ()) -> Report | None:
    """Go on with an interrupted run; ``None`` if it is finished already.

    Raises:
        ConfigError: not the folder of a run, or an override that a run does not take.
    """
    composed = load_run_config(Path(run_dir), overrides, targets())
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
    parts = build_parts(load_run_config(folder, [], targets()))
    learner = parts.learner(seed=0)
    load_best(learner, folder)
    return Embedder(
        learner,
        parts.source,
        clips_per_video=parts.protocol.clips_per_video,
        images=parts.backbone.kind == "image",
    )
