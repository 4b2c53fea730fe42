"""Split MNIST, five experiences of two digits: how much every strategy keeps, at how many bytes.

    python benchmarks/incremental.py --root ROOT       everything; writes results/incremental.json
    python benchmarks/incremental.py --root ROOT --only tune

Triplet loss, 2,000 training images of each digit, one network for all. Each strategy first has four
trials of its own values on seed 100, with half the steps and fewer images, judged by the accuracy
on validation images; then three seeds (class order, weights, batches) on the 10,000 test images.
Two runs at a time, one thread each, by the command line that a user has. Runs that are finished in
``--work`` are not run again, and one that was killed goes on where it was. ``ROOT`` holds
``MNIST/raw`` as torchvision reads it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from claims import judge
from incremental_settings import (
    SEEDS,
    STEPS,
    STRATEGIES,
    TRAIN,
    TRIAL_ONLY,
    TUNING_SEED,
    TUNING_STEPS,
    TUNING_TRAIN,
    trials,
    words,
)
from jobs import Job, code_of, run_all, run_job
from results import write_result

from simlearn.evaluation.incremental_figures import incremental_metrics
from simlearn.trainer.checkpoint import read_checkpoint

ROOT = Path(__file__).resolve().parents[1]
KEPT = ("accuracy_matrix", "memory_bytes", "transient_bytes", "seconds_per_experience")
"""Entries of a run's ``metrics.json`` that go into the result file as they are."""
CLAIMED = ("icarl", "ewc", "ebll")
"""The three baselines that the paper says its replay beats."""


def tuning_job(strategy: str, values: str, rate: float, root: Path) -> Job:
    """One of a strategy's trials, measured on validation images."""
    more = (
        *TRIAL_ONLY.get(strategy, ()),
        f"data.train_per_class={TUNING_TRAIN}",
        f"trainer.max_steps={TUNING_STEPS}",
        "evaluation.split=val",
        "evaluation.diagnostics=false",
        "evaluation.pictures=[]",
        f"data.root={root}",
    )
    key = {"strategy": strategy, "values": values, "rate": rate}
    return Job(key, f"tune_{strategy}", words(strategy, TUNING_SEED, values, rate, *more))


def report_job(strategy: str, seed: int, values: str, rate: float, root: Path) -> Job:
    """One run of a reported seed."""
    more = (f"data.train_per_class={TRAIN}", f"trainer.max_steps={STEPS}", f"data.root={root}")
    key = {"strategy": strategy, "seed": seed, "values": values, "rate": rate}
    return Job(key, f"{strategy}_seed{seed}", words(strategy, seed, values, rate, *more))


def execute(job: Job, work: Path) -> dict[str, Any]:
    """Run a job and read its numbers."""
    folder = run_job(job, work)
    found = json.loads((folder / "metrics.json").read_text())
    return {
        **job.key,
        "test": {name: metric["value"] for name, metric in found["test"].items()},
        "baselines": {k: v["ncm_all"]["value"] for k, v in found["baselines"].items()},
        **{name: found[name] for name in KEPT},
        "experiences": found["experiences"],
        "parameters": found["train"]["parameters"],
        "fingerprint": found["protocol"]["fingerprint"],
        "code": code_of(folder),
        "folder": folder,
    }


def right_images(folder: Path) -> list[bool]:
    """Whether each test image was recognised in the end, in the order of the file."""
    state = read_checkpoint(folder / "checkpoints" / "stream.ckpt")
    found: list[bool] = state["results"][-1]["correct"].tolist()
    return found


def packed(right: Sequence[bool]) -> str:
    """Hexadecimal digits, the first image in the highest bit."""
    return f"{int(''.join('1' if r else '0' for r in right), 2):0{-(-len(right) // 4)}x}"


def unpacked(text: str, count: int) -> list[bool]:
    """What :func:`packed` made of ``count`` images."""
    return [digit == "1" for digit in f"{int(text, 16):0{count}b}"]


def choose(rows: Sequence[dict[str, Any]]) -> dict[str, tuple[str, float]]:
    """(values, rate) of each strategy's best trial; of equal ones the first."""
    best: dict[str, dict[str, Any]] = {}
    for row in rows:
        before = best.get(row["strategy"])
        if before is None or row["test"]["ncm_all"] > before["test"]["ncm_all"]:
            best[row["strategy"]] = row
    return {name: (row["values"], row["rate"]) for name, row in best.items()}


def add_omegas(rows: Sequence[dict[str, Any]]) -> None:
    """Kemker's omegas of every row, with both ceilings of the joint run of its seed."""
    joint = {r["seed"]: r["accuracy_matrix"] for r in rows if r["strategy"] == "joint"}
    for row in rows:
        found = incremental_metrics(
            row["accuracy_matrix"],
            sizes=row["experiences"][-1]["counts"],
            joint=joint[row["seed"]],
        )
        row["test"] |= {k: v for k, v in found.items() if k.startswith("omega")}


def verdicts(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The paper's claim against each baseline, paired over test images and seeds."""

    def column(strategy: str) -> list[dict[str, float]]:
        mine = [row for row in rows if row["strategy"] == strategy]
        return [
            {str(i): float(r) for i, r in enumerate(unpacked(row["right"], row["images"]))}
            for row in sorted(mine, key=lambda row: row["seed"])
        ]

    replay = column("vae")
    return [
        judge(f"replay of generated representations keeps more than {name}", replay, column(name))
        for name in CLAIMED
    ]


def main() -> None:
    """Tune, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder that holds MNIST/raw")
    parser.add_argument("--work", type=Path, default=ROOT / "outputs" / "incremental")
    parser.add_argument("--only", choices=["tune"], default=None)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--name", default="incremental", help="result file to write")
    options = parser.parse_args()
    torch.set_num_threads(1)

    def run(job: Job) -> dict[str, Any]:
        return execute(job, options.work)

    tuning = [tuning_job(s, *trial, options.root) for s in STRATEGIES for trial in trials(s)]
    tuned = run_all(tuning, run, options.workers, "tuning")
    chosen = choose(tuned)
    result: dict[str, Any] = {
        "tuning": [
            {k: row[k] for k in ("strategy", "values", "rate", "code")}
            | {"ncm_all": row["test"]["ncm_all"]}
            for row in tuned
        ],
        "chosen": {name: {"values": v, "rate": rate} for name, (v, rate) in chosen.items()},
    }
    if options.only == "tune":
        print(json.dumps(result["chosen"], indent=2))
        return
    jobs = [report_job(s, seed, *chosen[s], options.root) for seed in SEEDS for s in STRATEGIES]
    rows = run_all(jobs, run, options.workers, "split MNIST")
    for row in rows:
        right = right_images(row.pop("folder"))
        row["right"], row["images"] = packed(right), len(right)
    add_omegas(rows)
    result["rows"] = rows
    result["claims"] = verdicts(rows)
    print(write_result(options.name, result))


if __name__ == "__main__":
    main()
