"""The parts that the training of a small multimodal model is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from simlearn.analysis.answer_protocol import QuestionAnswering
from simlearn.analysis.tiny_models import TinyModel
from simlearn.analysis.word_tokenizer import words_of
from simlearn.data.question_batches import QuestionBatches
from simlearn.data.questions import QuestionData, QuestionSource
from simlearn.data.randomness import derive_seed
from simlearn.learners.optim import Schedules
from simlearn.trainer import Logs, TrainerSettings

FEW = 40
"""Questions of each data set and split that ``trainer.fast_dev_run`` looks at."""


@dataclass(frozen=True)
class LanguageParts:
    """Everything that the configuration describes, constructed; not yet opened or trained."""

    source: QuestionSource
    model: TinyModel
    optimizer: Schedules
    batches: QuestionBatches
    protocol: QuestionAnswering
    trainer: TrainerSettings
    logs: Logs

    def build(self, data: QuestionData, seed: int) -> tuple[Any, Any]:
        """The untrained model for the words of the training questions, and its processor."""
        words = words_of(f"{q.text} {' '.join(q.answers)}" for q in data.splits["train"])
        return self.model.build(words, seed=derive_seed(seed, "weights"))

    def small(self) -> LanguageParts:
        """The parts of a quick look: a few questions, two steps of either lesson."""
        few = {name: min(FEW, getattr(self.source, name) or FEW) for name in ("train", "test")}
        for name in ("text_train", "text_test"):  # of some data
            if hasattr(self.source, name):
                few[name] = min(FEW, getattr(self.source, name))
        return replace(
            self,
            source=replace(self.source, **few),
            model=replace(self.model, encoder_steps=min(2, self.model.encoder_steps)),
            protocol=replace(self.protocol, bootstrap=50),
        )
