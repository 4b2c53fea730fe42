"""A small tree of options and recipes, and the classes that it may construct."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from simlearn.config.targets import Target


class Triplet:
    """A loss with every kind of plain argument."""

    def __init__(
        self,
        margin: float = 0.2,
        mining: Literal["all", "hard"] = "all",
        *,
        squared: bool = False,
        weights: tuple[float, ...] = (0.5, 1.0),
    ) -> None:
        if margin < 0:
            raise ValueError(f"margin must be at least 0, found {margin}")
        self.margin, self.mining, self.squared, self.weights = margin, mining, squared, weights


class Contrastive:
    """Another loss, which shares one argument name with the first."""

    def __init__(self, margin: float = 1.0, reduction: str = "pairs") -> None:
        self.margin, self.reduction = margin, reduction


class Faces:
    """A data set that needs a root."""

    def __init__(
        self,
        root: Path,
        frames: int = 16,
        side: int = 112,
        split: dict[str, float] | None = None,
        seed: int = 0,
    ) -> None:
        self.root, self.frames, self.side, self.split, self.seed = root, frames, side, split, seed


class Head:
    """A part that gets its input size from the program."""

    def __init__(self, in_dim: int, dim: int = 128) -> None:
        self.in_dim, self.dim = in_dim, dim


class Ewc:
    """A part that is left out by default."""

    def __init__(self, strength: float = 1.0, tables: list[int] | None = None) -> None:
        self.strength, self.tables = strength, tables


class Trainer:
    """Settings of a run."""

    def __init__(self, max_steps: int | None = None, workers: int = 0) -> None:
        self.max_steps, self.workers = max_steps, workers


class Logs:
    """Where the logs go."""

    def __init__(self, tensorboard: bool = True) -> None:
        self.tensorboard = tensorboard


TARGETS = {
    "data": {"Faces": Target(Faces)},
    "head": {"Head": Target(Head, frozenset({"in_dim"}))},
    "loss": {"Triplet": Target(Triplet), "Contrastive": Target(Contrastive)},
    "strategy": {"Ewc": Target(Ewc)},
    "trainer": {"Trainer": Target(Trainer)},
    "logger": {"Logs": Target(Logs)},
}

FILES = {
    "configs/train.yaml": """\
# The parts of a run.
defaults:
  - _self_
  - data: faces
  - head: linear
  - loss: triplet
  - strategy: null
  - trainer: auto
  - logger: tensorboard
seed: 0
run_dir: null
""",
    "configs/data/faces.yaml": """\
# Faces on a disk.
class: Faces
root: ???
frames: 16
side: 112
split: {train: 0.8, test: 0.2}
seed: ${seed}
""",
    "configs/head/linear.yaml": "# One layer.\nclass: Head\ndim: 128\n",
    "configs/loss/triplet.yaml": """\
# Triplet loss.
class: Triplet
margin: 0.2
mining: all
squared: false
""",
    "configs/loss/triplet_hard.yaml": """\
# The hardest triplets.
defaults: [triplet, _self_]
mining: hard
""",
    "configs/loss/contrastive.yaml": """\
# Contrastive loss.
class: Contrastive
margin: 1.0
reduction: pairs
""",
    "configs/strategy/ewc.yaml": "# Elastic weights.\nclass: Ewc\nstrength: 1.0\n",
    "configs/trainer/auto.yaml": "# Any device.\nclass: Trainer\nmax_steps: null\nworkers: 0\n",
    "configs/trainer/cpu.yaml": "# The CPU.\nclass: Trainer\nmax_steps: null\nworkers: 0\n",
    "configs/logger/tensorboard.yaml": "# Events.\nclass: Logs\ntensorboard: true\n",
    "configs/logger/csv.yaml": "# A table.\nclass: Logs\ntensorboard: false\n",
    "recipes/faces.yaml": """\
# Triplets of faces.
defaults:
  - override /loss: triplet
card:
  paper: huo2020
  claim: clips beat stills
  published: {recall_at_1: null}
  needs: {data: Faces, hours: 6}
  smoke: [data.frames=4, trainer.max_steps=2]
data: {frames: 8}
loss:
  margin: 0.3
  mining: hard
trainer: {max_steps: 100}
""",
    "recipes/quick.yaml": """\
# The same in short.
defaults: [faces, _self_, {override /trainer: cpu}]
card: {paper: none, claim: it runs, published: null, needs: null, smoke: []}
trainer: {max_steps: 5}
""",
}


def write_tree(folder: Path) -> tuple[Path, Path]:
    """Write the tree; its ``(configs, recipes)``."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "configs", folder / "recipes"
