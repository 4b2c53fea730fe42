"""What is found out of a class-incremental run before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from simlearn.backbones.base import Backbone
from simlearn.continual.icarl import ICaRL
from simlearn.continual.loop import check_negatives, check_rotations
from simlearn.continual.representation_replay import RepresentationReplay
from simlearn.data.errors import DataError
from simlearn.data.experiences import experiences
from simlearn.data.labelled_images import ClassData
from simlearn.generators.class_tables import LEAST
from simlearn.learners.contract import Strategy
from simlearn.tasks.incremental_parts import IncrementalParts
from simlearn.trainer.checkpoint import KEY, check_fingerprint, read_checkpoint


def check_run(parts: IncrementalParts, data: ClassData, sizes: Sequence[int], *, seed: int) -> None:
    """Refuse what the ceiling's training, or the strategy after hours of it, would stumble over.

    Args:
        parts: what the configuration describes.
        data: opened.
        sizes: classes of every experience.
        seed: of the run.

    Raises:
        DataError, ValueError: with the way out.
    """
    stream = experiences(data, sizes, seed=seed)
    check_split(parts.protocol.split, data)
    check_images(parts.backbone, data)
    rotations = parts.source.rotations
    check_negatives(parts.strategy, stream, parts.loss, rotations=rotations)
    if rotations:
        check_rotations(parts.loss)
    check_strategy(parts.strategy, parts.backbone, data)


def check_split(split: str, data: ClassData) -> None:
    """Look whether every class has images to be measured on.

    Raises:
        DataError: names the class and the key.
    """
    counts = torch.bincount(data.splits[split].y, minlength=len(data.names))
    if not counts.min():
        raise DataError(
            f"evaluation.split={split}: class {data.names[int(counts.argmin())]!r} has no image in "
            f"that split. Use data.{split}_per_class=N"
        )


def check_images(backbone: Backbone, data: ClassData) -> None:
    """Let the backbone look at one image, so that what does not fit is told before the training.

    Raises:
        DataError: with the shape of the images and the backbone's words.
    """
    image = data.scale(data.splits["train"].x[:1])
    training = backbone.training
    try:
        with torch.no_grad():
            backbone.eval()(image)
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        size = "x".join(map(str, image.shape[2:]))
        raise DataError(
            f"the images have {image.shape[1]} channels and {size} "
            f"pixels, which {type(backbone).__name__} does not take ({reason}): set "
            f"backbone.in_channels={image.shape[1]}, or choose another backbone"
        ) from error
    finally:
        backbone.train(training)


def check_strategy(strategy: Strategy, backbone: Backbone, data: ClassData) -> None:
    """Look whether a strategy's memory or generator can take all classes.

    Raises:
        DataError: a class with too few images for a generator.
        ConfigError: a value that the generator does not take at this cut.
        ValueError: fewer exemplars than classes.
    """
    train = data.splits["train"]
    if isinstance(strategy, ICaRL):
        strategy.memory.per_class(len(data.names), train.x[0])
    if not isinstance(strategy, RepresentationReplay):
        return
    counts = torch.bincount(train.y, minlength=len(data.names))
    if counts.min() < LEAST:
        raise DataError(
            f"class {data.names[int(counts.argmin())]!r} has {int(counts.min())} training image, "
            f"and a generator needs at least {LEAST} of each class: give more images of it, leave "
            "it out of data.class_order, or keep images with strategy=icarl"
        )
    training = backbone.training
    with torch.no_grad():
        h = backbone.eval().low(data.scale(train.x[:1]), strategy.cut)
    backbone.train(training)
    strategy.make_generator(h.shape[1:])


def check_begun(path: Path, facts: Mapping[str, Any]) -> None:
    """Look whether the experiences that a folder holds are those of this run.

    Args:
        path: ``stream.ckpt``; nothing is checked where it is not there.
        facts: what they must have in common.

    Raises:
        CheckpointError: damaged, or of other data, another order or another strategy.
    """
    if path.exists():
        check_fingerprint(read_checkpoint(path)[KEY]["facts"], facts, path)
