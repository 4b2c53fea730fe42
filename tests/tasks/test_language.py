"""A small multimodal model is trained by its recipe: its numbers, its files, its model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import simlearn
from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.answers import answer_scores
from simlearn.analysis.tiny import SHIPPED, TinyMLLM
from simlearn.config.compose import compose
from simlearn.config.errors import ConfigError
from simlearn.data.easy_vqa import EasyVQA
from simlearn.data.tones import Tones
from simlearn.runner import build_parts, targets
from simlearn.trainer.checkpoint import read_checkpoint
from simlearn.trainer.csv_log import read_csv_log
from tests.tasks.language_case import run, small_words, written

ROOT = Path(__file__).resolve().parents[2]
SMOKE = yaml.safe_load((ROOT / "recipes" / "tiny_mllm.yaml").read_text())["card"]["smoke"]
MODELS = {
    "tiny_llava": ("LlavaForConditionalGeneration", "easy_vqa", ("colour", "shape", "yes_no")),
    "tiny_qwen2vl": ("Qwen2VLForConditionalGeneration", "easy_vqa", ("colour", "shape", "yes_no")),
    "tiny_qwen2audio": ("Qwen2AudioForConditionalGeneration", "tones", ("note", "wave", "yes_no")),
}
BASELINES = {"untrained", "question alone", "medium blanked"}


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return small_words(tmp_path_factory.mktemp("vqa"))


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


def root_of(words):
    return next(w for w in words if w.startswith("data.root=")).removeprefix("data.root=")


def test_the_question_alone_is_a_lookup(words, tmp_path):
    run(tmp_path, *words, "trainer.max_steps=0", "evaluation.split=val")
    asked = EasyVQA(root=root_of(words), val_images=2, text_train=12, text_test=8).open().splits
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
