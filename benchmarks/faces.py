"""The table of "Unique Faces Recognition in Videos" (Huo and van Zyl 2020), small, run here.

    python benchmarks/faces.py                     everything; writes results/faces.json
    python benchmarks/faces.py --only tune         the trials of margins and rates alone

Six recipes (contrastive and triplet loss; Inception on still images, C3D and ConvLSTM on clips) on
three seeds of drawn faces, with people who have a habit of moving (``habit`` 0.5) and without
(0), then Inception with both losses on photographs (``--photos``, the scrapshots of
pyvision_toolkit). Before that, eight trials of margin and rate for each recipe on seed 100, with
half the steps, judged by the MAP@R of its 80 held-out people. Two runs at a time, one thread each,
by the command line that a user has. Runs that are finished in ``--work`` are not run again, and one
that was killed goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faces_settings import (
    DRAWN,
    DROPOUT_TRIALS,
    HABITS,
    LOSSES,
    PHOTOGRAPHS,
    RECIPES,
    SEEDS,
    STEPS,
    TUNING_SEED,
    trials,
    words,
)
from faces_values import claims, control_claims, per_identity, photo_claims
from jobs import Job, code_of, run_all, run_job
from results import write_result
from scrapshots import prepare_scrapshots

from simlearn.report import write_json_atomic

ROOT = Path(__file__).resolve().parents[1]


def drawn_job(recipe: str, seed: int, habit: float, rate: float, margin: float, steps: int) -> Job:
    """A recipe on drawn faces."""
    more = (*DRAWN, f"data.habit={habit:g}", f"trainer.max_steps={steps}")
    key = {"recipe": recipe, "seed": seed, "habit": habit, "rate": rate, "margin": margin}
    title = f"{recipe}_seed{seed}_habit{habit:g}"
    return Job(key, title, words(recipe, seed, rate, margin, *more))


def tuning_job(recipe: str, rate: float, margin: float, steps: int) -> Job:
    """One of a recipe's trials: retrieval alone."""
    job = drawn_job(recipe, TUNING_SEED, HABITS[0], rate, margin, steps)
    return Job(job.key, job.title, [*job.command, "evaluation=video_retrieval"])


def dropout_job(dropout: float, rate: float, steps: int) -> Job:
    """A trial of C3D's dropout."""
    job = tuning_job("triplet_c3d", rate, 0.2, steps)
    words = [word for word in job.command if not word.startswith("backbone.dropout=")]
    key = {"dropout": dropout, "rate": rate}
    return Job(key, "c3d_dropout_seed100", [*words, f"backbone.dropout={dropout:g}"])


def photo_job(recipe: str, seed: int, rate: float, margin: float, steps: int, root: Path) -> Job:
    """A recipe on the photographs; the seed draws who is held out too."""
    more = (*PHOTOGRAPHS, f"data.root={root}", f"data.split_seed={seed}")
    key = {"recipe": recipe, "seed": seed, "rate": rate, "margin": margin}
    command = words(recipe, seed, rate, margin, *more, f"trainer.max_steps={steps}")
    return Job(key, f"photos_{recipe}_seed{seed}", command)


def execute(job: Job, work: Path) -> dict[str, Any]:
    """Run a job, or go on with it, or read what it left; gives its numbers."""
    folder = run_job(job, work, f"data.cache={work / 'cache'}")
    found = json.loads((folder / "metrics.json").read_text())
    return {
        **job.key,
        "test": found["test"],
        "baselines": found["baselines"],
        "steps": found["train"]["steps"],
        "parameters": found["train"]["parameters"],
        "seconds": found["seconds"],
        "protocol": found["protocol"],
        "code": code_of(folder),
        "folder": folder,
    }


def choose(rows: Sequence[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """(rate, margin) of each recipe's best trial; of equal ones the first."""
    best: dict[str, dict[str, Any]] = {}
    for row in rows:
        before = best.get(row["recipe"])
        if before is None or map_at_r(row) > map_at_r(before):
            best[row["recipe"]] = row
    return {recipe: (row["rate"], row["margin"]) for recipe, row in best.items()}


def map_at_r(row: dict[str, Any]) -> float:
    """A run's MAP@R on its held-out people."""
    return float(row["test"]["map_at_r"]["value"])


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row for the result file, with one value per identity of what the claims need."""
    kept = {k: v for k, v in row.items() if k not in ("folder", "protocol")}
    return {**kept, "per_identity": per_identity(row["folder"], row["seed"])}


def main() -> None:
    """Tune, run, judge; the result file is written after each of the three parts of the runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "outputs" / "faces")
    parser.add_argument("--photos", type=Path, default=ROOT.parent / "shared/data/scrapshots")
    parser.add_argument("--only", choices=["tune"], default=None)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--name", default="faces", help="result file to write")
    options = parser.parse_args()
    work, steps = options.work, options.steps

    tuning = [
        tuning_job(r, rate, margin, steps // 2) for r in RECIPES for rate, margin in trials(r)
    ]
    dropouts = [dropout_job(*trial, steps // 2) for trial in DROPOUT_TRIALS]

    def run(job: Job) -> dict[str, Any]:
        return execute(job, work)

    settled = run_all(dropouts, run, options.workers, "dropout of C3D")
    tuned = run_all(tuning, run, options.workers, "tuning")
    chosen = choose(tuned)
    result: dict[str, Any] = {
        "steps": steps,
        "dropout": [
            {**{k: row[k] for k in ("dropout", "rate", "code")}, "map_at_r": map_at_r(row)}
            for row in settled
        ],
        "tuning": [
            {**{k: row[k] for k in ("recipe", "rate", "margin", "code")}, "map_at_r": map_at_r(row)}
            for row in tuned
        ],
        "chosen": {r: {"rate": rate, "margin": m} for r, (rate, m) in chosen.items()},
    }
    write_json_atomic(work / "tuning.json", result)
    if options.only == "tune":
        return

    for habit in HABITS:
        jobs = [drawn_job(r, s, habit, *chosen[r], steps) for s in SEEDS for r in RECIPES]
        rows = run_all(jobs, run, options.workers, f"drawn faces, habit {habit:g}")
        part = f"habit {habit:g}"
        result[part] = {
            "protocol": {str(r["seed"]): r["protocol"] for r in rows if r["recipe"] == RECIPES[0]},
            "rows": [plain(row) for row in rows],
        }
        result[part]["claims"] = claims(result[part]["rows"])
        result[part]["controls"] = control_claims(result[part]["rows"])
        print(write_result(options.name, result))

    if options.photos.is_dir():
        root = work / "photographs"
        prepare_scrapshots(options.photos, root)
        names = [f"{loss}_inception" for loss in LOSSES]
        jobs = [photo_job(r, s, *chosen[r], steps // 2, root) for s in SEEDS for r in names]
        rows = run_all(jobs, run, options.workers, "photographs")
        result["photographs"] = {
            "protocol": {str(r["seed"]): r["protocol"] for r in rows if r["recipe"] == names[0]},
            "rows": [plain(row) for row in rows],
        }
        result["photographs"]["claims"] = photo_claims(result["photographs"]["rows"])
    else:
        print(f"photographs not run: {options.photos} is not there; give --photos DIR")
    print(write_result(options.name, result))


if __name__ == "__main__":
    main()
