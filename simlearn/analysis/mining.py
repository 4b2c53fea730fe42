"""Mine a model: statistics and MINER's scores of every neuron over questions, resumable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.attention_probe import AttentionMode
from simlearn.analysis.collector import stats_for
from simlearn.analysis.predict import NeuronStatistics
from simlearn.analysis.sample_scores import SampleScores
from simlearn.analysis.shards import StatisticsStore
from simlearn.analysis.splits import drop_absent, split_name
from simlearn.analysis.stats import Accumulator, ActivationStats
from simlearn.data.questions import Question
from simlearn.trainer.factory import TrainerSettings, make_trainer
from simlearn.trainer.interrupt import Interrupted, StopFlag

EVERY, SHARE = 16, 1 << 22
"""Batches between two shards; more where the statistics are larger, one for every 4 MiB."""


@dataclass(frozen=True, eq=False)
class Mined:
    """What a model did on questions.

    Attributes:
        stats: counts, sums and maxima by modality.
        scores: sums of MINER's scores by data set and modality.
    """

    stats: ActivationStats
    scores: SampleScores


class MiningWatch(pl.Callback):
    """Shows progress, and leaves after the batch in which a signal asked to.

    Args:
        stop: asked after every batch.
        done: samples that were there before.
        total: of all samples.
        report: called with (what, done, total).
        store: what has to be safe before leaving.
    """

    def __init__(
        self,
        stop: StopFlag,
        store: StatisticsStore,
        *,
        done: int,
        total: int,
        report: Callable[[str, int, int], None],
    ) -> None:
        self.stop, self.store, self.done, self.total, self.report = stop, store, done, total, report

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Hear signals alone, as Lightning puts its own handler of SIGTERM."""
        self.stop.listen()

    def on_predict_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: dict[str, list[Question]],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Count the batch's samples."""
        self.done += len(batch["questions"])
        self.report("mining", self.done, self.total)
        if self.stop.signal and self.done < self.total:
            self.store.flush()
            raise Interrupted(f"stopped by {self.stop.signal} after {self.done} samples")


def mine(
    adapter: ModelAdapter,
    questions: Sequence[Question],
    *,
    folder: Path,
    settings: TrainerSettings,
    stop: StopFlag,
    report: Callable[[str, int, int], None],
    batch_size: int = 64,
    attn: AttentionMode = "reference",
    causal: bool = False,
    split: str = "special_text_separate",
    facts: dict[str, str] | None = None,
) -> Mined:
    """Run the model once over every question, in the trainer's predict loop.

    Samples whose shard is in ``folder/statistics`` are left out, so that a run that was killed
    goes on where it stopped.

    Args:
        adapter: of the model.
        questions: to mine from.
        folder: of the run.
        settings: of the trainer.
        stop: asked after every batch.
        report: called with (what, done, total).
        batch_size: questions run at once, those with and without a medium apart.
        attn: see :func:`~simlearn.analysis.attention_probe.token_weights`.
        causal: likewise.
        split: see :data:`~simlearn.analysis.splits.SPLITS`.
        facts: further facts that the shards of a run must share.

    Raises:
        AnalysisError, Interrupted: with the way out in their text.
    """
    datasets = tuple(dict.fromkeys(q.dataset for q in questions))
    stats = stats_for(adapter)
    scores = SampleScores(datasets, stats.names, *adapter.shape, device=adapter.device)
    kept: dict[str, Accumulator] = {"stats": stats, "scores": scores}
    store = StatisticsStore(
        folder / "statistics",
        kept,
        facts={
            "model": adapter.fingerprint,
            "attention": f"{attn} {causal}",
            "split": split,
            **(facts or {}),
        },
        every=max(EVERY, _bytes(kept) // SHARE),
    )
    left = [q for q in questions if (q.dataset, q.id) not in store.done]
    module = NeuronStatistics(
        adapter, kept, attn=attn, causal=causal, datasets=datasets, split=split, store=store
    )
    done = len(questions) - len(left)
    watch = MiningWatch(stop, store, done=done, total=len(questions), report=report)
    trainer = make_trainer(settings, run_dir=folder, callbacks=[watch], loggers=[])
    batches: DataLoader[dict[str, list[Question]]] = DataLoader(
        _batches(left, batch_size),  # type: ignore[arg-type]
        batch_size=None,
        num_workers=0,
    )
    if left:
        trainer.predict(module, batches, return_predictions=False)
    else:
        store.finish()
    return Mined(stats, scores)


def _bytes(kept: Mapping[str, Accumulator]) -> int:
    """Size of the statistics, which every shard holds whole."""
    return sum(t.nbytes for a in kept.values() for t in a.state_dict().values())


def _batches(questions: Sequence[Question], size: int) -> list[dict[str, list[Question]]]:
    """Batches in the questions' order, those with a medium apart from those without."""
    found: list[dict[str, list[Question]]] = []
    for medium in (True, False):
        own = [q for q in questions if (q.image is not None or q.audio is not None) == medium]
        found += [{"questions": own[i : i + size]} for i in range(0, len(own), size)]
    return found


def dataset_scores(scores: SampleScores, split: str) -> tuple[torch.Tensor, tuple[str, ...]]:
    """``(D, 5, M', L, N)`` mean scores and names of the modalities that occurred anywhere."""
    mean = scores.mean().cpu()
    names = tuple(split_name(name, split) for name in scores.names)
    flat = mean.sum(dim=(0, 1))  # (M, L, N)
    _, kept = drop_absent(flat, names)
    return mean[:, :, [names.index(name) for name in kept]], kept
