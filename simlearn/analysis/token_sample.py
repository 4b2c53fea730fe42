"""A uniform sample of tokens of every modality, kept while batches go by."""

from __future__ import annotations

import torch
from torch import Tensor


class TokenSample:
    """Per modality the tokens with the smallest random keys, and the sums of all tokens.

    Every token draws one key; keeping the smallest keys is a uniform sample without replacement
    at any moment. Padding draws none, so neither batches nor padding change who is chosen.

    Args:
        layers: L.
        modalities: M.
        size: most tokens of a modality.
        generator: on the CPU.

    Attributes:
        n: ``(M,)`` int64 tokens seen.
        sums: ``(L, M, d)`` float64 sums of all tokens; ``(L, M, 0)`` before the first.
        labels: ``(P,)`` int64 modality of each kept token.
    """

    def __init__(self, layers: int, modalities: int, size: int, generator: torch.Generator) -> None:
        self.size, self.generator = size, generator
        self.n = torch.zeros(modalities, dtype=torch.int64)
        self.sums = torch.zeros(layers, modalities, 0, dtype=torch.float64)
        self.labels = torch.zeros(0, dtype=torch.int64)
        self._keys = torch.zeros(0, dtype=torch.float64)
        self._vectors: list[Tensor | None] = [None] * layers
        self._kept = self._new = self._places = self._modality = torch.zeros(0, dtype=torch.int64)

    def begin(self, onehot: Tensor) -> None:
        """Draw for the tokens of a batch; ``add`` follows once for each layer.

        Args:
            onehot: bool ``(B, M, T)``, at most one modality a token.
        """
        flat = onehot.cpu().transpose(1, 2).reshape(-1, onehot.shape[1])
        places = flat.any(dim=1).nonzero()[:, 0]
        labels = flat[places].int().argmax(dim=1)
        keys = torch.rand(len(places), generator=self.generator, dtype=torch.float64)
        self.n = self.n + flat.sum(dim=0)
        all_keys = torch.cat([self._keys, keys])
        all_labels = torch.cat([self.labels, labels])
        chosen = torch.zeros(len(all_keys), dtype=torch.bool)
        for modality in range(flat.shape[1]):
            own = (all_labels == modality).nonzero()[:, 0]
            chosen[own[all_keys[own].argsort(stable=True)[: self.size]]] = True
        old = len(self._keys)
        self._kept = chosen[:old].nonzero()[:, 0]
        self._new = places[chosen[old:]]
        self._places, self._modality = places.to(onehot.device), labels.to(onehot.device)
        self._keys, self.labels = all_keys[chosen], all_labels[chosen]

    def add(self, layer: int, x: Tensor) -> None:
        """Take the sums and the chosen tokens of one layer.

        Args:
            layer: number from 0.
            x: ``(B, T, d)`` of the batch that ``begin`` was told of.
        """
        flat = x.reshape(-1, x.shape[-1])
        if self.sums.shape[-1] == 0:
            self.sums = torch.zeros(*self.sums.shape[:2], x.shape[-1], dtype=torch.float64)
        sums = torch.zeros(self.sums.shape[1:], dtype=torch.float64, device=x.device)
        tokens = flat[self._places.to(x.device)].double()
        self.sums[layer] += sums.index_add_(0, self._modality.to(x.device), tokens).cpu()
        new = flat[self._new.to(x.device)].cpu()
        before = self._vectors[layer]
        self._vectors[layer] = new if before is None else torch.cat([before[self._kept], new])

    def vectors(self, layer: int) -> Tensor:
        """``(P, d)`` kept tokens of a layer, in the order of ``labels``."""
        found = self._vectors[layer]
        return torch.zeros(0, self.sums.shape[-1]) if found is None else found
