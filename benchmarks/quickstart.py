"""The quickstart on seeds 0 to 2, by its command line: what it reaches and how long it takes.

Each seed draws its own faces, split, weights and batches. Seeds that the result file already
holds for the same version of the code are not run again; ``--again`` runs them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from results import code_version, read_result, write_result


def run_seed(seed: int, folder: Path) -> dict:
    """Run one seed from nothing (no drawn faces, no store) and give its numbers."""
    run_dir = folder / f"run{seed}"
    words = ["recipe=quickstart", "trainer=cpu", f"seed={seed}", f"run_dir={run_dir}"]
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "simlearn.train", *words, f"data.cache={folder / 'cache'}"],
        check=True,
    )
    wall = time.perf_counter() - begun
    metrics = json.loads((run_dir / "metrics.json").read_text())
    top = {
        "trained": metrics["test"]["recall_at_1"],
        **{name: values["recall_at_1"] for name, values in metrics["baselines"].items()},
    }
    best = max(top["untrained"]["value"], top["pixels"]["value"])
    return {
        "seed": seed,
        "recall_at_1": top,
        "map_at_r": {
            "trained": metrics["test"]["map_at_r"]["value"],
            **{name: v["map_at_r"]["value"] for name, v in metrics["baselines"].items()},
        },
        "gain_points": 100 * (top["trained"]["value"] - best),
        "steps": metrics["train"]["steps"],
        "seconds": metrics["seconds"],
        "wall_seconds": round(wall, 1),
        "protocol": metrics["protocol"],
        "code": code_version(),
    }


def main() -> None:
    """Run what is missing and write the result file after every seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--name", default="quickstart", help="result file to write")
    options = parser.parse_args()
    version = code_version()
    known = [] if version.endswith("+changes") else read_result(options.name).get("rows", [])
    rows = {row["seed"]: row for row in known if row["code"] == version}
    for seed in options.seeds:
        if seed in rows and not options.again:
            continue
        with tempfile.TemporaryDirectory() as folder:
            rows[seed] = run_seed(seed, Path(folder))
        listed = [rows[s] for s in sorted(rows)]
        worst = min(row["gain_points"] for row in listed)
        path = write_result(options.name, {"rows": listed, "worst_gain_points": worst})
        print(f"seed {seed}: {rows[seed]['gain_points']:+.1f} points; {path.name} written")
    print(f"worst gain over the better of pixels and untrained network: {worst_of(rows):+.1f}")


def worst_of(rows: dict[int, dict]) -> float:
    """Smallest gain of all seeds, in points of top-1."""
    return min(row["gain_points"] for row in rows.values())


if __name__ == "__main__":
    main()
