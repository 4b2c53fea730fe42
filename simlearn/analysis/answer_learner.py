"""Second lesson of a small multimodal model: everything learns to answer questions."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn

from simlearn.analysis.answer_tensors import AnswerTensors
from simlearn.analysis.encoder_learner import encoder_of
from simlearn.analysis.media_tensors import TURNS, MediaTensors
from simlearn.analysis.step_log import log_step
from simlearn.data.question_batches import QuestionSampler
from simlearn.data.randomness import derive_seed, numpy_generator, seed_layers


class AnswerLearner(pl.LightningModule):
    """Trains a model on questions with and without a medium, which go through it apart.

    The loss is the cross-entropy of the answer and of the end that follows it, nothing else.

    Args:
        model: a LLaVA, Qwen2-VL or Qwen2-Audio, trained in place.
        media: pictures or sounds of the questions.
        answers: ids of the questions.
        sampler: which questions come in which step.
        optimizer: optimiser and schedule, with ``slow`` parameters.
        encoder_factor: what the encoder's learning rate is multiplied by.
        text_weight: weight of the questions without a medium.
        turns: flip and transpose pictures at random.
        seed: of the draws, each a function of (seed, step).
    """

    def __init__(
        self,
        model: Any,
        media: MediaTensors,
        answers: AnswerTensors,
        sampler: QuestionSampler,
        optimizer: Any,
        *,
        encoder_factor: float = 1.0,
        text_weight: float = 1.0,
        turns: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model, self.media, self.answers, self.sampler = model, media, answers, sampler
        self.optimizer, self.encoder_factor, self.text_weight = (
            optimizer,
            encoder_factor,
            text_weight,
        )
        self.turns, self.seed = turns, seed

    def rows(self, step: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Questions of a step with a medium, those without, and how pictures are turned."""
        with_medium, without = (torch.from_numpy(rows) for rows in self.sampler(step))
        g = numpy_generator(self.seed, "turns", step)
        turns = torch.from_numpy(g.integers(TURNS, size=len(with_medium)))
        return with_medium, without, turns if self.turns else None

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seed what layers draw, so that a resumed run draws the same."""
        seed_layers(derive_seed(self.seed, "answer step", self.global_step))

    def training_step(
        self, batch: tuple[Tensor, Tensor, Tensor | None], batch_idx: int
    ) -> dict[str, Tensor]:
        """Loss with a medium plus ``text_weight`` times the loss without."""
        with_medium, without, turns = batch
        loss, parts = torch.zeros((), device=self.device), {}
        if len(with_medium):
            inputs = self.media.inputs(self.media.rows[with_medium.cpu()], turns)
            parts["loss_media"] = self._loss(with_medium.cpu(), inputs)
            loss = loss + parts["loss_media"]
        if len(without):
            parts["loss_text"] = self._loss(without.cpu(), {})
            loss = loss + self.text_weight * parts["loss_text"]
        log_step(self, parts)
        return {"loss": loss}

    def _loss(self, rows: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """Mean cross-entropy of the answers and ends of some questions."""
        ids, mask, targets = (v.to(self.device) for v in self.answers.batch(rows))
        inputs = {name: value.to(self.device) for name, value in inputs.items()}
        if "image_grid_thw" in inputs:
            inputs["mm_token_type_ids"] = (ids == self.model.config.image_token_id).int()
        logits = self.model(
            input_ids=ids, attention_mask=mask, logits_to_keep=2, use_cache=False, **inputs
        ).logits[:, -2:]
        return nn.functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Optimiser and schedule over all steps of the lesson."""
        total = int(self.trainer.estimated_stepping_batches)
        optimizer, scheduler = self.optimizer.build(
            self.parameters(),
            total,
            slow=encoder_of(self.model).parameters(),
            factor=self.encoder_factor,
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }
