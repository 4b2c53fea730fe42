"""Omniglot characters that no net was trained on: every loss on the same ConvNet, beside PML's.

    python benchmarks/omniglot.py                   writes results/omniglot.json
    python benchmarks/omniglot.py --steps 5 --name trial --only triplet

Lake et al. 2015, the two small background sets: images_background_small1.zip and
images_background_small2.zip in ``--data``, 20 drawings of each character, alphabet/character/*.png.
A net learns all characters of one set; each drawing of the other set's characters then queries all
the others of them. Greek and Latin are in both sets, with the same 1,000 files, and are left out
of the other set: 106 of its 156 characters are unseen.

All settings share the net (ConvNet at half width, linear head to 64 values of length 1), its first
weights, the batches of 32 x 8 drawings, Adam at 1e-3, 600 steps, and no augmentation. Every loss
has its defaults (omniglot_losses.py); nothing was tuned on any character. ``angular all + npair``
is L_npair / 2 + L_angular. The peer is pytorch-metric-learning (PML):
TripletMarginLoss(margin=0.2) and AngularLoss(alpha=45), on the same unit vectors.
Baselines: the pixels (28 x 28, Euclidean), and the net before its first step.

Intervals are 95 %. Of one run: bootstrap over characters. Over all seeds, and of a difference of
two settings: characters and seeds are both drawn anew (three seeds say little about others).
Seconds: of the whole training, and of the loss alone, forward and backward to the embedding.
Finished runs are kept in ``--partial``, not run again while data, options, versions and code stay.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import time
import zipfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
import torch
from omniglot_losses import LOSSES, PEERS, UNTRAINED
from results import median, write_result
from torch import Tensor, nn

from simlearn.backbones.convnet import ConvNet
from simlearn.backbones.head import LinearHead
from simlearn.data.randomness import derive_seed, torch_generator
from simlearn.data.sampler import PKBatches, PKSampler
from simlearn.evaluation.intervals import bootstrap_interval
from simlearn.evaluation.retrieval import retrieve
from simlearn.losses import LossOutput
from simlearn.report import write_json_atomic

ROOT = Path(__file__).resolve().parents[1]
SETS = {n: f"images_background_small{n}.zip" for n in (1, 2)}
USED = ("losses", "miners", "backbones", "data/sampler.py", "data/randomness.py", "evaluation")
CODE = (Path(__file__), Path(__file__).with_name("omniglot_losses.py"))
METRICS = ("map_at_r", "recall_at_1")
SIDE, DIM, RATE, CURVE = 28, 64, 1e-3, 30
BATCHES = PKBatches(classes_per_batch=32, samples_per_class=8)


@dataclass(frozen=True)
class Characters:
    """Drawings x ``(N, 1, 28, 28)`` in [0, 1], ink 1; y, drawer ``(N,)`` int64; C names."""

    x: Tensor
    y: Tensor
    drawer: Tensor
    names: list[str]


def read_characters(path: Path, without: Collection[str] = ()) -> Characters:
    """Drawings of a zip file, the ``without`` alphabets left out; inverted, by area to 28 x 28.

    Raises:
        ValueError: a drawing that OpenCV cannot read, or a file without drawings.
    """
    drawings, names, drawers = [], [], []
    with zipfile.ZipFile(path) as archive:
        for member in sorted(archive.namelist()):
            parts = PurePosixPath(member).parts  # set, alphabet, character, 0108_01.png
            if len(parts) != 4 or not member.endswith(".png") or parts[1] in without:
                continue
            data = np.frombuffer(archive.read(member), dtype=np.uint8)
            grey = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
            if grey is None:
                raise ValueError(f"{path.name}: cannot read {member}")
            ink = (255 - grey.astype(np.float32)) / 255
            drawings.append(cv2.resize(ink, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
            names.append(f"{parts[1]}/{parts[2]}")
            drawers.append(int(PurePosixPath(member).stem.split("_")[1]))
    if not drawings:
        raise ValueError(f"{path.name} holds no alphabet/character/*.png")
    found, y = np.unique(names, return_inverse=True)
    return Characters(
        x=torch.from_numpy(np.stack(drawings))[:, None],
        y=torch.from_numpy(y),
        drawer=torch.tensor(drawers),
        names=found.tolist(),
    )


def evaluate(z: Tensor, y: Tensor) -> dict[str, Any]:
    """MAP@R and recall@1 ``{value, interval, per_character}`` of embeddings ``(N, d)``."""
    queries = retrieve(z, y).values((1,))
    generator = torch_generator(0, "bootstrap")
    found = {}
    for name in METRICS:
        sums = torch.zeros(int(y.max()) + 1, dtype=torch.float64).index_add_(0, y, queries[name])
        found[name] = {
            "value": float(queries[name].mean()),
            "interval": bootstrap_interval(queries[name], y, generator=generator),
            "per_character": [round(v, 6) for v in (sums / torch.bincount(y)).tolist()],
        }
    return found


def embed(model: nn.Module, x: Tensor) -> Tensor:
    """Embeddings ``(N, 64)`` in eval mode."""
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(part) for part in x.split(512)])


def first_batches(sampler: PKSampler, steps: int) -> Iterator[list[int]]:
    """Rows of the first ``steps`` batches."""
    for step in range(steps):
        epoch, number = divmod(step, len(sampler))
        if number == 0:
            sampler.set_epoch(epoch)
            batches = iter(sampler)
        yield [row for _, row in next(batches)]


def train(
    setting: str, seed: int, data: Characters, steps: int, width: float, tell: Callable[[int], None]
) -> tuple[nn.Module, dict[str, Any]]:
    """Train a net with one loss; the first weights and the batches depend on the seed alone.

    Returns:
        The model, and ``seconds``, ``loss_seconds`` and the curve (means of equal stretches).
    """
    torch.manual_seed(derive_seed(seed, "weights"))
    backbone = ConvNet(in_channels=1, width=width)
    model = nn.Sequential(backbone, LinearHead(backbone.dim, DIM))
    if setting == UNTRAINED:
        return model, {"seconds": 0.0, "loss_seconds": 0.0, "curve": []}
    loss = LOSSES[setting](DIM, len(data.names))
    optimizer = torch.optim.Adam([*model.parameters(), *loss.parameters()], lr=RATE)
    sampler = PKSampler(data.y.numpy(), data.drawer.numpy(), batches=BATCHES, seed=seed)
    values, loss_seconds, begun = [], 0.0, time.perf_counter()
    for step, rows in enumerate(first_batches(sampler, steps), start=1):
        z = model(data.x[rows])
        leaf = z.detach().requires_grad_()
        optimizer.zero_grad()
        before = time.perf_counter()
        output = loss(leaf, data.y[rows])
        value = output.value if isinstance(output, LossOutput) else output
        value.backward()
        loss_seconds += time.perf_counter() - before
        z.backward(leaf.grad)
        optimizer.step()
        values.append(float(value.detach()))
        tell(step)
    seconds = time.perf_counter() - begun
    stretches = torch.tensor(values).tensor_split(min(CURVE, len(values)))
    curve = [float(f"{float(part.mean()):.5g}") for part in stretches]
    return model, {"seconds": seconds, "loss_seconds": loss_seconds, "curve": curve}


def crossed_interval(values: Tensor, draws: int = 10_000) -> tuple[float, float]:
    """95 % percentile interval of the mean of ``(S, C)``, seeds and characters drawn anew."""
    seeds, characters = values.shape
    generator = torch_generator(0, "crossed bootstrap")
    s = torch.randint(seeds, (draws, seeds), generator=generator)
    c = torch.randint(characters, (draws, characters), generator=generator)
    shares = torch.zeros(draws, seeds, dtype=values.dtype)
    shares.scatter_add_(1, s, torch.full(s.shape, 1 / seeds, dtype=values.dtype))
    means = (shares @ values).gather(1, c).mean(dim=1)
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975], dtype=values.dtype))
    return float(low), float(high)


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over the seeds of one setting with intervals; medians of the seconds."""
    found: dict[str, Any] = {"seeds": [row["seed"] for row in rows]}
    for name in METRICS:
        values = _per_character(rows, name)
        found[name] = {"value": float(values.mean()), "interval": crossed_interval(values)}
    return found | {name: median([r[name] for r in rows]) for name in ("seconds", "loss_seconds")}


def difference(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> dict[str, Any]:
    """Ours minus the peer's at the seeds that both have, paired by seed and character.

    Returns:
        By metric the value, its interval and ``detectable``, half the interval's width; and how
        many times longer the peer's loss and whole training took.
    """
    common = {row["seed"] for row in ours} & {row["seed"] for row in theirs}
    ours, theirs = ([r for r in rows if r["seed"] in common] for rows in (ours, theirs))
    found: dict[str, Any] = {"seeds": sorted(common)}
    for name in METRICS:
        values = _per_character(ours, name) - _per_character(theirs, name)
        low, high = crossed_interval(values)
        width = {"interval": (low, high), "detectable": (high - low) / 2}
        found[name] = {"value": float(values.mean()), **width}
    for name in ("seconds", "loss_seconds"):
        ratios = [b[name] / a[name] for a, b in zip(ours, theirs, strict=True)]
        found[f"{name}_ratio"] = {"median": median(ratios), "per_seed": ratios}
    return found


def _per_character(rows: list[dict[str, Any]], name: str) -> Tensor:
    return torch.tensor([row[name]["per_character"] for row in rows], dtype=torch.float64)


class Runs:
    """Finished runs: a file each, in force while its protocol (all but setting, seed) is ours."""

    def __init__(self, folder: Path, protocol: dict[str, Any], seeds: list[int]) -> None:
        self.folder, self.protocol, self.seeds = folder, protocol, seeds

    def path(self, setting: str, seed: int) -> Path:
        """File of one run."""
        return self.folder / f"{setting.replace(' + ', ' ').replace(' ', '_')}-{seed}.json"

    def read(self, setting: str, seed: int) -> dict[str, Any] | None:
        """The run's row; None if there is none, or one of another protocol."""
        path = self.path(setting, seed)
        kept = json.loads(path.read_text()) if path.is_file() else {}
        return kept["row"] if kept.get("protocol") == self.protocol else None

    def write(self, row: dict[str, Any]) -> None:
        """Keep a finished run."""
        content = {"protocol": self.protocol, "row": row}
        write_json_atomic(self.path(row["setting"], row["seed"]), content)

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Rows of all settings that have any, in the order of the seeds."""
        kept = {n: [self.read(n, seed) for seed in self.seeds] for n in (UNTRAINED, *LOSSES)}
        return {n: [r for r in rows if r is not None] for n, rows in kept.items() if any(rows)}


class Clock:
    """Prints how far a run is and how long all of them will take at the mean pace so far."""

    def __init__(self, runs: int, steps: int) -> None:
        self.runs, self.steps, self.done, self.begun = runs, steps, 0, time.perf_counter()

    def tell(self, text: str, step: int) -> None:
        """A line at every hundredth step."""
        if step % 100 == 0:
            share = (self.done + step / self.steps) / self.runs
            left = (time.perf_counter() - self.begun) * (1 / share - 1) / 60
            run = f"[{self.done + 1}/{self.runs}] {text}"
            print(f"{run}: step {step}/{self.steps}, {left:.0f} min left for all", flush=True)


def result_of(rows: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Summaries, differences to the peer, and the raw rows."""
    seeds = {name: {row["seed"] for row in found} for name, found in rows.items()}
    pairs = [(a, b) for a, b in PEERS.items() if seeds.get(a, set()) & seeds.get(b, set())]
    return {
        "summary": {name: summary(found) for name, found in rows.items()},
        "differences": {a: {"peer": b, **difference(rows[a], rows[b])} for a, b in pairs},
        "rows": list(itertools.chain.from_iterable(rows.values())),
    }


def sha256(*paths: Path) -> str:
    """Hash of the bytes of all files, those in folders too."""
    files = [file for path in paths for file in sorted(path.rglob("*.py")) or [path]]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def main() -> None:
    """Run what is missing, then write the result file from all runs that are kept."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/omniglot")
    parser.add_argument("--train", type=int, choices=SETS, default=1, help="set to learn")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--width", type=float, default=0.5, help="of the ConvNet")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", default=[""], help="settings, by parts of their names")
    parser.add_argument("--partial", type=Path, default=ROOT / "outputs/omniglot")
    parser.add_argument("--name", default="omniglot", help="result file to write")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    learnt, other = (options.data / SETS[n] for n in (options.train, 3 - options.train))
    data = read_characters(learnt)
    test = read_characters(other, without={name.split("/")[0] for name in data.names})
    protocol = {
        **{name: getattr(options, name) for name in ("train", "steps", "width", "threads")},
        **asdict(BATCHES),
        "net": f"ConvNet, {SIDE} px, {DIM} values, Adam {RATE}",
        "data": {path.name: sha256(path) for path in (learnt, other)},
        "versions": {n: version(n) for n in ("torch", "pytorch-metric-learning")},
        "code": sha256(
            Path(__file__),
            Path(__file__).with_name("omniglot_losses.py"),
            *(ROOT / "simlearn" / name for name in USED),
        ),
    }
    pixels = evaluate(test.x.flatten(1), test.y)
    facts = {
        "what": f"retrieval among the {len(test.names)} characters ({len(test.y)} drawings) of "
        f"{other.name} that are not in {learnt.name} ({len(data.names)} characters learnt)",
        "protocol": protocol,
        "pixels": pixels,
    }
    print(facts["what"], f"- pixels: MAP@R {pixels['map_at_r']['value']:.4f}", flush=True)
    runs = Runs(options.partial, protocol, options.seeds)
    chosen = [n for n in (UNTRAINED, *LOSSES) if any(part in n for part in options.only)]
    wanted = list(itertools.product(options.seeds, chosen))
    missing = [(s, n) for s, n in wanted if runs.read(n, s) is None]
    clock = Clock(len(missing), options.steps)
    for seed, setting in missing:
        tell = partial(clock.tell, f"{setting}, seed {seed}")
        model, times = train(setting, seed, data, options.steps, options.width, tell)
        found = evaluate(embed(model, test.x), test.y)
        runs.write({"setting": setting, "seed": seed, **times, **found})
        clock.done += 1
        shares = ", ".join(f"{name} {found[name]['value']:.4f}" for name in METRICS)
        spent = f"{times['seconds']:.1f} s, of it the loss {times['loss_seconds']:.1f} s"
        print(f"{setting}, seed {seed}: {shares}, {spent}", flush=True)
    path = write_result(options.name, {**facts, **result_of(runs.rows())})
    print(f"{len(wanted) - len(missing)} runs were finished before; {path.name} written")


if __name__ == "__main__":
    main()
