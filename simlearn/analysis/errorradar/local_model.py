"""A model in this process as an endpoint."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from simlearn.analysis.errorradar.endpoint import (
    Endpoint,
    EndpointError,
    EndpointSession,
    Failure,
    Reply,
    Request,
    Weights,
)
from simlearn.analysis.errorradar.model_identity import model_digest, model_name
from simlearn.analysis.errorradar.request_questions import reason_of, request_question
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.model_checks import tokenizer_of
from simlearn.analysis.tokens import IMAGE
from simlearn.data.errors import DataError

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter
    from simlearn.data.questions import Question
    from simlearn.trainer.interrupt import StopFlag

GREEDY: Mapping[str, Any] = {
    "num_beams": 1,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
}
"""Set aside what a model's own settings say: penalties also count padding tokens."""


@dataclass(frozen=True, kw_only=True)
class LocalModel(Endpoint):
    """The chosen model answers in this process, always with the likeliest token.

    Args:
        batch_size: prompts that are run together; it changes no reply but for rounding.
        max_tokens: of a reply.
        name: of the model in tables; ``None`` for what its files say.
        dry_run: show prompts, ask nothing.

    Raises:
        ValueError: a number below 1.
    """

    needs_model: ClassVar[bool] = True

    batch_size: int = 8
    max_tokens: int = 256
    name: str | None = None
    dry_run: bool = False

    def __post_init__(self) -> None:
        for name in ("batch_size", "max_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"endpoint.{name} is {getattr(self, name)}, must be at least 1")

    def open(self, adapter: ModelAdapter | None = None) -> LocalSession:
        """Make it ready; the weights are read once for the identity.

        Raises:
            EndpointError: no model, or one without processor.
        """
        if adapter is None:
            raise EndpointError(
                "the endpoint LocalModel asks a model in this process: choose one, such as "
                "model=pretrained model.path=FOLDER, or model=tiny_shipped"
            )
        if adapter.processor is None:
            raise EndpointError(
                f"{type(adapter.model).__name__} has no processor to write prompts with: make the "
                "adapter as ModelAdapter(model, AutoProcessor.from_pretrained(...))"
            )
        return LocalSession(
            adapter, batch_size=self.batch_size, max_tokens=self.max_tokens, name=self.name
        )


class LocalSession(EndpointSession):
    """A loaded model that is asked.

    Args:
        adapter: with a processor.
        batch_size: prompts that are run together.
        max_tokens: of a reply.
        name: of the model in tables.

    Attributes:
        name: that, or see :func:`~simlearn.analysis.errorradar.model_identity.model_name`.
        weights: "open".
    """

    weights: Weights = "open"

    def __init__(
        self, adapter: ModelAdapter, *, batch_size: int, max_tokens: int, name: str | None = None
    ) -> None:
        self.adapter, self.batch_size, self.max_tokens = adapter, batch_size, max_tokens
        self.name = name or model_name(adapter.model)
        self._digest = model_digest(adapter)
        tokenizer = tokenizer_of(adapter.processor)
        self._tokenizer, self._ends = tokenizer, end_ids(adapter.model, tokenizer)
        places = tokenizer.convert_ids_to_tokens(list(adapter.placeholders.values()))
        self._places = [place for place in places if place]

    def identity(self) -> Mapping[str, object]:
        """Digest of model, weights and processor, and the settings; not the device or batch."""
        return {
            "endpoint": "local model",
            "model": self._digest,
            "decoding": "greedy",
            "max_tokens": self.max_tokens,
        }

    def ask(
        self, requests: Iterable[Request], *, stop: StopFlag | None = None
    ) -> Iterator[Reply | Failure]:
        """Run batch after batch; prompts with and without a figure are never mixed.

        Args:
            requests: at most two batches of them are held.
            stop: asked after every batch.

        Raises:
            EndpointError: a figure for a model that takes none, or too little memory.
            AnalysisError: what the model's adapter says, such as a tokenizer that cannot pad.
        """
        waiting: dict[bool, list[tuple[Request, Question]]] = {True: [], False: []}
        for request in requests:
            if stop is not None and stop.signal:
                return
            try:
                question = self._question(request)
            except DataError as error:
                yield _failure(request, error)
                continue
            own = waiting[question.image is not None]
            own.append((request, question))
            if len(own) == self.batch_size:
                yield from self._answers(own)
                own.clear()
        for own in waiting.values():
            if own and not (stop is not None and stop.signal):
                yield from self._answers(own)

    def _question(self, request: Request) -> Question:
        """The request as a question that this model can be asked.

        Raises:
            DataError: its picture cannot be read, or its text holds a placeholder.
        """
        adapter = self.adapter
        takes = IMAGE in adapter.placeholders and hasattr(adapter.processor, "image_processor")
        if request.image is not None and not takes:
            raise EndpointError(
                f"record {reason_of(ValueError(request.id))} has a figure, and "
                f"{type(adapter.model).__name__} with its {type(adapter.processor).__name__} only "
                "reads text: choose a model that takes pictures, or leave the figures out with "
                "evaluation.images=false"
            )
        question = request_question(request)
        for place in self._places:
            if place in question.text:
                raise DataError(
                    f"the prompt holds {place!r}, which stands for a picture or sound in this "
                    "model: take it out of the question or the steps"
                )
        return question

    def _answers(self, batch: Sequence[tuple[Request, Question]]) -> Iterator[Reply | Failure]:
        """The replies to one batch; each alone where the batch as a whole cannot be encoded."""
        start = time.perf_counter()
        try:
            encoded = self.adapter.encode([question for _, question in batch])
        except AnalysisError:
            raise
        except (ValueError, TypeError, IndexError, ZeroDivisionError) as error:
            # such as a picture that is too narrow for the processor
            if len(batch) == 1:
                yield _failure(batch[0][0], error)
                return
            for one in batch:
                yield from self._answers([one])
            return
        new = self._generate(encoded)
        seconds = (time.perf_counter() - start) / len(batch)
        mask = encoded.get("attention_mask")
        sizes = (torch.ones_like(encoded["input_ids"]) if mask is None else mask).sum(dim=1)
        for (request, _), row, size in zip(batch, new.tolist(), sizes.tolist(), strict=True):
            yield self._reply(request, row, int(size), seconds)

    def _generate(self, encoded: Mapping[str, Tensor]) -> Tensor:
        """Ids of the new tokens ``(B, new)``."""
        settings = {**GREEDY, "pad_token_id": self._tokenizer.pad_token_id}
        if self._ends:
            settings["eos_token_id"] = sorted(self._ends)
        try:
            return self.adapter.generate(encoded, max_new_tokens=self.max_tokens, **settings).cpu()
        except torch.OutOfMemoryError as error:
            raise EndpointError(
                f"the memory is too small for {len(encoded['input_ids'])} prompts of "
                f"{encoded['input_ids'].shape[1]} tokens: lower endpoint.batch_size "
                f"({self.batch_size}) or endpoint.max_tokens ({self.max_tokens})"
            ) from error

    def _reply(self, request: Request, row: list[int], size: int, seconds: float) -> Reply:
        """What one row of new tokens says, up to its end."""
        end = next((place for place, token in enumerate(row) if token in self._ends), None)
        written = row[:end]
        return Reply(
            key=request.key,
            id=request.id,
            task=request.task,
            variant=request.variant,
            text=self._tokenizer.decode(written, skip_special_tokens=True),
            model=self.name,
            finish="length" if end is None else "stop",
            seconds=seconds,
            prompt_tokens=size,
            completion_tokens=len(written) + (end is not None),
        )


def end_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """Ids of the tokens that end a reply: those of the generation settings and the tokenizer's.

    Args:
        model: of transformers.
        tokenizer: its tokenizer.
    """
    own = getattr(model.generation_config, "eos_token_id", None)
    found = [*own] if isinstance(own, (list, tuple)) else [own]
    return frozenset(int(i) for i in [*found, tokenizer.eos_token_id] if i is not None)


def _failure(request: Request, error: Exception) -> Failure:
    """The request without reply."""
    return Failure(request.key, request.id, request.task, request.variant, reason_of(error))
