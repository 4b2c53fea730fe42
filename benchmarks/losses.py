"""Losses and miners against pytorch-metric-learning (PML): time, peak memory, equal values first.

Unit vectors of 128 float32 numbers around one mean per class; about a third of the triplets break
the margin of 0.2. A loss is timed forward and backward to the gradient of the vectors. Gradients
are compared after their part along each vector is taken off: PML normalises inside the loss, which
takes it off too. "pml" is PML as users call it; "pml_raw" leaves its own normalisation out, and
"pml_raw_miner" also puts its miner of the same triplets in front of the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compare import Study, main
from fresh import Job
from workload import Tolerance, Workload

if TYPE_CHECKING:
    from torch import Tensor

SEED = 0
DIM = 128
NOISE = 1.5  # length of the noise over that of the class mean
MARGIN = 0.2
ALPHA = 40.0
ANGLE = 25.0  # close to the median angle of these triplets: about half of them are chosen

LossCall = Callable[["Tensor", "Tensor"], "Tensor"]
MinerCall = Callable[["Tensor", "Tensor"], Sequence["Tensor"]]

LOSS_VALUES = {
    "loss": Tolerance(relative=1e-4),
    "gradient_norm": Tolerance(relative=1e-3),
    "gradient_along_random": Tolerance(absolute=1e-3),
}
MINER_VALUES = {
    "tuples": Tolerance(relative=2e-4),
    "mean_d_ap": Tolerance(relative=1e-4),
    "mean_d_an": Tolerance(relative=1e-4),
}
DRAWN_VALUES = {"tuples_per_pair": Tolerance(absolute=1e-9), "mean_d_an": Tolerance(absolute=0.01)}
NOT_SQUARED = "mean of d + mean of max(0, 1 - d), each over its pairs above 0; not squared"


def clustered(count: int, per_class: int, *, dim: int = DIM) -> tuple[Tensor, Tensor]:
    """Unit vectors ``(count, dim)`` around a mean per class, and labels ``(count,)`` in order."""
    import torch
    from torch.nn.functional import normalize

    generator = torch.Generator().manual_seed(SEED)
    y = torch.arange(count) // per_class
    means = normalize(torch.randn(int(y.max()) + 1, dim, generator=generator), dim=1)
    noise = torch.randn(count, dim, generator=generator) * (NOISE / dim**0.5)
    return normalize(means[y] + noise, dim=1), y


def our_loss(kind: str) -> LossCall:
    """Our loss of a kind of workload."""
    from simlearn import losses

    if kind == "angular":
        return lambda z, y: losses.angular_loss(z, y, alpha=ALPHA, pairs="all").value
    if kind == "contrastive":
        return lambda z, y: losses.contrastive_loss(z, y, margin=1.0, reduction="pairs").value
    mining: Any = {"batch_all": "all", "semihard": "semihard", "batch_hard": "hard"}[kind]
    return lambda z, y: losses.triplet_loss(z, y, margin=MARGIN, mining=mining).value


def peer_loss(kind: str, candidate: str) -> LossCall:
    """The same loss by PML, or by the plain formula in torch."""
    from pytorch_metric_learning import distances, losses, miners

    if candidate == "torch":
        return plain_contrastive
    if kind == "angular":
        return losses.AngularLoss(alpha=ALPHA)
    if kind == "contrastive":
        return losses.ContrastiveLoss(pos_margin=0, neg_margin=1)
    own = {"distance": distances.LpDistance(normalize_embeddings=False)}
    settings = {} if candidate == "pml" else own
    loss = losses.TripletMarginLoss(margin=MARGIN, **settings)
    if kind == "batch_hard":
        miner = miners.BatchHardMiner(**settings)
    elif kind == "semihard":
        miner = miners.TripletMarginMiner(MARGIN, type_of_triplets="semihard", **settings)
    elif candidate == "pml_raw_miner":
        miner = miners.TripletMarginMiner(MARGIN, type_of_triplets="all", **settings)
    else:
        return loss
    return lambda z, y: loss(z, y, miner(z, y))


def plain_contrastive(z: Tensor, y: Tensor) -> Tensor:
    """Hadsell's formula on the whole distance matrix, mean over the pairs i < j."""
    import torch

    d = torch.cdist(z, z)
    loss = torch.where(y[:, None] == y, d.square(), torch.relu(1.0 - d).square()) / 2
    return loss.triu(1).sum() / (len(y) * (len(y) - 1) / 2)


def loss_job(loss: LossCall, count: int, per_class: int) -> Job:
    """Forward and backward of a loss; its value and gradient."""
    import torch

    z, y = clustered(count, per_class)
    z.requires_grad_()
    small, small_y = clustered(16, 4)
    small.requires_grad_()

    def call() -> Tensor:
        z.grad = None
        value = loss(z, y)
        value.backward()
        return value.detach()

    def values(value: Tensor) -> dict[str, float]:
        assert z.grad is not None
        unit, gradient = z.detach().double(), z.grad.double()
        gradient = gradient - (gradient * unit).sum(dim=1, keepdim=True) * unit
        generator = torch.Generator().manual_seed(SEED + 1)
        direction = torch.randn(gradient.shape, generator=generator, dtype=torch.float64)
        norm = gradient.norm()
        return {
            "loss": float(value),
            "gradient_norm": float(norm),
            # cosine to a random direction in units of its standard deviation
            "gradient_along_random": float((gradient * direction).sum() / norm),
        }

    return Job(call=call, values=values, warm_up=lambda: loss(small, small_y).backward())


def our_miner(kind: str) -> MinerCall:
    """Our miner of a kind of workload."""
    import torch

    from simlearn import miners

    if kind == "angular_miner":
        return miners.AngularMiner(ANGLE)
    if kind == "batch_hard_miner":
        return miners.BatchHardMiner()
    drawing = miners.DistanceWeightedMiner(cutoff=0.5, nonzero_loss_cutoff=1.4)
    generator = torch.Generator().manual_seed(SEED)
    return lambda z, y: drawing(z, y, generator=generator)


def peer_miner(kind: str, candidate: str) -> MinerCall:
    """The same miner by PML; it asserts its own normalisation for all but batch-hard."""
    from pytorch_metric_learning import distances, miners

    if kind == "angular_miner":
        return miners.AngularMiner(angle=ANGLE)
    if kind == "distance_weighted_miner":
        return miners.DistanceWeightedMiner(cutoff=0.5, nonzero_loss_cutoff=1.4)
    if candidate == "pml":
        return miners.BatchHardMiner()
    return miners.BatchHardMiner(distance=distances.LpDistance(normalize_embeddings=False))


def miner_job(miner: MinerCall, count: int, per_class: int, *, draws: int) -> Job:
    """A miner's call; how many triplets it gives and how far apart they are.

    Args:
        miner: gives ``(a, p, n)``.
        count: B.
        per_class: K.
        draws: triplets that an anchor gets where the miner draws them.
    """
    import torch

    torch.manual_seed(SEED)  # PML draws from the global generator
    z, y = clustered(count, per_class)
    small, small_y = clustered(16, 4)

    def values(found: Sequence[Tensor]) -> dict[str, float]:
        a, p, n = found
        d = torch.cdist(z.double(), z.double(), compute_mode="donot_use_mm_for_euclid_dist")
        return {
            "tuples": float(len(a)),
            "tuples_per_pair": len(a) / (count * draws),
            "mean_d_ap": float(d[a, p].mean()),
            "mean_d_an": float(d[a, n].mean()),
        }

    return Job(call=lambda: miner(z, y), values=values, warm_up=lambda: miner(small, small_y))


def prepare(workload: Workload, candidate: str) -> Job:
    """Job of a candidate; runs in its fresh process."""
    kind = workload.name.split(" ")[0]
    count, per_class = int(workload.shape["B"]), int(workload.shape["K"])
    ours = candidate == "simlearn"
    if kind.endswith("_miner"):
        miner = our_miner(kind) if ours else peer_miner(kind, candidate)
        draws = per_class - 1 if ours else per_class
        return miner_job(miner, count, per_class, draws=draws)
    return loss_job(our_loss(kind) if ours else peer_loss(kind, candidate), count, per_class)


LOSSES: dict[str, tuple[str, ...]] = {
    "batch_all": ("simlearn", "pml", "pml_raw", "pml_raw_miner"),
    "semihard": ("simlearn", "pml", "pml_raw"),
    "batch_hard": ("simlearn", "pml", "pml_raw"),
    "contrastive": ("simlearn", "torch", "pml"),
    "angular": ("simlearn", "pml"),
}
MINERS: dict[str, tuple[str, ...]] = {
    "angular_miner": ("simlearn", "pml"),
    "batch_hard_miner": ("simlearn", "pml", "pml_raw"),
    "distance_weighted_miner": ("simlearn", "pml"),
}
DRAWN_NOTE = "simlearn draws K - 1 negatives an anchor, one for each positive; PML draws K"


def loss_workload(kind: str, count: int, per_class: int, *, tiny: bool = False) -> Workload:
    """A loss by all candidates."""
    return Workload(
        name=f"{kind} B={count} K={per_class}",
        shape={"B": count, "K": per_class, "d": DIM},
        candidates=LOSSES[kind],
        tolerances=LOSS_VALUES,
        differs={"pml": NOT_SQUARED} if kind == "contrastive" else {},
        tiny=tiny,
    )


def miner_workload(kind: str, count: int, per_class: int, *, tiny: bool = False) -> Workload:
    """A miner by all candidates."""
    drawn = kind == "distance_weighted_miner"
    return Workload(
        name=f"{kind} B={count} K={per_class}",
        shape={"B": count, "K": per_class, "d": DIM},
        candidates=MINERS[kind],
        tolerances=DRAWN_VALUES if drawn else MINER_VALUES,
        note=DRAWN_NOTE if drawn else "",
        tiny=tiny,
    )


def large_workload(kind: str, count: int, per_class: int, below_gib: float | None) -> Workload:
    """A loss by simlearn alone, where PML's triplets do not fit."""
    return Workload(
        name=f"{kind} B={count} K={per_class}",
        shape={"B": count, "K": per_class, "d": DIM},
        candidates=("simlearn",),
        tolerances=LOSS_VALUES,
        below_gib=below_gib,
    )


def workloads() -> tuple[Workload, ...]:
    """All of them, small batches first; those of B=64 only try the harness."""
    shapes = [(256, 4), (256, 16), (1024, 4), (1024, 16)]
    made = [loss_workload(kind, b, k) for kind in LOSSES for b, k in shapes]
    for kind in MINERS:
        made += [
            miner_workload(kind, b, k) for b, k in shapes if kind != "angular_miner" or b < 999
        ]
    for kind, target in (("batch_all", 3.0), ("semihard", None)):
        for b, k in ((4096, 4), (4096, 16), (8192, 4), (8192, 16)):
            made.append(large_workload(kind, b, k, target if b == 8192 else None))
    made.append(large_workload("angular", 4096, 16, 1.5))
    made += [loss_workload(kind, 64, 4, tiny=True) for kind in LOSSES]
    made += [miner_workload(kind, 64, 4, tiny=True) for kind in MINERS]
    return tuple(made)


STUDY = Study(
    name="losses",
    what="losses (forward and backward) and miners against pytorch-metric-learning, float32, d=128",
    script=Path(__file__).resolve(),
    workloads=workloads(),
    prepare=prepare,
    peers=("torch", "pytorch-metric-learning"),
    seed=SEED,
)

if __name__ == "__main__":
    main(STUDY)
