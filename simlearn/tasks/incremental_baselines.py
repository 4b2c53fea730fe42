"""Nearest class mean without any training: of the untrained network, and of the pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from simlearn.continual.class_means import class_means, nearest_class, prototypes_of
from simlearn.continual.network import embeddings
from simlearn.data.labelled_images import ClassData
from simlearn.data.randomness import torch_generator
from simlearn.evaluation.intervals import bootstrap_interval
from simlearn.report import Metric
from simlearn.tasks.incremental_parts import IncrementalParts


def class_mean_baselines(
    parts: IncrementalParts, data: ClassData, sizes: Sequence[int], *, seed: int
) -> dict[str, dict[str, Metric]]:
    """``ncm_all`` with the means of the real training images of all classes, kept by nobody.

    Returns:
        The metric by model: "untrained" (the network before its first step), "pixels".
    """
    train, test = data.splits["train"], data.splits[parts.protocol.split]
    learner = parts.learner(seed)
    z = {
        "untrained": [embeddings(learner, images, data.scale) for images in (train, test)],
        "pixels": [data.scale(images.x).flatten(1) for images in (train, test)],
    }
    classes = range(sum(sizes))
    found = {}
    for name, (known, asked) in z.items():
        prototypes = prototypes_of(class_means(known, train.y, classes), classes)
        hits = nearest_class(asked, prototypes) == test.y
        found[name] = {"ncm_all": share_metric(hits, parts.protocol.bootstrap, seed)}
    return found


def share_metric(hits: Tensor, bootstrap: int, seed: int) -> Metric:
    """Share of true entries of ``hits (N,)`` with its 95 % interval over them."""
    interval = bootstrap_interval(
        hits.float(),
        torch.arange(len(hits)),
        draws=bootstrap,
        generator=torch_generator(seed, "bootstrap"),
    )
    return Metric(float(hits.float().mean()), len(hits), interval, higher_is_better=True)
