"""A run small enough for a test: drawn faces, a tiny C3D with dropout, a few steps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TINY_DATA = (
    "data=synthetic_faces",
    "data.identities=10",
    "data.split={train: 6, val: 2, test: 2}",
    "data.videos=3",
    "data.video_frames=8",
    "data.frames=4",
    "data.side=16",
    "data.image_side=32",
    "data.seed=100",
)
TINY = (
    *TINY_DATA,
    "backbone=c3d",
    "backbone.width=0.02",
    "sampler.classes_per_batch=3",
    "sampler.samples_per_class=2",
    "evaluation.clips_per_video=2",
    "evaluation.bootstrap=50",
    "trainer=cpu",
    "trainer.log_every=1",
    "trainer.max_epochs=null",
    "trainer.threads=1",
)


def command(folder: Path, *words: str, recipe: str | None = "quickstart") -> list[str]:
    """The command line of a run whose cache is in ``folder``."""
    start = [] if recipe is None else [f"recipe={recipe}", *TINY, f"data.cache={folder / 'cache'}"]
    return [sys.executable, "-m", "simlearn.train", *start, *words]


def train(folder: Path, *words: str, recipe: str | None = "quickstart", code: int = 0) -> str:
    """Run to the end and give what it printed; the exit code must be ``code``."""
    done = subprocess.run(
        command(folder, *words, recipe=recipe), capture_output=True, text=True, timeout=110
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr
