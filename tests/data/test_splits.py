"""Identity-disjoint splits: properties, folds, counts, and the text of every error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.errors import DataError
from simlearn.data.randomness import numpy_generator
from simlearn.data.splits import fold_of_identity, identity_split, label_map
from simlearn.data.video import Video
from simlearn.data.youtube_pairs import VideoPair
from tests.data.ytf_tree import FOLDS, SUBJECTS, VIDEOS, pairs

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
PAIRS = [VideoPair(fold, a, b, bool(same)) for fold, a, b, same in pairs()]


def make(identities, each=2):
    names = [f"p{k:04d}" for k in range(identities)]
    return [Video(name, f"{name}/{v}", ("x.jpg",)) for name in names for v in range(each)]


def tree_videos():
    return [Video(name.split("/")[0], name, ("x.jpg",)) for name in VIDEOS]


def people(parts):
    return {part: sorted({v.identity for v in parts[part]}) for part in parts}


def sizes(parts):
    return tuple(len({v.identity for v in parts[part]}) for part in ("train", "val", "test"))


def fails(videos, split, **options):
    with pytest.raises(DataError) as caught:
        identity_split(videos, split=split, seed=0, **options)
    return str(caught.value)


@given(
    counts=st.lists(st.integers(1, 4), min_size=12, max_size=40),
    shares=st.tuples(*[st.floats(0.15, 5.0).filter(lambda x: x != int(x))] * 3),  # not counts
    seed=st.integers(0, 2**40),
    data=st.data(),
)
def test_disjoint_complete_repeatable_and_free_of_order(counts, shares, seed, data):
    videos = [
        Video(f"p{k}", f"p{k}/{v}", ("x.jpg",)) for k, n in enumerate(counts) for v in range(n)
    ]
    split = dict(zip(("train", "val", "test"), shares, strict=True))
    smallest = min(shares) / sum(shares) * len(counts)
    if smallest < 1:
        split["train"] = split["test"] = 5.0
    parts = identity_split(videos, split=split, seed=seed)
    who = [set(names) for names in people(parts).values()]
    assert sum(map(len, who)) == len(set().union(*who)) == len(counts)
    assert sorted(v.name for p in parts.values() for v in p) == sorted(v.name for v in videos)
    assert list(parts) == ["train", "val", "test"]
    for part, got in zip(parts, who, strict=True):
        assert abs(len(got) - split[part] / sum(split.values()) * len(counts)) < 1 + 1e-6
    shuffled = data.draw(st.permutations(videos))
    assert identity_split(shuffled, split=split, seed=seed) == parts


def test_seeds_differ():
    parts = [identity_split(make(60), split=SHARES, seed=seed) for seed in range(10)]
    assert len({tuple(people(part)["test"]) for part in parts}) == 10


@pytest.mark.parametrize(
    ("identities", "split", "expected"),
    [
        (100, SHARES, (70, 10, 20)),
        (1595, SHARES, (1116, 160, 319)),
        (10, {"train": 7, "val": 1, "test": 2}, (7, 1, 2)),
        (100, {"train": 7, "val": 1, "test": 2}, (7, 1, 2)),
        (100, {"train": 70, "val": 10, "test": 20}, (70, 10, 20)),
        (100, {"train": 40, "val": 5, "test": 10}, (40, 5, 10)),
        (100, {"train": 40, "val": 0, "test": 10}, (40, 0, 10)),
        (100, {"train": 40, "test": 60}, (40, 0, 60)),
        (100, {"train": 0.7, "val": 0.1, "test": 1}, (39, 5, 56)),
        (100, {"train": 40.0, "val": 5.0, "test": 10.0}, (40, 5, 10)),
        (10, {"train": 0.8, "val": 0, "test": 0.2}, (8, 0, 2)),
        (2, SHARES, (1, 0, 1)),
        (3, SHARES, (2, 0, 1)),
        (4, {"train": 1e-308, "test": 1e-308}, (2, 0, 2)),
    ],
)
def test_numbers_of_identities(identities, split, expected):
    parts = identity_split(make(identities), split=split, seed=3)
    assert sizes(parts) == expected
    assert parts["val"] or expected[1] == 0


def test_the_test_part_does_not_depend_on_val():
    a = identity_split(make(50), split={"train": 0.7, "val": 0.1, "test": 0.2}, seed=1)
    b = identity_split(make(50), split={"train": 0.5, "val": 0.3, "test": 0.2}, seed=1)
    assert a["test"] == b["test"]
    order = numpy_generator(1, "split").permutation(50)
    assert people(a)["test"] == sorted(f"p{k:04d}" for k in order[:10])
    assert people(a)["val"] == sorted(f"p{k:04d}" for k in order[10:15])


def test_videos_are_sorted_by_identity_and_number():
    videos = [Video("b", f"b/{k}", ("x.jpg",)) for k in (10, 2)]
    videos += [Video("a", "a/3", ("x.jpg",)), Video("c", "c/0", ("x.jpg",))]
    parts = identity_split(videos, split={"train": 0.6, "test": 0.4}, seed=0)
    for part in parts.values():
        assert [v.identity for v in part] == sorted(v.identity for v in part)
    names = [v.name for part in parts.values() for v in part if v.identity == "b"]
    assert names == ["b/2", "b/10"]


@pytest.mark.parametrize("fold", range(FOLDS))
def test_a_fold_as_the_test_part(fold):
    folds = fold_of_identity(PAIRS)
    parts = identity_split(tree_videos(), split=fold, seed=0, folds=folds)
    who = people(parts)
    assert who["test"] == sorted(s for s in SUBJECTS if folds.get(s) == fold)
    assert who["val"] == sorted(s for s in SUBJECTS if folds.get(s) == (fold + 1) % FOLDS)
    assert sum(map(len, who.values())) == len(SUBJECTS)
    assert sum(map(len, parts.values())) == len(VIDEOS)
    assert parts == identity_split(tree_videos()[::-1], split=fold, seed=9, folds=folds)


def test_identities_outside_every_fold_are_train():
    folds = {"p0000": 0, "p0001": 1, "elsewhere": 2}
    who = people(identity_split(make(5), split=0, seed=0, folds=folds))
    assert who == {"train": ["p0002", "p0003", "p0004"], "val": ["p0001"], "test": ["p0000"]}


@pytest.mark.parametrize(
    ("videos", "split", "options", "message"),
    [
        ([], SHARES, {}, "0 identity(s) in 0 video(s) (none): an identity-disjoint split needs"),
        (make(1), SHARES, {}, "1 identity(s) in 2 video(s) (p0000): an identity-disjoint split"),
        (make(1), 0, {"folds": {"p0000": 0}}, "needs at least 2; add identities or shorten"),
        (make(3) + make(1), SHARES, {}, "video p0000/0 is there twice"),
        (make(9), {"trian": 0.7, "test": 0.2}, {}, "unknown part 'trian'; did you mean train?"),
        (make(9), {"zzz": 0.7}, {}, "unknown part 'zzz'; use train, val, test"),
        (make(9), {"train": -1, "test": 2}, {}, "data.split.train=-1 must be a positive number"),
        (make(9), {"train": float("nan"), "test": 2}, {}, "data.split.train=nan must be"),
        (make(9), {"train": "most", "test": 2}, {}, "data.split.train='most' must be"),
        (make(9), {"train": True, "test": 2}, {}, "data.split.train=True must be"),
        (make(9), {"train": 0, "test": 0.0}, {}, "all shares are 0"),
        (make(9), {}, {}, "all shares are 0"),
        (make(9), {"train": 1.0}, {}, "of 9 identities leaves test empty (train 9, val 0, test 0"),
        (make(9), {"test": 1.0}, {}, "leaves train empty (train 0, val 0, test 9 identities)"),
        (make(3), {"train": 0.9, "test": 0.05}, {}, "give test a larger share"),
        (make(9), 3, {}, "data.split=3 is a fold, but there are no folds; read them from splits"),
        (make(9), 3, {"folds": {"p0000": 0, "p0001": 2}}, "there are 3 folds, 0 to 2"),
        (make(9), -1, {"folds": {"p0000": 0, "p0001": 2}}, "there are 3 folds, 0 to 2"),
        (make(9), 0, {"folds": {"p0000": 0}}, "there are 1 folds, 0 to 0; at least 2 are needed"),
        (make(9), 1, {"folds": {"p0000": 0, "p0001": 2}}, "leaves test empty (train 8, val 1, t"),
        (make(2), 0, {"folds": {"p0000": 0, "p0001": 1}}, "leaves train empty (train 0, val 1"),
        (make(9), "0", {}, "data.split='0' must be shares of train, val and test or the number"),
        (make(9), True, {"folds": {"p0000": 0}}, "data.split=True must be shares"),
    ],
)
def test_each_wrong_split_says_what_to_do(videos, split, options, message):
    assert message in fails(videos, split, **options)


def test_folds_of_the_tree():
    folds = fold_of_identity(PAIRS)
    assert len(folds) >= 10
    assert all(fold == list(SUBJECTS).index(name) % FOLDS for name, fold in folds.items())
    assert fold_of_identity([]) == {}


def test_an_identity_in_two_folds_is_named_with_both_places():
    wrong = [
        VideoPair(0, "A/0", "B/1", False, "splits.txt, line 2"),
        VideoPair(3, "C/0", "A/4", False, "splits.txt, line 9"),
    ]
    text = r"splits.txt, line 9: A stands in fold 3 \(C/0 - A/4\) and in fold 0 \(A/0 - B/1, .*2\)"
    with pytest.raises(DataError, match=text):
        fold_of_identity(wrong)


@given(st.lists(st.sampled_from(sorted(SUBJECTS)), max_size=30))
def test_labels_are_the_sorted_names(names):
    videos = [Video(name, f"{name}/{k}", ("x.jpg",)) for k, name in enumerate(names)]
    labels = label_map(videos)
    assert sorted(labels, key=labels.get) == sorted(set(names))
    assert sorted(labels.values()) == list(range(len(set(names))))


def test_whole_numbers_are_counts_also_as_floats():
    """A configuration hands numbers on as floats."""
    parts = identity_split(make(10), split={"train": 5.0, "val": 2.0, "test": 2.0}, seed=0)
    assert sizes(parts) == (5, 2, 2)


def test_more_counts_than_identities():
    with pytest.raises(DataError, match=r"counts 420 identities and there are 12.*Whole numbers"):
        identity_split(make(12), split={"train": 320, "val": 20, "test": 80}, seed=0)
