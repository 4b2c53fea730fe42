"""Attention weights of one layer, worked out from the queries and keys of its kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

CHUNK = 2**22
"""Products of query and key that are there at once, over all rows and heads."""


@dataclass(frozen=True, eq=False)
class AttentionCall:
    """One call of a layer's attention.

    Attributes:
        layer: number from 0.
        query: ``(B, H, Q, d)``, with positions rotated in.
        key: ``(B, G, T, d)``; ``H`` is a multiple of ``G``.
        mask: as the kernel got it: bool (true = attend) or added floats, both (B or 1, 1, Q, T);
            or anything else (2-D, ``None``, a block mask), then only causal order counts.
        scaling: of the products.
        causal: whether the layer is causal when it has no mask.
        window: tokens that a token sees, itself included; ``None`` for all before it.
    """

    layer: int
    query: Tensor
    key: Tensor
    mask: Any
    scaling: float
    causal: bool = True
    window: int | None = None

    def head_mean(self, valid: Tensor, *, masked: bool = True, rows: slice = slice(None)) -> Tensor:
        """Attention weights, averaged over the heads, in chunks of queries.

        Args:
            valid: bool ``(B, T)``, true for tokens that are no padding.
            masked: with the layer's own mask (causal, window); ``False`` lets every query see all
                valid keys, as MINER's released code does.
            rows: the queries that are wanted.

        Returns:
            ``(B, Q', T)`` float32 (float64 for a float64 model). Rows of valid queries sum to 1,
            those of padding are 0. Queries are taken to be the last ``Q`` of the ``T`` tokens.
        """
        dtype = torch.float64 if self.query.dtype == torch.float64 else torch.float32
        size, heads, queries, _ = self.query.shape
        total = self.key.shape[2]
        with torch.autocast(self.query.device.type, enabled=False):
            query = self.query.detach().to(dtype)
            key = self.key.detach().to(dtype)
            key = key.repeat_interleave(heads // key.shape[1], dim=1).transpose(2, 3)
            valid = valid.to(key.device)
            first, last, _ = rows.indices(queries)
            out = key.new_zeros((size, last - first, total))
            step = max(1, CHUNK // max(1, size * heads * total))
            for start in range(first, last, step):
                chunk = slice(start, min(start + step, last))
                allowed = valid[:, None, None, :]
                if masked:
                    allowed = allowed & self._allowed(chunk, queries, total)
                scores = (query[:, :, chunk] @ key) * self.scaling
                weights = scores.masked_fill(~allowed, -torch.inf).softmax(-1)
                out[:, chunk.start - first : chunk.stop - first] = weights.mean(1)
            there = valid[:, total - queries :][:, first:last, None]
            return torch.where(there, out, 0.0)

    def _allowed(self, chunk: slice, queries: int, total: int) -> Tensor:
        """Bool that broadcasts to ``(B, 1, chunk, T)``: what these queries may see."""
        if isinstance(self.mask, Tensor) and self.mask.ndim == 4:
            part = self.mask[:, :, chunk, :total]
            if part.dtype == torch.bool:
                return part
            return part > torch.finfo(part.dtype).min / 2
        if not self.causal:
            return torch.ones((), dtype=torch.bool, device=self.key.device)
        place = torch.arange(total, device=self.key.device)
        back = (place[total - queries :][chunk, None] - place)[None, None]
        seen = back >= 0
        return seen if self.window is None else seen & (back < self.window)
