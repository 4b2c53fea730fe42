"""Losses of pytorch-metric-learning (PML, Musgrave et al. 2020) by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from simlearn.data.randomness import torch_generator
from simlearn.losses.base import LossOutput, full_precision, labels_of_batch, zero
from simlearn.losses.center import check_classes
from simlearn.losses.pml_names import (
    EMBEDDING_SIZE,
    Plain,
    drawing_from,
    pml_class,
    pml_object,
    pml_parameters,
)
from simlearn.losses.tuples import as_pairs

STATE = ("hist_", "beta")
"""Plain tensor attributes of PML's losses that belong into a state_dict and onto the device."""
BY_CLASS = ("SmoothAPLoss",)
"""Losses that read the batch in blocks, as many as a class has samples, not by the labels."""


class PMLLoss(nn.Module):
    """Any loss of ``pytorch_metric_learning.losses`` that takes labels.

    PML's own defaults hold: most distances normalise the embeddings first. PML reports no counts,
    so ``total`` is the number of given tuples; without tuples B for a loss with class weights, else
    the ordered pairs of one class whose anchor has a negative; ``active`` is ``total`` where the
    value is above 0, else 0. Losses that draw triplets themselves (``triplets_per_anchor``) take
    them from torch's global generator, as dropout does.

    What differs from calling PML: no sample, or tuples without any, give 0 with a graph; a nan of
    a batch without a pair counts as 0; SmoothAPLoss gets the classes in blocks as it needs them, a
    batch on which PML 2.9 mixes classes up is refused; the histogram of DynamicSoftMarginLoss is
    state, moves in training only and carries no graph into the next step; without class weights any
    integers are labels. Unchanged: InstanceLoss pulls the k-th class towards the k-th sample.

    Args:
        name: exact class name, see :func:`pml_classes`.
        num_classes: C, for losses with class weights; 0 is allowed, see :meth:`grow`. For
            MarginLoss optional: one beta per class, or a single one for 0. Others ignore it.
        embedding_size: d, for losses with class weights; others ignore it.
        distance: class name in PML's distances, with its defaults; the loss's own by default.
        reducer: class name in PML's reducers; the loss's own by default.
        arguments: plain values for the constructor.

    Raises:
        ValueError: an unknown name or argument, a missing one, or a combination PML refuses.
    """

    classes: Tensor | None

    def __init__(
        self,
        name: str,
        num_classes: int | None = None,
        embedding_size: int | None = None,
        distance: str | None = None,
        reducer: str | None = None,
        arguments: Mapping[str, Plain] | None = None,
    ) -> None:
        super().__init__()
        takes = pml_parameters(pml_class("loss", name))
        size = next((word for word in EMBEDDING_SIZE if word in takes), None)
        self.needs_classes: bool = "num_classes" in takes and size is not None
        """Whether the loss has weights per class, so that C and d must be given."""
        if self.needs_classes and (num_classes is None or embedding_size is None):
            raise ValueError(f"{name} has class weights: give num_classes and embedding_size")
        if num_classes is not None and num_classes < 0:
            raise ValueError(f"num_classes is {num_classes}, must not be negative")
        self.name, self._size = name, size
        self.embedding_size = embedding_size if self.needs_classes else None
        self.distance, self.reducer, self.arguments = distance, reducer, dict(arguments or {})
        per_class = num_classes is not None and "num_classes" in takes
        per_class = per_class and (self.needs_classes or num_classes != 0)
        self.register_buffer("classes", torch.tensor(num_classes) if per_class else None)
        self.loss: Any = self._made(num_classes if per_class else None)
        if reducer == "DivisorReducer" != type(self.loss.get_default_reducer()).__name__:
            raise ValueError(f"reducer DivisorReducer needs a divisor and {name} gives none")

    @property
    def num_classes(self) -> int | None:
        """C, the classes there are now; None for a loss that keeps nothing per class."""
        return None if self.classes is None else int(self.classes)

    def forward(self, z: Tensor, y: Tensor, tuples: Sequence[Tensor] | None = None) -> LossOutput:
        """Loss of ``z (B, d)`` with labels ``y (B,)``; tuples go to PML as its ``indices_tuple``.

        Returns:
            PML's value with its graph; the counts as above.

        Raises:
            ValueError: wrong shapes, a label out of range, tuples that the loss does not take, or
                whatever else PML refuses in this batch.
        """
        y = labels_of_batch(z, y)
        if self.embedding_size not in (None, z.shape[1]):
            raise ValueError(
                f"z has {z.shape[1]} values a row, {self.name} was made for {self.embedding_size}"
            )
        if self.num_classes is not None:
            check_classes(y, self.num_classes)
        if tuples is not None:
            as_pairs(tuples, z)
            tuples = [part.to(z.device) for part in tuples]
        z, total = full_precision(z), self._total(y, tuples)
        nothing = LossOutput(zero(z), active=0, total=0)
        if not len(z) or (not total and (tuples is not None or self.name in BY_CLASS)):
            return nothing
        value = self._value(z, y, tuples)
        if not total and value > 0:  # pairs of different classes alone
            total = len(z) * (len(z) - 1)
        if not total and value.isnan():
            return nothing
        return LossOutput(value=value, active=total if value > 0 else 0, total=total)

    def _total(self, y: Tensor, tuples: Sequence[Tensor] | None) -> int:
        if tuples is not None:
            return len(tuples[0]) + (len(tuples[2]) if len(tuples) == 4 else 0)
        if self.needs_classes:
            return len(y)
        counts = torch.unique(y, return_counts=True)[1]
        return int((counts * (counts - 1)).sum()) if len(counts) > 1 else 0

    def _value(self, z: Tensor, y: Tensor, tuples: Sequence[Tensor] | None) -> Tensor:
        labels = torch.unique(y, return_inverse=True)[1] if self.classes is None else y
        given = None if tuples is None else tuple(tuples)
        if self.name in BY_CLASS:
            if (count := int(labels.max()) + 1) ** 2 != len(y):
                found = f"found {count} classes in {len(y)} samples"
                raise ValueError(f"{self.name} needs as many classes as samples of each; {found}")
            order = torch.argsort(labels, stable=True)
            z, labels, place = z[order], labels[order], torch.argsort(order)
            given = None if given is None else tuple(place[part] for part in given)
        before = getattr(self.loss, "hist_", None)
        try:
            with torch.autocast(z.device.type, enabled=False):
                value = self._called(z, labels, given)
        except (ValueError, AssertionError, KeyError, NotImplementedError, IndexError) as error:
            raise ValueError(f"{self.name}: {error or type(error).__name__}") from error
        finally:
            if before is not None:
                self.loss.hist_ = self.loss.hist_.detach() if self.training else before
        return value.reshape(()).to(z.dtype)

    def _called(self, z: Tensor, y: Tensor, tuples: tuple[Tensor, ...] | None) -> Tensor:
        """PML writes into its weights: in inference mode these would become unusable."""
        if not torch.is_inference_mode_enabled():
            return torch.as_tensor(self.loss(z, y, tuples))
        with torch.inference_mode(False), torch.no_grad():
            return torch.as_tensor(self.loss(z.clone(), y.clone(), tuples))

    def grow(self, num_classes: int, *, generator: torch.Generator | None = None) -> None:
        """Make room for ``num_classes`` classes in all; with as many as there are nothing happens.

        The weights of the old classes stay as they are, bit for bit; the new ones are drawn as PML
        draws them. The parameters are replaced: make the optimiser afterwards.

        Args:
            num_classes: classes in all, not new ones.
            generator: for the new weights; by default one whose seed depends on ``num_classes``
                alone. Torch's global generator is left as it is.

        Raises:
            ValueError: fewer classes than there are, or a loss that keeps nothing per class.
        """
        have = self.num_classes
        if have is None:
            raise ValueError(f"{self.name} keeps nothing per class and cannot grow")
        if num_classes < have:
            raise ValueError(f"grow({num_classes}): there are {have} classes, none is taken away")
        self._resize(num_classes, generator)

    def _resize(self, num_classes: int, generator: torch.Generator | None = None) -> None:
        """A new PML object; the classes that both have keep their weights, whatever the layout."""
        if num_classes == self.num_classes or self.classes is None:
            return
        old = self.loss
        if generator is None:
            generator = torch_generator(0, "PMLLoss.grow", num_classes)
        with drawing_from(generator, torch.device("cpu")):
            new = self._made(num_classes).train(self.training)
        kept = dict([*old.named_parameters(), *old.named_buffers()])
        with torch.no_grad():
            for key, value in [*new.named_parameters(), *new.named_buffers()]:
                value.data = value.data.to(kept[key])
                common = tuple(map(slice, map(min, value.shape, kept[key].shape)))
                value[common] = kept[key][common]
                value.requires_grad_(kept[key].requires_grad)
        self.loss = new
        self.classes.fill_(num_classes)

    def _made(self, num_classes: int | None) -> Any:
        more: dict[str, Any] = {"num_classes": num_classes}
        if self._size is not None:
            more[self._size] = self.embedding_size
        if self.distance is not None:
            more["distance"] = pml_object("distance", self.distance)
        if self.reducer is not None:
            more["reducer"] = pml_object("reducer", self.reducer)
        with warnings.catch_warnings():
            if num_classes == 0:  # torch warns that there is nothing to initialise
                warnings.filterwarnings("ignore", message="Initializing zero-element tensors")
            loss = pml_object("loss", self.name, self.arguments, **more)
        for key in STATE:
            tensor = vars(loss).get(key)
            if isinstance(tensor, Tensor):
                if key == "hist_":  # PML writes one bin beyond its last for far apart distances
                    tensor = F.pad(tensor, (0, 2))
                delattr(loss, key)
                loss.register_buffer(key, tensor)
        return loss

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        classes = state_dict.get(prefix + "classes")
        if self.classes is not None and isinstance(classes, Tensor) and classes.numel() == 1:
            held = sum(t.numel() for k, t in state_dict.items() if k.startswith(prefix + "loss."))
            if not 0 <= int(classes) <= held:  # a class holds at least one number
                raise ValueError(f"the state claims {int(classes)} classes and holds {held} values")
            self._resize(int(classes))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
