"""What the last token of a prompt looks at: attention mass by modality, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from simlearn.analysis.attention_channel import AttentionCall, AttentionChannel
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.model_inputs import last_tokens
from simlearn.analysis.tokens import MODALITIES, TokenModality

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter


@dataclass(frozen=True, eq=False)
class LastTokenAttention:
    """Share of the last token's attention that each modality gets.

    Attributes:
        names: of the M modalities.
        mass: ``(L, M)`` float64 in [0, 1], mean over rows and heads; every layer sums to 1. A row
            without a modality counts 0 for it.
        share: ``(M,)`` float64 share of the tokens, mean over rows: what even attention would give.
        n: rows.
    """

    names: tuple[str, ...]
    mass: Tensor
    share: Tensor
    n: int


def modality_mass(attention: Tensor, onehot: Tensor) -> Tensor:
    """Attention of one query per row, summed over the tokens of each modality.

    Args:
        attention: ``(B, T)``, rows sum to 1.
        onehot: bool ``(B, M, T)``.

    Returns:
        float64 ``(B, M)``.
    """
    return (onehot.double() @ attention.double().unsqueeze(-1)).squeeze(-1)


class _Mass:
    """Listens to the attention of one batch and sums over its rows."""

    def __init__(self, codes: TokenModality, last: Tensor, layers: int) -> None:
        self.valid, self.onehot = codes.codes != 0, codes.onehot(MODALITIES)
        self.last, self.places = last, last.unique().tolist()
        self.layers: list[Tensor | None] = [None] * layers

    def listen(self, call: AttentionCall) -> None:
        """Sum the mass of one layer over the rows, at each row's last token."""
        total = torch.zeros(len(MODALITIES), dtype=torch.float64, device=call.key.device)
        onehot, last = self.onehot.to(call.key.device), self.last.to(call.key.device)
        for place in self.places:
            rows = last == place
            seen = call.head_mean(self.valid, rows=slice(place, place + 1))[:, 0]
            total += modality_mass(seen[rows], onehot[rows]).sum(dim=0)
        self.layers[call.layer] = total


def last_token_attention(
    adapter: ModelAdapter, batches: Iterable[Mapping[str, Tensor]]
) -> LastTokenAttention:
    """Attention mass of each prompt's last token on each modality: ``sum_{j in P_m} A_l[last, j]``.

    The mean over heads of the model's own (causal) attention, read beside its kernel, which stays
    what it is. Run it before and inside ``deactivate`` to see what the neurons route.

    Args:
        adapter: of the model.
        batches: as the processor returns them, padded on the left or right.

    Raises:
        AnalysisError: no batch; a layer whose attention cannot be heard; attention that is not
            finite.
    """
    layers = adapter.shape[0]
    mass = torch.zeros(layers, len(MODALITIES), dtype=torch.float64)
    share = torch.zeros(len(MODALITIES), dtype=torch.float64)
    count = 0
    with torch.inference_mode():
        for batch in batches:
            codes = adapter.token_modality(batch)
            last = last_tokens(batch["input_ids"], batch.get("attention_mask"))
            heard = _Mass(codes, last, layers)
            with AttentionChannel(adapter, heard.listen):
                adapter.forward(batch, logits="none")
            tokens = heard.onehot.sum(dim=2).double().cpu()
            share += (tokens / tokens.sum(dim=1, keepdim=True)).sum(dim=0)
            for layer, total in enumerate(heard.layers):
                if total is None or not bool(total.isfinite().all()):
                    what = "was not heard" if total is None else "is not finite"
                    raise AnalysisError(
                        f"the attention of layer {layer} {what}: load the model with "
                        'attn_implementation="sdpa", in bfloat16 or float32'
                    )
                mass[layer] += total.cpu()
            count += len(last)
    if not count:
        raise AnalysisError("no prompt was seen: give at least one batch")
    return LastTokenAttention(MODALITIES, mass / count, share / count, count)
