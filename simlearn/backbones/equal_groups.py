"""GroupNorm for any number of channels."""

from __future__ import annotations

from torch import nn


def group_norm(channels: int, groups: int = 8) -> nn.GroupNorm:
    """GroupNorm of ``groups`` groups, or of one where they do not fit.

    They do not fit where they would not be equal, or would hold a single channel each, which a map
    of one point turns into a constant.

    Args:
        channels: at least 1.
        groups: at least 1.
    """
    equal = channels % groups == 0 and channels > groups
    return nn.GroupNorm(groups if equal else 1, channels)
