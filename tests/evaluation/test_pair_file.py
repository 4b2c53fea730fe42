"""Files of pair scores: exact round trips, and faults that name file and line."""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.errors import DataError
from simlearn.data.randomness import numpy_generator
from simlearn.data.video_pair import VideoPair
from simlearn.evaluation.pair_file import PairScores, read_pair_scores, write_pair_scores
from simlearn.evaluation.pairs import verification
from tests.data.ytf_tree import mutants

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


def test_what_is_read_is_what_verification_takes(tmp_path):
    found = read_pair_scores(write(tmp_path, TEXT))
    assert isinstance(found, PairScores)
    same = torch.tensor([pair.same for pair in found.pairs])
    fold = torch.tensor([pair.fold for pair in found.pairs])
    assert verification(found.scores, same, fold)["accuracy"] == 1.0
