"""What a user reads after each of the common mistakes in a search for neurons."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest
import torch

from simlearn.train import main
from tests.analysis.small_llava import SIZES, small_llava, words
from tests.tasks.neuron_case import write_case, write_model

BEGUN = {".lock", "config.yaml", "recipe.yaml", "environment.json"}
"""All that is there where nothing was mined."""


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """The command line of a small run."""
    return (*write_case(tmp_path_factory.mktemp("case")), "evaluation.ratios=[0.1]")


@pytest.fixture
def answer(usual, tmp_path, capsys, monkeypatch):
    """Run by the command line; give (exit code, standard error). No mask may be laid."""

    def masked(*_args, **_kwargs):
        raise AssertionError("a mask was laid over the model")

    monkeypatch.setattr("simlearn.analysis.mask_scores._masked", masked)

    def ask(*more):
        replaced = tuple(  # data=... takes the place of data.*; model.path=... of itself
            f"{name}{'=' if '.' in name else '.'}" for name in (w.partition("=")[0] for w in more)
        )
        kept = [word for word in usual if not word.startswith(replaced)]
        code = main(["recipe=miner_tiny", *kept, f"run_dir={tmp_path / 'run'}", *more])
        return code, capsys.readouterr().err

    return ask


BEFORE_THE_FOLDER = [
    (["loss=triplet"], "loss (TripletLoss) does not belong to task=neurons: use loss=none"),
    (["backbone=c3d"], "backbone (C3D) does not belong to task=neurons: use backbone=none"),
    (["sampler=questions"], "does not belong to task=neurons: use sampler=none"),
    (["optimizer=adamw"], "does not belong to task=neurons: use optimizer=none"),
    (["model=tiny_llava"], "use model=tiny_shipped, or pretrained with model.path=FOLDER"),
    (["evaluation=answers"], "does not belong to task=neurons: use evaluation=neuron_masks"),
    (["data=digits"], "data (Digits) does not belong to task=neurons: use data=easy_vqa, tones or"),
    (["model=none"], "model: no option is chosen; add model=OPTION"),
    (["evaluation.ratio=0.05"], "evaluation.ratio is 0.05, which is none of evaluation.ratios"),
    (["evaluation.ratios=[0.1, 2]"], "1 to 20 shares in (0, 1]"),
    (["evaluation.attn=none"], "use evaluation.weights=mean_max, or evaluation.attn=reference"),
    (["evaluation.strategy=random"], "evaluation.strategy"),
    (["evaluation.weights=median"], "evaluation.weights"),
    (["evaluation.split_asked=train"], "evaluation.split_asked"),
    (["evaluation.controls=0"], "evaluation.controls is 0, must be at least 1"),
    (["evaluation.value=nan"], "evaluation.value is nan, must be a number or null"),
    (["data.text_test=-1"], "data.text_test is -1, must not be negative"),
    (["model.dtype=float8"], "model.dtype"),
    (["task=language"], "does not belong to task=language"),
    (
        ["task=metric"],
        "model (Pretrained) belongs to task=language, task=neurons and task=error_steps: use "
        "model=none",
    ),
]


@pytest.mark.parametrize(("more", "text"), BEFORE_THE_FOLDER)
def test_told_before_anything_is_made(more, text, answer, tmp_path):
    code, told = answer(*more)
    assert code == 2, told
    assert text in told
    assert not (tmp_path / "run").exists()


def test_a_path_that_is_not_given(answer, tmp_path):
    code, told = answer("model=pretrained")
    assert code == 2 and "model.path" in told and not (tmp_path / "run").exists()


BEFORE_MINING = [
    (["data.root=/nowhere"], "questions.json: not there. data.root is the folder that holds train"),
    (["trainer.devices=2"], "trainer.devices is 2: neurons are mined by one process"),
    (
        ["evaluation.split_asked=val", "data.val_images=0", "data.text_test=0"],
        "EasyVQA gave 20 questions to mine from and 0 to be asked: both are needed",
    ),
    (["model.path=/nowhere/model"], "model.path=/nowhere/model: cannot be opened as a multimodal"),
]


@pytest.mark.parametrize(("more", "text"), BEFORE_MINING)
def test_told_before_anything_is_mined(more, text, answer, tmp_path):
    code, told = answer(*more)
    assert code == 1, told
    assert text in told and "Traceback" not in told
    assert {p.name for p in (tmp_path / "run").iterdir()} <= BEGUN


def model_words(folder):
    return f"model.path={folder}"


def test_a_folder_without_a_configuration(answer, tmp_path):
    write_model(tmp_path / "model")
    (tmp_path / "model/config.json").unlink()
    code, told = answer(model_words(tmp_path / "model"))
    assert code == 1
    assert f"{tmp_path / 'model'}: holds no config.json; model.path is a model's own folder" in told
    assert {p.name for p in (tmp_path / "run").iterdir()} <= BEGUN


def test_a_model_that_only_reads_text(answer, tmp_path):
    import transformers as hf

    adapter = small_llava()
    config = hf.LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=2,
    )  # fmt: skip
    hf.LlamaForCausalLM(config).save_pretrained(tmp_path / "model")
    adapter.processor.tokenizer.save_pretrained(tmp_path / "model")
    code, told = answer(model_words(tmp_path / "model"))
    assert code == 1 and "Traceback" not in told
    assert "LLaVA" in told or "LlavaForConditionalGeneration" in told  # the way out
    assert "text" in told or "multimodal" in told


def test_a_tokenizer_of_another_model(answer, tmp_path):
    from simlearn.analysis.tiny_models import TinyLlava

    folder = write_model(tmp_path / "model")
    settings = TinyLlava(**SIZES, side=16, patch=8)
    more = [f"word{n}" for n in range(9)]
    settings.build([*words(), *more], seed=0)[1].save_pretrained(folder)
    code, told = answer(model_words(folder))
    assert code == 1 and "Traceback" not in told
    size = len(words()) + 6
    assert (
        f"the tokenizer has {size + 9} tokens, LlavaForConditionalGeneration embeds {size}" in told
    )
    assert "load the processor of this checkpoint" in told


@pytest.mark.parametrize("damage", ["cut", "empty", "none", "config", "sizes"])
def test_a_model_that_is_damaged(answer, tmp_path, damage):
    folder = write_model(tmp_path / "model")
    weights, config = folder / "model.safetensors", folder / "config.json"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-5000])
    elif damage == "empty":
        weights.write_bytes(b"")
    elif damage == "none":
        weights.unlink()
    elif damage == "config":
        config.write_text(config.read_text()[:-30])
    else:
        values = json.loads(config.read_text())
        values["text_config"]["intermediate_size"] = 40
        config.write_text(json.dumps(values))
    code, told = answer(model_words(folder))
    assert code == 1, told
    assert f"model.path={folder}: cannot be opened" in told and "Traceback" not in told


def broken(name):
    def edit(model):
        with torch.no_grad():
            dict(model.named_parameters())[name][0] = torch.nan

    return edit


def test_weights_that_are_no_numbers(answer, tmp_path):
    name = "model.language_model.layers.0.mlp.down_proj.weight"
    folder = write_model(tmp_path / "model", broken(name))
    code, told = answer(model_words(folder))
    assert code == 1 and "Traceback" not in told
    assert "activations of layer 1" in told and "are not finite" in told
    assert not (tmp_path / "run/metrics.json").exists()


def test_a_head_that_is_no_number(answer, tmp_path):
    folder = write_model(tmp_path / "model", broken("lm_head.weight"))
    code, told = answer(model_words(folder))
    assert code == 1 and "Traceback" not in told
    assert "not finite" in told


def test_a_ratio_that_selects_nothing(answer, tmp_path):
    code, told = answer("evaluation.ratio=0.01", "evaluation.ratios=[0.01]")
    assert code == 1
    assert "evaluation.ratio=0.01 selects none of the model's 2 x 48 neurons" in told


def test_a_folder_that_cannot_be_made_or_is_used(answer, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, told = answer(f"run_dir={tmp_path / 'file/run'}")
    assert code == 1 and "Traceback" not in told and "file" in told
    (tmp_path / "run").mkdir()
    (tmp_path / "run/metrics.json").write_text("{}")
    code, told = answer()
    assert code == 1 and "the folder is not empty" in told
    assert (tmp_path / "run/metrics.json").read_text() == "{}"


@pytest.mark.parametrize("what", ["statistics", "masks"])
def test_a_part_of_the_folder_that_cannot_be_written(answer, tmp_path, monkeypatch, capsys, what):
    """A file stands where a folder has to be: the same as a folder that may not be written."""
    assert answer("trainer.devices=2")[0] == 1  # begun: its configuration is there
    folder = tmp_path / "run"
    (folder / what).write_text("in the way")
    monkeypatch.undo()
    monkeypatch.setattr("simlearn.tasks.neuron_report.neuron_figures", lambda *_: ())
    assert main([f"resume={folder}", "trainer.devices=1"]) == 1
    told = capsys.readouterr().err
    assert str(folder / what) in told and "cannot be" in told and "Traceback" not in told
    (folder / what).unlink()
    assert main([f"resume={folder}", "trainer.devices=1"]) == 0


def test_a_disk_that_is_full(answer, tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    own = SimpleNamespace(fsync=full, fspath=os.fspath, PathLike=os.PathLike)
    monkeypatch.setattr("simlearn.analysis.tensor_file.os", own)
    code, told = answer()
    assert code == 1 and "Traceback" not in told
    assert "shard-0-000000.safetensors: cannot be written (No space left on device)" in told
    assert not list((tmp_path / "run/statistics").glob("*.safetensors*"))
