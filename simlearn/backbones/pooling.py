"""Pooling that fits small inputs too."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

Size = tuple[int, int, int]


class ShrinkingMaxPool3d(nn.Module):
    """Max pooling whose kernel shrinks, per axis, to what is left of the input.

    With an input at least as large as the kernel it is ``nn.MaxPool3d``; an axis that is smaller
    than the kernel is pooled as a whole, without padding.

    Args:
        kernel: (T, H, W); also the stride.
        padding: (T, H, W).
        smallest: rows and columns that are kept: an axis that would be left with fewer is not
            pooled.
    """

    def __init__(self, kernel: Size, padding: Size = (0, 0, 0), smallest: int = 1) -> None:
        super().__init__()
        self.kernel, self.padding, self.smallest = kernel, padding, smallest

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, T, H, W)`` to ``(B, C, T', H', W')``."""
        kernel = [min(k, n) for k, n in zip(self.kernel, x.shape[2:], strict=True)]
        for axis in (1, 2):
            left = (x.shape[2 + axis] + 2 * self.padding[axis]) // self.kernel[axis]
            if left < self.smallest > 1:
                kernel[axis] = 1
        padding = [
            p if k == full else 0
            for p, k, full in zip(self.padding, kernel, self.kernel, strict=True)
        ]
        return F.max_pool3d(x, kernel, stride=kernel, padding=padding)

    def extra_repr(self) -> str:
        """Kernel and padding, for printing."""
        return f"kernel={self.kernel}, padding={self.padding}, smallest={self.smallest}"
