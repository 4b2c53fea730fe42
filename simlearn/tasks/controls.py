"""Controls: does a trained network of clips use the order of the frames, or that there are many?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from simlearn.data.frame_order import Order
from simlearn.report import Metric
from simlearn.tasks.findings import Findings
from simlearn.tasks.video_ranking import VideoRanking

CONTROLS: Mapping[str, Order] = {"frames shuffled": "shuffled", "one frame repeated": "repeated"}
"""Name of each control and the order of the frames in it."""


def measure_controls(
    rank: Callable[[str, Order], VideoRanking],
    metrics: Callable[[VideoRanking], dict[str, Metric]],
    run_dir: Path,
) -> Findings:
    """The trained network's retrieval under every control.

    Writes ``embeddings_<control>.safetensors``, one row per test video, into the run's folder.

    Args:
        rank: embeds and ranks the test videos: (what is being done, order of the frames).
        metrics: numbers of a ranking.
        run_dir: folder of the run.

    Returns:
        One baseline per control.
    """
    baselines = {}
    for name, order in CONTROLS.items():
        ranking = rank(name, order)
        ranking.videos.save(run_dir / f"embeddings_{order}.safetensors")
        baselines[name] = metrics(ranking)
    return Findings(
        baselines=baselines,
        notes=(
            "Controls: the trained network on the same clips with their frames shuffled, and with "
            "the middle frame of each in place of all others.",
        ),
    )
