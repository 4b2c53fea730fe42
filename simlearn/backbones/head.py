"""From features to the embedding."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class Head(nn.Module):
    """Brings ``(B, dim)`` features to ``(B, d)`` embeddings; takes ``in_dim`` from the program."""


class LinearHead(Head):
    """A linear layer and L2 normalisation; stands outside the backbone.

    Args:
        in_dim: number of features.
        dim: size d of the embedding.
        normalise: bring every embedding to length 1.
    """

    def __init__(self, in_dim: int, dim: int = 128, normalise: bool = True) -> None:
        super().__init__()
        if dim < 1:
            raise ValueError(f"head.dim is {dim}, must be at least 1")
        self.linear = nn.Linear(in_dim, dim)
        self.dim, self.normalise = dim, normalise

    def forward(self, features: Tensor) -> Tensor:
        """``(B, in_dim)`` features to ``(B, d)`` embeddings, float32 where normalised."""
        z = self.linear(features)
        return F.normalize(z.float(), dim=1) if self.normalise else z


class MLPHead(Head):
    """One hidden layer with ReLU, a linear layer and L2 normalisation.

    More than a linear map can still be learnt above a frozen backbone.

    Args:
        in_dim: number of features.
        hidden: size of the hidden layer.
        dim: size d of the embedding.
        normalise: bring every embedding to length 1.

    Raises:
        ValueError: a size below 1.
    """

    def __init__(
        self, in_dim: int, hidden: int = 256, dim: int = 64, normalise: bool = True
    ) -> None:
        super().__init__()
        for name, value in (("hidden", hidden), ("dim", dim)):
            if value < 1:
                raise ValueError(f"head.{name} is {value}, must be at least 1")
        self.hidden, self.linear = nn.Linear(in_dim, hidden), nn.Linear(hidden, dim)
        self.dim, self.normalise = dim, normalise

    def forward(self, features: Tensor) -> Tensor:
        """``(B, in_dim)`` features to ``(B, d)`` embeddings, float32 where normalised."""
        z = self.linear(F.relu(self.hidden(features)))
        return F.normalize(z.float(), dim=1) if self.normalise else z


class IdentityHead(Head):
    """The features themselves as embeddings, at length 1 by default; nothing is learnt.

    For evaluating a trained network as it is: ``head=identity backbone.weights=FILE
    trainer.max_epochs=0``. Features of zero stay zero.

    Args:
        in_dim: number of features, also the size d of the embedding.
        normalise: bring every embedding to length 1.
    """

    def __init__(self, in_dim: int, normalise: bool = True) -> None:
        super().__init__()
        self.dim, self.normalise = in_dim, normalise

    def forward(self, features: Tensor) -> Tensor:
        """``(B, in_dim)`` features to ``(B, in_dim)`` embeddings, float32 where normalised."""
        return F.normalize(features.float(), dim=1) if self.normalise else features
