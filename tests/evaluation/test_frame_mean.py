"""A network of images on clips: the mean direction of the frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from simlearn.evaluation.frame_mean import FrameMean, mean_direction


class FirstPixel(nn.Module):
    """The embedding is the colour of the first pixel; remembers the sizes of its batches."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def forward(self, x):
        self.sizes.append(tuple(x.shape))
        return x[:, :, 0, 0]


def loop(x):
    rows = []
    for clip in x.double().numpy():
        frames = [clip[:, t, 0, 0] for t in range(clip.shape[1])]
        total = np.mean([f / np.linalg.norm(f) for f in frames], axis=0)
        rows.append(total / np.linalg.norm(total))
    return torch.tensor(np.array(rows))


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 1000))
def test_against_a_loop(batch, frames, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, 3, frames, 4, 5, generator=g)
    network = FirstPixel()
    z = FrameMean(network)(x)
    torch.testing.assert_close(z.double(), loop(x), atol=1e-5, rtol=0)
    assert network.sizes == [(batch, 3, 4, 5)] * frames


def test_the_length_of_a_frame_and_their_order_do_not_matter():
    x = torch.randn(3, 3, 5, 2, 2, generator=torch.Generator().manual_seed(0))
    z = FrameMean(FirstPixel())(x)
    scaled = x * torch.tensor([1.0, 9.0, 0.1, 2.0, 5.0])[:, None, None]
    torch.testing.assert_close(FrameMean(FirstPixel())(scaled), z)
    torch.testing.assert_close(FrameMean(FirstPixel())(x.flip(2)), z)


def test_one_frame_is_the_networks_own_embedding():
    x = torch.randn(4, 3, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    z = FrameMean(FirstPixel())(x)
    torch.testing.assert_close(z, nn.functional.normalize(x[:, :, 0, 0, 0], dim=1))


def test_nothing_to_look_at():
    assert FrameMean(FirstPixel())(torch.zeros(0, 3, 4, 2, 2)).shape == (0, 3)
    with pytest.raises(ValueError, match=r"T above 0, found \(2, 3, 0, 4, 4\)"):
        FrameMean(FirstPixel())(torch.zeros(2, 3, 0, 4, 4))
    with pytest.raises(ValueError, match=r"must be \(B, C, T, H, W\).*found \(2, 3, 4, 4\)"):
        FrameMean(FirstPixel())(torch.zeros(2, 3, 4, 4))
    with pytest.raises(ValueError, match="the mean of no frame"):
        mean_direction(torch.zeros(2, 0, 4))
