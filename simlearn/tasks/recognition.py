"""Everything beyond retrieval that an evaluation option asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simlearn.data.datamodule import VideoDataModule, labels_of
from simlearn.data.embeddings import Embeddings
from simlearn.data.frame_order import Order
from simlearn.evaluation.pair_file import write_pair_scores
from simlearn.evaluation.recognition_protocol import VideoRecognition
from simlearn.report import Metric
from simlearn.tasks.controls import measure_controls
from simlearn.tasks.findings import Findings, join_findings
from simlearn.tasks.identification import identify
from simlearn.tasks.metric_parts import MetricParts
from simlearn.tasks.pair_list import PairList, list_pairs
from simlearn.tasks.pair_protocol import verify
from simlearn.tasks.run_context import RunContext
from simlearn.tasks.video_ranking import VideoRanking
from simlearn.trainer.progress import ProgressLine

Rank = Callable[[str, Order], VideoRanking]
"""(what is being done, order of the frames) -> test videos ranked by the trained network."""


def plan_pairs(parts: MetricParts, data: VideoDataModule, *, trained: bool) -> PairList | None:
    """The pairs that will be compared at the end, checked before anything is trained.

    Args:
        parts: what is run.
        data: the videos.
        trained: whether the network is trained, or was before it goes on.

    Returns:
        ``None`` where no pairs are asked for.

    Raises:
        DataError: see :func:`simlearn.tasks.pair_list.list_pairs`.
    """
    protocol = parts.protocol
    if not isinstance(protocol, VideoRecognition) or protocol.pairs == "none":
        return None
    return list_pairs(parts.source, data.data, protocol, trained=trained)


def recognise(
    parts: MetricParts,
    run: RunContext,
    data: VideoDataModule,
    rankings: Mapping[str, VideoRanking],
    pairs: PairList | None,
    rank: Rank,
    embed_videos: Callable[[str], Embeddings],
    metrics: Callable[[VideoRanking], dict[str, Metric]],
    line: ProgressLine,
) -> Findings:
    """n-shot identification, verification and controls, where the evaluation option has them.

    Writes ``pairs.csv``, the score of every pair of the verification, into the run's folder.

    Args:
        parts: what is run.
        run: its folder and seed.
        data: the videos.
        rankings: of the test videos by model; "trained" is there.
        pairs: of :func:`plan_pairs`.
        rank: see :data:`Rank`.
        embed_videos: embeds the videos of another split by the trained network.
        metrics: retrieval metrics of a ranking.
        line: where progress is shown.

    Returns:
        Nothing found for an option that only retrieves.
    """
    protocol = parts.protocol
    if not isinstance(protocol, VideoRecognition):
        return Findings()
    _, names = labels_of(data.data.splits["test"])
    found = [
        identify(
            rankings["trained"],
            names,
            protocol,
            seed=run.seed,
            progress=lambda done, total: line("n-shot identification", done, total),
        )
    ]
    if pairs is not None:
        others = [split for split in ("train", "val") if data.data.splits[split]]
        verified = verify(
            {name: ranking.videos for name, ranking in rankings.items()},
            [video.name for video in data.data.videos],
            pairs,
            others=lambda: [embed_videos(split) for split in others],
        )
        found.append(verified.findings)
        if verified.pairs:
            path = run.run_dir / "pairs.csv"
            write_pair_scores(path, verified.pairs, verified.scores, test_fold=verified.test_fold)
    moving = any(len(video.frames) > 1 for video in data.data.splits["test"])
    if protocol.controls and not data.images and parts.source.frames > 1 and moving:
        found.append(measure_controls(rank, metrics, run.run_dir))
    return join_findings(found)
