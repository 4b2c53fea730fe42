"""Groups are equal and hold two channels or more, or there is one."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.backbones.equal_groups import group_norm


@given(st.integers(1, 70), st.integers(1, 12))
def test_every_number_of_channels_has_a_norm(channels, groups):
    norm = group_norm(channels, groups)
    wanted = groups if channels % groups == 0 and channels // groups >= 2 else 1
    assert (norm.num_groups, norm.num_channels) == (wanted, channels)


def test_a_point_keeps_its_values_apart():
    x = torch.randn(2, 8, 1, 1, generator=torch.Generator().manual_seed(0))
    assert group_norm(8)(x).abs().amin() > 0  # eight groups of one channel would give zeros
