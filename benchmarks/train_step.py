"""A training step of simlearn against the bare PyTorch loop on the same batches.

Conv3DNet, P x K = 8 x 4 clips of 8 frames of 32 px, batch-all triplet loss, AdamW with its
schedule, two threads, the default logs, progress line, batch health and checkpoints. Both take
their batches from the same kind of loader. Repeats alternate; the first steps of each are not
counted. The weights after the last step must be equal first.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import pytorch_lightning as pl
import torch
from results import median, write_result

from simlearn.config.compose import compose
from simlearn.data.randomness import derive_seed
from simlearn.runner import build_parts, targets
from simlearn.tasks.metric import open_data
from simlearn.tasks.run_context import RunContext
from simlearn.tasks.training import StartingPoint, fit
from simlearn.trainer.progress import ProgressLine

WARM_UP = 10


class Clock(pl.Callback):
    """Time from the end of the warm-up to the end of the fit."""

    def __init__(self) -> None:
        self.begun = self.ended = 0.0

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        """Start the clock after the warm-up."""
        if trainer.global_step == WARM_UP:
            self.begun = time.perf_counter()

    def on_train_end(self, trainer, pl_module) -> None:
        """Stop it."""
        self.ended = time.perf_counter()


def parts_for(cache: Path, steps: int):
    """Parts of the quickstart with fewer identities and no validation."""
    words = [
        "recipe=quickstart",
        "trainer=cpu",
        "trainer.threads=2",
        "seed=100",
        "data.identities=324",
        "data.split={train: 320, val: 0, test: 4}",
        f"data.cache={cache}",
        f"trainer.max_steps={steps}",
    ]
    composed = compose(words, targets())
    return build_parts(composed), composed


def bare(parts, data, steps: int) -> tuple[float, torch.nn.Module]:
    """Seconds per step of the loop that everybody writes."""
    model = torch.nn.Sequential(parts.backbone, parts.head)
    optimizer, scheduler = parts.optimizer.build(model.parameters(), steps)
    done, begun = 0, 0.0
    while done < steps:
        data.sampler.set_epoch(done // len(data.sampler))
        for batch in data.train_dataloader():
            torch.manual_seed(derive_seed(100, "step", done))
            optimizer.zero_grad()
            loss = parts.loss(model(batch.x), batch.y).value
            loss.backward()
            optimizer.step()
            scheduler.step()
            done += 1
            if done == WARM_UP:
                begun = time.perf_counter()
            if done == steps:
                break
    return (time.perf_counter() - begun) / (steps - WARM_UP), model


def ours(parts, data, run: RunContext, steps: int) -> tuple[float, torch.nn.Module]:
    """Seconds per step of :func:`simlearn.tasks.training.fit`."""
    learner, clock = parts.learner(100), Clock()
    fit(learner, data, parts, run, StartingPoint(), ProgressLine(), callbacks=[clock])
    model = torch.nn.Sequential(learner.backbone, learner.head)
    return (clock.ended - clock.begun) / (steps - WARM_UP), model


def main() -> None:
    """Measure and write ``results/train_step.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    torch.set_num_threads(2)
    seconds: dict[str, list[float]] = {"bare": [], "simlearn": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for repeat in range(options.repeats):
            states = []
            for which in ("bare", "simlearn") if repeat % 2 == 0 else ("simlearn", "bare"):
                parts, composed = parts_for(folder, options.steps)
                run = RunContext("quickstart", {}, composed.text, folder / f"{repeat}", 100)
                run.run_dir.mkdir(exist_ok=True)
                data = open_data(parts, run, StartingPoint(), ProgressLine())
                taken, model = (
                    bare(parts, data, options.steps)
                    if which == "bare"
                    else ours(parts, data, run, options.steps)
                )
                seconds[which].append(taken)
                states.append(model.state_dict())
            assert all(torch.equal(v, states[1][k]) for k, v in states[0].items())
    ratios = [b / a for a, b in zip(seconds["bare"], seconds["simlearn"], strict=True)]
    result = {
        "what": "seconds per training step, Conv3DNet, 32 clips of 8 x 32 x 32, 2 threads",
        "steps": options.steps - WARM_UP,
        "seconds": seconds,
        "ratios": ratios,
        "median_seconds": {k: median(v) for k, v in seconds.items()},
        "median_ratio": median(ratios),
        "weights_equal": True,
    }
    write_result("train_step", result)
    print(result["median_seconds"], "ratio", result["median_ratio"])


if __name__ == "__main__":
    main()
