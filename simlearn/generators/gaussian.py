"""One Gaussian, or a mixture of some, per class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from simlearn.generators.class_tables import ClassByClass
from simlearn.generators.draws import choose, normal
from simlearn.generators.gaussian_factor import full_factor, low_rank_factor
from simlearn.generators.kmeans import kmeans
from simlearn.generators.standardise import Standardiser
from simlearn.generators.triangle import pack_triangle, packed_size, unpack_triangle

KINDS = ("full", "diagonal", "low_rank")


class GaussianGenerator(ClassByClass):
    """Mean and covariance of every class: a strong and cheap rival of :class:`VAE`.

    With more than one component the samples of a class are split by k-means on standardised
    features; every cluster of two or more is one component, weighted by its share. A covariance is
    kept as its factor: ``"full"`` a packed triangle of D (D + 1) / 2 values, ``"low_rank"``
    ``(D, rank)`` and a residual ``(D,)``, ``"diagonal"`` standard deviations ``(D,)``; see
    :mod:`simlearn.generators.gaussian_factor`. Features that are constant in a class stay so.

    Args:
        shape: of one activation, ``*F``; D values.
        covariance: what is kept of the covariance.
        components: most Gaussians of a class, at least 1.
        rank: principal axes kept with ``"low_rank"``, at least 1.
        shrinkage: in [0, 1]; this share of every correlation is taken away, which makes "full"
            work with fewer samples than features.
        nonnegative: samples are cut off at 0, as a ReLU does.

    Raises:
        ValueError: a value out of its range.
    """

    mean: Tensor
    weight: Tensor
    factor: Tensor
    std: Tensor

    def __init__(
        self,
        shape: Sequence[int],
        covariance: Literal["full", "diagonal", "low_rank"] = "full",
        components: int = 1,
        rank: int = 32,
        shrinkage: float = 0.02,
        nonnegative: bool = False,
    ) -> None:
        super().__init__(shape)
        if covariance not in KINDS:
            raise ValueError(f"covariance is {covariance!r}, must be one of {', '.join(KINDS)}")
        if min(components, rank) < 1:
            raise ValueError(f"components is {components} and rank {rank}, both must be at least 1")
        if not 0 <= shrinkage <= 1:
            raise ValueError(f"shrinkage is {shrinkage}, must be in [0, 1]")
        self.covariance, self.components, self.shrinkage = covariance, components, shrinkage
        self.rank = min(rank, self.features)
        self.nonnegative = nonnegative
        self._table("mean", components, self.features)
        if components > 1:
            self._table("weight", components)
        if covariance == "full":
            self._table("factor", components, packed_size(self.features))
        else:
            self._table("std", components, self.features)
        if covariance == "low_rank":
            self._table("factor", components, self.features, self.rank)

    def _rows(self, x: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The rows of one class with samples ``x (n, D)``; unused components stay 0."""
        if self.components > 1:
            cluster = kmeans(Standardiser.of(x).apply(x), self.components, generator=generator)
        else:
            cluster = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        rows = {
            name: x.new_zeros(getattr(self, name).shape[1:])
            for name in self._tables
            if name != "labels"
        }
        for k in range(int(cluster.max()) + 1):
            part = x[cluster == k]
            for name, value in self._component(part).items():
                rows[name][k] = value
            if self.components > 1:
                rows["weight"][k] = len(part) / len(x)
        return rows

    def _component(self, x: Tensor) -> dict[str, Tensor]:
        """Mean and factor of one Gaussian."""
        found = {"mean": x.double().mean(dim=0)}
        if self.covariance == "full":
            found["factor"] = pack_triangle(full_factor(x, self.shrinkage))
        elif self.covariance == "low_rank":
            found["factor"], found["std"] = low_rank_factor(x, self.rank, self.shrinkage)
        else:
            found["std"] = x.double().std(dim=0, correction=0)
        return found

    def _draw(self, row: int, n: int, generator: torch.Generator) -> Tensor:
        if self.components == 1:
            x = self._draw_component(row, 0, n, generator)
        else:
            which = choose(self.weight[row], n, generator)
            x = self.mean.new_empty(n, self.features)
            for k in which.unique().tolist():
                chosen = which == k
                x[chosen] = self._draw_component(row, k, int(chosen.sum()), generator)
        return x.clamp_min(0) if self.nonnegative else x

    def _draw_component(self, row: int, k: int, n: int, generator: torch.Generator) -> Tensor:
        """``(n, D)`` samples of component k of the class in a row."""
        mean = self.mean[row, k]
        noise = normal((n, self.features), generator, mean)
        if self.covariance == "full":
            return mean + noise @ unpack_triangle(self.factor[row, k]).T
        x = mean + self.std[row, k] * noise
        if self.covariance == "low_rank":
            factor = self.factor[row, k]
            x = x + normal((n, self.rank), generator, mean) @ factor.T
        return x
