"""A class-incremental run small enough for a test, and results of a loop made by hand."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import numpy as np
import torch

import simlearn
from simlearn.config.compose import compose
from simlearn.data.labelled_images import ClassData, LabelledImages, PixelScale
from simlearn.runner import build_parts, targets
from simlearn.tasks.incremental_ideal import ideal_of_results
from simlearn.trainer.checkpoint import read_checkpoint

WORDS = (
    "data.train_per_class=20",
    "data.test_per_class=8",
    "data.class_order=[3, 1, 4, 0, 5, 9]",
    "data.rotations=false",
    "backbone.width=0.1",
    "head.hidden=16",
    "head.dim=8",
    "sampler.classes_per_batch=4",
    "sampler.samples_per_class=5",
    "evaluation.bootstrap=20",
    "evaluation.pictures=[1, 3]",
    "trainer=cpu",
    "trainer.max_epochs=null",
    "trainer.max_steps=3",
    "trainer.log_every=1",
    "trainer.threads=1",
    "logger.tensorboard=false",
)
"""Six digits in three experiences of two, a ConvNet of a tenth of the width, three steps each."""
GENERATOR = ("generator.epochs=1", "generator.min_steps=4", "generator.hidden=[8]")
"""For a recipe with a VAE."""
PLAIN = "incremental_triplet_finetune"


def run(folder, *words, recipe=PLAIN):
    """A finished run in ``folder``: its report."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return simlearn.run(recipe, [*WORDS, *words, f"run_dir={folder}"])


def make_parts(*words, recipe=PLAIN):
    """The parts of such a run."""
    return build_parts(compose([f"recipe={recipe}", *WORDS, *words], targets()))


def written(folder):
    """``metrics.json`` of a run."""
    return json.loads((folder / "metrics.json").read_text())


def stream(folder):
    """What is kept after the last experience."""
    return read_checkpoint(folder / "checkpoints/stream.ckpt")


def digits(parts, seed=0):
    """The data of some parts."""
    return parts.source.open(seed=seed)


def patches(counts, test=3, size=8):
    """Noise images: ``counts[c]`` to learn class c from and ``test`` to ask."""
    g = torch.Generator().manual_seed(1)

    def images(numbers):
        y = torch.arange(len(numbers)).repeat_interleave(torch.tensor(numbers))
        x = torch.randint(256, (len(y), 1, size, size), generator=g).to(torch.uint8)
        return LabelledImages(x, y, torch.arange(len(y)))

    train = images(list(counts))
    splits = {"train": train, "val": train.of(()), "test": images([test] * len(counts))}
    names = tuple(f"class {c}" for c in range(len(counts)))
    return ClassData(splits, names, PixelScale(), "f00d", {"data": "patches"})


def without(data, split, label):
    """The data with no image of a class in a split."""
    images = data.splits[split]
    kept = images.rows((images.y != label).nonzero().flatten())
    return replace(data, splits={**data.splits, split: kept})


def npz(path, counts, test=3, size=8):
    """Write such images for ``data=arrays``."""
    data = patches(counts, test, size)
    arrays = {
        f"{split}_{key}": value
        for split in ("train", "test")
        for key, value in (
            ("x", data.splits[split].x[:, 0].numpy()),
            ("y", data.splits[split].y.numpy()),
        )
    }
    np.savez(path, **arrays)
    return path


SIZES = (2, 1, 1)
PER_CLASS = 5


def results(seed=0, right=0.6):
    """Results of three experiences of 2, 1 and 1 classes, five test images of each class."""
    g = torch.Generator().manual_seed(seed)
    found = []
    for t in range(3):
        seen = sum(SIZES[: t + 1])
        labels = torch.arange(seen).repeat_interleave(PER_CLASS)
        correct = torch.rand(len(labels), generator=g) < right
        arrived = [0, 0, 1, 2]
        ncm = []
        for k in range(t + 1):
            hits = [bool(c) for c, y in zip(correct, labels, strict=True) if arrived[y] == k]
            ncm.append(sum(hits) / len(hits))
        row = {
            "ncm": ncm,
            "counts": [PER_CLASS * n for n in SIZES[: t + 1]],
            "correct": correct,
            "labels": labels,
            "test_means": torch.randn(seen, 4, generator=g),
            "ncm_real": 0.5 + t / 10,
            "seconds": 1.25 + t,
            "steps": 3,
            "empty_batches": t,
            "collapse_warnings": 0,
            "memory_bytes": 1000 * (t + 1),
            "transient_bytes": (0, 700, 300)[t],
        }
        if t:
            row["old_purity"] = 0.25 * t
        found.append(row)
    return found


def ideal_case():
    """A ceiling for them."""
    return ideal_of_results(results(seed=100, right=0.9))
