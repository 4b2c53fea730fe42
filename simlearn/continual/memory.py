"""A memory of training images that does not grow: exemplars, shared out among the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from simlearn.continual.network import tensor_bytes


class ExemplarMemory:
    """Images of every class seen so far, the best ones first.

    Of a budget of K exemplars each of t classes may keep ``m = floor(K / t)``. When classes arrive
    m falls and every older class gives up images from the tail of its order (Rebuffi et al. 2017,
    algorithm 5). A class that has fewer than m images keeps what it has; what it leaves over is not
    given to others, so the memory may hold fewer than K.

    Args:
        exemplars: K, images of all classes together; or else
        budget_bytes: bytes of them, counted as they are stored: a uint8 image has one byte per
            channel and pixel, and its label is its place. K is what fits in.

    Attributes:
        images: one tensor ``(m_c, *F)`` per class, in the order of the labels.

    Raises:
        ValueError: both are given or none, or the one given is below 1.
    """

    def __init__(self, exemplars: int | None = None, budget_bytes: int | None = None) -> None:
        given = {"exemplars": exemplars, "budget_bytes": budget_bytes}
        named = {name: value for name, value in given.items() if value is not None}
        if len(named) != 1:
            raise ValueError(
                f"exemplars is {exemplars} and budget_bytes {budget_bytes}: give exactly one"
            )
        for name, value in named.items():
            if value < 1:
                raise ValueError(f"strategy.{name} is {value}, must be at least 1")
        self.exemplars, self.budget_bytes = exemplars, budget_bytes
        self.images: list[Tensor] = []

    @property
    def classes(self) -> tuple[int, ...]:
        """Labels of the classes that have exemplars."""
        return tuple(range(len(self.images)))

    def per_class(self, classes: int, image: Tensor) -> int:
        """m, the exemplars that each of ``classes`` classes may have, at least 1.

        Args:
            classes: t, all seen so far, at least 1.
            image: one ``(*F)`` as it would be stored.

        Raises:
            ValueError: the budget is smaller than one exemplar per class.
        """
        size = tensor_bytes(image)
        if self.budget_bytes is None:
            total, name, least = self.exemplars or 0, "exemplars", classes
        else:
            total, name, least = self.budget_bytes // size, "budget_bytes", classes * size
        if total < classes:
            of = "" if self.budget_bytes is None else f" of {size} bytes"
            raise ValueError(
                f"strategy.{name} is {getattr(self, name)}: {total} exemplars{of} are fewer than "
                f"one for each of {classes} classes. Use {least} or more, or fewer classes"
            )
        return total // classes

    def add(self, new: Sequence[Tensor]) -> None:
        """Take in new classes; those that are there give up what is beyond their new share.

        Args:
            new: images ``(n, *F)`` of each new class, in the order of their labels, the best ones
                first; those beyond the share are left out.

        Raises:
            ValueError: the budget is too small for so many classes, or a class has no images or
                images of another shape or type; the memory is as it was then.
        """
        if not new:
            return
        first = (self.images or new)[0]
        for label, images in enumerate(new, len(self.images)):
            if (
                not len(images)
                or images.shape[1:] != first.shape[1:]
                or images.dtype != first.dtype
            ):
                raise ValueError(
                    f"class {label} brings {images.dtype} images {tuple(images.shape)}, must be at "
                    f"least one {first.dtype} of shape {tuple(first.shape[1:])}"
                )
        m = self.per_class(len(self.images) + len(new), first[0])
        self.images = [images[:m].clone() for images in (*self.images, *new)]

    def draw(
        self, classes: Sequence[int], per_class: int, *, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """``per_class`` exemplars of each of ``classes``, uniformly, class after class.

        No exemplar twice where the class has enough of them, else with replacement.

        Returns:
            Images ``(K * per_class, *F)`` as stored and labels ``(K * per_class,)`` int64.

        Raises:
            ValueError: no class, or one without exemplars.
        """
        lost = [label for label in classes if label not in self.classes]
        if lost or not classes:
            raise ValueError(
                f"cannot draw exemplars of classes {list(classes)}: the memory has "
                f"{len(self.images)} classes, numbered from 0"
            )
        found = []
        for label in classes:
            have = len(self.images[label])
            if per_class <= have:
                rows = torch.randperm(have, generator=generator)[:per_class]
            else:
                rows = torch.randint(have, (per_class,), generator=generator)
            found.append(self.images[label][rows])
        y = torch.tensor(list(classes), dtype=torch.int64)
        return torch.cat(found), y.repeat_interleave(per_class)

    def __len__(self) -> int:
        """Exemplars of all classes."""
        return sum(len(images) for images in self.images)

    def bytes(self) -> int:
        """Bytes of the images."""
        return tensor_bytes(self.images)

    def state_dict(self) -> dict[str, Any]:
        """The images of every class, in their order."""
        return {"images": list(self.images)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore them."""
        self.images = list(state["images"])
