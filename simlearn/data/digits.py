"""The handwritten digits that scikit-learn ships with: real, small, and always there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from simlearn.data.class_source import ClassSource
from simlearn.data.class_split import RawClasses
from simlearn.data.labelled_images import LabelledImages
from simlearn.data.randomness import numpy_generator

if TYPE_CHECKING:
    from simlearn.data.video_source import Report


def stratified_test(y: np.ndarray, *, share: float, seed: int) -> np.ndarray:
    """``(N,)`` bool: the rows of the test split.

    Of every class ``round(share * images)`` rows, but at least one where the class has two, and
    never all of them; drawn by (seed, class).

    Args:
        y: ``(N,)`` labels; N may be 0.
        share: in (0, 1).
        seed: of the draw.
    """
    test = np.zeros(len(y), dtype=bool)
    for c in np.unique(y):
        rows = np.flatnonzero(y == c)
        count = min(max(1, round(share * len(rows))), len(rows) - 1)
        drawn = numpy_generator(seed, "stratified test", int(c)).permutation(rows)
        test[drawn[:count]] = True
    return test


@dataclass(frozen=True, kw_only=True)
class Digits(ClassSource):
    """1,797 digits of 8x8 pixels and 17 grey levels, 174 to 183 of each class.

    The test set of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak 1998, UCI), as
    scikit-learn ships it. It has no official split; nothing is downloaded.

    Args:
        test_share: share in (0, 1) of each class that is the test split, drawn by ``split_seed``;
            the other arguments are those of :class:`ClassSource`.

    Raises:
        ValueError: a number out of its range.
    """

    mean: float = 0.3053
    std: float = 0.3759
    test_share: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.test_share < 1:
            raise ValueError(f"data.test_share is {self.test_share}, must be between 0 and 1")

    def read(self, report: Report | None = None) -> RawClasses:
        """All digits, uint8 ``(N, 1, 8, 8)``; ``index`` is scikit-learn's row.

        Args:
            report: not called; it takes no time.
        """
        from sklearn.datasets import load_digits

        found = load_digits()
        x = torch.from_numpy(np.round(found.images * (255 / 16)).astype(np.uint8))[:, None]
        y = torch.from_numpy(found.target.astype(np.int64))
        images = LabelledImages(x, y, torch.arange(len(y)))
        test = torch.from_numpy(
            stratified_test(found.target, share=self.test_share, seed=self.split_seed)
        )
        return RawClasses(
            train=images.rows((~test).nonzero().flatten()),
            test=images.rows(test.nonzero().flatten()),
            names=tuple(str(name) for name in found.target_names),
            facts={"test_share": self.test_share},
        )
