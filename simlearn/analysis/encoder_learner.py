"""First lesson of a small multimodal model: its encoder alone learns to tell what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn

from simlearn.analysis.media_tensors import TURNS, MediaTensors
from simlearn.analysis.step_log import log_step
from simlearn.analysis.word_tokenizer import words_of
from simlearn.data.questions import Question
from simlearn.data.randomness import derive_seed, numpy_generator, seed_layers
from simlearn.learners.metric import OptimizerSettings

NEGATIONS = {"no", "not"}


def encoder_of(model: Any) -> nn.Module:
    """The vision tower or the audio tower."""
    inner = model.model
    for name in ("vision_tower", "visual", "audio_tower"):
        if hasattr(inner, name):
            tower: nn.Module = getattr(inner, name)
            return tower
    raise ValueError(f"{type(model).__name__} has no encoder to teach")


def encoder_features(model: Any, inputs: Mapping[str, Tensor], count: int) -> Tensor:
    """``(count, tokens, width)``: the encoder's last hidden states, before the projector.

    Args:
        model: LLaVA, Qwen2-VL or Qwen2-Audio.
        inputs: of ``count`` media, from :meth:`MediaTensors.inputs`.
        count: number of media.
    """
    tower = encoder_of(model)
    if "input_features" in inputs:
        return tower(inputs["input_features"]).last_hidden_state
    pixels = inputs["pixel_values"]
    if "image_grid_thw" in inputs:
        h = tower(pixels, grid_thw=inputs["image_grid_thw"]).last_hidden_state
        return h.reshape(count, -1, h.shape[-1])
    return tower(pixels).last_hidden_state[:, 1:]  # without CLIP's class token


def attribute_labels(
    questions: Sequence[Question], rows: Tensor, media: int
) -> dict[str, tuple[Tensor, tuple[str, ...]]]:
    """What the questions say of every medium, by kind of question.

    "what color is the shape? red" says it outright, "is there a red shape? yes" too; "no" and
    negated questions say too little.

    Args:
        questions: training questions.
        rows: ``(Q,)`` int64: medium of each, -1 for none.
        media: number of media.

    Returns:
        kind -> ((media,) int64 labels, -1 where no question tells; names of the labels).
    """
    said: dict[str, dict[int, str]] = {}
    affirmed: list[tuple[int, set[str]]] = []
    for q, row in zip(questions, rows.tolist(), strict=True):
        if row < 0 or not q.answers:
            continue
        if not set(q.answers) & {"yes", "no"}:
            said.setdefault(q.kind, {})[row] = q.answers[0]
        elif q.answers[0] == "yes" and not NEGATIONS & set(words_of([q.text])):
            affirmed.append((row, set(words_of([q.text]))))
    labels_of = {kind: set(answers.values()) for kind, answers in said.items()}
    for row, words in affirmed:
        for kind, there in labels_of.items():
            if len(words & there) == 1:
                said[kind].setdefault(row, *(words & there))
    found = {}
    for kind, answers in sorted(said.items()):
        names = tuple(sorted(set(answers.values())))
        labels = torch.full((media,), -1)
        for row, answer in answers.items():
            labels[row] = names.index(answer)
        found[kind] = (labels, names)
    return found


class EncoderLearner(pl.LightningModule):
    """Trains the encoder with one linear head per attribute on its mean features.

    Args:
        model: the whole model, of which the encoder is trained in place.
        media: pictures or sounds.
        labels: see :func:`attribute_labels`.
        optimizer: optimiser and schedule.
        width: of the encoder's features.
        batch: media in a step.
        turns: flip and transpose pictures at random.
        seed: of the draws, each a function of (seed, step), and of the heads' weights.
    """

    def __init__(
        self,
        model: Any,
        media: MediaTensors,
        labels: Mapping[str, tuple[Tensor, tuple[str, ...]]],
        optimizer: OptimizerSettings,
        *,
        width: int,
        batch: int = 64,
        turns: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self._whole = [model]  # not registered: the encoder alone is trained and saved
        self.encoder, self.media, self.optimizer = encoder_of(model), media, optimizer
        self.labels = [label for label, _ in labels.values()]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "encoder heads"))
            self.heads = nn.ModuleList(nn.Linear(width, len(names)) for _, names in labels.values())
        self.batch, self.turns, self.seed = batch, turns, seed

    def rows(self, step: int) -> tuple[Tensor, Tensor | None]:
        """Media of a step and how each is turned."""
        g = numpy_generator(self.seed, "encoder batch", step)
        media = torch.from_numpy(g.integers(len(self.media.values), size=self.batch))
        turns = torch.from_numpy(g.integers(TURNS, size=self.batch))
        return media, turns if self.turns else None

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seed what layers draw, so that a resumed run draws the same."""
        seed_layers(derive_seed(self.seed, "encoder step", self.global_step))

    def training_step(
        self, batch: tuple[Tensor, Tensor | None], batch_idx: int
    ) -> dict[str, Tensor]:
        """Mean cross-entropy over the attributes that are known of the media."""
        media, turns = batch
        inputs = {k: v.to(self.device) for k, v in self.media.inputs(media.cpu(), turns).items()}
        pooled = encoder_features(self._whole[0], inputs, len(media)).mean(dim=1)
        losses = []
        for label, head in zip(self.labels, self.heads, strict=True):
            y = label[media.cpu()].to(self.device)
            losses.append(nn.functional.cross_entropy(head(pooled), y, ignore_index=-1))
        loss = torch.stack([v for v in losses if torch.isfinite(v)] or [pooled.sum() * 0]).mean()
        log_step(self, {"loss": loss})
        return {"loss": loss}

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Optimiser and schedule over all steps of the lesson."""
        total = int(self.trainer.estimated_stepping_batches)
        optimizer, scheduler = self.optimizer.build(self.parameters(), total)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }
