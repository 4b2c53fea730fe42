"""Layers per frame: a loop over the frames, halved maps, groups of the norm."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from simlearn.backbones.base import check_frames, count_parameters
from simlearn.backbones.frame_stem import PerFrame, frame_stem


def clip(n=2, channels=3, frames=4, height=9, width=7):
    g = torch.Generator().manual_seed(0)
    return torch.randn(n, channels, frames, height, width, generator=g)


def run(stages, x):
    for stage in stages.values():
        x = stage(x)
    return x


@given(st.integers(0, 3), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=30)
def test_the_stem_against_a_loop_over_clips_and_frames(n, frames, height, width):
    torch.manual_seed(0)
    stages, channels = frame_stem((4, 32), 1.0, 3)
    for p in (p for stage in stages.values() for p in stage.parameters()):
        p.data.add_(0.1 * torch.randn_like(p))  # no norm of weight 1 and bias 0
    x = clip(n, 3, frames, height, width)
    found = run(stages, x)
    sides = [-(-side // 4) for side in (height, width)]
    assert list(stages) == ["conv1", "conv2"] and channels == 32
    assert found.shape == (n, 32, frames, *sides)
    for b in range(n):
        for t in range(frames):
            frame = x[b : b + 1, :, t]
            for stage in stages.values():
                convolution, norm, _ = stage.layer
                frame = norm(convolution(frame)).clamp_min(0)
            assert torch.allclose(found[b, :, t], frame[0], atol=1e-5)


def test_the_layer_may_flatten_a_frame():
    x = clip()
    found = PerFrame(nn.Flatten())(x)
    assert found.shape == (2, 63 * 3, 4)
    for t in range(4):
        assert torch.equal(found[:, :, t], x[:, :, t].flatten(1))


@pytest.mark.parametrize("other", [torch.channels_last_3d, torch.contiguous_format])
def test_the_layout_of_the_clip_does_not_matter(other):
    torch.manual_seed(0)
    stages, _ = frame_stem((16,), 1.0, 3)
    x = clip(height=8)
    assert torch.allclose(run(stages, x.contiguous(memory_format=other)), run(stages, x), atol=1e-5)
    weight = stages["conv1"].layer[0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("wanted", "width", "out", "groups"),
    [(32, 1.0, 32, 8), (32, 0.25, 8, 1), (32, 0.5, 16, 8), (20, 1.0, 20, 1), (64, 1e-6, 1, 1)],
)
def test_groups_and_counts(wanted, width, out, groups):
    stages, channels = frame_stem((wanted,), width, 3)
    assert channels == out and stages["conv1"].layer[1].num_groups == groups
    assert count_parameters(stages["conv1"]) == 27 * out + 2 * out


def test_a_map_of_one_point_is_no_constant():
    torch.manual_seed(0)
    stages, _ = frame_stem((8,), 1.0, 3)
    found = run(stages, clip(height=1, width=1))
    assert found.std(dim=(0, 2)).max() > 0.01


@pytest.mark.parametrize("shape", [(2, 3, 0, 8, 8), (0, 3, 0, 8, 8), (1, 5, 0)])
def test_no_frame(shape):
    text = f"a clip needs at least one frame, found shape {shape}"
    for call in (check_frames, PerFrame(nn.Identity())):
        with pytest.raises(ValueError) as caught:
            call(torch.zeros(shape))
        assert str(caught.value) == text


def test_a_width_that_is_none():
    with pytest.raises(ValueError, match=r"backbone\.width is 0, must be a positive number"):
        frame_stem((8,), 0, 3)
