"""Where the modalities lie in the residual stream of every layer (semantic probing)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.separation import neighbour_purity, silhouette
from simlearn.analysis.token_sample import TokenSample
from simlearn.analysis.tokens import MODALITIES

if TYPE_CHECKING:
    from torch import nn

    from simlearn.analysis.adapter import ModelAdapter
    from simlearn.analysis.sites import Site


@dataclass(frozen=True, eq=False)
class ModalityGeometry:
    """Distances between modalities, layer by layer; the residual stream *after* each layer.

    Attributes:
        names: of the M modalities.
        distance: ``(L, M, M)`` float64 Euclidean distance between the centroids of all tokens.
        cosine: ``(L, M, M)`` float64 cosine distance of the centroids, in [0, 2].
        silhouette: ``(L,)`` float64 in [-1, 1] of the sampled tokens labelled by modality; near 1
            when modalities stand apart, near 0 when they mix; nan with fewer than two modalities.
        purity: ``(L, M)`` float64 in [0, 1]: share of a sampled token's k nearest sampled tokens
            that are of its own modality. By chance it is that modality's share of the sample.
        n: ``(M,)`` int64 tokens that there were; entries of a modality with none are nan.
        sampled: ``(M,)`` int64 tokens that silhouette and purity are of.
    """

    names: tuple[str, ...]
    distance: Tensor
    cosine: Tensor
    silhouette: Tensor
    purity: Tensor
    n: Tensor
    sampled: Tensor


def centroid_distances(centroids: Tensor) -> tuple[Tensor, Tensor]:
    """Euclidean and cosine distances ``(..., M, M)`` between centroids ``(..., M, d)``."""
    gaps = centroids.unsqueeze(-2) - centroids.unsqueeze(-3)
    unit = centroids / centroids.norm(dim=-1, keepdim=True)
    return gaps.norm(dim=-1), 1 - unit @ unit.transpose(-1, -2)


def modality_geometry(
    adapter: ModelAdapter,
    batches: Iterable[Mapping[str, Any]],
    *,
    per_modality: int = 500,
    k: int = 5,
    generator: torch.Generator,
) -> ModalityGeometry:
    """Centroids of all tokens, silhouette and neighbours of a sample, at every layer's output.

    Run it before and inside ``deactivate`` with generators of the same seed, and the sampled
    tokens are the same. The sample is uniform without replacement over all tokens of a modality
    in all batches; it does not depend on how rows are batched or padded, and the same tokens are
    taken at every layer. What is held: M x ``per_modality`` x L x d numbers of the model's type on
    the CPU, and M x L x d sums.

    Args:
        adapter: of the model.
        batches: as the processor returns them.
        per_modality: most tokens of a modality in the sample, at least 1.
        k: nearest neighbours looked at, at least 1.
        generator: on the CPU; draws the sample.

    Raises:
        ValueError: ``per_modality`` or ``k`` below 1.
        AnalysisError: no batch, or an activation that is not finite, with its layer and modality.
    """
    if per_modality < 1 or k < 1:
        raise ValueError(f"per_modality is {per_modality} and k {k}: both at least 1")
    sites = adapter.sites("text", "residual")
    sample = TokenSample(len(sites), len(MODALITIES), per_modality, generator)
    with torch.inference_mode():
        for batch in batches:
            codes = adapter.token_modality(batch)
            sample.begin(codes.onehot(MODALITIES))
            with ExitStack() as stack:
                for site in sites:
                    stack.callback(watch(site, sample).remove)
                adapter.forward(batch, logits="none")
    if not int(sample.n.sum()):
        raise AnalysisError("no token was seen: give at least one batch")
    return summary(sample, k)


def watch(site: Site, sample: TokenSample) -> Any:
    """Hang a hook on a site that shows its tensor to the sample; returns the hook's handle."""
    from simlearn.analysis.adapter import hidden

    def seen(module: nn.Module, args: Any, output: Any) -> None:
        """Show the block's output; nothing is changed."""
        sample.add(site.layer, hidden(output))

    return site.module.register_forward_hook(seen)


def summary(sample: TokenSample, k: int) -> ModalityGeometry:
    """Distances, silhouette and purity of what was kept.

    Raises:
        AnalysisError: a sum that is not finite.
    """
    bad = (~torch.isfinite(sample.sums)).any(dim=-1).nonzero()
    if len(bad):
        layer, modality = bad[0].tolist()
        raise AnalysisError(
            f"the residual stream after layer {layer} is not finite for {MODALITIES[modality]} "
            "tokens: load the model in bfloat16 or float32 instead of float16, or look for broken "
            "weights or pixels"
        )
    distance, cosine = centroid_distances(sample.sums / sample.n[:, None])
    labels = sample.labels
    vectors = [sample.vectors(layer) for layer in range(len(sample.sums))]
    return ModalityGeometry(
        names=MODALITIES,
        distance=distance,
        cosine=cosine,
        silhouette=torch.stack([silhouette(x, labels) for x in vectors]),
        purity=torch.stack([neighbour_purity(x, labels, k, len(MODALITIES)) for x in vectors]),
        n=sample.n,
        sampled=torch.bincount(labels, minlength=len(MODALITIES)),
    )
