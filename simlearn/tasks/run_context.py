"""What a task knows of the run it works for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunContext:
    """One run.

    Attributes:
        recipe: name of the recipe.
        card: the recipe's card.
        config: the composed configuration as YAML.
        run_dir: folder of the run; it exists.
        seed: the run's seed.
        resume: go on from ``checkpoints/last.ckpt``.
    """

    recipe: str
    card: Mapping[str, Any]
    config: str
    run_dir: Path
    seed: int
    resume: bool = False

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.run_dir / "checkpoints"
