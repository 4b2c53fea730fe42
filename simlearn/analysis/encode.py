"""Questions as a batch of a model: chat template, media, padding on the left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.families import Family
from simlearn.analysis.model_checks import tokenizer_of
from simlearn.analysis.tokens import AUDIO, IMAGE, NAMES

if TYPE_CHECKING:
    from simlearn.data.questions import Question


def encode_questions(
    questions: Sequence[Question],
    processor: Any,
    family: Family,
    placeholders: Mapping[int, int],
) -> dict[str, Tensor]:
    """Run a processor over questions.

    Args:
        questions: B of them, at least one; each with its picture or sound or none.
        processor: of transformers; a tokenizer where nothing but text is read.
        family: whose marks stand around a medium where there is no chat template.
        placeholders: id of the placeholder by media code.

    Returns:
        What the processor gives, tensors only; ``input_ids`` ``(B, T)`` padded left.

    Raises:
        AnalysisError: no question; a medium that the model or processor does not take; no token
            to pad with.
        DataError: a picture or sound that cannot be read.
    """
    from simlearn.data.media import load_audio, load_image

    if not questions:
        raise AnalysisError("there is no question to encode")
    tokenizer = tokenizer_of(processor)
    if tokenizer.pad_token is None:
        raise AnalysisError(
            "the tokenizer has no token to pad with: tokenizer.pad_token = tokenizer.eos_token"
        )
    texts = [prompt_text(q, processor, family, placeholders) for q in questions]
    given: dict[str, Any] = {}
    images = [load_image(q) for q in questions if q.image is not None]
    if images:
        given["images"] = images
    if any(q.audio is not None for q in questions):
        extractor = processor.feature_extractor
        rate = extractor.sampling_rate
        waves = [load_audio(q, rate) for q in questions if q.audio is not None]
        given["audio"] = [whole_chunk(wave, extractor) for wave in waves]
        given["sampling_rate"] = rate
    bos = tokenizer.bos_token
    if bos is not None and all(text.startswith(bos) for text in texts):
        given["add_special_tokens"] = False
    batch = processor(text=texts, padding=True, padding_side="left", return_tensors="pt", **given)
    return {key: value for key, value in batch.items() if isinstance(value, Tensor)}


def whole_chunk(wave: np.ndarray, extractor: Any) -> np.ndarray:
    """A sound cut or filled with silence to the extractor's length, where that is a float.

    Such an extractor (``chunk_length`` 0.64 s, not 30) takes no other length: transformers cuts
    and fills by ``n_samples`` and cannot do so by a float.

    Args:
        wave: float32 ``(S,)``.
        extractor: with ``n_samples`` or without.
    """
    wanted = getattr(extractor, "n_samples", None)
    if not isinstance(wanted, float):
        return wave
    return np.pad(wave[: round(wanted)], (0, max(0, round(wanted) - len(wave))))


def prompt_text(
    question: Question, processor: Any, family: Family, placeholders: Mapping[int, int]
) -> str:
    """A question as the processor takes it: one placeholder per medium, not yet repeated.

    Args:
        question: with at most one picture and one sound, which come before the text.
        processor: whose chat template (or whose tokenizer's) is used, if there is one.
        family: whose marks stand around a medium where there is no chat template.
        placeholders: id of the placeholder by media code.

    Raises:
        AnalysisError: a medium that the model or the processor does not take.
    """
    media = {IMAGE: question.image, AUDIO: question.audio}
    codes = [code for code, medium in media.items() if medium is not None]
    needs = {IMAGE: "image_processor", AUDIO: "feature_extractor"}
    for code in codes:
        if code not in placeholders or getattr(processor, needs[code], None) is None:
            raise AnalysisError(
                f"question {question.id!r} has an {NAMES[code]}, but the model or its "
                f"{type(processor).__name__} takes none"
            )
    tokenizer = tokenizer_of(processor)
    own = getattr(processor, "chat_template", None)
    template = own or getattr(tokenizer, "chat_template", None)
    if template is None:
        parts = []
        for code in codes:
            before, after = family.around.get(NAMES[code], ("", ""))
            parts += [before, tokenizer.convert_ids_to_tokens(placeholders[code]), after]
        return "".join([*parts, question.text])
    content: Any = [{"type": NAMES[code], NAMES[code]: ""} for code in codes]
    content.append({"type": "text", "text": question.text})
    if processor is tokenizer:
        content = question.text
    return (processor if own else tokenizer).apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
