"""n-shot identification in a run: who takes part, what is named, and that videos do not leak."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from simlearn.evaluation import Embeddings, VideoRecognition, nshot_svm
from simlearn.tasks.identification import Support, identify, possible_supports
from simlearn.tasks.video_ranking import VideoRanking


def embeddings(videos, clips_each=1, *, spread=0.1, seed=0):
    """Clips of ``videos`` per identity around a centre of their own."""
    g = torch.Generator().manual_seed(seed)
    centres = torch.randn(len(videos), 16, generator=g)
    y = [label for label, count in enumerate(videos) for _ in range(count * clips_each)]
    group = [v for v in range(sum(videos)) for _ in range(clips_each)]
    labels = torch.tensor(y, dtype=torch.int64)
    z = F.normalize(centres[labels] + spread * torch.randn(len(y), 16, generator=g), dim=1)
    return Embeddings(z, labels, torch.tensor(group), torch.arange(len(y)))


def ranking(videos, **more):
    return VideoRanking(embeddings(videos, **more), None, embeddings(videos, 3, **more))


def protocol(**changes):
    return VideoRecognition(**{"draws": 3, "kernels": ("linear",), **changes})


NAMES = ["Ada", "Bo", "Cy", "Di", "Eve"]


def test_everything_that_is_measured_is_named():
    found = identify(ranking([4, 4, 4]), NAMES, protocol(kernels=("linear", "rbf")), seed=0)
    heads = ("linear", "rbf", "nearest_mean")
    stems = ("nshot_1", "nshot_2", "nshot_clips_5")
    assert set(found.metrics) == {f"{stem}_{head}_accuracy" for stem in stems for head in heads}
    assert all(m.value == 1.0 and m.higher_is_better for m in found.metrics.values())
    (table,) = found.tables
    assert [row[:2] for row in table.rows[:3]] == [
        ("1 video", "SVM, linear"),
        ("1 video", "nearest mean"),
        ("1 video", "SVM, rbf"),
    ]
    assert len(table.rows) == 9 and table.rows[3][0] == "2 videos"
    assert found.figures[0].name == "confusion" and "5 clips, SVM, rbf" in found.figures[0].title
    assert found.protocol["nshot_support"] == ["1 video", "2 videos", "5 clips"]
    assert found.notes == ()


def test_numbers_are_those_of_the_function():
    ranked = ranking([4, 3, 4, 5], spread=1.2)
    found = identify(ranked, NAMES, protocol(clip_shots=()), seed=7)
    items = ranked.videos
    wanted = nshot_svm(items.z, items.y, items.group, n=2, draws=3, seed=7)
    metric = found.metrics["nshot_2_linear_accuracy"]
    assert metric.value == wanted["accuracy"] < 1.0
    assert metric.interval == wanted["interval"]
    assert metric.n == int(wanted["n_queries"])
    assert found.metrics["nshot_2_nearest_mean_accuracy"].value == wanted["nearest_mean"]


def test_the_same_identities_for_every_n():
    found = identify(ranking([4, 2, 3, 1, 4]), NAMES, protocol(clip_shots=()), seed=0)
    rows = found.tables[0].rows
    columns = found.tables[0].columns
    people, left_out = columns.index("identities"), columns.index("left out")
    assert {row[people] for row in rows} == {3}  # two videos are too few for n = 2 and a query
    assert {row[left_out] for row in rows} == {2}
    assert found.protocol["nshot_identities"] == 3


def test_what_too_few_people_can_give_is_left_out_and_said():
    found = identify(ranking([3, 3, 2]), NAMES, protocol(shots=(1, 2, 3)), seed=0)
    assert "nshot_2_linear_accuracy" in found.metrics
    assert "nshot_3_linear_accuracy" not in found.metrics
    assert len(found.notes) == 1 and "identification of 3 videos is left out" in found.notes[0]
    nobody = identify(ranking([1, 1, 1]), NAMES, protocol(), seed=0)
    assert nobody.metrics == {} and nobody.tables == () and len(nobody.notes) == 3


def test_two_people_never_stand_for_all():
    """Nine can give one video, two of them five: the table is about the nine."""
    found = identify(ranking([6, 6] + [2] * 7), [*"abcdefghi"], protocol(shots=(1, 5)), seed=0)
    assert found.protocol["nshot_identities"] == 9
    assert not any(name.startswith("nshot_5") for name in found.metrics)
    assert any("5 videos is left out" in note and "half" in note for note in found.notes)


def test_nothing_is_asked_for():
    found = identify(ranking([4, 4]), NAMES, protocol(shots=(), clip_shots=()), seed=0)
    assert found.metrics == {} and found.notes == ()


def test_possible_supports_keeps_the_first():
    items = embeddings([4, 4, 3, 3, 1])
    supports = [Support(n, "video", items) for n in (2, 5, 3)]
    used, labels = possible_supports(supports)
    assert used == [supports[0], supports[2]]
    assert labels.tolist() == [0, 1]
    assert possible_supports(supports[1:2])[0] == []


def test_clips_of_one_video_never_stand_on_both_sides():
    """Embeddings that tell the video and not the person name nobody."""
    videos = [4] * 20
    g = torch.Generator().manual_seed(0)
    own = F.normalize(torch.randn(80, 64, generator=g), dim=1)
    base = embeddings(videos, 3)
    clips = Embeddings(own[base.group], base.y, base.group, base.index)
    still = embeddings(videos)
    found = identify(
        VideoRanking(Embeddings(own, still.y, still.group, still.index), None, clips),
        [str(i) for i in range(20)],
        protocol(draws=6),
        seed=0,
    )
    for name, metric in found.metrics.items():
        assert metric.value < 0.2, name
        assert not math.isnan(metric.value)


@pytest.mark.parametrize("shots", [(1,), (1, 2)])
def test_progress(shots):
    calls = []
    identify(
        ranking([3, 3]),
        NAMES,
        protocol(shots=shots, clip_shots=()),
        seed=0,
        progress=lambda *a: calls.append(a),
    )
    assert calls == [(i + 1, len(shots)) for i in range(len(shots))]
