"""Benchmarks of Avalanche (Carta et al. 2023) as data for this package's strategies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from simlearn.data.class_split import class_fingerprint, in_order
from simlearn.data.labelled_images import ClassData, LabelledImages, PixelScale

STREAMS = {"train": "train", "val": "valid", "test": "test"}
"""Our splits, and what Avalanche calls its streams."""


def class_data_of_benchmark(
    benchmark: Any, *, scale: PixelScale | None = None
) -> tuple[ClassData, tuple[int, ...]]:
    """Read a class-incremental benchmark of Avalanche's into memory.

    Both kinds are read: those of ``class_incremental_benchmark`` and the older ones of
    ``nc_benchmark``, with or without task labels, which are not looked at. Samples pass the
    benchmark's evaluation transform, so nothing is drawn. Classes are numbered in the order of the
    experiences that bring them, those of one experience by their number in the benchmark.

    Bytes and PIL images are kept as bytes. Floats are kept as bytes where this loses nothing (all
    are k / 255, as after ``ToTensor``): the network then sees the same floats, and an image takes a
    quarter of the memory; other floats stay as they are and are seen so.

    Args:
        benchmark: with streams "train" and "test", and perhaps "valid".
        scale: from bytes to what the network sees; by default ``(x / 255 - 0.5) / 0.5`` for images
            that the benchmark gives as bytes, and the floats themselves where it gives floats.

    Returns:
        The data, and how many classes each experience brings: what
        :func:`simlearn.data.experiences.experiences` takes.

    Raises:
        ImportError: avalanche-lib is not installed.
        TypeError: something else than a benchmark, or samples that are no images.
        ValueError: no such stream, or none of its samples; samples of different shapes or types;
            a class that comes in two experiences, or one of a test that is never trained.
    """
    try:
        from avalanche.benchmarks import CLScenario
    except ImportError as error:
        raise ImportError(
            'reading Avalanche\'s benchmarks needs avalanche-lib: pip install "simlearn[continual]"'
        ) from error
    if not isinstance(benchmark, CLScenario):
        raise TypeError(f"benchmark is a {type(benchmark).__name__}, must be one of Avalanche's")
    parts = {split: _experiences(benchmark, stream) for split, stream in STREAMS.items()}
    train = parts["train"]
    if not train or not parts["test"]:
        raise ValueError(
            "the benchmark must have samples in its streams 'train' and 'test', found the streams "
            f"{sorted(benchmark.streams)}"
        )
    order, sizes = _order([y for _, y in train])
    splits = {split: _joined(found, like=train[0][0]) for split, found in parts.items()}
    for split, images in splits.items():
        strange = sorted(set(images.y.tolist()) - set(order))
        if strange:
            raise ValueError(
                f"class {strange[0]} of the stream {STREAMS[split]!r} is in no training experience"
            )
    names = {label: str(label) for label in order}
    all_names = [names.get(label, "") for label in range(max(order) + 1)]
    floats = train[0][0].is_floating_point()
    splits, exact = _as_bytes(splits)
    default = PixelScale(0.0, 1.0) if floats and exact else PixelScale()
    data = ClassData(
        splits={split: in_order(images, order) for split, images in splits.items()},
        names=tuple(names[label] for label in order),
        scale=default if scale is None else scale,
        fingerprint=class_fingerprint(splits, all_names),
        facts={
            "data": "Avalanche",
            "class_order": [names[label] for label in order],
            "images": {split: len(images) for split, images in splits.items()},
        },
    )
    return data, sizes


def _experiences(benchmark: Any, stream: str) -> list[tuple[Tensor, Tensor]]:
    """Images and class numbers of every experience that has samples."""
    found = []
    for experience in benchmark.streams.get(stream, ()):
        pairs = [(_pixels(x), int(y)) for x, y, *_ in experience.dataset.eval()]
        if pairs:
            _check_alike([x for x, _ in pairs])
            found.append((torch.stack([x for x, _ in pairs]), torch.tensor([y for _, y in pairs])))
    return found


def _check_alike(images: Sequence[Tensor]) -> None:
    """Refuse images of different shapes or types."""
    kinds = {(tuple(x.shape), str(x.dtype)) for x in images}
    if len(kinds) > 1:
        raise ValueError(f"images must have one shape and type, found {sorted(kinds)[:2]}")


def _pixels(x: Any) -> Tensor:
    """Bytes and floats as they are, a PIL image as bytes ``(C, H, W)``."""
    if isinstance(x, Tensor) and (x.dtype == torch.uint8 or x.is_floating_point()):
        return x
    if hasattr(x, "getbands"):
        from torchvision.transforms.functional import pil_to_tensor

        pixels: Tensor = pil_to_tensor(x)
        return pixels
    kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
    raise TypeError(f"a sample is {kind}, must be a tensor of bytes or floats, or a PIL image")


def _order(labels: Sequence[Tensor]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Class numbers in the order of their arrival, and how many each experience brings."""
    came: dict[int, int] = {}
    for number, y in enumerate(labels):
        for label in sorted(set(y.tolist())):
            if label in came:
                raise ValueError(
                    f"class {label} comes in experiences {came[label]} and {number}: only "
                    "class-incremental benchmarks can be read, in which every class arrives once "
                    "and keeps its number (no class_ids_from_zero_in_each_exp)"
                )
            came[label] = number
    return tuple(came), tuple(list(came.values()).count(n) for n in range(len(labels)))


def _joined(parts: Sequence[tuple[Tensor, Tensor]], *, like: Tensor) -> LabelledImages:
    """The samples of all experiences of a stream, none for none."""
    _check_alike([like[0], *[x[0] for x, _ in parts]])
    x = torch.cat([x for x, _ in parts] or [like[:0]])
    y = torch.cat([y for _, y in parts] or [torch.zeros(0, dtype=torch.int64)])
    x = x.float() if x.is_floating_point() else x
    return LabelledImages(x, y, torch.arange(len(y)))


def _as_bytes(splits: dict[str, LabelledImages]) -> tuple[dict[str, LabelledImages], bool]:
    """Images as uint8 where all are k / 255 or bytes already, and whether they are."""
    if all(images.x.dtype == torch.uint8 for images in splits.values()):
        return splits, True
    found = {}
    for split, images in splits.items():
        x = (images.x * 255).round().clamp(0, 255).to(torch.uint8)
        if not torch.equal(PixelScale(0.0, 1.0)(x), images.x):
            return splits, False
        found[split] = LabelledImages(x, images.y, images.index)
    return found, True
