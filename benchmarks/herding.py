"""Herding of exemplars against Avalanche's two ways and a loop by the paper's formula.

Unit vectors of one class, float32, on the CPU. ``loop`` is algorithm 4 of iCaRL in float64 as it is
printed: its order must be ours, row by row. ``avalanche_strategy`` is
``HerdingSelectionStrategy``, the same greedy choice in float32, which always orders all samples.
``avalanche_icarl`` is the choice inside Avalanche's ``ICaRL``, which gives up after 1,000 rounds
and may return fewer than asked; its loader is replaced by one that hands over all samples at once.
The mean of our samples must not be further from the mean of all than that of theirs.
Repeats are interleaved.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from importlib import metadata
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from results import median, write_result
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from simlearn.continual.herding_order import herding

Choose = Callable[[Tensor, int], Tensor]
SHAPES = {
    "1000 of 5000 x 64": {"m": 1000, "N": 5000, "d": 64},
    "20 of 500 x 64": {"m": 20, "N": 500, "d": 64},
    "200 of 6000 x 128": {"m": 200, "N": 6000, "d": 128},
}
TOLERANCE = 1e-6
"""By which our residual may exceed another one: theirs are computed in float32."""


def loop(z: Tensor, m: int) -> Tensor:
    """Rows by the printed formula, all candidates of a round at once."""
    z = z.double()
    mean, total = z.mean(dim=0), torch.zeros(z.shape[1], dtype=z.dtype)
    chosen: list[int] = []
    for k in range(1, m + 1):
        gaps = (mean - (z + total) / k).norm(dim=1)
        gaps[chosen] = torch.inf
        chosen.append(int(gaps.argmin()))
        total += z[chosen[-1]]
    return torch.tensor(chosen)


def avalanche_strategy(z: Tensor, m: int) -> Tensor:
    """Rows by ``HerdingSelectionStrategy``; its method does not look at ``self``."""
    from avalanche.training.storage_policy import HerdingSelectionStrategy

    unused: Any = None
    order = HerdingSelectionStrategy.make_sorted_indices_from_features(unused, z)
    return torch.tensor(order[:m])


class Rows(TensorDataset):
    """Embeddings whose target is class 0."""

    @property
    def targets(self) -> list[int]:
        """As many zeros."""
        return [0] * len(self)


def avalanche_icarl(z: Tensor) -> Choose:
    """The plugin's choice from ``z``; the samples are the embeddings, and the network gives them.

    Returns:
        A function that gives rows in no particular order.
    """
    from avalanche.benchmarks import nc_benchmark
    from avalanche.training.supervised.icarl import _ICaRLPlugin

    data = Rows(z, torch.zeros(len(z), dtype=torch.int64))
    strategy = SimpleNamespace(
        experience=nc_benchmark(data, data, 1, task_labels=False).train_stream[0],
        clock=SimpleNamespace(train_exp_counter=0),
        eval_mb_size=len(z),
        device=torch.device("cpu"),
        model=SimpleNamespace(feature_extractor=nn.Identity()),
    )

    def choose(_: Tensor, m: int) -> Tensor:
        plugin: Any = _ICaRLPlugin(m)
        plugin.observed_classes = [0]
        with patch("avalanche.training.supervised.icarl.DataLoader", at_once):
            plugin.construct_exemplar_set(strategy)
        found: Tensor = plugin.x_memory[0]
        return found

    def at_once(*_: object, **__: object) -> list[tuple[Tensor, None, None]]:
        return [(z, None, None)]

    return choose


def residual(z: Tensor, chosen: Tensor) -> float:
    """Distance of the mean of some vectors from that of all."""
    return float((z.double().mean(dim=0) - chosen.double().mean(dim=0)).norm())


def seconds_of(choose: Choose, z: Tensor, m: int) -> float:
    """Of one call."""
    begun = time.perf_counter()
    choose(z, m)
    return time.perf_counter() - begun


def measure(shape: dict[str, int], repeats: int) -> dict[str, object]:
    """Values first, then interleaved repeats, the order reversed every other time.

    Raises:
        ValueError: our order is not the loop's, or a mean of theirs is nearer.
    """
    m = shape["m"]
    generator = torch.Generator().manual_seed(0)
    z = F.normalize(torch.randn(shape["N"], shape["d"], generator=generator), dim=1)
    plugin = avalanche_icarl(z)
    chosen = {"simlearn": z[herding(z, m)], "avalanche_icarl": plugin(z, m)}
    chosen["avalanche_strategy"] = z[avalanche_strategy(z, m)]
    if not torch.equal(herding(z, m), loop(z, m)):
        raise ValueError("our order is not that of the printed formula")
    residuals = {name: residual(z, rows) for name, rows in chosen.items()}
    if residuals["simlearn"] > min(residuals.values()) + TOLERANCE:
        raise ValueError(f"a mean of theirs is nearer to the mean of all: {residuals}")
    candidates: dict[str, Choose] = {
        "simlearn": herding,
        "loop": loop,
        "avalanche_strategy": avalanche_strategy,
        "avalanche_icarl": plugin,
    }
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for repeat in range(repeats):
        for name in list(candidates)[:: -1 if repeat % 2 else 1]:
            seconds[name].append(seconds_of(candidates[name], z, m))
    ours = seconds["simlearn"]
    ratios = {
        name: [a / b for a, b in zip(theirs, ours, strict=True)]
        for name, theirs in seconds.items()
        if name != "simlearn"
    }
    return {
        "shape": shape,
        "exemplars": {name: len(rows) for name, rows in chosen.items()},
        "residual": residuals,
        "median_seconds": {name: median(s) for name, s in seconds.items()},
        "median_ratio": {name: median(r) for name, r in ratios.items()},
        "seconds": seconds,
        "ratios": ratios,
    }


def main() -> None:
    """Measure and write ``results/herding.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--name", default="herding", help="of the result file")
    parser.add_argument("--tiny", action="store_true", help="try it: small, and nothing is written")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.filterwarnings("ignore", module="avalanche|qpsolvers")
    shapes = {"tiny": {"m": 20, "N": 100, "d": 8}} if options.tiny else SHAPES
    found = {}
    for name, shape in shapes.items():
        found[name] = measure(shape, options.repeats)
        print(name, found[name]["median_seconds"], "ratio", found[name]["median_ratio"], flush=True)
    if options.tiny:
        return
    result = {
        "what": "choosing exemplars, seconds; ratios other / simlearn",
        "threads": options.threads,
        "repeats": options.repeats,
        "avalanche": metadata.version("avalanche-lib"),
        "tolerance": TOLERANCE,
        "shapes": found,
    }
    write_result(options.name, result)


if __name__ == "__main__":
    main()
