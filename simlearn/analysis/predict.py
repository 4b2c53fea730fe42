"""Collect statistics in the trainer's predict loop, which repeats no sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from simlearn.analysis.attention_probe import AttentionMode
from simlearn.analysis.collector import Collector
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.memory_guard import check_memory
from simlearn.analysis.sample_record import records_of_batch
from simlearn.analysis.shards import StatisticsStore
from simlearn.analysis.sites import Part
from simlearn.analysis.splits import merge_codes
from simlearn.analysis.stats import Accumulator

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter
    from simlearn.data.questions import Question


class NeuronStatistics(pl.LightningModule):
    """Fills accumulators from batches of questions, for ``predict(return_predictions=False)``.

    Validation and test loops even out processes by repeating samples; prediction does not. At the
    end the accumulators hold the samples of all processes, in each of them. The model is held
    beside Lightning, which neither moves nor casts it: one spread over devices stays so.

    Args:
        adapter: of the model, in eval mode and where it is to run.
        accumulators: by name, empty, on the device of the adapter.
        part: of the model.
        attn: where attention weights come from.
        causal: of ``attn="reference"``.
        datasets: names whose place is the number of a question's data set, as
            :class:`~simlearn.analysis.sample_scores.SampleScores` counts them; empty where none
            of the accumulators asks.
        split: which modalities count as one, see :data:`~simlearn.analysis.splits.SPLITS`; a
            merged one is collected under "text".
        store: makes the run resumable; of the same accumulators. Batches must then hold questions,
            without those in ``store.done``; with none left the trainer runs no hook, and
            ``store.finish()`` is to be called instead.
        max_bytes: most memory that the statistics may need; ``None`` for half of what is free.
    """

    def __init__(
        self,
        adapter: ModelAdapter,
        accumulators: Mapping[str, Accumulator],
        *,
        part: Part = "text",
        attn: AttentionMode = "none",
        causal: bool = False,
        datasets: Sequence[str] = (),
        split: str = "special_text_separate",
        store: StatisticsStore | None = None,
        max_bytes: int | None = None,
    ) -> None:
        super().__init__()
        self.adapter, self.accumulators = adapter, dict(accumulators)
        self.part, self.attn = part, attn
        self.datasets, self.store, self.max_bytes = tuple(datasets), store, max_bytes
        self.split = split
        self.collector = Collector(
            adapter, tuple(self.accumulators.values()), part=part, attn=attn, causal=causal
        )
        self._checked = -1

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> Any:
        """Leave the batch where it is; the adapter moves it."""
        return batch

    def predict_step(
        self, batch: Mapping[str, Any], batch_idx: int, dataloader_idx: int = 0
    ) -> int:
        """Take in one batch.

        Args:
            batch: ``{"questions": [Question, ...]}``, tensors as a processor returns them, or
                both (encoded by the loader's processes).
            batch_idx: not used.
            dataloader_idx: not used.

        Returns:
            Number of samples (Lightning warns of a step that returns nothing).

        Raises:
            AnalysisError: as for :func:`~simlearn.analysis.collector.collect`; a data set that is
                none of ``datasets``; a store and a batch without questions.
        """
        questions: Sequence[Question] | None = batch.get("questions")
        if questions is None and self.store is not None:
            raise AnalysisError("resumable statistics need batches of questions: they have ids")
        encoded = {key: value for key, value in batch.items() if isinstance(value, Tensor)}
        if questions is not None and "input_ids" not in encoded:
            encoded = self.adapter.encode(questions)
        tokens = merge_codes(self.adapter.token_modality(encoded), self.split)
        self._check(encoded)
        with self.collector, torch.autocast(self.adapter.device.type, enabled=False):
            self.collector.watch(tokens, self._rows(questions))
            self.adapter.forward(encoded, logits="none")
        if self.store is not None and questions is not None:
            ids, datasets = [q.id for q in questions], [q.dataset for q in questions]
            self.store.record(records_of_batch(ids, datasets, tokens))
        return len(tokens.codes)

    def on_predict_end(self) -> None:
        """Bring the processes together."""
        with torch.inference_mode(False):
            if self.store is not None:
                self.store.finish()
                return
            for accumulator in self.accumulators.values():
                accumulator.all_reduce_()

    def _rows(self, questions: Sequence[Question] | None) -> Tensor | None:
        """Number of each question's data set, int64 ``(B,)``."""
        if questions is None or not self.datasets:
            return None
        for q in questions:
            if q.dataset not in self.datasets:
                raise AnalysisError(
                    f"question {q.id!r} is of data set {q.dataset!r}; there are "
                    f"{', '.join(self.datasets)}"
                )
        return torch.tensor([self.datasets.index(q.dataset) for q in questions])

    def _check(self, encoded: Mapping[str, Tensor]) -> None:
        """Guard the memory at the first batch and at larger ones."""
        if encoded["input_ids"].numel() <= self._checked:
            return
        self._checked = encoded["input_ids"].numel()
        check_memory(
            self.adapter,
            encoded,
            tuple(self.accumulators.values()),
            part=self.part,
            attn=self.attn,
            max_bytes=self.max_bytes,
        )
