"""A small multimodal model is trained by its recipe: files, numbers, mistakes, and a power cut."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

import simlearn
from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.answers import answer_scores
from simlearn.analysis.tiny import SHIPPED, TinyMLLM
from simlearn.config.compose import compose
from simlearn.config.errors import ConfigError
from simlearn.data.easy_vqa import EasyVQA
from simlearn.data.tones import Tones
from simlearn.runner import build_parts, resume, targets
from simlearn.train import main
from simlearn.trainer.checkpoint import KEY, CheckpointError, read_checkpoint
from simlearn.trainer.csv_log import read_csv_log
from tests.data.easy_vqa_files import write_easy_vqa
from tests.tiny import command

ROOT = Path(__file__).resolve().parents[2]
SMOKE = yaml.safe_load((ROOT / "recipes" / "tiny_mllm.yaml").read_text())["card"]["smoke"]
SMALL = (
    *("model.hidden=32", "model.intermediate=48", "model.layers=1"),
    *("model.encoder_hidden=32", "model.encoder_intermediate=64", "model.encoder_layers=1"),
    *("sampler.media=4", "sampler.texts=2", "evaluation.bootstrap=20", "evaluation.batch_size=16"),
    *("model.encoder_steps=4", "trainer.max_steps=4", "trainer=cpu", "trainer.threads=1"),
    *("trainer.log_every=1", "logger.tensorboard=false"),
)
MODELS = {
    "tiny_llava": ("LlavaForConditionalGeneration", "easy_vqa", ("colour", "shape", "yes_no")),
    "tiny_qwen2vl": ("Qwen2VLForConditionalGeneration", "easy_vqa", ("colour", "shape", "yes_no")),
    "tiny_qwen2audio": ("Qwen2AudioForConditionalGeneration", "tones", ("note", "wave", "yes_no")),
}
BASELINES = {"untrained", "question alone", "medium blanked"}


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """Eight training and four test images in easy-vqa's format."""
    return write_easy_vqa(tmp_path_factory.mktemp("vqa"), train=8, test=4)


@pytest.fixture(scope="session")
def words(tree):
    """The command line of a run over them that takes a second."""
    data = (f"data.root={tree}", "data.val_images=2", "data.text_train=12", "data.text_test=8")
    return (*data, *SMALL)


def run(folder, *words):
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return simlearn.run("tiny_mllm", [*words, f"run_dir={folder}"])


def written(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.fixture(scope="session", params=MODELS)
def smoke(request, tmp_path_factory):
    """(name of the model, folder) of a finished run with the settings of the recipe's card."""
    folder = tmp_path_factory.mktemp(request.param)
    data = () if request.param != "tiny_qwen2audio" else ("data=tones",)
    known = [w for w in SMOKE if not data or not w.startswith("data.val_images")]
    run(folder, f"model={request.param}", *data, *known, "trainer.threads=1")
    return request.param, folder


def test_numbers_of_a_run(smoke):
    model, folder = smoke
    _, dataset, kinds = MODELS[model]
    found = written(folder)
    assert found["recipe"] == "tiny_mllm" and found["seed"] == 0
    accuracies = {name for name in found["test"] if name.endswith("_accuracy")}
    named = {f"{d}_{k}_accuracy" for d in (dataset, "text") for k in kinds}
    assert {f"{dataset}_accuracy", "text_accuracy"} <= accuracies
    assert accuracies <= named | {f"{dataset}_accuracy", "text_accuracy"}
    others = {f"{d}_{what}" for d in (dataset, "text") for what in ("loss", "margin")}
    assert found["test"].keys() - accuracies == others
    assert found["baselines"].keys() == BASELINES
    for metrics in found["baselines"].values():
        assert metrics.keys() == accuracies
    for metric in [found["test"][a] for a in accuracies]:
        assert 0 <= metric["value"] <= 1 and metric["interval"] is not None
    assert found["test"][f"{dataset}_accuracy"]["n"] == 12
    assert found["test"]["text_accuracy"]["n"] == 8
    assert found["test"]["text_loss"]["value"] > 0
    assert found["train"]["steps"] == found["train"]["encoder_steps"] == 2
    asked = found["protocol"]
    assert (asked["asked"], asked["answers"]) == ("test", "next_token")
    assert asked["questions"]["train"] == 60 and len(asked["data_fingerprint"]) == 16
    assert found["seconds"].keys() == {"data", "baselines", "training", "evaluation"}


def test_what_a_run_leaves(smoke):
    _, folder = smoke
    assert [p.name for p in (folder / "checkpoints").iterdir()] == ["lessons.ckpt"]
    for lesson in ("encoder", "answers"):
        assert (folder / "logs" / lesson / "metrics.csv").is_file()
    page = (folder / "report.html").read_text()
    assert "Accuracy by kind of question" in page and "medium blanked" in page
    made = json.loads((folder / "model" / "made.json").read_text())
    assert made["recipe"] == "tiny_mllm" and made["seed"] == 0
    assert made["data"]["fingerprint"] == written(folder)["protocol"]["data_fingerprint"]
    assert "TinyLlava" in made["config"] or "TinyQwen2" in made["config"]


def test_the_model_opens_in_transformers(smoke):
    import transformers as hf

    name, folder = smoke
    model = hf.AutoModelForMultimodalLM.from_pretrained(
        folder / "model", dtype=torch.float32, local_files_only=True
    )
    processor = hf.AutoProcessor.from_pretrained(folder / "model", local_files_only=True)
    assert type(model).__name__ == MODELS[name][0]
    assert sum(p.numel() for p in model.parameters()) == written(folder)["train"]["parameters"]
    trained = read_checkpoint(folder / "checkpoints/lessons.ckpt")["state_dict"]
    state = model.state_dict()
    assert state.keys() == trained.keys()
    assert all(torch.equal(state[k], trained[k].half().float()) for k in state)
    source = (
        Tones(train=40, test=12, text_train=20, text_test=8)
        if name == "tiny_qwen2audio"
        else EasyVQA(train=40, test=12, text_train=20, text_test=8, val_images=2)
    )
    data = source.open()
    assert data.fingerprint == written(folder)["protocol"]["data_fingerprint"]
    scores = answer_scores(ModelAdapter(model.eval(), processor), data.splits["test"])
    for dataset in (MODELS[name][1], "text"):
        rows = torch.tensor([q.dataset == dataset for q in data.splits["test"]])
        wanted = written(folder)["test"][f"{dataset}_loss"]["value"]
        assert float(scores.loss[rows].mean()) == pytest.approx(wanted, rel=2e-2)


def test_a_run_learns(words, tmp_path):
    """Fifty steps: both losses fall."""
    run(tmp_path, *words, "trainer.max_steps=50", "model.encoder_steps=20", "optimizer.lr=5e-3")
    rows = read_csv_log(tmp_path / "logs/answers/metrics.csv")
    for name in ("train/loss_media", "train/loss_text"):
        losses = [value for _, n, value in rows if n == name]
        assert len(losses) == 50
        assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:3])
    found = written(tmp_path)["test"]
    assert found["easy_vqa_loss"]["value"] < 2.5 and found["text_loss"]["value"] < 2.5


def test_the_question_alone_is_a_lookup(words, tmp_path, tree):
    run(tmp_path, *words, "trainer.max_steps=0", "evaluation.split=val")
    asked = EasyVQA(root=tree, val_images=2, text_train=12, text_test=8).open().splits
    by_text, every = {}, {}
    for q in asked["train"]:
        for table in (by_text.setdefault(q.text, {}), every):
            table[q.answers[0]] = table.get(q.answers[0], 0) + 1
    right = []
    for q in asked["val"]:
        table = by_text.get(q.text, every)
        right.append(max(table, key=table.get) == q.answers[0])
    own = [r for r, q in zip(right, asked["val"], strict=True) if q.dataset == "easy_vqa"]
    found = written(tmp_path)
    alone = found["baselines"]["question alone"]["easy_vqa_accuracy"]
    assert alone["value"] == pytest.approx(sum(own) / len(own)) and alone["n"] == len(own) == 12
    assert found["protocol"]["asked"] == "val"
    # no step: the trained model is the untrained one, and says so
    assert found["train"]["steps"] == found["train"]["encoder_steps"] == 0
    for name, metric in found["baselines"]["untrained"].items():
        assert metric["value"] == found["test"][name]["value"]


@pytest.mark.parametrize(
    "words_of_data", [("tones", "tiny_qwen2audio"), ("easy_vqa", "tiny_llava")]
)
def test_a_quick_look(words_of_data, words, tmp_path):
    data, model = words_of_data
    own = [w for w in words if data == "easy_vqa" or not w.startswith("data.")]
    run(tmp_path, f"data={data}", f"model={model}", *own, "trainer.fast_dev_run=true")
    found = written(tmp_path)
    assert found["train"]["steps"] == found["train"]["encoder_steps"] == 2
    assert max(found["protocol"]["questions"].values()) <= 80


@pytest.fixture
def answer(words, tmp_path, capsys, monkeypatch):
    """Run by the command line; give (exit code, standard error). Nothing may be trained."""
    from simlearn.analysis import lessons

    monkeypatch.setattr(lessons, "fit_stage", lambda *_, **__: pytest.fail("something was trained"))

    def ask(*more):
        replaced = tuple(f"{w.partition('=')[0]}." for w in more)
        usual = [w for w in words if not w.startswith(replaced)]
        code = main(["recipe=tiny_mllm", *usual, f"run_dir={tmp_path / 'run'}", *more])
        return code, capsys.readouterr().err

    return ask


BEFORE_THE_FOLDER = [
    (["loss=triplet"], "loss (TripletLoss) does not belong to task=language: use loss=none"),
    (["backbone=conv3d_small"], "does not belong to task=language: use backbone=none"),
    (["strategy=icarl"], "strategy (ICaRL) does not belong to task=language: use strategy=none"),
    (["miner=semihard"], "does not belong to task=language: use miner=none"),
    (
        ["model=pretrained", "model.path=x"],
        "model (Pretrained) does not belong to task=language: use model=tiny_llava",
    ),
    (["model=tiny_shipped"], "model (TinyShipped) does not belong to task=language"),
    (["model=none"], "model: no option is chosen; add model=OPTION"),
    (["data=digits"], "data (Digits) does not belong to task=language: use data=easy_vqa, tones"),
    (["evaluation=neuron_masks"], "does not belong to task=language: use evaluation=answers"),
    (["sampler=pk"], "sampler (PKBatches) does not belong to task=language: use sampler=questions"),
    (["trainer.max_steps=null"], "give trainer.max_epochs or trainer.max_steps"),
    (["model.heads=3"], "model.hidden is 32, must be a multiple of twice model.heads (3)"),
    (["model.encoder_lr=0"], "model.encoder_lr is 0"),
    (["evaluation.method=guess"], "evaluation.method"),
    (["data.text_train=-1"], "data.text_train is -1"),
    (["sampler.shares={yes_no: 1.5}"], "must be in [0, 1] together"),
    (["sampler.media=0", "sampler.texts=0"], "both 0: a step needs questions"),
    (
        ["task=metric"],
        "model (TinyLlava) belongs to task=language and task=neurons: use model=none",
    ),
]


@pytest.mark.parametrize(("more", "text"), BEFORE_THE_FOLDER, ids=lambda v: str(v)[:30])
def test_told_before_anything_is_made(more, text, answer, tmp_path):
    code, told = answer(*more)
    assert code == 2, told
    assert text in told
    assert not (tmp_path / "run").exists()


def test_the_smaller_words_of_another_model(answer):
    """A setting of another family is named with those that there are."""
    code, told = answer("model=tiny_llava", "model.mels=3")
    assert code == 2 and "model.mels" in told


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (["trainer.devices=2"], "trainer.devices is 2: a small model is taught by one process"),
        (
            ["trainer.max_steps=null", "trainer.max_epochs=2"],
            "trainer.max_steps is not given: a lesson is measured in steps",
        ),
        (["trainer.max_epochs=2"], "trainer.max_epochs is 2: a lesson is measured in steps. Use"),
        (["data.root=/no/such"], "questions.json: not there. data.root is the folder"),
        (["data.val_images=0", "evaluation.split=val", "data.text_test=0"], "both are needed"),
        (["data.text_train=0"], "no training question without a picture or sound, and sampler.te"),
        (
            ["data=tones", "data.train=8", "data.test=4", "data.text_train=4", "data.text_test=2"],
            "has an audio",
        ),
    ],
    ids=lambda v: str(v)[:30],
)
def test_told_before_anything_is_trained(more, text, answer, tmp_path, monkeypatch):
    monkeypatch.setattr("simlearn.trainer.factory.os.cpu_count", lambda: 8, raising=False)
    code, told = answer(*more)
    assert code == 1, told
    assert text in told and "Traceback" not in told
    left = {p.name for p in (tmp_path / "run").iterdir()}
    assert left <= {".lock", "config.yaml", "recipe.yaml", "environment.json"}


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        (
            ["red", "dark blue"],
            "the answer 'dark blue' is not one word of the vocabulary: tiny mod",
        ),
        (["red", []], "of 'mine' has no answer, so there is nothing to learn: leave it out"),
    ],
)
def test_answers_of_own_questions(answers, text, answer, tmp_path):
    from PIL import Image

    lines = []
    for n in range(8):
        Image.fromarray(np.full((24, 24, 3), 30 * n, np.uint8)).save(tmp_path / f"{n}.png")
        line = {
            "id": f"q{n}",
            "text": "what is it?",
            "answers": answers[n % 2],
            "image": f"{n}.png",
        }
        lines.append(json.dumps(line))
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(lines) + "\n")
    code, told = answer("data=question_sets", f"data.files={{mine: {path}}}", "sampler.texts=0")
    assert code == 1 and text in told and "Traceback" not in told


def test_loading_such_a_run(smoke):
    _, folder = smoke
    with pytest.raises(ConfigError, match="embeds nothing; its model is loaded by") as caught:
        simlearn.load(folder)
    assert "simlearn.analysis.TinyMLLM.load(RUN_DIR/model)" in str(caught.value)
    model, _ = TinyMLLM.load(folder / "model")
    assert not model.training


def test_the_parts_of_a_run(words):
    parts = build_parts(compose(["recipe=tiny_mllm", *words], targets()))
    data = parts.source.open()
    model, processor = parts.build(data, seed=0)
    tokenizer = processor.tokenizer
    asked = {w for q in data.splits["train"] for w in (*q.text.rstrip("?").split(), *q.answers)}
    assert tokenizer.unk_token_id not in tokenizer.convert_tokens_to_ids(sorted(asked))
    assert model.config.text_config.hidden_size == 32
    other, _ = parts.build(data, seed=1)
    a, b = model.state_dict(), other.state_dict()
    assert any(not torch.equal(a[k], b[k]) for k in a)


LAST = 40
STEPS = ("model.encoder_steps=6", f"trainer.max_steps={LAST}")
"""The second lesson is long, so that a slow machine still sends its signal in the middle."""


@pytest.fixture(scope="module")
def whole(words, tmp_path_factory):
    """A run that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder, *words, *STEPS)
    return folder


def assert_same_run(one, two):
    a, b = (load_file(f / "model/model.safetensors") for f in (one, two))
    assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
    found = [written(f) for f in (one, two)]
    for part in ("test", "baselines", "train", "protocol", "recipe", "seed"):
        assert found[0][part] == found[1][part], part
    for lesson in ("encoder", "answers"):
        logs = [read_csv_log(f / "logs" / lesson / "metrics.csv") for f in (one, two)]
        assert logs[0] == logs[1] and logs[0]
    assert [p.name for p in (two / "checkpoints").iterdir()] == ["lessons.ckpt"]


@pytest.mark.parametrize(
    "sig", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_signal_in_the_middle_of_a_lesson(whole, words, tmp_path, sig):
    """By the real command line; whatever had been saved, the end is the same."""
    folder = tmp_path / "run"
    begun = [*words, *STEPS, "trainer.checkpoint_steps=1", f"run_dir={folder}"]
    process = subprocess.Popen(
        command(tmp_path, "recipe=tiny_mllm", *begun, recipe=None),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    path, end = folder / "checkpoints/lesson.ckpt", time.monotonic() + 100
    place = (-1, -1)
    while place < (1, 5):
        if time.monotonic() > end or process.poll() is not None:
            process.kill()
            raise AssertionError(f"ended or hung before its place: {process.communicate()}")
        time.sleep(0.01)
        try:
            header = read_checkpoint(path)[KEY]
        except CheckpointError:
            continue
        place = (header["facts"]["lesson"], header["step"])
    process.send_signal(sig)
    output, _ = process.communicate(timeout=100)
    assert place < (1, LAST) and not (folder / "metrics.json").exists()
    if sig == signal.SIGKILL:
        assert process.returncode == -sig
    else:
        assert process.returncode == 130 and "stopped by SIGTERM" in output
        assert f"go on with: python -m simlearn.train resume={folder}" in output
    assert resume(folder, ["trainer.checkpoint_steps=0"]) is not None
    assert_same_run(whole, folder)
    assert resume(folder) is None


def test_a_report_is_written_again_without_any_training(whole, monkeypatch, tmp_path):
    """Killed after the last lesson and before metrics.json."""
    from simlearn.analysis import lessons

    found = written(whole)
    (whole / "metrics.json").unlink()
    monkeypatch.setattr(lessons, "fit_stage", lambda *_, **__: pytest.fail("something was trained"))
    assert resume(whole) is not None
    again = written(whole)
    assert all(found[k] == again[k] for k in found if k != "seconds")


FLOORS = {
    "easy_vqa_accuracy": 0.85,
    "easy_vqa_colour_accuracy": 0.95,
    "easy_vqa_shape_accuracy": 0.80,
    "easy_vqa_yes_no_accuracy": 0.86,
    "text_accuracy": 0.97,
}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_whole_recipe_and_the_model_that_ships(tmp_path):
    run(tmp_path)
    found = {name: metric["value"] for name, metric in written(tmp_path)["test"].items()}
    assert {name: value for name, value in FLOORS.items() if found[name] < value} == {}
    shipped = json.loads((SHIPPED / "made.json").read_text())["test"]
    far = {n: (found[n], v) for n, v in shipped.items() if n in FLOORS and abs(found[n] - v) > 0.03}
    assert shipped.keys() >= FLOORS.keys() and far == {}
    blanked = written(tmp_path)["baselines"]["medium blanked"]
    assert blanked["easy_vqa_accuracy"]["value"] < found["easy_vqa_accuracy"] - 0.2
