"""What a user reads after each of the common mistakes: the file, row or key, and the way out."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml
from filelock import FileLock

from simlearn.data.synthetic_faces import write_synthetic_faces
from simlearn.train import main
from tests.tiny import TINY


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Eight people with two videos each, in the layout of YouTube Faces."""
    root = tmp_path_factory.mktemp("faces") / "tree"
    return write_synthetic_faces(
        root, identities=8, videos=2, frames=4, side=32, seed=100, workers=0
    )


@pytest.fixture
def copy(tree, tmp_path):
    """A copy of the tree that may be damaged."""
    return shutil.copytree(tree, tmp_path / "copy")


@pytest.fixture
def answer(tmp_path, capsys):
    """Run ``triplet_c3d`` on a tree with a tiny network and give (exit code, standard error)."""

    def run(root, *words, recipe="triplet_c3d"):
        small = [w for w in TINY if not w.startswith("data")]
        code = main(
            [
                f"recipe={recipe}",
                *small,
                f"data.root={root}",
                "data.frames=2",
                "data.side=16",
                "data.split={train: 4, val: 2, test: 2}",
                f"data.cache={tmp_path / 'cache'}",
                f"run_dir={tmp_path / 'run'}",
                "trainer.max_steps=2",
                *words,
            ]
        )
        return code, capsys.readouterr().err

    return run


def test_a_good_tree_runs(tree, answer):
    code, text = answer(tree)
    assert code == 0, text


def test_missing_root(tmp_path, answer):
    code, text = answer(tmp_path / "nowhere")
    assert code == 1
    assert str(tmp_path / "nowhere") in text and "data.root" in text


def test_root_not_given(capsys):
    assert main(["recipe=triplet_c3d"]) == 2
    text = capsys.readouterr().err
    assert "data.root" in text and "configs/data/youtube_faces.yaml" in text


def test_empty_tree(tmp_path, answer):
    (tmp_path / "empty/aligned_images_DB").mkdir(parents=True)
    code, text = answer(tmp_path / "empty")
    assert code == 1
    assert "aligned_images_DB" in text and "no video" in text


def test_root_is_a_folder_too_deep(tree, answer):
    code, text = answer(tree / "aligned_images_DB")
    assert code == 1
    assert str(tree) in text


def test_cut_jpeg(copy, answer):
    frame = sorted((copy / "aligned_images_DB").rglob("*.jpg"))[5]
    frame.write_bytes(frame.read_bytes()[:-200])
    for store in ("auto", "off"):
        code, text = answer(copy, f"data.store={store}", "run_dir=null")
        assert code == 1
        assert frame.name in text and "cut short" in text and "data.exclude" in text


def test_one_identity_only(copy, answer):
    people = sorted((copy / "aligned_images_DB").iterdir())
    for folder in people[1:]:
        shutil.rmtree(folder)
    code, text = answer(copy)
    assert code == 1
    assert "1 identit" in text and "add identities" in text


def test_checkpoint_of_another_backbone(tree, answer, tmp_path):
    code, text = answer(tree)
    assert code == 0, text
    weights = tmp_path / "run/checkpoints/last.ckpt"
    code, text = answer(tree, f"backbone.weights={weights}", "backbone.width=0.05", "run_dir=null")
    assert code == 2
    assert str(weights) in text and "another backbone than C3D" in text and "shape" in text
    code, text = answer(tree, "backbone=conv3d_small", f"+backbone.weights={weights}")
    assert code == 2
    assert "conv3d" in text.lower() or "backbone" in text


def test_unknown_recipe(capsys):
    assert main(["recipe=triplet_c3"]) == 2
    text = capsys.readouterr().err
    assert "triplet_c3" in text and "triplet_c3d" in text


def test_mistyped_keys_are_told_all_at_once(capsys):
    words = [
        "recipe=quickstart",
        "loss.margn=0.3",
        "trainer.max_step=3",
        "data.sied=3",
        "lss=triplet",
    ]
    assert main(words) == 2
    text = capsys.readouterr().err
    for wrong, right in (
        ("loss.margn=0.3", "loss.margin"),
        ("trainer.max_step=3", "trainer.max_steps"),
        ("data.sied=3", "data.side"),
        ("lss=triplet", "loss"),
    ):
        assert wrong in text and right in text


def test_values_that_a_constructor_refuses(capsys):
    assert main(["recipe=quickstart", "loss.margin=-1"]) == 2
    assert "margin is -1" in capsys.readouterr().err


def test_a_used_run_dir(tree, answer, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/notes.txt").write_text("mine")
    code, text = answer(tree)
    assert code == 1
    assert "not empty" in text and "resume=" in text
    assert (tmp_path / "run/notes.txt").read_text() == "mine"


def test_resume_of_nothing(tmp_path, capsys):
    assert main([f"resume={tmp_path}"]) == 2
    assert "config.yaml" in capsys.readouterr().err


def test_resume_takes_only_the_trainer(tree, answer, tmp_path, capsys):
    assert answer(tree)[0] == 0
    assert main([f"resume={tmp_path / 'run'}", "loss.margin=0.5"]) == 2
    assert "a resumed run keeps its configuration" in capsys.readouterr().err


def test_resume_on_other_data(tree, copy, answer, tmp_path, capsys):
    assert answer(copy)[0] == 0
    (tmp_path / "run/metrics.json").unlink()
    victim = sorted((copy / "aligned_images_DB").iterdir())[0]
    shutil.move(victim, victim.with_name("Zoe_Zebra"))
    assert main([f"resume={tmp_path / 'run'}"]) == 1
    text = capsys.readouterr().err
    assert "last.ckpt" in text and "another data" in text


def test_no_gpu_is_told_before_anything_is_made(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    words = ["recipe=quickstart", "trainer=gpu", f"data.cache={tmp_path / 'cache'}"]
    assert main([*words, f"run_dir={tmp_path / 'run'}"]) == 2
    assert "no CUDA device. Use trainer=cpu" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_more_counts_than_identities(tmp_path, capsys):
    words = ["recipe=quickstart", "data.identities=12", f"data.cache={tmp_path / 'cache'}"]
    assert main([*words, f"run_dir={tmp_path / 'run'}"]) == 1
    assert "counts 420 identities and there are 12" in capsys.readouterr().err


def test_a_split_on_the_command_line_replaces_the_option_s(capsys):
    words = ["recipe=triplet_c3d", "data.split={train: 8, test: 4}", "--cfg", "job"]
    assert main(words) == 0
    assert yaml.safe_load(capsys.readouterr().out)["data"]["split"] == {"train": 8, "test": 4}


def test_two_processes_in_one_run_folder(tree, answer, tmp_path, capsys):
    assert answer(tree)[0] == 0
    (tmp_path / "run/metrics.json").unlink()
    with FileLock(tmp_path / "run/.lock"):
        assert main([f"resume={tmp_path / 'run'}"]) == 1
    assert "another process works on this run" in capsys.readouterr().err
    assert main([f"resume={tmp_path / 'run'}"]) == 0


def test_resume_and_sweep(tmp_path, capsys):
    assert main(["-m", f"resume={tmp_path}"]) == 2
    assert "leave out -m" in capsys.readouterr().err


def test_configuration_of_a_run(tree, answer, tmp_path, capsys):
    assert answer(tree)[0] == 0
    capsys.readouterr()
    assert main([f"resume={tmp_path / 'run'}", "--cfg", "job", "trainer.max_steps=7"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert (shown["trainer"]["max_steps"], shown["backbone"]["width"]) == (7, 0.02)


def test_a_failed_start_does_not_use_up_its_folder(tree, answer, tmp_path):
    assert answer(tmp_path / "nowhere")[0] == 1
    code, text = answer(tree)
    assert code == 0, text


def test_runs_of_a_sweep_cannot_share_a_folder(tmp_path, capsys):
    words = ["-m", "recipe=quickstart", "loss.margin=0.1,0.2", f"run_dir={tmp_path / 'run'}"]
    assert main(words) == 2
    assert "would share it" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("group", ["head", "sampler", "task", "backbone", "logger"])
def test_a_group_that_is_left_out(group, tmp_path, capsys):
    words = ["recipe=quickstart", f"{group}=null", f"run_dir={tmp_path / 'run'}"]
    assert main([*words, "trainer=cpu"]) == 2
    assert f"add {group}=OPTION" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_cfg_takes_one_word(capsys):
    assert main(["--cfg", "recipe=triplet_c3d"]) == 2
    assert "--cfg takes the word job" in capsys.readouterr().err
    assert main(["recipe=quickstart", "--help"]) == 0


def test_a_file_cannot_steer_the_terminal(tmp_path, capsys):
    (tmp_path / "bad.yaml").write_text('card: {paper: "\\e[31mX", claim: c}\n')
    assert main(["recipe=bad", "--config-dir", str(tmp_path)]) == 2
    text = capsys.readouterr().err
    assert "control character" in text and "\x1b" not in text


def test_a_resume_that_takes_no_step_keeps_the_weights(tree, answer, tmp_path):
    assert answer(tree)[0] == 0
    last = tmp_path / "run/checkpoints/last.ckpt"
    before, results = last.read_bytes(), (tmp_path / "run/metrics.json").read_text()
    (tmp_path / "run/metrics.json").unlink()
    assert main([f"resume={tmp_path / 'run'}", "trainer.max_steps=0"]) == 0
    assert last.read_bytes() == before
    again = json.loads((tmp_path / "run/metrics.json").read_text())
    assert again["test"] == json.loads(results)["test"]


def test_a_resume_that_fails_changes_no_configuration(tree, copy, answer, tmp_path, capsys):
    assert answer(copy)[0] == 0
    (tmp_path / "run/metrics.json").unlink()
    kept = {n: (tmp_path / "run" / n).read_bytes() for n in ("config.yaml", "environment.json")}
    shutil.rmtree(sorted((copy / "aligned_images_DB").iterdir())[0])
    assert main([f"resume={tmp_path / 'run'}", "trainer.max_steps=9"]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert kept == {name: (tmp_path / "run" / name).read_bytes() for name in kept}


def test_an_error_of_a_library_keeps_its_traceback(monkeypatch):
    def broken(*_args, **_kwargs):
        return [].index(1)

    monkeypatch.setattr("simlearn.runner.execute", broken)
    with pytest.raises(ValueError, match="not in list"):
        main(["recipe=quickstart"])
