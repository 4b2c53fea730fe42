"""How likely a model finds given answers: one forward pass over prompts and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from simlearn.analysis.errors import AnalysisError

if TYPE_CHECKING:
    from torch import nn

    from simlearn.analysis.adapter import ModelAdapter

CHUNK = 256
"""Answer tokens whose logits are held at a time."""
PER_TOKEN = ("mm_token_type_ids", "token_type_ids")
"""Entries of a batch besides ids and mask with one number per token; answers have 0."""


@dataclass(frozen=True, eq=False)
class ForcedAnswers:
    """What a model says to given answers.

    Attributes:
        loss: ``(B,)`` float64 negative log-likelihood of the answer in nats, mean per token; nan
            for an answer without a token.
        margin: ``(B,)`` float64 logit of the answer's token less the best other logit, mean over
            the answer's tokens; nan likewise.
        greedy: for each row the likeliest token at each place of the answer, given the right
            tokens before it.
        right: ``(B,)`` bool: all of them are the answer's, so greedy decoding begins with the
            answer; ``False`` for an answer without a token.
    """

    loss: Tensor
    margin: Tensor
    greedy: list[list[int]]
    right: Tensor


def append_answers(
    batch: Mapping[str, Any], answers: Sequence[Sequence[int]], pad: int
) -> tuple[dict[str, Any], Tensor]:
    """Prompts padded on the left with answers behind them, padded on the right.

    Args:
        batch: of B prompts; each ends in the last column.
        answers: B lists of token ids.
        pad: id that fills up; not attended.

    Returns:
        The longer batch, and bool ``(B, A)``: places of answer tokens in its last A columns.

    Raises:
        AnalysisError: a prompt that does not end in the last column.
    """
    ids = batch["input_ids"]
    attention = batch.get("attention_mask", torch.ones_like(ids))
    if not bool((attention[:, -1] != 0).all()):
        raise AnalysisError(
            "prompts must be padded on the left for answers to follow them: encode them with "
            'padding_side="left"'
        )
    longest = max(map(len, answers))
    rows = [[*answer, *[pad] * (longest - len(answer))] for answer in answers]
    lengths = torch.tensor([len(answer) for answer in answers], device=ids.device)
    there = torch.arange(longest, device=ids.device) < lengths[:, None]
    new = dict(batch)
    tail = torch.tensor(rows, dtype=ids.dtype, device=ids.device).reshape(len(rows), longest)
    new["input_ids"] = torch.cat([ids, tail], dim=1)
    new["attention_mask"] = torch.cat([attention, there.to(attention.dtype)], dim=1)
    for name in PER_TOKEN:
        if name in batch:
            kinds = batch[name]
            new[name] = torch.cat([kinds, kinds.new_zeros(len(rows), longest)], dim=1)
    return new, there


def token_figures(logits: Tensor, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, margin and likeliest token at each of P places.

    Args:
        logits: ``(P, V)``, V at least 2; half precision is computed in float32.
        ids: ``(P,)`` int64 right tokens.

    Returns:
        ``(P,)`` float64 negative log-likelihood in nats, ``(P,)`` float64 logit of the right token
        less the best other one, and ``(P,)`` int64 argmax.
    """
    wide = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    own = wide.gather(1, ids[:, None])[:, 0]
    others = wide.scatter(1, ids[:, None], -torch.inf).amax(dim=1)
    nll = wide.logsumexp(dim=1) - own
    return nll.double(), (own - others).double(), wide.argmax(dim=1)


def force_answers(
    adapter: ModelAdapter,
    batch: Mapping[str, Any],
    answers: Sequence[Sequence[int]],
    *,
    pad: int = 0,
) -> ForcedAnswers:
    """Run prompts and answers once; only answer tokens go through the output layer.

    Args:
        adapter: of the model.
        batch: of B prompts, padded on the left.
        answers: B lists of token ids; may be empty.
        pad: id that fills up.

    Raises:
        AnalysisError: a prompt that does not end in the last column; logits that are not finite.
    """
    size = len(answers)
    if not any(answers):
        nothing = torch.full((size,), float("nan"), dtype=torch.float64)
        return ForcedAnswers(nothing, nothing, [[] for _ in answers], torch.zeros(size).bool())
    longer, there = append_answers(batch, answers, pad)
    width = there.shape[1]
    last: list[Tensor] = []

    def keep(module: nn.Module, args: Any, output: Any) -> None:
        """Keep the final hidden states that foretell the answer."""
        from simlearn.analysis.adapter import hidden

        last.append(hidden(output)[:, -width - 1 : -1])

    with torch.inference_mode():
        handle = adapter.decoder.register_forward_hook(keep)
        try:
            adapter.forward(longer, logits="none")
        finally:
            handle.remove()
        states = last[-1]
        where = there.to(states.device)
        right_ids = longer["input_ids"][:, -width:].to(states.device)[where]
        figures = [
            token_figures(logits, ids.to(logits.device))
            for h, ids in zip(states[where].split(CHUNK), right_ids.split(CHUNK), strict=True)
            for logits in [adapter.unembed(h, norm=False)]
        ]
        nll, margin, best = (torch.cat(parts).cpu() for parts in zip(*figures, strict=True))
    return by_row(there.cpu(), nll, margin, best, right_ids.cpu())


def by_row(there: Tensor, nll: Tensor, margin: Tensor, best: Tensor, ids: Tensor) -> ForcedAnswers:
    """Gather figures of P tokens into those of B answers.

    Args:
        there: bool ``(B, A)`` places of the P tokens.
        nll: ``(P,)`` float64.
        margin: ``(P,)`` float64.
        best: ``(P,)`` int64 likeliest tokens.
        ids: ``(P,)`` int64 right tokens.

    Raises:
        AnalysisError: a loss that is nan.
    """
    row = there.nonzero()[:, 0]
    if bool(nll.isnan().any()):
        raise AnalysisError(
            f"the logits of row {int(row[nll.isnan()][0])} are not finite: load the model in "
            "bfloat16 or float32 instead of float16, or overwrite neurons with a smaller value"
        )
    count = there.sum(dim=1)

    def mean(values: Tensor) -> Tensor:
        """``(B,)`` mean over each row's tokens; nan without one."""
        return torch.zeros(len(there), dtype=torch.float64).index_add_(0, row, values) / count

    hits = torch.zeros(len(there), dtype=torch.int64).index_add_(0, row, (best == ids).long())
    return ForcedAnswers(
        loss=mean(nll),
        margin=mean(margin),
        greedy=[part.tolist() for part in best.split(count.tolist())],
        right=(hits == count) & (count > 0),
    )
