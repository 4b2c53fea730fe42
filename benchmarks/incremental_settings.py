"""Split MNIST by every strategy: what is shared, and the four trials that each strategy has.

The network, the rotations in the first experience and the cut were chosen on seed 100 with a
validation split of the training images; no reported seed and no test image was looked at.
"""

from __future__ import annotations

from itertools import product

SEEDS = (0, 1, 2)
TUNING_SEED = 100
TRAIN, VALIDATION = 2000, 500
"""Images of each class; the validation images are training images that are left out."""
STEPS, TUNING_STEPS, TUNING_TRAIN = 300, 150, 500
RATES = (3e-3,)

MARGINS = ("loss.margin=0.1", "loss.margin=0.2", "loss.margin=0.5", "loss.margin=1")
REPLAY = (
    "strategy.new=real strategy.distillation=1",
    "strategy.new=real strategy.distillation=0",
    "strategy.new=both strategy.distillation=1",
    "strategy.new=generated strategy.distillation=1",
)
RECIPE = "incremental_triplet_{}"
STRATEGIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "joint": (("recipe=incremental_triplet_finetune", "strategy=joint"), MARGINS),
    "vae": (("recipe=incremental_triplet_vae",), REPLAY),
    "icarl": (
        ("recipe=incremental_triplet_icarl", "strategy.exemplars=2000", "strategy.per_class=24"),
        tuple(f"strategy.weight={w:g}" for w in (0, 0.1, 1, 10)),
    ),
    "ewc": (
        ("recipe=incremental_triplet_ewc",),
        tuple(f"strategy.weight={w:g}" for w in (1e2, 1e3, 1e4, 1e5)),
    ),
    "ebll": (
        ("recipe=incremental_triplet_ebll",),
        tuple(f"strategy.weight={w:g}" for w in (1, 10, 100, 1000)),
    ),
    "finetune": (("recipe=incremental_triplet_finetune",), MARGINS),
}
"""Name -> (words of the command line, the four values that are tried)."""

TRIAL_ONLY = {"joint": ("data.base_classes=8",)}
"""A joint network of fewer classes says nothing of the one of all: the trials leave most out."""
SHARED = (
    "data=mnist",
    "data.base_classes=2",
    "data.classes_per_experience=2",
    f"data.val_per_class={VALIDATION}",
    "trainer=cpu",
    "trainer.threads=1",
    "logger=csv",
    "evaluation.ideal=null",
)


def trials(strategy: str) -> list[tuple[str, float]]:
    """(values, rate) of the four trials of a strategy."""
    return list(product(STRATEGIES[strategy][1], RATES))


def words(strategy: str, seed: int, values: str, rate: float, *more: str) -> list[str]:
    """The command line of one run, but for the folders."""
    return [
        *STRATEGIES[strategy][0],
        *SHARED,
        f"seed={seed}",
        f"optimizer.lr={rate:g}",
        *values.split(),
        *more,
    ]
