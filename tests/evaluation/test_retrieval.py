"""Retrieval against a loop per query, worked numbers, peer libraries, and what must not matter."""

from __future__ import annotations

import math
import warnings
from dataclasses import fields

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.evaluation import retrieval, retrieval_metrics
from simlearn.evaluation.retrieval import retrieve

KS = (1, 2, 5, 10)


def cosine_distance(a, b):
    dot = sum(u * v for u, v in zip(a, b, strict=True))
    return 1 - dot / (math.hypot(*a) * math.hypot(*b))


def naive(z, y, gallery=None, gallery_y=None, *, group=None, gallery_group=None, distance=None):
    """One sorted list per query, in plain Python; None where no query has a match."""
    alone, distance = gallery is None, distance or math.dist
    if alone:
        gallery, gallery_y, gallery_group = z, y, group
    group = [-1] * len(z) if group is None else group
    gallery_group = [-1] * len(gallery) if gallery_group is None else gallery_group
    sums, n = (
        dict.fromkeys([*(f"recall_at_{k}" for k in KS), "map_at_r", "r_precision", "mrr"], 0),
        0,
    )
    for q in range(len(z)):
        order = sorted(
            (distance(z[q], gallery[i]), i)
            for i in range(len(gallery))
            if not (alone and i == q) and (group[q] < 0 or gallery_group[i] != group[q])
        )
        hits = [gallery_y[i] == y[q] for _, i in order]
        r = sum(hits)
        if r == 0:
            continue
        n += 1
        for k in KS:
            sums[f"recall_at_{k}"] += any(hits[:k])
        sums["map_at_r"] += sum(sum(hits[: i + 1]) / (i + 1) for i in range(r) if hits[i]) / r
        sums["r_precision"] += sum(hits[:r]) / r
        sums["mrr"] += 1 / (hits.index(True) + 1)
    means = {name: value / n if n else None for name, value in sums.items()}
    return {**means, "n_queries": n, "n_skipped": len(z) - n}


def measured(*arguments, **settings_):
    """``retrieval_metrics`` with nan as None and without the warning about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = retrieval_metrics(*arguments, ks=KS, **settings_)
    return {name: None if math.isnan(value) else value for name, value in found.items()}


def random_batch(seed, n, classes, d=4):
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(n, d, generator=g)
    return z, torch.randint(classes, (n,), generator=g), torch.randint(-1, 6, (n,), generator=g)


ROWS = st.lists(
    st.tuples(
        st.integers(-2, 2),  # few places: many equal distances and many duplicates
        st.integers(-2, 2),
        st.integers(0, 3),  # label
        st.integers(-1, 3),  # group
    ),
    min_size=1,
    max_size=14,
)


def columns(rows):
    table = torch.tensor(rows, dtype=torch.int64).reshape(-1, 4)
    return table[:, :2].float(), table[:, 2], table[:, 3]


@settings(max_examples=150, deadline=None)
@given(ROWS, st.booleans())
def test_every_item_queries_all_others_like_the_loop(rows, grouped):
    z, y, group = columns(rows)
    wanted = naive(z.tolist(), y.tolist(), group=group.tolist() if grouped else None)
    assert measured(z, y, group=group if grouped else None) == pytest.approx(wanted, abs=1e-12)


@settings(max_examples=150, deadline=None)
@given(ROWS, ROWS, st.booleans())
def test_a_gallery_is_searched_like_in_the_loop(queries, items, grouped):
    (z, y, group), (g, g_y, g_group) = columns(queries), columns(items)
    how = {"group": group, "gallery_group": g_group} if grouped else {}
    plain = {name: value.tolist() for name, value in how.items()}
    wanted = naive(z.tolist(), y.tolist(), g.tolist(), g_y.tolist(), **plain)
    assert measured(z, y, g, g_y, **how) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_cosine_is_the_loop_with_angles(seed):
    z, y, group = random_batch(seed, 40, 7)
    z = z * torch.rand(40, 1) * 5
    wanted = naive(z.tolist(), y.tolist(), group=group.tolist(), distance=cosine_distance)
    assert measured(z, y, group=group, metric="cosine") == pytest.approx(wanted, abs=1e-12)
    d = retrieve(z, y, metric="cosine").distance[0]
    wanted_d = sorted(cosine_distance(z[0].tolist(), row) for row in z[1:].tolist())[:5]
    assert d.tolist() == pytest.approx(wanted_d, abs=1e-9)


@pytest.mark.parametrize(
    ("hits", "map_at_r", "r_precision"),
    [
        ([1, 1, 1], 1.0, 1.0),
        ([1, 0, 1], (1 + 2 / 3) / 3, 2 / 3),
        ([0, 0, 1], 1 / 9, 1 / 3),
        ([1, 0, 0], 1 / 3, 1 / 3),
    ],
)
def test_worked_numbers_of_map_at_r(hits, map_at_r, r_precision):
    """One query at 0; R = 3 items of its class, those that are not in the top 3 far away."""
    labels = [*(0 if hit else 9 for hit in hits), *[0] * (3 - sum(hits))]
    gallery = torch.arange(1.0, 1 + len(labels))[:, None]
    found = retrieval_metrics(
        torch.zeros(1, 1), torch.tensor([0]), gallery, torch.tensor(labels), ks=(1,)
    )
    assert found["map_at_r"] == pytest.approx(map_at_r, abs=1e-12)
    assert found["r_precision"] == pytest.approx(r_precision, abs=1e-12)
    assert found["mrr"] == pytest.approx(1 / (hits.index(1) + 1), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_equals_pytorch_metric_learning(seed):
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
    from pytorch_metric_learning.utils.inference import CustomKNN

    z, y, _ = random_batch(seed, 60, 9)
    names = {
        "mean_average_precision_at_r": "map_at_r",
        "r_precision": "r_precision",
        "precision_at_1": "recall_at_1",
        "mean_reciprocal_rank": "mrr",
    }
    calculator = AccuracyCalculator(
        include=tuple(names),
        k=59,
        device=torch.device("cpu"),
        knn_func=CustomKNN(LpDistance(normalize_embeddings=False)),
    )
    theirs = calculator.get_accuracy(z, y)
    ours = retrieval_metrics(z, y)
    assert len(names) == 4
    for name, our_name in names.items():
        assert ours[our_name] == pytest.approx(theirs[name], abs=1e-6), name


@pytest.mark.parametrize("seed", range(3))
def test_equals_torchmetrics(seed):
    from torchmetrics.retrieval import RetrievalHitRate, RetrievalMRR, RetrievalRPrecision

    z, y, _ = random_batch(seed, 25, 4)
    gallery, gallery_y, _ = random_batch(seed + 100, 31, 4)
    d = torch.tensor([[math.dist(a, b) for b in gallery.tolist()] for a in z.tolist()])
    index = torch.arange(25)[:, None].expand(25, 31)
    scores = (-d).exp()  # its reciprocal rank is 0 for scores below 0
    table = (scores.flatten(), (y[:, None] == gallery_y[None, :]).flatten())
    ours = retrieval_metrics(z, y, gallery, gallery_y, ks=(1, 3))
    assert ours["n_queries"] == 25
    for name, metric in {
        "recall_at_1": RetrievalHitRate(top_k=1),
        "recall_at_3": RetrievalHitRate(top_k=3),
        "mrr": RetrievalMRR(),
        "r_precision": RetrievalRPrecision(),
    }.items():
        theirs = float(metric(*table, indexes=index.flatten()))
        assert ours[name] == pytest.approx(theirs, abs=1e-6), name


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30), st.randoms())
def test_order_of_the_gallery_does_not_matter(seed, n, random):
    z, y, group = random_batch(seed, 12, 4)
    gallery, gallery_y, gallery_group = random_batch(seed + 1, n, 4)
    order = random.sample(range(n), n)
    one = measured(z, y, gallery, gallery_y, group=group, gallery_group=gallery_group)
    two = measured(
        z, y, gallery[order], gallery_y[order], group=group, gallery_group=gallery_group[order]
    )
    assert one == two


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(-30, 30))
def test_scale_does_not_matter(seed, power):
    z, y, _ = random_batch(seed, 20, 5)
    assert measured(z, y) == measured(z * 2.0**power, y)
    assert measured(z, y, metric="cosine") == measured(z * 2.0**power, y, metric="cosine")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 70), st.booleans())
def test_any_chunk_gives_the_same_bits(seed, chunk, repeated):
    """Also where the sums of a matrix product would be rounded by the size of its block."""
    g = torch.Generator().manual_seed(seed)
    z, y, group = random_batch(seed, 60, 8, d=65)
    if repeated:
        z = z[torch.randint(60, (60,), generator=g)]
    for metric in ("euclidean", "cosine"):
        whole = retrieve(z, y, group=group, metric=metric, nearest=60)
        parts = retrieve(z, y, group=group, metric=metric, nearest=60, chunk=chunk)
        for field in fields(whole):
            assert torch.equal(getattr(whole, field.name), getattr(parts, field.name)), field.name


def test_duplicates_are_at_distance_zero_and_come_in_the_order_of_the_gallery():
    z = torch.randn(1, 300, generator=torch.Generator().manual_seed(1)) * 100
    gallery = torch.cat([z + 1e-4, z, z, z])
    found = retrieve(z, torch.tensor([0]), gallery, torch.tensor([1, 1, 0, 0]))
    assert found.nearest.tolist() == [[1, 2, 3, 0]]
    assert found.distance[0, :3].tolist() == [0.0, 0.0, 0.0]
    assert int(found.first) == 2


def test_equal_distances_take_the_lower_gallery_index():
    z = torch.tensor([[0.0, 0.0]])
    gallery = torch.tensor([[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0], [0.0, -1.0]])
    for first, wanted in ((0, 1.0), (1, 0.5), (3, 0.25)):
        labels = torch.tensor([5 if i == first else 6 for i in range(4)])
        found = retrieval_metrics(z, torch.tensor([5]), gallery, labels)
        assert found["mrr"] == wanted


def test_many_equal_distances_stay_in_the_order_of_the_gallery():
    """Enough of them that a sort which is not stable would mix them."""
    g = torch.Generator().manual_seed(0)
    gallery = torch.randint(3, (20_000, 1), generator=g).float()
    found = retrieve(
        torch.zeros(1, 1),
        torch.tensor([0]),
        gallery,
        torch.zeros(20_000, dtype=torch.int64),
        nearest=20_000,
    )
    rows = found.nearest[0].tolist()
    assert rows == sorted(range(20_000), key=lambda i: (float(gallery[i]), i))


@pytest.mark.parametrize("base", [2**24, 2**53, 2**62])
def test_large_labels_that_differ_by_one_are_different(base):
    z = torch.tensor([[0.0], [1.0], [0.1], [1.1]])
    found = retrieval_metrics(z, base + torch.tensor([0, 0, 1, 1]))
    assert found["recall_at_1"] == 0.0
    assert found["n_queries"] == 4


def test_large_groups_that_differ_by_one_are_different():
    z, y = torch.tensor([[0.0], [0.1], [5.0]]), torch.tensor([0, 0, 1])
    same = measured(z, y, group=torch.tensor([2**53, 2**53, 2**53 + 1]))
    other = measured(z, y, group=torch.tensor([2**53, 2**53 + 1, 2**53 + 2]))
    assert (same["n_queries"], other["n_queries"]) == (0, 2)


def test_an_identity_with_one_video_is_gallery_only():
    z = torch.tensor([[0.0], [0.1], [0.05]])
    found = retrieval_metrics(z, torch.tensor([0, 0, 1]), ks=(1, 2))
    assert (found["n_queries"], found["n_skipped"]) == (2, 1)
    assert (found["recall_at_1"], found["recall_at_2"]) == (0.0, 1.0)  # and it stands in the way


def test_own_group_is_neither_a_neighbour_nor_counted():
    z = torch.tensor([[0.0], [0.1], [0.2], [9.0]])
    y, group = torch.tensor([0, 0, 1, 0]), torch.tensor([7, 7, -1, 8])
    found = retrieve(z, y, group=group)
    assert found.nearest[0].tolist() == [2, 3, -1, -1]
    assert found.relevant.tolist() == [1, 1, 0, 2]
    assert found.distance[0, 2:].tolist() == [math.inf, math.inf]


def test_ranks_beyond_the_gallery():
    z, y, _ = random_batch(3, 6, 2)
    found = retrieval_metrics(z, y, ks=(1, 5, 1000))
    assert found["recall_at_1000"] == found["recall_at_5"] == 1.0
    curve = retrieve(z, y).cmc(9)
    assert curve == sorted(curve)
    assert curve[0] == found["recall_at_1"] and curve[-1] == 1.0 and len(curve) == 9


@pytest.mark.parametrize(("n", "chunk"), [(10, 3), (7, 7), (0, None)])
def test_progress_is_told_to_the_end(n, chunk):
    z, y, _ = random_batch(0, n, 3)
    told = []
    measured(z, y, chunk=chunk, progress=lambda *where: told.append(where))
    done = [d for d, _ in told]
    assert done == sorted(done) and done[-1] == n and {total for _, total in told} == {n}
    assert chunk is None or len(told) == -(-n // chunk)


def test_progress_is_shown_by_itself_only_where_it_takes_long(capsys):
    late, soon = retrieval._late_progress(after=1e9), retrieval._late_progress(after=-1.0)
    for tell in (late, soon):
        tell(1, 2)
        tell(2, 2)
    shown = capsys.readouterr().err
    assert shown.count("retrieval 2/2") == 1 and shown.endswith("\n")


def test_few_items_of_many_values_are_searched_in_steps():
    """2 million / 20 queries at once x 2,000 values would be 1.7 GB a copy."""
    g = torch.Generator().manual_seed(0)
    z, gallery = torch.randn(3000, 2000, generator=g), torch.randn(20, 2000, generator=g)
    told = []
    retrieve(
        z,
        torch.arange(3000) % 20,
        gallery,
        torch.arange(20),
        progress=lambda done, _: told.append(done),
    )
    assert told[0] <= 2_100_000 // (20 + 5 * 2000)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_equals_scikit_learns_neighbours(metric):
    from sklearn.neighbors import NearestNeighbors

    z, y, _ = random_batch(8, 80, 6, d=16)
    search = NearestNeighbors(n_neighbors=79, algorithm="brute", metric=metric).fit(z.numpy())
    order = torch.from_numpy(search.kneighbors(return_distance=False))
    hit = y[order] == y[:, None]
    r = hit.sum(dim=1)
    inside = hit & (torch.arange(1, 80) <= r[:, None])
    precision = hit.cumsum(dim=1) / torch.arange(1, 80)
    found = retrieval_metrics(z, y, ks=(1, 5), metric=metric)
    assert found["map_at_r"] == pytest.approx(float(((precision * inside).sum(1) / r).mean()))
    assert found["r_precision"] == pytest.approx(float((inside.sum(1) / r).mean()))
    assert found["recall_at_5"] == pytest.approx(float(hit[:, :5].any(dim=1).float().mean()))
    assert retrieve(z, y, metric=metric, nearest=3).nearest.tolist() == order[:, :3].tolist()
