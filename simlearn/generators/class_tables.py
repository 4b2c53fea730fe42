"""Generators that keep one row per class in every table."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from simlearn.data.randomness import torch_generator
from simlearn.generators.base import RepresentationGenerator

LEAST = 2
"""Samples that a class needs: one has no spread."""


class TableGenerator(RepresentationGenerator):
    """Keeps what it learnt in buffers ``(K, ...)``, row k of the k-th class that was fitted.

    A subclass names its tables with :meth:`_table`, fills them in :meth:`_learn` and draws from
    one row in :meth:`_draw`. Fitting appends rows and never writes into an old tensor, so a state
    dictionary taken before stays as it is. The tables lie where the module lies, on the CPU unless
    it is moved; the work of a fit is done where the activations lie.

    Args:
        shape: of one activation, ``*F``.

    Attributes:
        labels: ``(K,)`` int64 buffer, the label of every row.
        features: number of values of one activation.

    Raises:
        ValueError: a shape without a value.
    """

    labels: Tensor

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__(shape)
        self.features = math.prod(self.shape)
        if not self.shape or min(self.shape) < 1:
            raise ValueError(f"shape is {self.shape}, needs at least one value of each size")
        self._tables: list[str] = []
        self._table("labels", dtype=torch.int64)

    @property
    def classes(self) -> tuple[int, ...]:
        """Labels that can be drawn, in ascending order."""
        return tuple(sorted(self.labels.tolist()))

    @torch.inference_mode(False)
    @torch.no_grad()
    def fit(self, h: Tensor, y: Tensor, *, generator: torch.Generator | None = None) -> None:
        """Learn the classes in ``y``, in the order of their labels.

        The result is a function of the arguments and of what was learnt before: neither torch's
        global random state nor the caller's grad or autocast mode matters.

        Args:
            h: ``(N, *F)`` activations.
            y: ``(N,)`` integer labels.
            generator: source of randomness; by default one with a fixed seed.

        Raises:
            ValueError: wrong shapes, no sample, values that are not finite, a class that is there
                already or one with fewer than two samples; nothing was learnt then.
        """
        name = type(self).__name__
        self._check(h, y)
        if generator is None:
            generator = torch_generator(0, name, "fit")
        x = h.detach().reshape(len(h), self.features).float()
        with torch.autocast(h.device.type, enabled=False):
            groups = {int(label): x[y.to(x.device) == label] for label in y.unique().tolist()}
            self._learn(groups, generator)

    @torch.inference_mode(False)
    @torch.no_grad()
    def sample(
        self, classes: Sequence[int], n: int, *, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """``n`` activations of each of ``classes``, class after class in the order given.

        Args:
            classes: labels; one that is given twice is drawn twice.
            n: samples of each, 0 or more.
            generator: source of randomness; by default one with a fixed seed.

        Returns:
            h ``(K * n, *F)`` float32 and y ``(K * n,)`` int64.

        Raises:
            ValueError: a class that was never fitted, or a negative n.
        """
        wanted = [int(label) for label in classes]
        row = {label: k for k, label in enumerate(self.labels.tolist())}
        unknown = sorted(set(wanted) - row.keys())
        if unknown:
            known = ", ".join(map(str, self.classes)) or "none"
            raise ValueError(f"class {unknown[0]} was never fitted; there are: {known}")
        if n < 0:
            raise ValueError(f"n is {n}, must not be negative")
        if generator is None:
            generator = torch_generator(0, type(self).__name__, "sample")
        device = self.labels.device
        y = torch.tensor(wanted, dtype=torch.int64, device=device).repeat_interleave(n)
        with torch.autocast(device.type, enabled=False):
            drawn = [self._draw(row[label], n, generator) for label in wanted if n]
        h = torch.cat(drawn) if drawn else torch.zeros(0, self.features, device=device)
        return h.reshape(len(y), *self.shape), y

    @abstractmethod
    def _learn(self, groups: Mapping[int, Tensor], generator: torch.Generator) -> None:
        """Append the rows of new classes, given as label -> ``(n, D)`` float32, n at least 2."""

    @abstractmethod
    def _draw(self, row: int, n: int, generator: torch.Generator) -> Tensor:
        """``(n, D)`` float32 samples of the class in one row, n at least 1."""

    def _table(self, name: str, *row: int, dtype: torch.dtype = torch.float32) -> None:
        """Begin a table whose rows have the shape ``row``."""
        self.register_buffer(name, torch.zeros(0, *row, dtype=dtype))
        self._tables.append(name)

    def _append(self, label: int, rows: Mapping[str, Tensor]) -> None:
        """Add a class: one row of every table but ``labels``."""
        for name, row in {"labels": torch.tensor(label), **rows}.items():
            table = getattr(self, name)
            setattr(self, name, torch.cat([table, row[None].to(table)]))

    def _check(self, h: Tensor, y: Tensor) -> None:
        name = type(self).__name__
        if h.shape[1:] != self.shape or y.shape != h.shape[:1] or y.is_floating_point():
            raise ValueError(
                f"{name} was made for activations (N, {', '.join(map(str, self.shape))}) and "
                f"integer labels (N,), found {tuple(h.shape)} and {y.dtype} {tuple(y.shape)}"
            )
        if not len(h):
            raise ValueError(f"{name} has no sample to learn from")
        labels, counts = (found.tolist() for found in y.unique(return_counts=True))
        for label, count in zip(labels, counts, strict=True):
            if label in self.classes:
                raise ValueError(f"class {label} was fitted before: fit each class once")
            if count < LEAST:
                raise ValueError(
                    f"class {label} has {count} sample, {name} needs at least {LEAST} of each "
                    "class: give more images of it, or keep images with strategy=icarl"
                )
        if not torch.isfinite(h).all():
            raise ValueError(f"{name}: activations are not finite; did the training diverge?")

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Make room for as many classes as the state has, where every table is there and fits."""
        found = {name: state_dict.get(prefix + name) for name in self._tables}
        labels = found["labels"]
        rows = len(labels) if isinstance(labels, Tensor) and labels.ndim == 1 else 0
        shapes = {name: (rows, *getattr(self, name).shape[1:]) for name in self._tables}
        if all(isinstance(v, Tensor) and v.shape == shapes[name] for name, v in found.items()):
            for name, shape in shapes.items():
                setattr(self, name, getattr(self, name).new_zeros(shape))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


class ClassByClass(TableGenerator):
    """Tables whose rows are learnt for one class after the other, each from its own samples."""

    def _learn(self, groups: Mapping[int, Tensor], generator: torch.Generator) -> None:
        learnt = {}
        for label, x in groups.items():
            try:
                learnt[label] = self._rows(x, generator)
            except ValueError as error:
                raise ValueError(f"class {label}: {error}") from error
        for label, rows in learnt.items():
            self._append(label, rows)

    @abstractmethod
    def _rows(self, x: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The rows of one class with samples ``x (n, D)``."""
