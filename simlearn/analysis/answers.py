"""Questions put to a model: is the answer right, how likely, by what margin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from simlearn.analysis.answer_metrics import judge
from simlearn.analysis.encoded_media import encode_media, given_features
from simlearn.analysis.encoded_questions import EncodedQuestions, encode_batch, row_batches
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.model_checks import tokenizer_of
from simlearn.analysis.teacher_forcing import force_answers

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter
    from simlearn.data.questions import Question
    from simlearn.data.video_source import Report

Method = Literal["next_token", "generate"]


@dataclass(frozen=True, eq=False)
class AnswerScores:
    """What a model answered, in the order of the questions.

    Attributes:
        ids: of the Q questions.
        correct: bool ``(Q,)``; ``False`` without a reference.
        score: ``(Q,)`` float64 in [0, 1]: what ``judge`` says ("generate"), which may lie between,
            as for WRR; or ``correct`` ("next_token"); nan without a reference.
        loss: ``(Q,)`` float64 negative log-likelihood of the first reference in nats, mean per
            token; nan without a reference.
        margin: ``(Q,)`` float64 logit of the reference's token less the best other logit, mean
            over its tokens; nan without a reference.
        texts: the generated answer, or the likeliest token at each place of the reference.
    """

    ids: tuple[str, ...]
    correct: Tensor
    score: Tensor
    loss: Tensor
    margin: Tensor
    texts: list[str]


def answer_scores(
    adapter: ModelAdapter,
    questions: Sequence[Question],
    *,
    batch_size: int = 64,
    method: Method = "next_token",
    max_new_tokens: int = 32,
    progress: Report | None = None,
) -> AnswerScores:
    """Put questions to a model; one batch is in memory at a time.

    "next_token": one forward pass over the prompt and the first reference; right when every token
    of the reference is the likeliest one, so when greedy decoding begins with it (the end of the
    answer is not asked for). "generate": greedy decoding, judged by the question's metric against
    all references; loss and margin still come from the forward pass.

    Args:
        adapter: with a processor.
        questions: Q questions; those with a picture, a sound or neither are batched apart.
        batch_size: questions run at once.
        method: as above.
        max_new_tokens: of "generate".
        progress: called with ("answers", done, all) after each batch.

    Raises:
        ValueError: an unknown method or a batch size below 1.
        AnalysisError: an adapter without a processor; logits that are not finite.
    """
    check(adapter, batch_size, method)
    encoded = (
        encode_batch(adapter, questions, rows) for rows in row_batches(questions, batch_size)
    )
    return gather(adapter, encoded, len(questions), method, max_new_tokens, progress)


def prepare_answers(
    adapter: ModelAdapter, questions: Sequence[Question], *, batch_size: int = 64
) -> list[EncodedQuestions]:
    """Encode questions once for a sweep over many masks of the language model.

    Media are read and prepared once, and where the model's forward takes features of its encoder
    (LLaVA, LLaVA-NeXT, Qwen2-VL, Qwen2.5-VL; not Qwen2-Audio) the vision tower runs only here: do
    this outside ``deactivate``, and not for masks of the vision part. All batches stay on the
    model's device; a picture takes tokens x width numbers (LLaVA-1.5 in half precision: 4.7 MB).

    Args:
        adapter: with a processor.
        questions: as for :func:`answer_scores`.
        batch_size: questions run at once.

    Raises:
        ValueError: a batch size below 1.
        AnalysisError: an adapter without a processor.
    """
    check(adapter, batch_size, "next_token")
    found = []
    for rows in row_batches(questions, batch_size):
        one = encode_batch(adapter, questions, rows)
        batch, features = encode_media(adapter, one.batch)
        found.append(replace(one, batch=batch, features=features))
    return found


def score_prepared(
    adapter: ModelAdapter,
    prepared: Sequence[EncodedQuestions],
    *,
    method: Method = "next_token",
    max_new_tokens: int = 32,
    progress: Report | None = None,
) -> AnswerScores:
    """The same as :func:`answer_scores` on what :func:`prepare_answers` gave.

    Args:
        adapter: that the questions were prepared with.
        prepared: all batches.
        method: as for :func:`answer_scores`.
        max_new_tokens: of "generate".
        progress: called with ("answers", done, all) after each batch.

    Raises:
        ValueError: an unknown method.
        AnalysisError: logits that are not finite.
    """
    check(adapter, 1, method)
    total = sum(len(one.rows) for one in prepared)
    return gather(adapter, iter(prepared), total, method, max_new_tokens, progress)


def check(adapter: ModelAdapter, batch_size: int, method: str) -> None:
    """Raise what :func:`answer_scores` says before anything runs."""
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}: at least 1")
    if method not in ("next_token", "generate"):
        raise ValueError(f'method is {method!r}: must be "next_token" or "generate"')
    if adapter.processor is None:
        raise AnalysisError(
            "questions need the model's processor: make the adapter as "
            "ModelAdapter(model, AutoProcessor.from_pretrained(...))"
        )


def gather(
    adapter: ModelAdapter,
    batches: Iterator[EncodedQuestions],
    total: int,
    method: Method,
    max_new_tokens: int,
    progress: Report | None,
) -> AnswerScores:
    """Score batch after batch and put the results into the order of the questions."""
    tokenizer = tokenizer_of(adapter.processor)
    pad = tokenizer.pad_token_id or 0
    ids, texts = [""] * total, [""] * total
    correct = torch.zeros(total, dtype=torch.bool)
    score, loss, margin = (torch.full((total,), float("nan")).double() for _ in range(3))
    done = 0
    for one in batches:
        rows = torch.tensor(one.rows)
        with given_features(adapter, one.features):
            forced = force_answers(adapter, one.batch, one.references, pad=pad)
            new = (
                adapter.generate(one.batch, max_new_tokens=max_new_tokens)
                if method == "generate"
                else forced.greedy
            )
        loss[rows], margin[rows] = forced.loss, forced.margin
        said = [text.strip() for text in tokenizer.batch_decode(new, skip_special_tokens=True)]
        for i, (row, q) in enumerate(zip(one.rows, one.questions, strict=True)):
            ids[row], texts[row] = q.id, said[i]
            if not q.answers:
                continue
            if method == "generate":
                score[row] = judge(q.metric, said[i], q.answers)
            else:
                score[row] = float(forced.right[i])
            correct[row] = bool(score[row] == 1.0)
        done += len(rows)
        if progress is not None:
            progress("answers", done, total)
    return AnswerScores(tuple(ids), correct, score, loss, margin, texts)
