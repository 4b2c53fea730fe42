import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.mask_effect import drop_interval, kept_clusters, mask_weights, resample


def random_scores(seed, questions=40, masks=20):
    g = torch.Generator().manual_seed(seed)
    base = torch.rand(questions, generator=g) < 0.8
    masked = base & (torch.rand(questions, generator=g) < 0.4)
    controls = base & (torch.rand(masks, questions, generator=g) < 0.9)
    return base, masked, controls


def test_values_are_those_of_plain_loops():
    base, masked, controls = random_scores(0)
    found = drop_interval(base, masked, controls, draws=50)
    drop = sum(int(b) - int(m) for b, m in zip(base, masked, strict=True)) / 40
    random = sum(int(base[q]) - int(row[q]) for row in controls for q in range(40)) / (20 * 40)
    assert found.drop == pytest.approx(drop, abs=1e-12)
    assert found.random_drop == pytest.approx(random, abs=1e-12)
    assert found.excess == pytest.approx(drop - random, abs=1e-12)
    assert (found.n, found.masks) == (40, 20)


def test_intervals_agree_with_every_possible_resample():
    """3 questions and 2 masks: all 27 x 4 resamples are equally likely."""
    base = torch.ones(3, dtype=torch.float64)
    masked = torch.tensor([0.0, 0.25, 0.75], dtype=torch.float64)
    controls = torch.tensor([[1.0, 0.5, 1.0], [0.75, 1.0, 1.0]], dtype=torch.float64)
    every = [
        sum(float(base[q] - masked[q]) for q in qs) / 3
        - sum(float(base[q] - controls[r, q]) for q in qs for r in rs) / 6
        for qs in itertools.product(range(3), repeat=3)
        for rs in itertools.product(range(2), repeat=2)
    ]
    every = torch.tensor(every)
    g = torch.Generator().manual_seed(1)
    own, random = resample(base - masked, base - controls, mask_weights(2, 20000, g), g)
    drawn = own - random
    assert float(drawn.mean()) == pytest.approx(float(every.mean()), abs=0.01)
    for level in (0.1, 0.5, 0.9):
        bar = every.quantile(level) + 1e-6
        shares = [float((values <= bar).double().mean()) for values in (drawn, every)]
        assert shares[0] == pytest.approx(shares[1], abs=0.015)


def test_a_strong_mask_is_seen_and_a_random_one_is_not():
    base, masked, controls = random_scores(3, questions=200)
    strong = drop_interval(base, masked, controls)
    assert strong.excess_interval[0] > 0
    weak = drop_interval(base, controls[0], controls[1:])
    assert weak.excess_interval[0] < 0 < weak.excess_interval[1]


def test_pairing_cancels_what_is_common():
    """A drop of the same questions under all masks leaves no doubt about the excess."""
    base = torch.ones(30)
    fallen = base.clone()
    fallen[::3] = 0
    found = drop_interval(base, fallen, fallen.expand(20, 30))
    assert found.interval[0] < found.drop < found.interval[1]
    assert found.excess_interval == (0.0, 0.0)


def test_the_sign_of_a_loss_is_turned():
    base, masked = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 2.5])
    found = drop_interval(base, masked, base.expand(3, 2), higher_is_better=False, draws=20)
    assert found.drop == pytest.approx(1.25)
    assert found.random_drop == 0.0


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 9999))
def test_intervals_hold_and_repeat(questions, masks, seed):
    base, masked, controls = random_scores(seed, questions, masks)
    one = drop_interval(base, masked, controls, draws=60, seed=seed)
    assert one == drop_interval(base, masked, controls, draws=60, seed=seed)
    low, high = one.excess_interval
    assert -2 <= low <= high <= 2
    assert -1 <= one.interval[0] <= one.interval[1] <= 1


def test_questions_with_a_nan_are_left_out():
    base = torch.tensor([1.0, float("nan"), 1.0, 1.0])
    masked = torch.tensor([0.0, 0.0, float("nan"), 1.0])
    controls = torch.tensor([[1.0, 1.0, 1.0, 0.0]])
    found = drop_interval(base, masked, controls, draws=10)
    assert (found.n, found.drop, found.random_drop) == (2, 0.5, 0.5)


def test_nothing_to_measure_is_nan():
    none = drop_interval(torch.zeros(0), torch.zeros(0), torch.zeros(2, 0), draws=5)
    assert none.n == 0 and math.isnan(none.drop) and math.isnan(none.excess_interval[0])
    alone = drop_interval(torch.ones(4), torch.zeros(4), torch.zeros(0, 4), draws=5)
    assert alone.interval == (1.0, 1.0) and alone.masks == 0
    assert math.isnan(alone.random_drop) and math.isnan(alone.excess_interval[1])


def test_many_questions_are_drawn_in_chunks(monkeypatch):
    base, masked, controls = random_scores(5)
    whole = drop_interval(base, masked, controls, draws=64)
    monkeypatch.setattr("simlearn.analysis.mask_effect.CELLS", 100)
    assert drop_interval(base, masked, controls, draws=64) == whole


def test_errors_name_the_shapes():
    with pytest.raises(ValueError, match=r"controls \(R, Q\), found \(3,\), \(3,\) and \(2, 4\)"):
        drop_interval(torch.ones(3), torch.ones(3), torch.ones(2, 4))
    with pytest.raises(ValueError, match="draws is 0"):
        drop_interval(torch.ones(3), torch.ones(3), torch.ones(2, 3), draws=0)


def naive_bootstrap(base, masked, controls, clusters, draws, seed):
    """Clusters and masks drawn by hand; the mean of every resample over its questions."""
    g = torch.Generator().manual_seed(seed)
    own, random = (base - masked).tolist(), (base - controls).tolist()
    members = [[q for q, c in enumerate(clusters) if c == name] for name in sorted(set(clusters))]
    excess = []
    for _ in range(draws):
        picked = torch.randint(len(members), (len(members),), generator=g).tolist()
        rows = [q for name in picked for q in members[name]]
        masks = torch.randint(len(random), (len(random),), generator=g).tolist()
        drop = sum(own[q] for q in rows) / len(rows)
        by_chance = sum(random[r][q] for q in rows for r in masks) / (len(rows) * len(masks))
        excess.append(drop - by_chance)
    return sorted(excess)


def test_clusters_are_drawn_together_as_in_a_naive_bootstrap():
    """Pictures with 1 to 9 questions that fall together: far wider than single questions."""
    g = torch.Generator().manual_seed(2)
    sizes = [1, 9, 2, 6, 4, 3, 8, 5]
    clusters = [name for name, size in enumerate(sizes) for _ in range(size)]
    fall = torch.rand(len(sizes), generator=g, dtype=torch.float64)
    base = torch.ones(len(clusters), dtype=torch.float64)
    masked = base - fall[clusters]
    controls = base - 0.2 * torch.rand(3, len(clusters), generator=g, dtype=torch.float64)
    order = torch.randperm(len(clusters), generator=g)  # the numbers need not be in order
    numbers = 100 - 7 * torch.tensor(clusters)
    found = drop_interval(
        base[order], masked[order], controls[:, order], clusters=numbers[order], draws=8000
    )
    every = naive_bootstrap(base, masked, controls, clusters, 2000, seed=3)
    for level, bound in zip((0.025, 0.975), found.excess_interval, strict=True):
        assert bound == pytest.approx(every[int(level * len(every))], abs=0.03)
    alone = drop_interval(base, masked, controls, draws=8000)
    assert found.excess == pytest.approx(alone.excess, abs=1e-12)

    def width(interval):
        return interval[1] - interval[0]

    assert width(found.interval) > 1.5 * width(alone.interval)


def test_clusters_of_every_pair_of_pictures_are_equally_likely():
    """Two pictures with 1 and 3 questions: resamples are theirs or both, one, two, one times."""
    base = torch.ones(4, dtype=torch.float64)
    masked = torch.tensor([0.0, 1.0, 1.0, 1.0], dtype=torch.float64)
    g = torch.Generator().manual_seed(0)
    own, _ = resample(
        base - masked,
        torch.zeros(1, 4, dtype=torch.float64),
        mask_weights(1, 20000, g),
        g,
        torch.tensor([0, 1, 1, 1]),
    )
    assert set(own.tolist()) == {0.0, 0.25, 1.0}
    for value, share in ((0.0, 0.25), (0.25, 0.5), (1.0, 0.25)):
        assert float((own == value).double().mean()) == pytest.approx(share, abs=0.02)


def test_clusters_of_one_each_are_none_at_all():
    base, masked, controls = random_scores(4)
    alone = drop_interval(base, masked, controls, draws=200)
    assert drop_interval(base, masked, controls, clusters=torch.arange(40), draws=200) == alone
    numbers = torch.arange(40) * 1000 - 7
    assert drop_interval(base, masked, controls, clusters=numbers, draws=200) == alone


def test_one_cluster_leaves_no_spread():
    base, masked, controls = random_scores(4)
    found = drop_interval(base, masked, controls[:1], clusters=torch.zeros(40).long(), draws=50)
    assert found.interval == (found.drop, found.drop)
    assert found.excess_interval == (found.excess, found.excess)


@pytest.mark.parametrize("where", ["base", "masked", "controls", "inf"])
def test_a_question_that_is_left_out_leaves_its_cluster(where):
    base, masked, controls = (x.double() for x in random_scores(6, questions=12))
    clusters = torch.arange(12) // 3
    kept = torch.arange(12) != 4
    wanted = drop_interval(
        base[kept], masked[kept], controls[:, kept], clusters=clusters[kept], draws=100
    )
    if where == "base":
        base[4] = math.nan
    elif where == "masked":
        masked[4] = math.nan
    elif where == "controls":
        controls[2, 4] = math.nan
    else:  # as a loss may be: infinite before and after
        base[4] = masked[4] = math.inf
    assert len(kept_clusters(base, masked, controls, clusters)) == 11
    found = drop_interval(base, masked, controls, clusters=clusters, draws=100)
    assert found == wanted and found.n == 11


def test_clusters_that_are_left_without_a_question_are_not_drawn():
    base, masked, controls = (x.double() for x in random_scores(7, questions=9))
    clusters = torch.arange(9) // 3
    base[3:6] = math.nan
    assert kept_clusters(base, masked, controls, clusters).tolist() == [0, 0, 0, 1, 1, 1]
    found = drop_interval(base, masked, controls, clusters=clusters, draws=100)
    assert found.n == 6 and all(map(math.isfinite, (*found.interval, *found.excess_interval)))
    base[:] = math.nan
    assert drop_interval(base, masked, controls, clusters=clusters, draws=5).n == 0


def test_clusters_need_a_number_for_each_question():
    base, masked, controls = random_scores(4)
    with pytest.raises(ValueError, match=r"clusters must be \(Q,\) = \(40,\), found \(39,\)"):
        drop_interval(base, masked, controls, clusters=torch.arange(39))


def test_clusters_are_drawn_in_chunks(monkeypatch):
    base, masked, controls = random_scores(5)
    clusters = torch.arange(40) // 4
    whole = drop_interval(base, masked, controls, clusters=clusters, draws=64)
    monkeypatch.setattr("simlearn.analysis.mask_effect.CELLS", 100)
    assert drop_interval(base, masked, controls, clusters=clusters, draws=64) == whole
