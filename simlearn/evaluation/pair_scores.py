"""Scores of pairs of videos from their embeddings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from simlearn.data.video_pair import VideoPair

_CHUNK = 8192


@torch.no_grad()
def score_pairs(
    z: Tensor, names: Sequence[str], pairs: Sequence[VideoPair]
) -> tuple[Tensor, Tensor, Tensor]:
    """Minus the Euclidean distance between the embeddings of the two videos of each pair.

    Args:
        z: ``(V, d)`` embeddings, one a video, taken as they are.
        names: of the V videos.
        pairs: P pairs of such names; none gives three empty tensors.

    Returns:
        ``scores (P,)`` float64, at most 0, higher = more alike; ``same (P,)`` bool;
        ``fold (P,)`` int64, as :func:`simlearn.evaluation.verification` takes them.

    Raises:
        ValueError: wrong shapes, an embedding that is not finite, a name twice, or a pair with a
            video that has no embedding.
    """
    if z.ndim != 2 or len(names) != len(z):
        raise ValueError(
            f"z must be (V, d) with V names, found {tuple(z.shape)} and {len(names)} names"
        )
    if not torch.isfinite(z).all():
        raise ValueError("z holds values that are not finite")
    row = {name: number for number, name in enumerate(names)}
    if len(row) < len(names):
        name = Counter(names).most_common(1)[0][0]
        raise ValueError(f"video {name} is there twice; names of videos must be unique")
    missing = [p for p in pairs if p.first not in row or p.second not in row]
    if missing:
        pair = missing[0]
        name = pair.first if pair.first not in row else pair.second
        raise ValueError(
            f"{pair.where or 'pairs'}: the pair {pair.first} - {pair.second} names the video "
            f"{name}, which has no embedding; {len(missing)} of {len(pairs)} pairs are like that: "
            "embed those videos too or leave the pairs out"
        )
    vectors = z.detach().cpu().double()
    ends = torch.tensor([[row[p.first], row[p.second]] for p in pairs], dtype=torch.int64)
    scores = [
        -torch.linalg.vector_norm(vectors[part[:, 0]] - vectors[part[:, 1]], dim=1)
        for part in torch.split(ends.reshape(-1, 2), _CHUNK)
    ]
    same = torch.tensor([pair.same for pair in pairs], dtype=torch.bool)
    fold = torch.tensor([pair.fold for pair in pairs], dtype=torch.int64)
    return torch.cat(scores), same, fold
