"""n-shot identification on a run's test split: SVM and nearest mean on the learned features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor

from simlearn.data.embeddings import Embeddings
from simlearn.evaluation.nshot import nshot_identities, nshot_svm
from simlearn.evaluation.recognition_protocol import Kernel, VideoRecognition
from simlearn.report import Metric, Table, confusion_figure
from simlearn.tasks.findings import Findings
from simlearn.tasks.video_ranking import VideoRanking

COLUMNS = (
    "support",
    "classifier",
    "accuracy",
    "95 % interval",
    "draws alone",
    "identities alone",
    "identities",
    "left out",
    "queries",
)


RULE = (
    "support and query from different videos; the same identities for every n; n clips come from "
    "as few videos as give them; features standardised on the support; C by 3-fold "
    "cross-validation over items of the support where every identity has 3 or more, else C = 1"
)


@dataclass(frozen=True, eq=False)
class Support:
    """n examples of each identity, of one kind.

    Attributes:
        n: how many.
        kind: ``"video"`` or ``"clip"``.
        items: what they are drawn from.
    """

    n: int
    kind: str
    items: Embeddings

    @property
    def words(self) -> str:
        """``"2 videos"``, ``"5 clips"``."""
        return f"{self.n} {self.kind}{'s' if self.n > 1 else ''}"

    @property
    def stem(self) -> str:
        """``nshot_2``, ``nshot_clips_5``: how the metrics' names begin."""
        return f"nshot_{self.n}" if self.kind == "video" else f"nshot_clips_{self.n}"


def identify(
    ranking: VideoRanking,
    names: Sequence[str],
    protocol: VideoRecognition,
    *,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Findings:
    """Measure every n and every kernel on the same identities.

    Args:
        ranking: embeddings of the test videos and of their clips.
        names: names of the identities, by label.
        protocol: numbers of shots, kernels and draws.
        seed: of the draws.
        progress: called with (done, to do).

    Returns:
        ``nshot_{n}_{kernel}_accuracy`` and ``nshot_{n}_nearest_mean_accuracy`` for n videos,
        ``nshot_clips_{n}_...`` for n clips, a table, and the confusion matrix of its last row. A
        support that too few identities can give is left out, with a note.
    """
    supports = [Support(n, "video", ranking.videos) for n in protocol.shots]
    if ranking.clips is not None:
        supports += [Support(n, "clip", ranking.clips) for n in protocol.clip_shots]
    used, labels = possible_supports(supports)
    notes = tuple(
        f"n-shot identification of {s.words} is left out: fewer than two identities, or less than "
        "half of those of the other rows, have enough videos for it beside one to be named. Give "
        "more videos, or change evaluation.shots and evaluation.clip_shots."
        for s in supports
        if s not in used
    )
    if not used:
        return Findings(notes=notes)
    metrics: dict[str, Metric] = {}
    rows: list[tuple[str | float | int | None, ...]] = []
    found: dict[str, Any] = {}
    pairs = list(product(used, protocol.kernels))
    for number, (support, kernel) in enumerate(pairs):
        found = _measure(support, kernel, labels, protocol, seed)
        kinds = [(f"SVM, {kernel}", str(kernel), "", "accuracy")]
        if kernel == protocol.kernels[0]:
            kinds.append(("nearest mean", "nearest_mean", "nearest_mean_", "nearest_mean"))
        for title, word, prefix, key in kinds:
            metrics[f"{support.stem}_{word}_accuracy"] = Metric(
                found[key], int(found["n_queries"]), found[f"{prefix}interval"], True
            )
            rows.append((support.words, title, *_cells(found, key, prefix)))
        if progress is not None:
            progress(number + 1, len(pairs))
    last = pairs[-1]
    return Findings(
        metrics=metrics,
        tables=(Table("n-shot identification", COLUMNS, tuple(rows), _note(protocol)),),
        figures=(
            confusion_figure(
                found["confusion"],
                [names[int(label)] for label in found["identities"]],
                title=f"Who is taken for whom: {last[0].words}, SVM, {last[1]}",
            ),
        ),
        notes=notes,
        protocol={
            "nshot_support": [s.words for s in used],
            "nshot_draws": protocol.draws,
            "nshot_identities": len(labels),
            "nshot_rule": RULE,
        },
    )


def possible_supports(supports: Sequence[Support]) -> tuple[list[Support], Tensor]:
    """The supports that two identities or more can give, and who they are.

    Returns:
        Supports in order, each kept if at least two identities, and half of those that can give all
        kept before, can give it too; ``(C,)`` labels of the identities that can give all of them,
        empty where none is kept.
    """
    used: list[Support] = []
    common: set[int] = set()
    for support in supports:
        able = set(nshot_identities(support.items.y, support.items.group, support.n).tolist())
        both = able & common if used else able
        if len(both) >= max(2, len(common) / 2):  # a few people never stand for all
            used, common = [*used, support], both
    return used, torch.tensor(sorted(common), dtype=torch.int64)


def _measure(
    support: Support, kernel: Kernel, labels: Tensor, protocol: VideoRecognition, seed: int
) -> dict[str, Any]:
    items = support.items
    return nshot_svm(
        items.z,
        items.y,
        items.group,
        n=support.n,
        draws=protocol.draws,
        seed=seed,
        kernel=kernel,
        identities=labels,
    )


def _cells(found: dict[str, Any], key: str, prefix: str) -> tuple[str | float | int, ...]:
    def between(interval: tuple[float, float]) -> str:
        return f"[{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"

    return (
        f"{100 * found[key]:.1f} %",
        *(
            between(found[prefix + k])
            for k in ("interval", "interval_draws", "interval_identities")
        ),
        found["n_identities"],
        found["n_skipped"],
        round(float(found["n_queries"]), 1),
    )


def _note(protocol: VideoRecognition) -> str:
    return (
        f"{protocol.draws} draws of the support. A video that gave support gives no query. "
        "Intervals: draws and identities drawn anew, together and each alone. Left out: "
        "identities without enough videos for every row of this table. Queries: in a draw."
    )
