"""Sets of neurons by group: what a selection chooses and an intervention changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.neuron_rows import (
    LIMIT,
    Pairs,
    checked_rows,
    no_rows,
    refuse_outside,
    rows_in,
    unique_rows,
)
from simlearn.analysis.tensor_file import read_tensors, write_tensors
from simlearn.data.exclusions import closest

FORM = "simlearn neurons 1"
"""What stands in the file of a set."""


class NeuronSet(Mapping[str, Tensor]):
    """Neurons by group (a modality, a domain, ``"random"``); it never changes.

    ``neurons["image"]`` is int32 ``(n, 2)``, rows of (layer, neuron) in rising order, each once; a
    group may be empty, and groups may share neurons. ``a & b``, ``a | b`` and ``a - b`` work group
    by group: ``&`` keeps the groups that both have, ``|`` all, ``-`` those of ``a``; a group that
    the other does not have counts as empty. Two sets are equal if groups, shape and model are.

    Args:
        groups: rows of (layer, neuron) by name, in any order; doubles are dropped.
        shape: layers and neurons of a layer of the model, ``(L, N)``; ``None`` if unknown.
        model: fingerprint of the model; ``""`` if unknown.

    Raises:
        AnalysisError: a name that is empty or not printable, rows that are not whole numbers of
            shape (n, 2), or a neuron that is negative or outside ``shape``.
    """

    def __init__(
        self,
        groups: Mapping[str, Pairs],
        *,
        shape: tuple[int, int] | None = None,
        model: str = "",
    ) -> None:
        self.shape = None if shape is None else (int(shape[0]), int(shape[1]))
        self.model = str(model)
        self._groups: dict[str, Tensor] = {}
        for name, pairs in groups.items():
            if not (isinstance(name, str) and name.isprintable()) or name in ("", "__metadata__"):
                raise AnalysisError(f"{name!r} cannot be the name of a group")
            self._groups[name] = checked_rows(name, pairs, self.shape)

    def __getitem__(self, group: str) -> Tensor:
        return self._groups[group].clone()

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(rows)}" for name, rows in self._groups.items())
        of = f" of {self.shape[0]} x {self.shape[1]}" if self.shape else ""
        return f"NeuronSet({sizes or 'no group'}{of})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NeuronSet):
            return NotImplemented
        return (
            (self.shape, self.model, set(self)) == (other.shape, other.model, set(other))
        ) and all(torch.equal(rows, other._groups[name]) for name, rows in self._groups.items())

    __hash__ = None  # type: ignore[assignment]

    def __and__(self, other: NeuronSet) -> NeuronSet:
        names = [name for name in self if name in other]
        return self._combine(other, names, lambda a, b: a[rows_in(a, b)])

    def __or__(self, other: NeuronSet) -> NeuronSet:
        return self._combine(
            other, [*dict.fromkeys([*self, *other])], lambda a, b: torch.cat([a, b])
        )

    def __sub__(self, other: NeuronSet) -> NeuronSet:
        return self._combine(other, list(self), lambda a, b: a[~rows_in(a, b)])

    def _combine(
        self, other: NeuronSet, names: list[str], rule: Callable[[Tensor, Tensor], Tensor]
    ) -> NeuronSet:
        """A set of the named groups, each made of the two sets' rows."""
        if not isinstance(other, NeuronSet):
            raise AnalysisError(f"a NeuronSet goes with another, not with {type(other).__name__}")
        for what, a, b in (("shape", self.shape, other.shape), ("model", self.model, other.model)):
            if a and b and a != b:
                raise AnalysisError(f"the sets are of two models: {what} {a} and {b}")
        none = no_rows()
        groups = {n: rule(self._groups.get(n, none), other._groups.get(n, none)) for n in names}
        return NeuronSet(groups, shape=self.shape or other.shape, model=self.model or other.model)

    def only(self, *groups: str) -> NeuronSet:
        """The named groups, in that order.

        Raises:
            AnalysisError: a group that the set does not have.
        """
        for name in groups:
            if name not in self._groups:
                near = closest(name, self._groups)
                hint = f"did you mean {near!r}? " if near else ""
                raise AnalysisError(
                    f"the set has no group {name!r}; {hint}it has {', '.join(self) or 'none'}"
                )
        rows = {name: self._groups[name] for name in groups}
        return NeuronSet(rows, shape=self.shape, model=self.model)

    def union(self) -> Tensor:
        """Int32 ``(n, 2)``: the neurons of all groups, each once, in rising order."""
        return unique_rows(torch.cat([no_rows(), *self._groups.values()]))

    def per_layer(self, layers: int | None = None) -> dict[str, Tensor]:
        """How many neurons each group has in each layer.

        Args:
            layers: ``L``; by default that of ``shape``.

        Returns:
            Int64 ``(L,)`` by group.

        Raises:
            AnalysisError: ``L`` is unknown, or a neuron is in a layer above it.
        """
        count = self._size(None if layers is None else (layers, 1))[0]
        for name, rows in self._groups.items():
            refuse_outside(name, rows, (count, LIMIT))
        return {
            name: torch.bincount(rows[:, 0].long(), minlength=count)
            for name, rows in self._groups.items()
        }

    def mask(self, layers: int | None = None, width: int | None = None) -> Tensor:
        """Bool ``(L, N)``: which neurons are in any group.

        Args:
            layers: ``L``; by default that of ``shape``.
            width: ``N``; by default that of ``shape``.

        Raises:
            AnalysisError: the shape is unknown, or a neuron lies outside it.
        """
        size = self._size(None if layers is None or width is None else (layers, width))
        rows = self.union().long()
        refuse_outside("the union", rows, size)
        mask = torch.zeros(size, dtype=torch.bool)
        mask[rows[:, 0], rows[:, 1]] = True
        return mask

    def jaccard(self) -> tuple[tuple[str, ...], Tensor]:
        """Size of the intersection over size of the union for every pair of groups.

        Returns:
            The names and float64 ``(G, G)``, symmetric, in [0, 1]; 0 for two empty groups.
        """
        names = tuple(self)
        values = torch.zeros(len(names), len(names), dtype=torch.float64)
        for i, a in enumerate(self._groups.values()):
            for j, b in enumerate(self._groups.values()):
                both = int(rows_in(a, b).sum())
                values[i, j] = both / max(len(a) + len(b) - both, 1)
        return names, values

    def share(self) -> float:
        """Neurons in any group over all neurons of the model, in [0, 1].

        Raises:
            AnalysisError: the shape is unknown.
        """
        layers, width = self._size(None)
        return len(self.union()) / (layers * width)

    def _size(self, given: tuple[int, int] | None) -> tuple[int, int]:
        """``given`` or the set's own shape."""
        if given is None and self.shape is None:
            raise AnalysisError("the set does not know the model's layers and width: give them")
        return given or self.shape or (0, 0)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a safetensors file: one int32 (n, 2) tensor per group, shape and model in JSON.

        Raises:
            AnalysisError: the file cannot be written.
        """
        facts = {"groups": list(self), "shape": self.shape, "model": self.model}
        write_tensors(path, self._groups, form=FORM, facts=facts)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> NeuronSet:
        """Read what :meth:`save` wrote.

        Raises:
            AnalysisError: no such file, or it is damaged or holds something else.
        """
        tensors, facts = read_tensors(path, form=FORM)
        try:
            groups = {name: tensors[name] for name in facts["groups"]}
            return NeuronSet(groups, shape=facts["shape"], model=facts["model"])
        except (
            KeyError,
            TypeError,
            ValueError,
            IndexError,
            ArithmeticError,
            RuntimeError,
        ) as error:
            raise AnalysisError(f"{path}: holds no set of neurons ({error})") from error
