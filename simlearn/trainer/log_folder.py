"""Where the log of one experience's training lies."""

from __future__ import annotations

from pathlib import Path


def log_folder(run_dir: Path, number: int) -> Path:
    """Folder of the training log of experience ``number`` (0-based)."""
    return run_dir / "logs" / f"experience_{number + 1}"
