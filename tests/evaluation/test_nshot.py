"""n-shot identification against loops, its intervals, leakage, and what must not matter."""

from __future__ import annotations

import math
import warnings

import pytest
import torch

from simlearn.data.randomness import derive_seed, torch_generator
from simlearn.evaluation.nshot import nshot_identities, nshot_svm
from simlearn.evaluation.svm_head import svm_head

SUMS = ("interval", "interval_draws", "interval_identities")


def videos(seed, classes=4, each=3, items=3, d=5, person=1.0, video=0.7, noise=0.7):
    """Embeddings that know the person, the video, and noise."""
    g = torch_generator(seed, "videos")
    y = torch.arange(classes).repeat_interleave(each * items)
    group = torch.arange(classes * each).repeat_interleave(items)
    z = person * torch.randn(classes, d, generator=g)[y]
    z = z + video * torch.randn(classes * each, d, generator=g)[group]
    return z + noise * torch.randn(len(y), d, generator=g), y, group


def naive(z, y, group, *, n, draws, seed, kernel):
    """Lists per identity, scikit-learn's pipeline on their support, sums in plain Python."""
    rows = {}
    for i in sorted(range(len(y)), key=lambda i: (y[i], group[i], i)):
        rows.setdefault(y[i], {}).setdefault(group[i], []).append(i)
    able = [
        k
        for k, own in rows.items()
        if sum(map(len, own.values())) - max(map(len, own.values())) >= n
    ]
    table = []
    for draw in range(draws):
        fit, ask = [], []
        for label in able:
            own = list(rows[label].values())
            flat = [i for video in own for i in video]
            g = torch_generator(seed, "nshot", draw, label)
            place = torch.randperm(len(own), generator=g).tolist()
            order = torch.randperm(len(flat), generator=g).tolist()
            support, queries = [], []
            for turn in range(len(own)):
                video = own[place.index(turn)]
                if len(support) < n:
                    support += [flat[k] for k in order if flat[k] in video][: n - len(support)]
                else:
                    queries += sorted(video)
            fit += [(i, label) for i in support]
            ask += [(i, label) for i in queries]
        head = svm_head(kernel, n, seed=derive_seed(seed, "nshot", draw, "folds"))
        head.fit([z[i] for i, _ in fit], [able.index(label) for _, label in fit])
        said = [able[k] for k in head.predict([z[i] for i, _ in ask])]
        unit = [[v / math.hypot(*row) for v in row] for row in z]
        means = {
            k: [sum(unit[i][j] for i, u in fit if u == k) / n for j in range(len(z[0]))]
            for k in able
        }
        near = [min(able, key=lambda k: math.dist(unit[i], means[k])) for i, _ in ask]
        table.append([(t, s, m) for (_, t), s, m in zip(ask, said, near, strict=True)])
    return able, table


def share(hits):
    hits = list(hits)
    return sum(hits) / len(hits)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_equals_the_loop(kernel, n):
    z, y, group = videos(n, items=3)
    keep = torch.ones(len(y), dtype=torch.bool)
    keep[[1, 2, 10, 30]] = False  # videos of different length
    one_video = (torch.randn(3, 5), torch.tensor([9, 9, 9]), torch.tensor([77, 77, 77]))
    z, y, group = (torch.cat([a[keep], b]) for a, b in zip((z, y, group), one_video, strict=True))
    how = {"n": n, "draws": 3, "seed": 5, "kernel": kernel}
    found = nshot_svm(z, y, group, **how)
    able, table = naive(z.double().tolist(), y.tolist(), group.tolist(), **how)
    assert found["identities"].tolist() == able == nshot_identities(y, group, n).tolist()
    assert (found["n_identities"], found["n_skipped"]) == (len(able), 5 - len(able))
    for key, per_draw, column, place in (
        ("accuracy", "per_draw", "per_identity", 1),
        ("nearest_mean", "nearest_mean_per_draw", "per_identity_nearest_mean", 2),
    ):
        wanted = [share(row[0] == row[place] for row in draw) for draw in table]
        assert found[per_draw] == pytest.approx(wanted, abs=1e-12)
        assert found[key] == pytest.approx(sum(wanted) / 3, abs=1e-12)
        each = [
            [share(r[0] == r[place] for r in draw if r[0] == k) for k in able] for draw in table
        ]
        assert found[column].dtype == torch.float64
        for row, wanted_row in zip(found[column].tolist(), each, strict=True):
            assert row == pytest.approx(wanted_row, abs=1e-12)
    pairs = [(row[0], row[1]) for draw in table for row in draw]
    assert found["confusion"].tolist() == [[pairs.count((a, b)) for b in able] for a in able]
    assert found["n_queries"] == pytest.approx(len(pairs) / 3)
    assert (found["kernel"], len(found["C"])) == (kernel, 3)


def test_intervals_contain_the_accuracy_and_narrow_with_more_identities():
    widths = []
    for classes in (5, 40):
        found = nshot_svm(*videos(1, classes, items=2, d=12), n=2, draws=4)
        for prefix, value in (("", "accuracy"), ("nearest_mean_", "nearest_mean")):
            for name in SUMS:
                low, high = found[prefix + name]
                assert 0 <= low <= found[value] <= high <= 1, prefix + name
        assert found["interval"][0] < found["accuracy"] < found["interval"][1]
        widths.append(found["interval"][1] - found["interval"][0])
    assert widths[1] < widths[0]


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_videos_without_a_person_are_named_by_chance(kernel):
    """Every video is known for sure: items of a support's video among the queries are all right."""
    z, y, group = videos(3, 20, each=5, items=4, d=48, person=0, video=1, noise=1e-3)
    found = nshot_svm(z, y, group, n=4, draws=5, kernel=kernel)
    assert max(found["accuracy"], found["nearest_mean"]) < 0.13  # chance is 0.05
    leaking = nshot_svm(z, y, torch.full_like(group, -1), n=16, draws=2, kernel=kernel)
    assert leaking["accuracy"] > 0.9


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("n", [1, 3])
def test_separable_people_are_all_named(kernel, n):
    found = nshot_svm(*videos(0, 6, d=12, video=0.01, noise=0.01), n=n, draws=3, kernel=kernel)
    assert found["accuracy"] == found["nearest_mean"] == 1.0
    assert found["interval"] == found["nearest_mean_interval"] == (1.0, 1.0)
    assert torch.equal(found["confusion"], torch.diag(found["confusion"].diagonal()))
    assert found["C"] == [1.0 if n < 3 else 0.01] * 3


def test_random_labels_are_near_chance():
    z, _, group = videos(2, 80, d=8)
    y = (torch.randperm(240, generator=torch_generator(0, "labels")) % 5)[group]
    found = nshot_svm(z, y, group, n=6, draws=4)
    assert abs(found["accuracy"] - 0.2) < 0.06 and abs(found["nearest_mean"] - 0.2) < 0.06


def test_same_seed_same_result_another_seed_another():
    data = videos(5, 8)
    one, two, other = (nshot_svm(*data, n=3, draws=3, seed=s) for s in (0, 0, 1))
    for key, value in one.items():
        assert (
            torch.equal(value, two[key]) if isinstance(value, torch.Tensor) else value == two[key]
        )
    assert one["per_draw"] != other["per_draw"]


def test_identities_of_one_group_change_only_how_many_were_skipped():
    z, y, group = videos(6, 5)
    more = (torch.randn(4, 5), torch.tensor([-3, -3, 99, 99]), torch.tensor([50, 50, 51, 51]))
    one = nshot_svm(z, y, group, n=2, draws=2)
    two = nshot_svm(*(torch.cat(p) for p in zip(more, (z, y, group), strict=True)), n=2, draws=2)
    assert (one.pop("n_skipped"), two.pop("n_skipped")) == (0, 2)
    assert str(one) == str(two) and torch.equal(one["confusion"], two["confusion"])


def test_order_of_groups_dtype_and_scale_do_not_matter():
    z, y, group = videos(7, 6)
    wanted = nshot_svm(z, y, group, n=3, draws=3)
    rows = torch.randperm(18, generator=torch_generator(0, "order"))
    rows = (3 * rows[:, None] + torch.arange(3)).flatten()
    for found in (
        nshot_svm(z[rows], y[rows], group[rows], n=3, draws=3),
        nshot_svm(z, y.int(), group.int(), n=3, draws=3),
        nshot_svm(z.T.contiguous().T.requires_grad_(), y, group, n=3, draws=3),
        *(nshot_svm(z.double() * 2.0**k, y, group, n=3, draws=3) for k in (-900, -60, 60, 900)),
    ):
        assert torch.equal(found["confusion"], wanted["confusion"])
        assert torch.equal(found["per_identity"], wanted["per_identity"])
        assert found["nearest_mean_per_draw"] == wanted["nearest_mean_per_draw"]
        assert found["interval"] == wanted["interval"]
    scaled = nshot_svm(z * 1000, y, group, n=3, draws=3)
    assert scaled["accuracy"] == pytest.approx(wanted["accuracy"], abs=0.02)


def test_items_without_a_video_are_groups_by_themselves():
    z, y, _ = videos(8, 4)
    one = nshot_svm(z, y, torch.full_like(y, -1), n=2, draws=2)
    two = nshot_svm(z, y, torch.arange(len(y)), n=2, draws=2)
    assert one["n_queries"] == len(y) - 4 * 2
    assert torch.equal(one["confusion"], two["confusion"])


def test_per_identity_confusion_and_accuracy_agree():
    z, y, group = videos(9, 5)
    rows = torch.arange(len(y))[3:]  # an identity with fewer queries weighs less
    found = nshot_svm(z[rows], y[rows], group[rows], n=2, draws=3)
    assert torch.isfinite(found["per_identity"]).all()
    weights = torch.tensor([3.0, 6.0, 6.0, 6.0, 6.0], dtype=torch.float64)
    assert found["n_queries"] == weights.sum() == found["confusion"].sum() / 3
    mean = (found["per_identity"] * weights).sum(dim=1) / weights.sum()
    assert found["per_draw"] == pytest.approx(mean.tolist(), abs=1e-12)
    diagonal = (found["per_identity"] * weights).sum(dim=0)
    assert found["confusion"].diagonal().tolist() == pytest.approx(diagonal.tolist(), abs=1e-9)


def test_the_identities_asked_for_are_drawn_as_among_all():
    z, y, group = videos(10, 6)
    few = nshot_svm(z, y, group, n=3, draws=2, identities=[4, 1, 2])
    rows = torch.isin(y, torch.tensor([1, 2, 4]))
    alone = nshot_svm(z[rows], y[rows], group[rows], n=3, draws=2)
    assert few["identities"].tolist() == [1, 2, 4]
    assert (few["n_identities"], few["n_skipped"], alone["n_skipped"]) == (3, 3, 0)
    assert torch.equal(few["confusion"], alone["confusion"])
    with pytest.raises(ValueError, match=r"identity 0 cannot give n=7 support items: it has 6"):
        nshot_svm(z, y, group, n=7, identities=torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="identities names 6, which is no label in y"):
        nshot_svm(z, y, group, n=1, identities=torch.tensor([0, 6]))


def test_one_draw_has_no_width_over_draws():
    told = []
    found = nshot_svm(*videos(11), n=2, draws=1, progress=lambda *at: told.append(at))
    assert found["interval_draws"] == (found["accuracy"],) * 2 == (found["per_draw"][0],) * 2
    assert found["interval"] == found["interval_identities"]
    assert found["per_identity"].shape == (1, 4) and told == [(1, 1)]


@pytest.mark.parametrize(("rows", "n", "able"), [(36, 7, 0), (9, 2, 1), (0, 1, 0)])
def test_fewer_than_two_identities_are_nan_with_a_warning(rows, n, able):
    z, y, group = (column[:rows] for column in videos(12))
    with pytest.warns(
        UserWarning,
        match=rf"that can give n={n} support items and a query: {able}, at least 2 are needed: "
        "metrics are nan",
    ):
        found = nshot_svm(z, y, group, n=n, draws=2)
    values = [found["accuracy"], found["nearest_mean"], *found["per_draw"], *found["C"]]
    values += [v for name in SUMS for p in ("", "nearest_mean_") for v in found[p + name]]
    assert all(math.isnan(v) for v in values)
    assert (found["n_identities"], found["n_queries"]) == (able, 0.0)
    assert found["n_skipped"] == len(set(y.tolist())) - able
    assert found["confusion"].tolist() == [[0]] * able
    assert found["per_identity"].shape == (2, able)


def test_few_items_of_many_people_give_no_warning():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert 0 <= nshot_svm(*videos(13, 30), n=1, draws=2)["accuracy"] <= 1
    assert caught == []


def test_the_nearest_mean_ignores_the_length_of_each_row():
    z, y, group = videos(15, 5)
    z = z.double()
    short = z * torch.where(torch.arange(len(y)) % 3 == 0, 2.0**-70, 2.0**70)[:, None]
    one, two = (nshot_svm(v, y, group, n=2, draws=2) for v in (z, short))
    assert torch.equal(one["per_identity_nearest_mean"], two["per_identity_nearest_mean"])
    assert one["accuracy"] != two["accuracy"]  # the SVM does not


def test_duplicates_and_zeros_are_no_fault():
    _, y, group = videos(14, 3)
    found = nshot_svm(torch.zeros(len(y), 4), y, group, n=3, draws=2)
    assert found["nearest_mean"] == pytest.approx(1 / 3)  # all ties: the lowest label
    assert found["confusion"].sum() == 2 * found["n_queries"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0}, "n is 0, must be at least 1"),
        ({"draws": 0}, "draws is 0, must be at least 1"),
        ({"kernel": "poly"}, "kernel is 'poly', must be linear or rbf"),
        ({"z": torch.zeros(36)}, r"z must be \(N, d\) with d at least 1, found \(36,\)"),
        ({"z": torch.zeros(36, 0)}, r"found \(36, 0\)"),
        ({"y": torch.zeros(35, dtype=torch.int64)}, r"y must be \(36,\), found \(35,\)"),
        ({"y": torch.zeros(36)}, "y must be integers, found torch.float32"),
        ({"group": torch.zeros(36, 1)}, r"group must be \(36,\), found \(36, 1\)"),
        ({"group": torch.zeros(36)}, "group must be integers, found torch.float32"),
        (
            {"z": torch.full((36, 2), math.inf)},
            "36 of 36 rows of z hold values that are not finite",
        ),
    ],
)
def test_mistakes_are_named(change, message):
    z, y, group = videos(0)
    arguments = {"z": z, "y": y, "group": group, "n": 1, "draws": 1, **change}
    with pytest.raises(ValueError, match=message):
        nshot_svm(**arguments)


def test_identities_need_labels_too():
    with pytest.raises(ValueError, match="n is -1, must be at least 1"):
        nshot_identities(torch.zeros(2, dtype=torch.int64), torch.arange(2), -1)
    with pytest.raises(ValueError, match=r"group must be \(2,\), found \(3,\)"):
        nshot_identities(torch.zeros(2, dtype=torch.int64), torch.arange(3), 1)
    assert nshot_identities(torch.zeros(0).long(), torch.zeros(0).long(), 1).shape == (0,)
