"""The pictures of a retrieval run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simlearn.data.datamodule import labels_of
from simlearn.data.frames import crop_square, read_image
from simlearn.data.randomness import numpy_generator
from simlearn.data.video import Video
from simlearn.data.video_source import VideoData
from simlearn.evaluation.query_results import QueryResults
from simlearn.report import FigureImage, GridRow, Neighbour, retrieval_grid


def middle_frame(data: VideoData, video: Video, crop: float) -> np.ndarray:
    """``(S, S, 3)`` uint8: the face in the middle frame of a video, at its own resolution."""
    number = len(video.frames) // 2
    box = None if video.boxes is None else video.boxes[number]
    return crop_square(read_image(data.root / video.frames[number]), crop=crop, box=box)


def choose_queries(results: QueryResults, y: Sequence[int], rows: int, *, seed: int) -> list[int]:
    """Queries for the picture, drawn by the seed and never by what they found.

    At most one of each identity, and only those that have something to find.
    """
    g = numpy_generator(seed, "grid")
    seen: set[int] = set()
    chosen: list[int] = []
    for query in g.permutation(np.flatnonzero(results.evaluated.numpy())):
        if len(chosen) < rows and y[query] not in seen:
            seen.add(y[query])
            chosen.append(int(query))
    return chosen


def grid_picture(
    data: VideoData, split: str, results: QueryResults, *, crop: float, rows: int, seed: int
) -> FigureImage | None:
    """Queries with their five nearest videos; ``None`` where no query has anything to find."""
    videos = data.splits[split]
    labels, _ = labels_of(videos)
    queries = choose_queries(results, labels, rows, seed=seed)
    if not queries:
        return None
    table = [
        GridRow(
            query=middle_frame(data, videos[q], crop),
            query_label=videos[q].name,
            neighbours=[
                Neighbour(
                    image=middle_frame(data, videos[n], crop),
                    label=videos[n].name,
                    distance=float(distance),
                    correct=labels[n] == labels[q],
                )
                for n, distance in zip(
                    results.nearest[q].tolist(), results.distance[q].tolist(), strict=True
                )
                if n >= 0
            ],
        )
        for q in queries
    ]
    return retrieval_grid(table, title="Nearest videos of queries drawn at random")
