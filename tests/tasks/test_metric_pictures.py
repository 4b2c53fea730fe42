"""Which queries are shown, and that the picture shows what was found."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from simlearn.evaluation.retrieval import retrieve
from simlearn.tasks import metric_pictures
from simlearn.tasks.metric_pictures import choose_queries, grid_picture, middle_frame


def results_of(y, seed=0):
    z = torch.randn(len(y), 3, generator=torch.Generator().manual_seed(seed))
    return retrieve(z, torch.tensor(y))


def test_queries_are_of_different_people_that_have_something_to_find():
    y = [0, 0, 0, 1, 2, 2, 3, 3, 3, 4]
    for seed in range(20):
        chosen = choose_queries(results_of(y), y, 3, seed=seed)
        people = [y[q] for q in chosen]
        assert len(chosen) == len(set(people)) == 3
        assert set(people) <= {0, 2, 3}
    assert len(choose_queries(results_of(y), y, 99, seed=0)) == 3
    assert choose_queries(results_of(y), y, 0, seed=0) == []


def test_queries_are_drawn_by_the_seed_and_never_by_what_they_found():
    y = [i // 3 for i in range(30)]
    one = choose_queries(results_of(y, seed=1), y, 4, seed=7)
    assert one == choose_queries(results_of(y, seed=2), y, 4, seed=7)
    drawn = {tuple(choose_queries(results_of(y), y, 4, seed=s)) for s in range(10)}
    assert len(drawn) > 5


def test_the_middle_frame_is_the_face_in_the_middle_of_the_video(data):
    video = data.data.splits["test"][0]
    image = middle_frame(data.data, video, 0.5)
    whole = cv2.imread(str(data.data.root / video.frames[4]))[:, :, ::-1]
    assert len(video.frames) == 8 and whole.shape == (32, 32, 3)
    assert np.array_equal(image, whole[8:24, 8:24])


def test_the_picture_shows_the_nearest_with_their_distances(data, monkeypatch):
    videos = data.data.splits["test"]
    names = [v.identity for v in videos]
    z = torch.randn(6, 3, generator=torch.Generator().manual_seed(4))
    results = retrieve(z, torch.tensor([sorted(set(names)).index(n) for n in names]))
    shown = []
    monkeypatch.setattr(metric_pictures, "retrieval_grid", lambda rows, title: shown.extend(rows))
    grid_picture(data.data, "test", results, crop=0.5, rows=2, seed=0)
    assert len(shown) == 2
    for row in shown:
        query = [v.name for v in videos].index(row.query_label)
        assert np.array_equal(row.query, middle_frame(data.data, videos[query], 0.5))
        order = sorted((float((z[query] - z[i]).norm()), i) for i in range(6) if i != query)
        assert [n.label for n in row.neighbours] == [videos[i].name for _, i in order]
        assert [n.correct for n in row.neighbours] == [names[i] == names[query] for _, i in order]
        for neighbour, (distance, i) in zip(row.neighbours, order, strict=True):
            assert abs(neighbour.distance - distance) < 1e-5
            assert np.array_equal(neighbour.image, middle_frame(data.data, videos[i], 0.5))


def test_a_picture_is_drawn_and_none_where_nobody_has_anything_to_find(data):
    y = torch.tensor([0, 0, 0, 1, 1, 1])
    z = torch.randn(6, 3, generator=torch.Generator().manual_seed(4))
    picture = grid_picture(data.data, "test", retrieve(z, y), crop=0.5, rows=2, seed=0)
    assert picture is not None and picture.png.startswith(b"\x89PNG")
    alone = retrieve(z, torch.arange(6))
    assert grid_picture(data.data, "test", alone, crop=0.5, rows=2, seed=0) is None
