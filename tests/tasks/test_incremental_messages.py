"""What a user reads after each of the common mistakes, and that nothing was trained or lost."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from simlearn.train import main
from tests.tasks.incremental_case import GENERATOR, PLAIN, WORDS, npz, run, stream

FEW = ("evaluation.diagnostics=false", "evaluation.pictures=[]")
VAE = "incremental_triplet_vae"


@pytest.fixture
def answer(tmp_path, capsys, monkeypatch):
    """Run by the command line; give (exit code, standard error). Nothing may be trained."""

    def trained(*_args, **_kwargs):
        raise AssertionError("something was trained")

    monkeypatch.setattr("simlearn.continual.loop.fit_experience", trained)

    def ask(*words, recipe=PLAIN):
        replaced = tuple(f"{word.partition('=')[0]}." for word in words)  # data=... and the like
        usual = [word for word in (*WORDS, *FEW) if not word.startswith(replaced)]
        code = main([f"recipe={recipe}", *usual, f"run_dir={tmp_path / 'run'}", *words])
        return code, capsys.readouterr().err

    return ask


def arrays(path, counts):
    """Words for own images, ``counts[c]`` to learn class c from."""
    return ["data=arrays", f"data.path={npz(path, counts)}", "data.rotations=false"]


BEFORE_THE_FOLDER = [
    (["data.class_order=[3, 1, 3, 0]"], "names class 3 twice: a class arrives in one"),
    (["strategy=none"], "strategy: no option is chosen; add strategy=OPTION"),
    (["strategy=representation_replay"], "replays what a generator draws: add generator=vae"),
    (["strategy=representation_replay", "generator=none"], "RepresentationReplay) replays what"),
    (
        ["strategy=representation_replay", "generator=vae", "strategy.cut=conv9"],
        "strategy.cut is 'conv9': ConvNet has the cuts input, ",
    ),
    (
        ["data=youtube_faces", "data.root=x"],
        "data (YouTubeFaces) does not belong to task=incremental: use for instance data=digits",
    ),
    (["evaluation=video_retrieval"], "use for instance evaluation=class_incremental"),
    (["task=metric", "strategy=none"], "data (Digits) does not belong to task=metric: use for"),
    (["memory=cross_batch"], "would carry embeddings of old classes into the next experience"),
    (["strategy=icarl", "strategy.exemplars=5", "strategy.budget_bytes=9"], "give exactly one"),
    (["evaluation.ideal=-1"], "evaluation.ideal is -1"),
    (["evaluation.pictures=[0]"], "counted from 1"),
]


@pytest.mark.parametrize(("words", "text"), BEFORE_THE_FOLDER)
def test_told_before_anything_is_made(words, text, answer, tmp_path):
    code, told = answer(*words)
    assert code == 2
    assert text in told
    assert not (tmp_path / "run").exists()


BEFORE_TRAINING = [
    (["data.class_order=[0, 1, 2, 99]"], "names class 99: the data have the classes 0 to 9"),
    (["data.base_classes=6"], "data.base_classes is 6 and there are 6 classes"),
    (["data.train_per_class=999"], "data.train_per_class=999 need at least 999 training images"),
    (
        ["data.class_order=null", "strategy=icarl", "strategy.exemplars=3"],
        "strategy.exemplars is 3: 3 exemplars are fewer than one for each of 10 classes. Use 10",
    ),
    (
        ["data.classes_per_experience=1"],
        "experience 2 brings one new class and FineTune replays none of the old ones",
    ),
    (["data.base_classes=1", "strategy=icarl"], "data.base_classes=2 or more"),
    (["trainer.devices=2"], "trainer.devices is 2: experiences are learnt by one process"),
    (["backbone.in_channels=3"], "1 channels and 8x8 pixels, which ConvNet does not take"),
    (["evaluation.split=val"], "has no image in that split. Use data.val_per_class=N"),
    (["loss=pml", "loss.name=ArcFaceLoss", "data.rotations=true"], "use data.rotations=false"),
]


@pytest.mark.parametrize(("words", "text"), BEFORE_TRAINING)
def test_told_before_anything_is_trained(words, text, answer, tmp_path):
    code, told = answer(*words)
    assert code == 1
    assert text in told and "Traceback" not in told
    left = {p.name for p in (tmp_path / "run").iterdir()}
    assert left <= {".lock", "config.yaml", "recipe.yaml", "environment.json"}


def test_a_class_without_images(answer, tmp_path):
    path = npz(tmp_path / "a.npz", [5, 5, 0, 5])
    words = ["data=arrays", f"data.path={path}"]
    code, told = answer(*words)
    assert code == 1
    assert "labels of train_y are 0, 1, 3" in told and "without a gap, or add names" in told
    content = dict(np.load(path))
    np.savez(path, **content, names=np.array(["ant", "bee", "cat", "dog"]))
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        code, told = answer(*words, f"data.class_order={order}")
        assert code == 1
        assert "class 'cat' has no training images" in told and "data.class_order" in told


@pytest.mark.parametrize("generator", ["vae", "conditional_vae", "gaussian"])
def test_a_class_with_one_image_for_a_generator(generator, answer, tmp_path):
    words = [*arrays(tmp_path / "a.npz", [6, 6, 6, 1]), f"generator={generator}"]
    code, told = answer(*words, recipe=VAE)
    assert code == 1
    assert "class '3' has 1 training image, and a generator needs at least 2" in told
    assert "strategy=icarl" in told


def test_the_ceiling_of_a_folder_without_result(answer, tmp_path):
    code, told = answer(f"evaluation.ideal={tmp_path}")
    assert code == 1
    assert str(tmp_path / "metrics.json") in told and "strategy=joint" in told


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run whose result another one may ask for."""
    folder = tmp_path_factory.mktemp("finished")
    run(folder, "strategy=joint", *FEW)
    return folder


def test_the_ceiling_of_another_order_of_classes(answer, finished):
    code, told = answer(f"evaluation.ideal={finished}", "data.class_order=[1, 3, 4, 0, 5, 9]")
    assert code == 1
    assert "another class order" in told and "data.order_seed" in told
    code, told = answer(f"evaluation.ideal={finished}", "data.class_order=[3, 1, 4, 0]")
    assert code == 1
    assert "another classes of experiences ([2, 2, 2] there, [2, 2] here)" in told


def test_a_stream_of_another_run(answer, finished, tmp_path, capsys):
    """The checkpoint of another order, other images or another strategy in the run's folder."""
    folder = tmp_path / "run"
    kept = (finished / "checkpoints/stream.ckpt").read_bytes()
    cases = {
        "class order": "data.class_order=[1, 3, 4, 0, 5, 9]",
        "classes of the experiences": "data.base_classes=4",
        "data": "data.train_per_class=19",
        "strategy": "strategy=ewc",
    }
    for what, word in cases.items():
        assert answer("trainer.devices=2", word)[0] == 1  # begun: its configuration is there
        copy = folder / "checkpoints/stream.ckpt"
        copy.parent.mkdir()
        copy.write_bytes(kept)
        assert main([f"resume={folder}", "trainer.devices=1"]) == 1
        told = capsys.readouterr().err
        assert f"{copy}: was written with another {what} (" in told
        assert "Resume with the same data and configuration" in told
        assert copy.read_bytes() == kept and not (folder / "metrics.json").exists()
        copy.write_bytes(kept[:1000])
        assert main([f"resume={folder}", "trainer.devices=1"]) == 1
        assert "stream.ckpt: damaged" in capsys.readouterr().err
        shutil.rmtree(folder)


def test_a_resumed_run_keeps_its_order(finished, capsys):
    before = (finished / "metrics.json").read_bytes()
    assert main([f"resume={finished}", "data.class_order=[0, 1, 2, 3]"]) == 2
    assert "a resumed run keeps its configuration" in capsys.readouterr().err
    assert (finished / "metrics.json").read_bytes() == before


def test_a_used_folder_keeps_its_results(answer, finished):
    before = (finished / "metrics.json").read_bytes()
    code, told = answer(f"run_dir={finished}")
    assert code == 1 and "the folder is not empty" in told
    assert (finished / "metrics.json").read_bytes() == before


def test_a_ceiling_of_zero_is_told_and_reported(tmp_path, monkeypatch):
    from simlearn.tasks import incremental

    def nothing(results):
        rows = [[0.0] * (t + 1) for t in range(len(results))]
        count = len(rows)
        return incremental.Ideal([r + [None] * (count - len(r)) for r in rows], "joint training")

    monkeypatch.setattr(incremental, "ideal_of_results", nothing)
    report = run(tmp_path, *FEW)
    assert "there is no omega" in report.notes[0]
    found = json.loads((tmp_path / "metrics.json").read_text())["test"]
    assert found["omega_all"]["value"] is None and found["omega_new"]["value"] is not None


def test_one_class_at_a_time_with_replay(tmp_path):
    words = ("data.class_order=[3, 1, 4, 0]", "data.classes_per_experience=1", *FEW)
    report = run(tmp_path, *words, "evaluation.ideal=null", *GENERATOR, recipe=VAE)
    assert [len(row) for row in report.details["accuracy_matrix"]] == [3, 3, 3]
    assert torch.equal(stream(tmp_path)["strategy"]["generator"]["labels"], torch.arange(4))


def test_exemplars_for_exactly_one_each(tmp_path):
    words = ("strategy=icarl", "strategy.exemplars=6", "evaluation.ideal=null", *FEW)
    run(tmp_path, *words)
    kept = stream(tmp_path)["strategy"]["memory"]["images"]
    assert [len(images) for images in kept] == [1] * 6
