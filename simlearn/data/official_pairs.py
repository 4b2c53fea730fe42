"""The pair list that lies in the folder of a data set, whichever of its two forms is there."""

from __future__ import annotations

from pathlib import Path

from simlearn.data.errors import DataError
from simlearn.data.video_pair import VideoPair
from simlearn.data.youtube_pairs import read_meta_and_splits, read_splits


def read_official_pairs(root: Path, wanted_by: str) -> list[VideoPair]:
    """The pairs of ``splits.txt``, or of ``meta_data/meta_and_splits.mat`` where that is missing.

    Args:
        root: folder of the data set.
        wanted_by: the setting that needs them, for the message (``"data.split=3"``).

    Raises:
        DataError: neither file is there, or one is damaged.
    """
    text, matlab = root / "splits.txt", root / "meta_data" / "meta_and_splits.mat"
    if text.is_file():
        return read_splits(text)
    if matlab.is_file():
        return read_meta_and_splits(matlab).pairs
    raise DataError(
        f"{text}: not found, nor {matlab}, and {wanted_by} asks for a fold. Put one of them there, "
        "or give shares: data.split={train: 0.7, val: 0.1, test: 0.2}"
    )
