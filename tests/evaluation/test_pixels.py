"""The pixel baselines against loops over frames and pixels."""

from __future__ import annotations

import math

import pytest
import torch

from simlearn.evaluation.pixels import (
    best_baseline,
    contrast_normalise,
    frame_distances,
    mean_distances,
    pixel_baselines,
    shrink_frames,
)
from tests.evaluation.test_retrieval import measured, naive

NAMES = ["frame", "mean", "frame normalised", "mean normalised"]


def videos(seed, count=9, frames=3, side=6):
    g = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, frames, side, side, 3), generator=g, dtype=torch.uint8)


def frames_as_lists(pixels, normalised):
    """``[video][frame]`` lists of pixels in channel, row, column order, in plain Python."""
    table = []
    for video in pixels.permute(0, 1, 4, 2, 3).flatten(2).tolist():
        rows = []
        for row in video:
            mean = sum(row) / len(row)
            deviation = math.sqrt(sum((v - mean) ** 2 for v in row) / len(row))
            rows.append([(v - mean) / max(deviation, 1e-3) for v in row] if normalised else row)
        table.append(rows)
    return table


def naive_distance(name):
    if name.startswith("frame"):
        return lambda a, b: min(math.dist(f, g) for f in a for g in b)

    def between_means(a, b):
        means = [[sum(column) / len(column) for column in zip(*v, strict=True)] for v in (a, b)]
        return math.dist(*means)

    return between_means


@pytest.mark.parametrize("seed", range(3))
def test_baselines_equal_the_loops(seed):
    pixels, y = videos(seed), torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 3])
    found = pixel_baselines(pixels, y)
    assert list(found) == NAMES
    for name, results in found.items():
        lists = frames_as_lists(pixels, name.endswith("normalised"))
        distance = naive_distance(name)
        wanted = naive(lists, y.tolist(), distance=distance)
        means = {k: float(v.mean()) for k, v in results.values((1, 2, 5, 10)).items()}
        counts = {"n_queries": int(results.evaluated.sum()), "n_skipped": 1}
        assert {**means, **counts} == pytest.approx(wanted, abs=1e-12), name
        nearest = min(distance(lists[0], other) for other in lists[1:])
        assert float(results.distance[0, 0]) == pytest.approx(nearest, rel=1e-5)
        assert not (results.nearest == torch.arange(9)[:, None]).any()  # never oneself


def test_mean_is_that_of_retrieval_over_mean_frames():
    pixels, y = videos(5), torch.arange(9) // 3
    z = shrink_frames(pixels).mean(dim=1)
    results = pixel_baselines(pixels, y)["mean"]
    assert float(results.values((1,))["map_at_r"].mean()) == measured(z, y)["map_at_r"]


def test_distances_are_symmetric_and_zero_for_oneself():
    vectors = torch.randn(5, 4, 30, generator=torch.Generator().manual_seed(0))
    for distance in (frame_distances, mean_distances):
        d = distance(vectors)
        assert d.shape == (5, 5)
        assert torch.allclose(d, d.T, atol=1e-5)
        assert torch.allclose(d.diagonal(), torch.zeros(5, dtype=d.dtype), atol=1e-3)


def test_more_frames_can_only_bring_videos_nearer():
    vectors = torch.randn(6, 8, 20, generator=torch.Generator().manual_seed(1))
    assert (frame_distances(vectors) <= frame_distances(vectors[:, :3]) + 1e-5).all()


def test_constant_frames_are_zero_and_a_frame_of_noise_is_not():
    frames = torch.stack([torch.full((5, 5, 3), v, dtype=torch.uint8) for v in range(256)])
    flat = contrast_normalise(shrink_frames(frames[None]))
    assert flat.shape == (1, 256, 75)
    assert not flat.any()
    results = pixel_baselines(frames[:4, None], torch.tensor([0, 1, 0, 1]))
    for name in ("frame normalised", "mean normalised"):  # all equal: the lower row first
        assert results[name].nearest[:, 0].tolist() == [1, 0, 0, 0]
        assert results[name].distance[:, 0].tolist() == [0.0] * 4


def test_normalised_frames_have_mean_0_and_deviation_1_and_ignore_gain():
    vectors = shrink_frames(videos(2))
    one = contrast_normalise(vectors)
    assert torch.allclose(one.mean(dim=-1), torch.zeros(9, 3), atol=1e-6)
    assert torch.allclose(one.std(dim=-1, correction=0), torch.ones(9, 3), atol=1e-5)
    assert torch.allclose(one, contrast_normalise(vectors * 0.25 + 10), atol=1e-4)


def test_frames_are_shrunk_by_the_mean_of_their_pixels():
    frames = videos(3, count=2, frames=2, side=8)
    wanted = frames.float().reshape(2, 2, 4, 2, 4, 2, 3).mean(dim=(3, 5)).permute(0, 1, 4, 2, 3)
    assert torch.allclose(shrink_frames(frames, side=4), wanted.flatten(2), atol=1e-4)
    assert torch.equal(
        shrink_frames(frames, side=8), frames.permute(0, 1, 4, 2, 3).flatten(2).float()
    )
    assert shrink_frames(videos(0, side=6)).shape == (9, 3, 108)  # never enlarged
    assert torch.equal(shrink_frames(frames[0, 0]), shrink_frames(frames)[0, 0])


def test_best_is_the_highest_top_1_and_the_first_on_a_tie():
    """Videos that share a background colour but not their frames' mean, and the other way round."""
    y = torch.tensor([0, 0, 1, 1])
    found = pixel_baselines(videos(0, count=4), y)
    tops = {name: results.cmc(1)[0] for name, results in found.items()}
    assert best_baseline(found) == max(NAMES, key=lambda name: tops[name])
    good, bad = (
        pixel_baselines(
            torch.tensor(order, dtype=torch.uint8).reshape(4, 1, 1, 1, 1).expand(4, 1, 2, 2, 3), y
        )
        for order in ([0, 1, 100, 101], [0, 100, 1, 101])
    )
    assert (good["mean"].cmc(1), bad["mean"].cmc(1)) == ([1.0], [0.0])
    assert best_baseline({"a": bad["mean"], "b": good["mean"], "c": good["frame"]}) == "b"
    nothing = pixel_baselines(videos(0, count=2), torch.tensor([0, 1]))
    assert best_baseline(nothing) == "frame"
