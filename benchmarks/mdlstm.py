"""The scan of the multi-dimensional LSTM against loops over the positions of a map.

Forward and backward to the input and all weights, float32, two threads. Two loops: ``plain``
indexes the map and multiplies by every weight at each position, as everybody writes it (autograd
then fills a gradient of the whole map per position); ``careful`` multiplies all pixels by the
input weights at once, takes the positions apart by one call and joins the two recurrent products.
Values and gradients of all three must agree first; repeats are interleaved.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from results import median, write_result
from torch import Tensor
from torch.nn import functional as F

from simlearn.backbones.md_scan import MDLSTMDirection, md_lstm

Scan = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
SHAPES = {
    "16x16": {"B": 8, "C": 16, "n": 16, "H": 16, "W": 16},
    "32x32": {"B": 8, "C": 16, "n": 16, "H": 32, "W": 32},
    "28x28": {"B": 32, "C": 1, "n": 16, "H": 28, "W": 28},
}
TOLERANCE = 1e-5
"""Of the states; of each gradient relative to its largest entry."""


def plain(x: Tensor, w_x: Tensor, w_up: Tensor, w_left: Tensor, bias: Tensor) -> Tensor:
    """Three products per position."""
    zero = x.new_zeros(len(x), w_up.shape[1])
    before, rows = [(zero, zero)] * x.shape[3], []
    for i in range(x.shape[2]):
        row, h, c = [], zero, zero
        for j, (h_up, c_up) in enumerate(before):
            a = x[:, :, i, j] @ w_x.T + h_up @ w_up.T + h @ w_left.T + bias
            h, c = _cell(a, c_up, c)
            row.append((h, c))
        before = row
        rows.append(torch.stack([h for h, _ in row], -1))
    return torch.stack(rows, 2)


def careful(x: Tensor, w_x: Tensor, w_up: Tensor, w_left: Tensor, bias: Tensor) -> Tensor:
    """One product per position."""
    (B, _, H, W), n = x.shape, w_up.shape[1]
    of_x = F.linear(x.permute(2, 3, 0, 1), w_x, bias).flatten(0, 1).unbind()
    weights, zero = torch.cat([w_up, w_left], 1).T, x.new_zeros(B, n)
    before, states = [(zero, zero)] * W, []
    for i in range(H):
        row, h, c = [], zero, zero
        for j, (h_up, c_up) in enumerate(before):
            a = torch.addmm(of_x[i * W + j], torch.cat([h_up, h], 1), weights)
            h, c = _cell(a, c_up, c)
            row.append((h, c))
        before = row
        states += [h for h, _ in row]
    return torch.stack(states).view(H, W, B, n).permute(2, 3, 0, 1)


def _cell(a: Tensor, c_up: Tensor, c_left: Tensor) -> tuple[Tensor, Tensor]:
    n = c_up.shape[1]
    gates, candidate = a.split([4 * n, n], 1)
    i, f_up, f_left, out = gates.sigmoid().chunk(4, 1)
    c = i * candidate.tanh() + f_up * c_up + f_left * c_left
    return out * c.tanh(), c


CANDIDATES: dict[str, Scan] = {"simlearn": md_lstm, "careful": careful, "plain": plain}


def inputs(shape: dict[str, int]) -> tuple[list[Tensor], Tensor]:
    """Map and initial weights of a direction, and a gradient for its states."""
    torch.manual_seed(0)
    x = torch.randn(shape["B"], shape["C"], shape["H"], shape["W"])
    weights = [p.detach() for p in MDLSTMDirection(shape["C"], shape["n"]).parameters()]
    return [x, *weights], torch.randn(shape["B"], shape["n"], shape["H"], shape["W"])


def once(scan: Scan, values: list[Tensor], grad: Tensor) -> tuple[float, float, list[Tensor]]:
    """Seconds of the forward pass and of both, and the states and gradients."""
    leaves = [v.clone().requires_grad_() for v in values]
    begun = time.perf_counter()
    h = scan(*leaves)
    middle = time.perf_counter()
    h.backward(grad)
    ended = time.perf_counter()
    gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
    return middle - begun, ended - begun, [h.detach(), *gradients]


def largest_difference(found: list[Tensor], wanted: list[Tensor]) -> float:
    """Of the states, and of each gradient relative to its largest entry.

    Raises:
        ValueError: it is above the tolerance.
    """
    scales = [1.0, *(w.abs().max().item() for w in wanted[1:])]
    pairs = zip(found, wanted, scales, strict=True)
    worst = max((f - w).abs().max().item() / s for f, w, s in pairs)
    if not worst <= TOLERANCE:
        raise ValueError(f"states or gradients differ by {worst:.3g}, allowed {TOLERANCE:g}")
    return worst


def measure(shape: dict[str, int], repeats: int) -> dict[str, object]:
    """Interleaved repeats of all three on one input, the order reversed every other time."""
    values, grad = inputs(shape)
    first = {name: once(scan, values, grad)[2] for name, scan in CANDIDATES.items()}
    slow = [name for name in CANDIDATES if name != "simlearn"]
    worst = {name: largest_difference(first["simlearn"], first[name]) for name in slow}
    forward: dict[str, list[float]] = {name: [] for name in CANDIDATES}
    both: dict[str, list[float]] = {name: [] for name in CANDIDATES}
    for repeat in range(repeats):
        for name in list(CANDIDATES)[:: -1 if repeat % 2 else 1]:
            one, two, _ = once(CANDIDATES[name], values, grad)
            forward[name].append(one)
            both[name].append(two)
    ratios = {
        name: [a / b for a, b in zip(both[name], both["simlearn"], strict=True)] for name in slow
    }
    return {
        "shape": shape,
        "largest_difference": worst,
        "median_seconds": {name: median(s) for name, s in both.items()},
        "median_forward_seconds": {name: median(s) for name, s in forward.items()},
        "median_ratio": {name: median(r) for name, r in ratios.items()},
        "seconds": both,
        "forward_seconds": forward,
        "ratios": ratios,
    }


def main() -> None:
    """Measure and write ``results/mdlstm.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--name", default="mdlstm", help="of the result file")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    maps = {}
    for name, shape in SHAPES.items():
        maps[name] = measure(shape, options.repeats)
        print(name, maps[name]["median_seconds"], "ratio", maps[name]["median_ratio"], flush=True)
    result = {
        "what": "forward and backward of one direction, seconds; ratios loop / simlearn",
        "threads": options.threads,
        "repeats": options.repeats,
        "tolerance": TOLERANCE,
        "maps": maps,
    }
    write_result(options.name, result)


if __name__ == "__main__":
    main()
