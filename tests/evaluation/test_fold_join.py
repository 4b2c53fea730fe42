"""Ten networks, each measured on its own fold."""

from __future__ import annotations

import pytest
import torch

from simlearn.data.video_pair import VideoPair
from simlearn.evaluation.fold_join import join_folds
from simlearn.evaluation.pair_file import write_pair_scores
from simlearn.evaluation.pairs import fold_verification, verification

SCORES = torch.tensor([-0.5, -1.5], dtype=torch.float64)


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
