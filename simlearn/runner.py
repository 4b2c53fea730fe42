"""From a composed configuration to a finished run: the only place where all parts meet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout
from pytorch_lightning.utilities.exceptions import SIGTERMException

from simlearn.assemble import build_parts
from simlearn.config.compose import Composed, compose
from simlearn.config.errors import ConfigError
from simlearn.config.run_config import load_run_config, save_run_config
from simlearn.offers import targets
from simlearn.report import Report, environment, write_json_atomic
from simlearn.tasks.embedder import Embedder
from simlearn.tasks.image_embedder import ImageEmbedder, load_stream
from simlearn.tasks.incremental_parts import IncrementalParts
from simlearn.tasks.metric import join_training
from simlearn.tasks.metric_parts import MetricParts
from simlearn.tasks.run_context import RunContext
from simlearn.tasks.training import load_best
from simlearn.trainer.factory import check_machine
from simlearn.trainer.interrupt import Interrupted
from simlearn.trainer.processes import Job

__all__ = ["build_parts", "execute", "finished", "load", "resume", "run", "take_part", "targets"]

OUTPUTS = Path("outputs")
NOT_BEGUN = {".lock", "config.yaml", "recipe.yaml", "environment.json"}
"""All that is in the folder of a run that failed before it did anything."""


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
    except (Interrupted, KeyboardInterrupt, SIGTERMException) as stopped:
        # Lightning leaves by itself where the signal comes while a checkpoint is written
        by = " by SIGTERM" if isinstance(stopped, SIGTERMException) else ""
        what = str(stopped) or f"stopped{by}"
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
    parts = build_parts(composed, weights=False)
    assert isinstance(parts, MetricParts)  # noqa: S101 (the other task has one process)
    with suppress(Interrupted):
        join_training(parts, context, job)


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


def load(run_dir: Path | str) -> Embedder | ImageEmbedder:
    """The trained network of a finished run, ready to embed.

    It has the weights of ``best.ckpt``, else the last; those after the last experience where
    classes arrived one experience after the other.

    Args:
        run_dir: the run's folder.

    Raises:
        ConfigError: not the folder of a run.
        CheckpointError: its checkpoint is missing or damaged.
    """
    folder = Path(run_dir)
    parts = build_parts(load_run_config(folder, [], targets()), weights=False)
    if not isinstance(parts, MetricParts | IncrementalParts):
        raise ConfigError(
            f"{folder}: a run with a language model, which embeds nothing; its model is loaded by "
            "simlearn.analysis.TinyMLLM.load(RUN_DIR/model) or by transformers"
        )
    learner = parts.learner(seed=0)
    if isinstance(parts, IncrementalParts):
        load_stream(learner, folder)
        return ImageEmbedder(learner, parts.source)
    load_best(learner, folder)
    return Embedder(
        learner,
        parts.source,
        clips_per_video=parts.protocol.clips_per_video,
        images=parts.backbone.kind == "image",
    )
