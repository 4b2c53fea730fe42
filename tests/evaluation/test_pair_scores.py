"""Scores of pairs from embeddings, their file and the protocol over ten networks."""

from __future__ import annotations

import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.errors import DataError
from simlearn.data.randomness import numpy_generator
from simlearn.data.video_pair import VideoPair
from simlearn.evaluation.pair_scores import (
    PairScores,
    join_folds,
    read_pair_scores,
    score_pairs,
    write_pair_scores,
)
from simlearn.evaluation.pairs import fold_verification, verification
from tests.data.ytf_tree import mutants

NAMES = ["A/0", "A/1", "B/0", "B/12"]
PAIRS = [
    VideoPair(0, "A/0", "A/1", True),
    VideoPair(0, "A/1", "B/0", False),
    VideoPair(1, "B/12", "B/0", True),
    VideoPair(1, "A/0", "B/12", False),
]
TEXT = """\
# test fold 2
fold,first,second,same,score
1,A/0,A/1,1,-0.5
1,A/1,B/0,0,-1.5
2,B/12,B/0,1,-0.25
2,A/0,B/12,0,-2.0
"""
SCORES = torch.tensor([-0.5, -1.5, -0.25, -2.0], dtype=torch.float64)


def write(folder, text, name="pairs.csv"):
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_scores_are_minus_the_distances():
    z = torch.randn(4, 7, generator=torch.Generator().manual_seed(0))
    scores, same, fold = score_pairs(z, NAMES, PAIRS)
    for score, pair in zip(scores.tolist(), PAIRS, strict=True):
        a, b = (z[NAMES.index(name)].tolist() for name in (pair.first, pair.second))
        assert score == pytest.approx(-math.dist(a, b), abs=1e-12)
    assert (scores.dtype, same.dtype, fold.dtype) == (torch.float64, torch.bool, torch.int64)
    assert same.tolist() == [True, False, True, False]
    assert fold.tolist() == [0, 0, 1, 1]
    other, _, _ = score_pairs(z.requires_grad_(), NAMES, PAIRS[::-1])
    assert torch.equal(other.flip(0), scores)
    assert not other.requires_grad


def test_more_pairs_than_a_chunk_and_none():
    z = torch.arange(4.0)[:, None]
    scores, _, _ = score_pairs(z, NAMES, PAIRS * 5000)
    assert torch.equal(scores, torch.tensor([-1.0, -1, -1, -3]).double().repeat(5000))
    empty = score_pairs(z, NAMES, [])
    assert [tuple(t.shape) for t in empty] == [(0,)] * 3
    assert [t.dtype for t in empty] == [torch.float64, torch.bool, torch.int64]


Z = torch.zeros(4, 2)


@pytest.mark.parametrize(
    ("z", "names", "message"),
    [
        (Z, NAMES[:3], r"^z must be \(V, d\) with V names, found \(4, 2\) and 3 names$"),
        (Z[0], NAMES[:2], r"found \(2,\) and 2 names"),
        (Z * torch.nan, NAMES, "^z holds values that are not finite$"),
        (Z, ["A/0", "A/1", "B/0", "A/1"], "^video A/1 is there twice"),
        (
            Z[:3],
            NAMES[:3],
            r"^pairs: the pair B/12 - B/0 names the video B/12, which has no embedding; 2 of 4 "
            r"pairs are like that: embed those videos too or leave the pairs out$",
        ),
    ],
)
def test_pairs_that_cannot_be_scored(z, names, message):
    with pytest.raises(ValueError, match=message):
        score_pairs(z, names, PAIRS)


def test_the_file_as_it_is_written_and_read(tmp_path):
    path = tmp_path / "pairs.csv"
    write_pair_scores(path, PAIRS, SCORES, test_fold=1)
    assert path.read_text() == TEXT
    write_pair_scores(path, PAIRS, SCORES)
    assert path.read_text() == TEXT.split("\n", 1)[1]
    assert read_pair_scores(path).test_fold is None
    for text in (TEXT, TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT.replace("\n", "\n\n")):
        found = read_pair_scores(write(tmp_path, text))
        assert (found.pairs, found.test_fold) == (PAIRS, 1)
        assert torch.equal(found.scores, SCORES)
    assert read_pair_scores(write(tmp_path, TEXT)).pairs[1].where == f"{path}, line 4"
    assert [p.name for p in tmp_path.iterdir()] == ["pairs.csv"]


NAME = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9998),
            NAME,
            NAME,
            st.booleans(),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_round_trip_is_exact(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "round_trip.csv"
    pairs = [VideoPair(*row[:4]) for row in rows]
    scores = torch.tensor([row[4] for row in rows], dtype=torch.float64)
    write_pair_scores(path, pairs, scores, test_fold=rows[-1][0])
    found = read_pair_scores(path)
    assert (found.pairs, found.test_fold) == (pairs, rows[-1][0])
    assert torch.equal(found.scores.view(torch.int64), scores.view(torch.int64))


def test_float32_scores_round_trip(tmp_path):
    scores = -torch.rand(4, generator=torch.Generator().manual_seed(0))
    write_pair_scores(tmp_path / "a.csv", PAIRS, scores)
    assert torch.equal(read_pair_scores(tmp_path / "a.csv").scores.float(), scores)


@pytest.mark.parametrize(
    ("pairs", "scores", "test_fold", "message"),
    [
        ([], SCORES[:0], None, r"^scores must be \(P,\) for P >= 1 pairs, found \(0,\) for 0$"),
        (PAIRS, SCORES[:3], None, r"found \(3,\) for 4$"),
        (PAIRS, SCORES[:, None], None, r"found \(4, 1\) for 4$"),
        (PAIRS, SCORES / 0, None, "^scores holds values that are not finite$"),
        (PAIRS, SCORES, 2, r"^test_fold is 2, the folds of the pairs are \[0, 1\]$"),
        ([VideoPair(-1, "a", "b", True)], SCORES[:1], None, "must be 0 to 9998, found -1 to -1$"),
        ([VideoPair(9999, "a", "b", True)], SCORES[:1], None, "found 9999 to 9999$"),
        ([VideoPair(0, "a\n", "b", True)], SCORES[:1], None, r"a line break: 'a\\n' - 'b'$"),
    ],
)
def test_what_is_not_written_leaves_the_old_file(tmp_path, pairs, scores, test_fold, message):
    path = write(tmp_path, TEXT)
    with pytest.raises(ValueError, match=message):
        write_pair_scores(path, pairs, scores, test_fold=test_fold)
    assert path.read_text() == TEXT
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# test fold 2", "# fold 2", "line 1: '# fold 2' is not a comment such as '# test fold "),
        ("# test fold 2", "# test fold 3", "line 1: the test fold 3 has no pairs; correct it"),
        ("# test fold 2", "# test fold 0", "line 1: the test fold 0 has no pairs; correct it"),
        ("fold,first", "first,fold", "line 2: the header must be fold,first,second,same,score;"),
        ("1,A/0,A/1,1,-0.5", "1,A/0,A/1,-0.5", "line 3: 4 columns instead of 5 (fold,first,"),
        ("1,A/0,A/1,1,-0.5", "1,A/0,A/1,1,-0,5", "line 3: 6 columns instead of 5"),
        ("1,A/1", "0,A/1", "line 4: fold '0' is not a whole number from 1; correct it"),
        ("1,A/1", "1.0,A/1", "line 4: fold '1.0' is not a whole number from 1"),
        ("B/0,1,", "B/0,yes,", "line 5: same is 'yes' instead of 0 or 1; correct it"),
        ("-2.0", "-inf", "line 6: the score '-inf' is not a finite number; correct it"),
        ("-2.0", "", "line 6: the score '' is not a finite number"),
        ("-2.0", "2..0", "line 6: the score '2..0' is not a finite number"),
        ("B/12,0", '"B/12,0', "line 6: not comma-separated text ("),
    ],
)
def test_faults_name_file_and_line(tmp_path, old, new, message):
    assert old in TEXT
    path = write(tmp_path, TEXT.replace(old, new, 1))
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}, {message}')}"):
        read_pair_scores(path)


def test_files_without_pairs(tmp_path):
    with pytest.raises(DataError, match="none.csv: the file of pair scores is not there"):
        read_pair_scores(tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"pairs.csv: the header must be fold,first,second"):
        read_pair_scores(write(tmp_path, ""))
    with pytest.raises(DataError, match=r"pairs.csv: the header must be fold,first,second"):
        read_pair_scores(write(tmp_path, "# test fold 1\n"))
    with pytest.raises(DataError, match=r"pairs.csv: holds no pairs; write the file again$"):
        read_pair_scores(write(tmp_path, "fold,first,second,same,score\n"))


def check_mutants(folder, count):
    """Every damaged file is read or refused with its name; both happen."""
    read = 0
    for data in mutants(TEXT.encode(), count, numpy_generator(0, "mutants", "pair scores")):
        path = folder / "mutant.csv"
        path.write_bytes(data)
        try:
            found = read_pair_scores(path)
        except DataError as error:
            assert str(path) in str(error)
            continue
        read += 1
        assert len(found.pairs) == len(found.scores) >= 1
        assert torch.isfinite(found.scores).all()
    assert 0 < read < count


def test_300_mutants_parse_or_raise_data_error(tmp_path):
    check_mutants(tmp_path, 300)


@pytest.mark.slow
def test_10000_mutants_parse_or_raise_data_error(tmp_path):
    check_mutants(tmp_path, 10_000)


def list_of_pairs(folds=4, half=6):
    """``2 * half`` pairs in each fold."""
    return [
        VideoPair(fold, f"P{fold}/{k}", f"{'P' if same else 'Q'}{fold}/{k + 1}", same)
        for fold in range(folds)
        for same in (True, False)
        for k in range(half)
    ]


def networks(folder, pairs, folds=4):
    """One file a fold, each of a network with scores of its own size."""
    g = torch.Generator().manual_seed(0)
    same = torch.tensor([pair.same for pair in pairs])
    paths, values = [], []
    for k in range(folds):
        scores = 10.0**k * (torch.randn(len(pairs), generator=g) + 1.5 * same).double()
        paths.append(folder / f"network_{k}.csv")
        values.append(scores)
        write_pair_scores(paths[-1], pairs, scores, test_fold=k)
    return paths, values


def test_joined_folds_are_each_measured_by_their_own_network(tmp_path):
    pairs = list_of_pairs()
    paths, values = networks(tmp_path, pairs)
    same = torch.tensor([pair.same for pair in pairs])
    fold = torch.tensor([pair.fold for pair in pairs])
    own = [fold_verification(values[k], same, fold, k) for k in range(4)]
    found = join_folds(paths)
    assert found["per_fold"] == [one["accuracy"] for one in own]
    assert found["thresholds"] == [one["threshold"] for one in own]
    assert found["per_fold_auc"] == [one["auc"] for one in own]
    assert found["per_fold_eer"] == [one["eer"] for one in own]
    mean = sum(one["accuracy"] for one in own) / 4
    assert found["accuracy"] == pytest.approx(mean)
    variance = sum((one["accuracy"] - mean) ** 2 for one in own) / 3
    assert found["stderr"] == pytest.approx((variance / 4) ** 0.5)
    assert found["auc"] == pytest.approx(sum(one["auc"] for one in own) / 4)
    assert found["eer"] == pytest.approx(sum(one["eer"] for one in own) / 4)
    assert (found["n_pairs"], found["n_same"], found["n_folds"]) == (48, 24, 4)
    assert join_folds([str(path) for path in reversed(paths)]) == found


def test_one_network_in_all_files_is_plain_verification(tmp_path):
    pairs = list_of_pairs()
    _, values = networks(tmp_path, pairs)
    paths = [tmp_path / f"same_{k}.csv" for k in range(4)]
    for k, path in enumerate(paths):
        order = torch.randperm(48, generator=torch.Generator().manual_seed(k)).tolist()
        write_pair_scores(path, [pairs[i] for i in order], values[0][order], test_fold=k)
    found = join_folds(paths)
    whole = verification(
        values[0],
        torch.tensor([pair.same for pair in pairs]),
        torch.tensor([pair.fold for pair in pairs]),
    )
    for key in ("accuracy", "stderr", "per_fold", "thresholds", "n_pairs", "n_same", "n_folds"):
        assert found[key] == whole[key], key


def test_files_that_do_not_belong_together(tmp_path):
    pairs = list_of_pairs()
    paths, values = networks(tmp_path, pairs)
    with pytest.raises(ValueError, match="^no files of pair scores are given; one per fold"):
        join_folds([])
    with pytest.raises(ValueError, match=r"^no file tests fold 1, 4 of the 4 folds; there are .*"):
        join_folds(paths[1:3])
    with pytest.raises(ValueError, match=r"network_1.csv: tests fold 2, as .*network_1.csv does"):
        join_folds([*paths, paths[1]])
    other = tmp_path / "other.csv"
    write_pair_scores(other, pairs, values[3])
    with pytest.raises(ValueError, match=r"other.csv: does not say its test fold; put '# test"):
        join_folds([*paths[:3], other])
    write_pair_scores(other, pairs[:-1], values[3][:-1], test_fold=3)
    text = r"other.csv: its pairs are not those of .*network_0.csv: P3/5 - Q3/6 of fold 4 stands"
    with pytest.raises(ValueError, match=text):
        join_folds([*paths[:3], other])
    write_pair_scores(other, [*pairs, pairs[0]], torch.cat([values[3], SCORES[:1]]), test_fold=3)
    with pytest.raises(ValueError, match=r"network_0.csv: P0/0 - P0/1 of fold 1 stands more often"):
        join_folds([*paths[:3], other])


def test_a_fault_in_the_pairs_of_a_fold_names_the_file(tmp_path):
    pairs = [VideoPair(fold, "a/0", "b/0", fold == 0) for fold in (0, 1)]
    for k in (0, 1):
        write_pair_scores(tmp_path / f"{k}.csv", pairs, SCORES[:2], test_fold=k)
    with pytest.raises(ValueError, match=r"0.csv: the pairs outside fold 0 are 0 same and 1 diff"):
        join_folds([tmp_path / "0.csv", tmp_path / "1.csv"])
    pairs = [VideoPair(0, "a/0", "a/1", True)]
    write_pair_scores(tmp_path / "0.csv", pairs, SCORES[:1], test_fold=0)
    with pytest.raises(ValueError, match=r"0.csv: all 1 pairs are of fold 0: .* at least 2 folds"):
        join_folds([tmp_path / "0.csv"])


def test_what_is_read_is_what_verification_takes(tmp_path):
    found = read_pair_scores(write(tmp_path, TEXT))
    assert isinstance(found, PairScores)
    same = torch.tensor([pair.same for pair in found.pairs])
    fold = torch.tensor([pair.fold for pair in found.pairs])
    assert verification(found.scores, same, fold)["accuracy"] == 1.0
