"""What is asked of the synthetic faces, and whether a folder already holds it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from simlearn.data.synthetic_names import NAMES

GENERATOR_VERSION = 1
"""Raised with every change of a drawn pixel; stands in the tree and in every run that uses it."""

SETTINGS_FILE = "synthetic_faces.json"


@dataclass(frozen=True)
class Settings:
    """The arguments that decide what is drawn.

    Attributes:
        identities: people, 1 to NAMES.
        videos: per person, at least 1.
        frames: per video, at least 1.
        seed: of everything.
        habit: share of the motion that is typical of a person, in [0, 1].
        side: of the aligned pictures in pixels, at least 32.

    Raises:
        ValueError: for a value out of range, naming the argument.
    """

    identities: int
    videos: int
    frames: int
    seed: int
    habit: float
    side: int

    def __post_init__(self) -> None:
        least = {"identities": 1, "videos": 1, "frames": 1, "side": 32}
        for name, smallest in least.items():
            found = getattr(self, name)
            if found < smallest:
                raise ValueError(f"{name} is {found}; it must be at least {smallest}")
        if self.identities > NAMES:
            raise ValueError(f"identities is {self.identities}; there are names for {NAMES}")
        if not 0.0 <= self.habit <= 1.0:
            raise ValueError(f"habit is {self.habit}; it must lie between 0 and 1")

    def record(self) -> dict[str, int | float]:
        """What the settings file of a tree holds."""
        return {"generator_version": GENERATOR_VERSION, **asdict(self)}


def is_finished(root: Path, settings: Settings) -> bool:
    """Whether ``root`` is this very tree; False if it is not there or an empty folder.

    Raises:
        FileExistsError: if it holds something else, with what that is and the way out.
    """
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    wanted = settings.record()
    found = _read_record(root)
    if found == wanted:
        return True
    if found is None:
        what = f"something other than synthetic faces (no readable {SETTINGS_FILE})"
    else:
        what = "synthetic faces with " + ", ".join(
            f"{key}={found.get(key)!r} (asked for: {value!r})"
            for key, value in wanted.items()
            if found.get(key) != value
        )
    raise FileExistsError(f"{root} holds {what}; choose another root or delete that folder")


def _read_record(root: Path) -> dict[str, object] | None:
    """The settings of the tree that is there; None if there is no such file or it is damaged."""
    try:
        found = json.loads((root / SETTINGS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
