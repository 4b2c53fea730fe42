"""MINER's attention scores as one weight per token, read beside the model's own kernel."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from simlearn.analysis.attention_call import AttentionCall
from simlearn.analysis.attention_channel import AttentionChannel
from simlearn.analysis.errors import AnalysisError

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter

AttentionMode = Literal["none", "reference", "received"]
MODES: tuple[AttentionMode, ...] = ("none", "reference", "received")


def token_weights(
    a: Tensor,
    onehot: Tensor,
    mode: Literal["reference", "received"] = "reference",
    causal: bool = False,
) -> tuple[Tensor, Tensor]:
    """What each token weighs in attn_k and attn_q of its modality.

    "reference" is MINER's code (arXiv 2410.04819): of the block ``a`` of a modality's own tokens a
    second softmax ``W`` is taken, and ``sum_j (W^T X)_j`` is a sum of activations ``X_i`` with
    weight ``sum_j W_ij``: no product of tokens x tokens x neurons is made. attn_k normalises over
    the queries (row sums of ``W``), attn_q over the keys (column sums).

    "received" is the attention itself: attn_k weighs a token by what it receives from all queries,
    attn_q by what it gives to its own modality.

    Args:
        a: ``(..., T, T)`` head-mean attention from query (row) to key; rows of padding 0.
        onehot: bool ``(..., M, T)`` tokens of each modality.
        mode: which of the two.
        causal: "reference" only: the second softmax runs over pairs with key <= query.

    Returns:
        Two ``(..., M, T)``, 0 outside the modality. In "reference" each sums to the modality's
        number of tokens.

    Raises:
        ValueError: an unknown mode.
    """
    m = onehot.to(a.dtype)
    if mode == "received":
        given = m @ a.transpose(-1, -2)  # (M, T): from each query to the tokens of a modality
        return m * a.sum(-2).unsqueeze(-2), m * given
    if mode != "reference":
        raise ValueError(f'mode is {mode!r}: must be "reference" or "received"')
    e = a.exp()  # a is in [0, 1]
    if causal:
        e = e.tril()
    columns = m @ e  # (M, T): of each key, over the modality's queries
    rows = m @ e.transpose(-1, -2)
    per_key = torch.where(onehot, m / columns, 0.0)
    per_query = torch.where(onehot, m / rows, 0.0)
    return m * (per_key @ e.transpose(-1, -2)), m * (per_query @ e)


class AttentionProbe:
    """Token weights of each layer, worked out right after its attention; a context manager.

    Only ``(B, T, T)`` of one layer is there at a time, never one per head.

    Args:
        adapter: of the model.
        mode: "reference" or "received".
        causal: "reference" only: use the model's own (causal) attention instead of MINER's, which
            sees every token that is no padding. "received" always uses the model's own.
    """

    def __init__(
        self, adapter: ModelAdapter, mode: Literal["reference", "received"], *, causal: bool = False
    ) -> None:
        self.mode, self.causal = mode, causal
        self._channel = AttentionChannel(adapter, self._listen)
        self._tokens: tuple[Tensor, Tensor] | None = None
        self._weights: dict[int, tuple[Tensor, Tensor]] = {}

    def __enter__(self) -> AttentionProbe:
        self._channel.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.watch(None, None)
        self._channel.__exit__(kind, error, trace)

    def watch(self, valid: Tensor | None, onehot: Tensor | None) -> None:
        """Say what the next forward is about; ``None`` to look away.

        Args:
            valid: bool ``(B, T)``, tokens that are no padding.
            onehot: bool ``(B, M, T)``.
        """
        self._tokens = None if valid is None or onehot is None else (valid, onehot)
        self._weights.clear()

    def take(self, layer: int) -> tuple[Tensor, Tensor]:
        """The two ``(B, M, T)`` of a layer, once.

        Raises:
            AnalysisError: that layer's attention was not heard.
        """
        if layer not in self._weights:
            raise AnalysisError(
                f"the attention of layer {layer} was not heard before its neurons: it does not "
                'call transformers\' attention interface. Use attn="none"'
            )
        return self._weights.pop(layer)

    def _listen(self, call: AttentionCall) -> None:
        """Turn queries and keys into token weights."""
        if self._tokens is None:
            return
        valid, onehot = self._tokens
        if call.query.shape[2] != valid.shape[1]:
            raise AnalysisError(
                f"attention over {call.query.shape[2]} tokens, the batch has {valid.shape[1]}"
            )
        own = self.causal or self.mode == "received"
        a = call.head_mean(valid, masked=own)
        self._weights[call.layer] = token_weights(
            a, onehot.to(a.device), self.mode, causal=self.causal
        )
