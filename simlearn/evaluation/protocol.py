"""How videos are compared at test, as a configuration states it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class VideoRetrieval:
    """Query one video, gallery all other videos, nearest first.

    Args:
        clips_per_video: evenly spaced clips that are averaged to a video's embedding.
        batch_size: clips embedded at once.
        ks: numbers of neighbours for top-n.
        bootstrap: resamples for the 95 % intervals.
        grid_rows: queries shown in the report's picture.
        cmc_length: longest rank of the report's curve.
    """

    clips_per_video: int = 5
    batch_size: int = 32
    ks: tuple[int, ...] = (1, 5, 10, 20)
    bootstrap: int = 1000
    grid_rows: int = 6
    cmc_length: int = 20

    def __post_init__(self) -> None:
        for name in ("clips_per_video", "batch_size", "bootstrap", "cmc_length"):
            if getattr(self, name) < 1:
                raise ValueError(f"evaluation.{name} is {getattr(self, name)}, must be at least 1")
        if not self.ks or min(self.ks) < 1 or 1 not in self.ks:
            raise ValueError(
                f"evaluation.ks is {self.ks}, must be ranks from 1 upward with 1 in it"
            )
