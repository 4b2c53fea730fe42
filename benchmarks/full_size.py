"""``triplet_c3d`` at full size on the CPU: two optimiser steps and an evaluation.

Batches of 8 x 4 clips of 16 frames of 112 x 112 px, Tran's C3D with 78 million parameters, on a
small tree in the layout of YouTube Faces. What counts is the peak of the resident memory.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from results import write_result

from simlearn.data.synthetic_faces import write_synthetic_faces


def run_full_size(folder: Path) -> dict[str, float]:
    """Run the recipe by its command line; peak memory in GiB, seconds, steps taken."""
    root = write_synthetic_faces(
        folder / "tree", identities=12, videos=4, frames=32, seed=100, side=250, workers=0
    )
    words = [
        "recipe=triplet_c3d",
        "trainer=cpu",
        f"data.root={root}",
        "data.split={train: 8, val: 2, test: 2}",
        f"data.cache={folder / 'cache'}",
        "trainer.max_steps=2",
        f"run_dir={folder / 'run'}",
    ]
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "simlearn.train", *words], check=True)
    metrics = json.loads((folder / "run" / "metrics.json").read_text())
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return {
        "peak_gib": round(peak, 2),
        "wall_seconds": round(time.perf_counter() - begun, 1),
        "steps": metrics["train"]["steps"],
        "parameters": metrics["train"]["parameters"],
        "test_videos": metrics["protocol"]["test_videos"],
    }


def main() -> None:
    """Measure and write ``results/full_size.json``."""
    with tempfile.TemporaryDirectory() as folder:
        result = run_full_size(Path(folder))
    write_result("full_size", result)
    print(result)


if __name__ == "__main__":
    main()
