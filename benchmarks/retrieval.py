"""Retrieval metrics against PML's AccuracyCalculator and scikit-learn: time, memory, values first.

Unit vectors of 128 float32 numbers around one mean per class, with a noise that puts MAP@R between
0.3 and 0.7; every item queries all the others. "pml" is PML as users call it (k=None: all
neighbours), "pml_max_bin_count" asks for the largest class only. PML searches by faiss where it is
installed, else by its own CustomKNN. "sklearn" is NearestNeighbors and the formulas in numpy.
simlearn reports recall at 1, 5 and 10 and the mean reciprocal rank besides.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compare import Study, main
from fresh import Job
from workload import Tolerance, Workload

if TYPE_CHECKING:
    from torch import Tensor

SEED = 0
DIM = 128
PEERS = ("pml", "pml_max_bin_count", "sklearn")
VALUES = {name: Tolerance(absolute=1e-4) for name in ("precision_at_1", "r_precision", "map_at_r")}
Metrics = dict[str, float]
Evaluate = Callable[["Tensor", "Tensor"], Metrics]


def clustered(count: int, classes: int, noise: float) -> tuple[Tensor, Tensor]:
    """Unit vectors ``(count, 128)`` around a mean per class, labels ``(count,)`` in turn.

    Args:
        count: N.
        classes: C; the sizes of the classes differ by one at most.
        noise: length of the noise over that of the class mean.
    """
    import torch
    from torch.nn.functional import normalize

    generator = torch.Generator().manual_seed(SEED)
    means = normalize(torch.randn(classes, DIM, generator=generator), dim=1)
    y = torch.arange(count) % classes
    z = torch.randn(count, DIM, generator=generator).mul_(noise / DIM**0.5)
    return normalize(z.add_(means[y]), dim=1), y


def by_simlearn(z: Tensor, y: Tensor) -> Metrics:
    """Ours; recall at 1 is PML's precision at 1."""
    from simlearn.evaluation import retrieval_metrics

    found = retrieval_metrics(z, y)
    return {
        "precision_at_1": found["recall_at_1"],
        "r_precision": found["r_precision"],
        "map_at_r": found["map_at_r"],
    }


def by_pml(k: str | None) -> Evaluate:
    """AccuracyCalculator with faiss, or with CustomKNN where faiss is not installed."""
    import torch
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
    from pytorch_metric_learning.utils.inference import CustomKNN

    knn: Any = None
    if find_spec("faiss") is None:
        knn = CustomKNN(LpDistance(), batch_size=256)
    else:
        import faiss

        faiss.omp_set_num_threads(torch.get_num_threads())
    wanted = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
    calculator = AccuracyCalculator(include=wanted, k=k, device=torch.device("cpu"), knn_func=knn)

    def evaluate(z: Tensor, y: Tensor) -> Metrics:
        found = calculator.get_accuracy(z, y)
        return {
            "precision_at_1": found["precision_at_1"],
            "r_precision": found["r_precision"],
            "map_at_r": found["mean_average_precision_at_r"],
        }

    return evaluate


def by_sklearn(z: Tensor, y: Tensor) -> Metrics:
    """Brute-force neighbours of scikit-learn, formulas of Musgrave et al. 2020 in numpy."""
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    labels = y.numpy()
    relevant = np.bincount(labels)[labels] - 1
    search = NearestNeighbors(n_neighbors=int(relevant.max()), algorithm="brute").fit(z.numpy())
    nearest = search.kneighbors(return_distance=False)  # without the query itself
    rank = np.arange(1, nearest.shape[1] + 1)
    hit = (labels[nearest] == labels[:, None]) & (rank <= relevant[:, None])
    precision = hit.cumsum(axis=1) / rank
    return {
        "precision_at_1": float(hit[:, 0].mean()),
        "r_precision": float((hit.sum(axis=1) / relevant).mean()),
        "map_at_r": float(((precision * hit).sum(axis=1) / relevant).mean()),
    }


def prepare(workload: Workload, candidate: str) -> Job:
    """Job of a candidate; runs in its fresh process."""
    shape = workload.shape
    z, y = clustered(int(shape["N"]), int(shape["C"]), shape["noise"])
    small, small_y = clustered(64, 4, 1.0)
    evaluate: Evaluate = {
        "simlearn": lambda: by_simlearn,
        "pml": lambda: by_pml(None),
        "pml_max_bin_count": lambda: by_pml("max_bin_count"),
        "sklearn": lambda: by_sklearn,
    }[candidate]()
    return Job(
        call=lambda: evaluate(z, y),
        values=lambda found: {name: float(value) for name, value in found.items()},
        warm_up=lambda: evaluate(small, small_y),
    )


def retrieval_workload(
    count: int,
    classes: int,
    noise: float,
    *,
    peers: tuple[str, ...] = PEERS,
    below_gib: float | None = None,
    tiny: bool = False,
) -> Workload:
    """A workload of N items in C classes."""
    return Workload(
        name=f"retrieval N={count} C={classes}",
        shape={"N": count, "C": classes, "d": DIM, "noise": noise},
        candidates=("simlearn", *peers),
        tolerances=VALUES,
        below_gib=below_gib,
        tiny=tiny,
    )


def workloads() -> tuple[Workload, ...]:
    """All of them; 1,000 items have 100 classes at most, as a class of one item has no match."""
    without_sklearn = PEERS[:2]
    return (
        retrieval_workload(1000, 10, 2.2),
        retrieval_workload(1000, 100, 1.7),
        retrieval_workload(10_000, 10, 2.2),
        retrieval_workload(10_000, 1000, 1.5),
        retrieval_workload(60_000, 10, 2.2, peers=without_sklearn, below_gib=2.0),
        retrieval_workload(60_000, 1000, 1.5, peers=without_sklearn),
        retrieval_workload(64, 4, 2.2, tiny=True),
    )


STUDY = Study(
    name="retrieval",
    what="recall, R-precision and MAP@R of all items against all others, float32, d=128",
    script=Path(__file__).resolve(),
    workloads=workloads(),
    prepare=prepare,
    peers=("torch", "pytorch-metric-learning", "faiss-cpu", "scikit-learn"),
    seed=SEED,
)

if __name__ == "__main__":
    main(STUDY)
