"""Ranking videos against loops over clips, and the metrics with their intervals."""

from __future__ import annotations

import math

import pytest
import torch

from simlearn.data.randomness import torch_generator
from simlearn.evaluation import VideoRetrieval, bootstrap_interval, retrieval_metrics
from simlearn.evaluation.retrieval import retrieve
from simlearn.tasks.video_ranking import rank_videos, ranking_metrics


@pytest.fixture
def learner(parts):
    return parts.learner(seed=0)


@pytest.mark.parametrize("clips_per_video", [1, 2])
def test_a_video_is_the_mean_of_its_normalised_clips(data, learner, clips_per_video):
    protocol = VideoRetrieval(clips_per_video=clips_per_video, batch_size=5)
    found = rank_videos(learner, data, "test", protocol, device="cpu").videos
    clips = data.evaluation_set("test", clips_per_video=clips_per_video)
    rows, videos = {}, data.data.splits["test"]
    learner.eval()
    for row in range(len(clips)):  # one clip at a time
        batch = clips[[(0, row)]]
        z = learner(batch.x).detach()[0]
        rows.setdefault(int(batch.group), []).append(z / z.norm())
    wanted = [sum(z) / len(z) for z in rows.values()]
    assert len(clips) == clips_per_video * len(videos) == clips_per_video * 6
    assert found.group.tolist() == list(rows) == data.data.numbers("test")
    assert torch.allclose(found.z, torch.stack([z / z.norm() for z in wanted]), atol=1e-5)
    names = sorted({v.identity for v in videos})
    assert [names[y] for y in found.y.tolist()] == [v.identity for v in videos]


def test_every_video_queries_all_the_others(data, learner):
    ranking = rank_videos(learner, data, "test", VideoRetrieval(clips_per_video=2), device="cpu")
    assert ranking.results.relevant.tolist() == [2] * 6
    assert not (ranking.results.nearest == torch.arange(6)[:, None]).any()
    wanted = retrieval_metrics(ranking.videos.z, ranking.videos.y)
    values = ranking.results.values((1, 5, 10))
    assert {k: float(v.mean()) for k, v in values.items()} == {k: wanted[k] for k in values}


def test_the_network_is_left_as_it_was_and_progress_is_told(data, learner):
    calls = []
    learner.train()
    rank_videos(
        learner,
        data,
        "val",
        VideoRetrieval(clips_per_video=2, batch_size=4),
        device="cpu",
        progress=lambda *a: calls.append(a),
    )
    assert learner.training and all(part.training for part in learner.modules())
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert all(p.grad is None for p in learner.parameters())


def test_size_of_the_batches_does_not_matter(data, learner):
    one, two = (
        rank_videos(
            learner, data, "test", VideoRetrieval(clips_per_video=2, batch_size=n), device="cpu"
        )
        for n in (1, 32)
    )
    assert torch.allclose(one.videos.z, two.videos.z, atol=1e-5)


def results_of(n, classes, seed=0):
    g = torch.Generator().manual_seed(seed)
    z, y = torch.randn(n, 4, generator=g), torch.randint(classes, (n,), generator=g)
    return z, y, retrieve(z, y)


def test_metrics_have_means_counts_and_intervals_over_identities():
    z, y, results = results_of(40, 12)
    protocol = VideoRetrieval(ks=(1, 3), bootstrap=80)
    found = ranking_metrics(results, y, protocol, seed=3)
    wanted = retrieval_metrics(z, y, ks=(1, 3))
    assert list(found) == ["recall_at_1", "recall_at_3", "map_at_r", "r_precision", "mrr"]
    kept = results.evaluated
    for name, metric in found.items():
        assert metric.value == wanted[name]
        assert metric.n == wanted["n_queries"]
        assert metric.higher_is_better is True
        interval = bootstrap_interval(
            results.values((1, 3))[name],
            y[kept],
            draws=80,
            generator=torch_generator(3, "bootstrap"),
        )
        assert metric.interval == interval
        assert interval[0] <= metric.value <= interval[1]


def test_the_bootstrap_is_a_function_of_the_seed():
    _, y, results = results_of(40, 12)
    one, two, other = (ranking_metrics(results, y, VideoRetrieval(), seed=s) for s in (1, 1, 2))
    assert one == two != other


def test_identities_with_one_video_do_not_count():
    z = torch.tensor([[0.0], [0.1], [0.05]])
    y = torch.tensor([7, 7, 8])
    found = ranking_metrics(retrieve(z, y), y, VideoRetrieval(), seed=0)
    assert {m.n for m in found.values()} == {2}
    assert found["recall_at_1"].value == 0.0 and found["mrr"].value == 0.5
    assert found["mrr"].interval == (0.5, 0.5)


def test_nothing_to_find_is_nan():
    z, y = torch.randn(3, 2), torch.tensor([0, 1, 2])
    found = ranking_metrics(retrieve(z, y), y, VideoRetrieval(), seed=0)
    assert len(found) == 7
    for metric in found.values():
        assert math.isnan(metric.value) and metric.n == 0
        assert all(math.isnan(v) for v in metric.interval)
