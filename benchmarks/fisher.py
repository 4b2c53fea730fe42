"""The Fisher diagonal against the loop over batches of one, and against vmap.

The MLP 784-400-400-10 on 1,000 samples and a small ConvNet, float32. ``loop`` is a backward pass
for every sample, as everybody writes it; ``vmap`` is ``torch.func.vmap`` of the gradient in chunks
of 32. Values of all agree first, relative to each parameter's norm; repeats are interleaved.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from results import median, write_result
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from simlearn.backbones import ConvNet
from simlearn.continual import fisher_diagonal

Values = dict[str, Tensor]
TOLERANCE = {"simlearn": 1e-6, "vmap": 1e-5}
"""Of the difference from the loop, relative to the norm of each parameter's values."""
BATCH = 250


def cross_entropy(output: Tensor, y: Tensor) -> Tensor:
    """Per-sample losses."""
    return F.cross_entropy(output, y, reduction="none")


def simlearn(model: nn.Module, x: Tensor, y: Tensor) -> Values:
    """The library's function."""
    batches = zip(x.split(BATCH), y.split(BATCH), strict=True)
    return fisher_diagonal(model, cross_entropy, batches)


def loop(model: nn.Module, x: Tensor, y: Tensor) -> Values:
    """A backward pass for every sample."""
    model.eval()
    sums = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for i in range(len(x)):
        model.zero_grad()
        F.cross_entropy(model(x[i : i + 1]), y[i : i + 1]).backward()
        for name, p in model.named_parameters():
            if p.grad is not None:
                sums[name] += p.grad**2
    return {name: total / len(x) for name, total in sums.items()}


def by_vmap(model: nn.Module, x: Tensor, y: Tensor) -> Values:
    """Per-sample gradients of chunks of samples."""
    model.eval()
    values = {name: p.detach() for name, p in model.named_parameters()}

    def loss(values: Values, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(model, values, (x[None],)), y[None])

    gradients = vmap(grad(loss), in_dims=(None, 0, 0), chunk_size=32)
    sums = {name: torch.zeros_like(p) for name, p in values.items()}
    for rows, labels in zip(x.split(32), y.split(32), strict=True):
        for name, g in gradients(values, rows, labels).items():
            sums[name] += g.square().sum(0)
    return {name: total / len(x) for name, total in sums.items()}


CANDIDATES: dict[str, Callable[[nn.Module, Tensor, Tensor], Values]] = {
    "simlearn": simlearn,
    "loop": loop,
    "vmap": by_vmap,
}


def mlp() -> nn.Module:
    """784-400-400-10."""
    layers = [nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 400), nn.ReLU(), nn.Linear(400, 10)]
    return nn.Sequential(nn.Flatten(), *layers)


def small_conv_net() -> nn.Module:
    """The Conv-4 with GroupNorm at a quarter of its width, and a classifier."""
    backbone = ConvNet(width=0.25, in_channels=1)
    return nn.Sequential(backbone, nn.Linear(backbone.dim, 10))


MODELS: dict[str, Callable[[], nn.Module]] = {"mlp": mlp, "conv_net": small_conv_net}


def largest_difference(found: Values, wanted: Values, tolerance: float) -> float:
    """Relative to the norm of each parameter's values.

    Raises:
        ValueError: it is above the tolerance.
    """
    worst = max(((found[k] - w).norm() / w.norm()).item() for k, w in wanted.items())
    if not worst <= tolerance:
        raise ValueError(f"values differ by {worst:.3g}, allowed {tolerance:g}")
    return worst


def measure(make: Callable[[], nn.Module], samples: int, repeats: int) -> dict[str, object]:
    """Interleaved repeats of all candidates, the order reversed every other time."""
    torch.manual_seed(0)
    model, x = make(), torch.randn(samples, 1, 28, 28)
    y = torch.arange(samples) % 10
    first = {name: run(model, x, y) for name, run in CANDIDATES.items()}
    worst = {
        name: largest_difference(first[name], first["loop"], limit)
        for name, limit in TOLERANCE.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in CANDIDATES}
    for repeat in range(repeats):
        for name in list(CANDIDATES)[:: -1 if repeat % 2 else 1]:
            begun = time.perf_counter()
            CANDIDATES[name](model, x, y)
            seconds[name].append(time.perf_counter() - begun)
    ratios = {
        name: [a / b for a, b in zip(seconds[name], seconds["simlearn"], strict=True)]
        for name in CANDIDATES
        if name != "simlearn"
    }
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "largest_difference": worst,
        "median_seconds": {name: median(s) for name, s in seconds.items()},
        "median_ratio": {name: median(r) for name, r in ratios.items()},
        "seconds": seconds,
        "ratios": ratios,
    }


def main() -> None:
    """Measure and write ``results/fisher.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--name", default="fisher", help="of the result file")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    models = {}
    for name, make in MODELS.items():
        models[name] = measure(make, options.samples, options.repeats)
        print(name, models[name]["median_seconds"], "ratio", models[name]["median_ratio"])
    result = {
        "what": "empirical Fisher diagonal, seconds; ratios other / simlearn",
        "samples": options.samples,
        "batch": BATCH,
        "threads": options.threads,
        "repeats": options.repeats,
        "tolerance": TOLERANCE,
        "models": models,
    }
    write_result(options.name, result)


if __name__ == "__main__":
    main()
