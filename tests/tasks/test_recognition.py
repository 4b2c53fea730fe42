"""A whole run with identification, verification and controls, on shares and on a fold."""

from __future__ import annotations

import json
import math
import shutil
from functools import cache

import pytest
import torch

import simlearn
from simlearn.data.errors import DataError
from simlearn.data.video_pair import VideoPair
from simlearn.evaluation import Embeddings, retrieval_metrics, verification
from simlearn.evaluation.pair_file import read_pair_scores
from simlearn.evaluation.pairs import fold_verification
from simlearn.runner import resume
from simlearn.tasks.pair_list import measurable

MORE = (
    "evaluation=video_recognition",
    "evaluation.clips_per_video=2",
    "evaluation.draws=3",
    "evaluation.clip_shots=[2]",
    "trainer.max_steps=4",
    "data.side=12",
)


@pytest.fixture(scope="module")
def shares(words, tmp_path_factory):
    """A run on shares: pairs are drawn among 4 test people."""
    folder = tmp_path_factory.mktemp("shares") / "run"
    split = "data.split={train: 4, val: 2, test: 4}"
    return simlearn.run("quickstart", [*words, *MORE, split, f"run_dir={folder}"])


@pytest.fixture(scope="module")
def folds(words, tmp_path_factory):
    """Runs on two folds of 20 people's official pairs, the second without training."""
    home = tmp_path_factory.mktemp("folds")
    tree = [f"data.root={home / 'tree'}", "data.identities=20", "data.videos=2"]

    @cache
    def run(split, *more):
        folder = f"run_dir={home / f'{split}-{len(more)}'}"
        return simlearn.run(
            "quickstart", [*words, *MORE, *tree, f"data.split={split}", folder, *more]
        )

    return run


def pairs_of(report):
    found = read_pair_scores(report.run_dir / "pairs.csv")
    same = torch.tensor([p.same for p in found.pairs])
    fold = torch.tensor([p.fold for p in found.pairs])
    return found, torch.as_tensor(found.scores), same, fold


def test_drawn_pairs(shares):
    found, scores, same, fold = pairs_of(shares)
    assert found.test_fold is None
    wanted = verification(scores, same, fold)
    metric = shares.metrics["verification_accuracy"]
    assert metric.value == wanted["accuracy"] and metric.n == len(scores) > 10
    assert shares.metrics["verification_auc"].value == wanted["auc"]
    eer = shares.metrics["verification_eer"]
    assert eer.value == wanted["eer"] and not eer.higher_is_better
    assert "verification_accuracy" in shares.baselines["untrained"]
    assert shares.protocol["pairs"].startswith("drawn among the test videos")
    assert shares.protocol["pairs_same"] == int(same.sum())


def test_scores_are_distances_of_the_saved_embeddings(shares):
    videos = Embeddings.load(shares.run_dir / "embeddings.safetensors")
    names = [v.name for v in split_videos(shares, videos)]
    z = dict(zip(names, videos.z, strict=True))
    found, scores, *_ = pairs_of(shares)
    for pair, score in zip(found.pairs, scores.tolist(), strict=True):
        assert score == pytest.approx(-float((z[pair.first] - z[pair.second]).norm()), abs=1e-5)


def split_videos(report, videos):
    """The test videos in the order of their embeddings, by the file's own metadata."""
    from safetensors import safe_open

    with safe_open(report.run_dir / "embeddings.safetensors", "pt") as file:
        names = json.loads(file.metadata()["group"])

    class Named:
        def __init__(self, name):
            self.name = name

    return [Named(names[str(g)]) for g in videos.group.tolist()]


def test_controls_are_measured_on_the_same_people(shares):
    for name, order in (("frames shuffled", "shuffled"), ("one frame repeated", "repeated")):
        videos = Embeddings.load(shares.run_dir / f"embeddings_{order}.safetensors")
        found = shares.baselines[name]["recall_at_1"]
        assert found.value == retrieval_metrics(videos.z, videos.y)["recall_at_1"]
        assert found.n == shares.metrics["recall_at_1"].n == 12
    filmed = Embeddings.load(shares.run_dir / "embeddings.safetensors")
    repeated = Embeddings.load(shares.run_dir / "embeddings_repeated.safetensors")
    assert torch.equal(filmed.group, repeated.group) and not torch.equal(filmed.z, repeated.z)


def test_the_page_shows_it(shares):
    page = shares.report_path.read_text()
    assert shares.metrics["nshot_clips_2_linear_accuracy"].n > 0
    for text in ("n-shot identification", "Verification of pairs", "frames shuffled", "averaging"):
        assert text in page
    assert {f.name for f in shares.figures} >= {"roc", "confusion", "cmc"}
    content = json.loads((shares.run_dir / "metrics.json").read_text())
    assert content["test"]["nshot_1_linear_accuracy"]["higher_is_better"] is True


def test_a_fold_is_measured_by_the_threshold_of_the_others(folds):
    report = folds(3)
    found, scores, same, fold = pairs_of(report)
    assert found.test_fold == 3 and set(fold.tolist()) == set(range(10))
    wanted = fold_verification(scores, same, fold, 3)
    assert report.metrics["verification_accuracy"].value == wanted["accuracy"]
    assert report.metrics["verification_accuracy"].n == int((fold == 3).sum())
    assert report.metrics["verification_accuracy"].interval is None
    assert report.protocol["pairs"] == "official list"
    assert report.protocol["pairs_measured"].startswith("fold 4 (data.split=3): ")
    untrained = report.baselines["untrained"]
    assert "verification_accuracy" not in untrained
    assert 0.0 <= untrained["verification_auc"].value <= 1.0


def test_a_network_that_learnt_nothing_is_measured_on_all_folds(folds):
    report = folds(2, "trainer.max_steps=null", "trainer.max_epochs=0")
    found, scores, same, fold = pairs_of(report)
    assert found.test_fold is None
    metric = report.metrics["verification_accuracy"]
    assert metric.value == verification(scores, same, fold)["accuracy"]
    assert metric.n == len(scores) and metric.interval is not None


def test_pairs_can_be_left_out_or_drawn(folds, tmp_path):
    name = read_pair_scores(folds(3).run_dir / "pairs.csv").pairs[0].first.split("/")[0]
    (tmp_path / "errata.txt").write_text(f"{name}\n")
    fewer = folds(4, f"evaluation.exclude_pairs={tmp_path / 'errata.txt'}", "evaluation.shots=[]")
    kept = read_pair_scores(fewer.run_dir / "pairs.csv").pairs
    assert not any(p.first.startswith(name) or p.second.startswith(name) for p in kept)
    drawn = folds(5, "evaluation.pairs=none", "evaluation.controls=false", "evaluation.shots=[]")
    assert not (drawn.run_dir / "pairs.csv").exists()
    assert set(drawn.baselines) == {"untrained", "pixels"}
    assert not any(k.startswith("verification") for k in drawn.metrics)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Nobody/0, Noone/1\n", r"errata\.txt, line 1.*is none of the .* pairs"),
        (None, r"errata\.txt.*not there"),
    ],
)
def test_a_wrong_list_of_errata_is_told_before_training(folds, tmp_path, text, message):
    if text is not None:
        (tmp_path / "errata.txt").write_text(text)
    folder = tmp_path / "run"
    words = (f"evaluation.exclude_pairs={tmp_path / 'errata.txt'}", f"run_dir={folder}")
    with pytest.raises(DataError, match=message):
        folds(6, *words)
    assert not (folder / "checkpoints").exists()


def test_errata_of_pairs_that_are_drawn(words, tmp_path):
    errata = f"evaluation.exclude_pairs={tmp_path / 'errata.txt'}"
    with pytest.raises(DataError, match=r"leaves out official pairs.*data\.split=0 to 9"):
        simlearn.run("quickstart", [*words, *MORE, errata, f"run_dir={tmp_path / 'run'}"])


def test_a_fold_with_pairs_of_one_kind_is_left_out_and_said(folds, tmp_path):
    pairs = read_pair_scores(folds(3).run_dir / "pairs.csv").pairs
    different = [p for p in pairs if p.fold == 8 and not p.same]
    text = "".join(f"{p.first}, {p.second}\n" for p in different)
    (tmp_path / "errata.txt").write_text(text)
    report = folds(8, f"evaluation.exclude_pairs={tmp_path / 'errata.txt'}")
    assert any("Verification left out" in note for note in report.notes)
    assert not any(name.startswith("verification") for name in report.metrics)


def test_a_resumed_run_ends_like_one_that_was_not(words, folds, tmp_path):
    """Also where no further step is taken: the fold alone is measured, never people it learnt."""
    whole = folds(3)
    copy = tmp_path / "copy"
    shutil.copytree(whole.run_dir, copy)
    (copy / "metrics.json").unlink()
    again = resume(copy, ["trainer.max_steps=null", "trainer.max_epochs=0"])
    assert again.metrics == whole.metrics and again.baselines == whole.baselines
    assert (copy / "pairs.csv").read_bytes() == (whole.run_dir / "pairs.csv").read_bytes()
    assert again.protocol == whole.protocol


def test_a_quick_look_at_a_fold_takes_the_pairs_that_are_there(folds):
    report = folds(7, "trainer.fast_dev_run=true", "data.max_identities=2")
    found, *_ = pairs_of(report)
    known = {pair.first for pair in found.pairs} | {pair.second for pair in found.pairs}
    assert 2 < len({name.split("/")[0] for name in known}) <= 6
    test = [pair for pair in found.pairs if pair.fold == 7]
    assert report.metrics["verification_accuracy"].n == len(test) > 1


def test_what_can_be_measured():
    def fits(*pairs, test_fold=None):
        return measurable([VideoPair(f, "A/0", "A/1", s) for f, s in pairs], test_fold)

    both = [(0, True), (0, False), (1, True), (1, False)]
    assert fits(*both) and fits(*both, test_fold=1)
    assert not fits(*both, test_fold=2)
    assert not fits(*both[:2]) and not fits()
    assert not fits((0, True), (0, False), (1, True))
    assert not fits((0, True), (0, False), (1, True), test_fold=1)
    assert not fits((0, True), (0, False), (1, True), test_fold=0)
    assert fits((0, True), (0, False), (1, True), (2, False), test_fold=0)


def test_retrieval_alone_stays_as_it_was(tiny_run):
    assert set(tiny_run.baselines) == {"untrained", "pixels"}
    assert not any(name.startswith(("nshot", "verification")) for name in tiny_run.metrics)
    assert not math.isnan(tiny_run.metrics["recall_at_1"].value)
