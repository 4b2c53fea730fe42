"""The recipes of the paper, in small: TextVQA, MMLU and LibriSpeech in their own files."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from omegaconf import OmegaConf
from safetensors.numpy import load_file

import simlearn
from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.analysis.stats import ActivationStats
from simlearn.analysis.tensor_file import read_tensors
from simlearn.analysis.tiny import save_model
from simlearn.analysis.tiny_models import TinyQwen2Audio, TinyQwen2VL
from simlearn.analysis.tokens import MODALITIES
from simlearn.analysis.word_tokenizer import words_of
from simlearn.config.compose import compose
from simlearn.data.question_sets import QuestionSets
from simlearn.runner import targets
from tests.analysis.small_llava import SIZES
from tests.data import test_librispeech, test_mmlu, test_textvqa
from tests.tasks.neuron_case import WORDS, write_case, written

CARDS = {
    path.stem: yaml.safe_load(path.read_text())["card"]
    for path in sorted((Path(__file__).resolve().parents[2] / "recipes").glob("miner_*.yaml"))
}
SMALL = {**SIZES, "encoder_intermediate": 32}
QUIET = ("trainer.threads=1", "logger.tensorboard=false")
IMAGES = ("0054c91397f2fe05", "e0e2e53e5df7b3d1")


def textvqa(folder):
    """Six questions about two photographs."""
    rows = [
        test_textvqa.row(n, IMAGES[n % 2], question=f"what is the brand of camera {n}?")
        for n in range(6)
    ]
    folder.mkdir()
    test_textvqa.write(folder, rows)
    return f"data.textvqa={folder}"


def mmlu(folder):
    """Four questions of two subjects."""
    for subject in ("global_facts", "anatomy"):
        test_mmlu.write(folder, subject=subject)
    return f"data.mmlu={folder}"


def librispeech(folder):
    """Four recordings of two speakers, a second each: the tiny encoder hears the first 0.64."""
    folder.mkdir()
    test_librispeech.write(folder)
    for number, path in enumerate(sorted(folder.rglob("*.flac"))):
        wave = np.sin(np.arange(16000) / (5 + number)) / 2
        soundfile.write(path, wave, 16000)
    return f"data.librispeech={folder}"


def model_of(settings, folders, folder):
    """A random model whose vocabulary are the words of the data."""
    given = dict(word.removeprefix("data.").split("=", 1) for word in folders)
    splits = QuestionSets(**{name: Path(path) for name, path in given.items()}, shots=1).read()
    vocabulary = words_of(
        f"{q.text} {' '.join(q.answers)}" for found in splits.values() for q in found
    )
    model, processor = settings.build(vocabulary, seed=0)
    save_model(model, processor, folder, {})
    return f"model.path={folder}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Report, folder and lengths of the answers by recipe, with the recipe's own smoke settings."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    found, generate = {}, ModelAdapter.generate
    for name, settings, readers in (
        ("miner_qwen2vl", TinyQwen2VL(**SMALL, side=16, patch=4), (textvqa, mmlu)),
        ("miner_qwen2audio", TinyQwen2Audio(**SMALL, mels=16), (librispeech, mmlu)),
    ):
        root = tmp_path_factory.mktemp(name)
        folders = [read(root / read.__name__) for read in readers]
        path = model_of(settings, folders, root / "model")
        words = [*CARDS[name]["smoke"], *QUIET, *folders, path, f"run_dir={root / 'run'}"]
        lengths = []

        def counted(self, batch, *, max_new_tokens, lengths=lengths, **kw):
            lengths.append(max_new_tokens)
            return generate(self, batch, max_new_tokens=max_new_tokens, **kw)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(ModelAdapter, "generate", counted)
            found[name] = simlearn.run(name, words), root / "run", lengths
    return found


@pytest.mark.parametrize(
    ("name", "medium", "dataset"),
    [("miner_qwen2vl", "image", "textvqa"), ("miner_qwen2audio", "audio", "librispeech")],
)
def test_smoke_on_files_of_the_papers_formats(runs, name, medium, dataset):
    report, folder, _ = runs[name]
    assert report.recipe == name and report.report_path.is_file()
    assert report.protocol["method"] == "generate" and report.protocol["datasets"] == [
        *(["textvqa", "mmlu"] if medium == "image" else ["mmlu", "librispeech"])
    ]
    for key in (dataset, "mmlu"):
        assert 0 <= report.metrics[f"{key}_accuracy"].value <= 1
        assert report.metrics[f"{key}_loss"].n == report.metrics[f"{key}_accuracy"].n > 0
        assert f"{key}_excess_drop" in report.metrics
    neurons = NeuronSet.load(folder / "neurons.safetensors")
    assert tuple(neurons) == ("text", "special", medium)
    assert [len(rows) for rows in neurons.values()] == [3, 3, 3]  # int(0.1 * 96) // 3
    stats = ActivationStats.load(folder / "stats.safetensors")
    there = {m for m, n in zip(MODALITIES, stats.count[:, 0].tolist(), strict=True) if n}
    assert there == {"text", "special", medium}
    totals = load_file(folder / "scores.safetensors")["total"]
    assert totals.shape == (2, 5, 6, 2, 48) and totals[:, 3].any()
    masked = {p.stem.partition("-")[0] for p in (folder / "masks").iterdir()}
    assert masked == {
        *("union", "text", "special", medium, "complement"),
        *("mined_on_mmlu", f"mined_on_{dataset}"),
    }
    found = written(folder)
    assert {(r["group"], r["measure"]) for r in found["specificity"]} == {
        (g, m) for g in ("text", medium) for m in ("score", "loss", "margin")
    }
    assert found["geometry"]["before"]["tokens"][MODALITIES.index(medium)] > 0
    assert set(report.baselines) >= {"question alone", "medium blanked", "masked 10 %"}


@pytest.mark.parametrize("name", ["miner_qwen2vl", "miner_qwen2audio"])
def test_answers_are_generated(runs, name):
    """Without a mask, without media, and under every mask and its two controls."""
    _, folder, written_tokens = runs[name]
    tensors, facts = read_tensors(folder / "answers.safetensors", form="simlearn answers 1")
    assert len(tensors["score"]) == len(facts["ids"]) and not tensors["loss"].isnan().any()
    assert all(len(text.split()) <= 3 for text in facts["texts"])
    kinds = len({dataset for dataset, *_ in facts["ids"]})  # with a medium and without: batches
    masks = sum(1 if p.stem.startswith("complement") else 3 for p in (folder / "masks").iterdir())
    assert written_tokens == [3] * (kinds * (2 + masks))


def composed(name, *words):
    config = compose([f"recipe={name}", *words], targets()).config
    return OmegaConf.to_container(config)


def test_the_recipes_follow_the_papers_protocol():
    for name in ("miner_qwen2vl", "miner_qwen2audio"):
        config = composed(name, "model.path=x", "data.mmlu=x")
        assert config["task"]["class"] == "find_neurons"
        asked = config["evaluation"]
        assert (asked["method"], asked["max_new_tokens"]) == ("generate", 128)
        assert (asked["weights"], asked["strategy"]) == ("default", "LA_MU")
        assert (asked["attn"], asked["causal"]) == ("reference", False)
        assert (asked["ratio"], asked["ratios"], asked["value"]) == (0.02, [0.02], 0.0)
        assert (config["model"]["dtype"], config["model"]["device_map"]) == ("bfloat16", "auto")
        assert config["data"]["shots"] == 5
        assert CARDS[name]["published"]["after"] < CARDS[name]["published"]["before"]
    one, two = (composed(n, "model.path=x") for n in ("miner_qwen2vl", "miner_qwen2audio"))
    assert one == two  # the model and the data are the user's


def test_the_model_has_to_be_named():
    from simlearn.config.errors import ConfigError

    with pytest.raises(ConfigError, match=r"model\.path"):
        composed("miner_qwen2vl")


def test_smoke_of_the_tiny_recipe(tmp_path, monkeypatch):
    monkeypatch.setattr("simlearn.tasks.neuron_report.neuron_figures", lambda *_: ())
    words = write_case(tmp_path)
    model = [word for word in words if word.startswith(("model", "data.root")) and word in words]
    assert len(model) == 4 and set(model) - set(WORDS)
    report = simlearn.run(
        "miner_tiny", [*CARDS["miner_tiny"]["smoke"], *QUIET, *model, f"run_dir={tmp_path / 'run'}"]
    )
    assert report.train["samples_mined"] == 24 and report.train["random_masks"] == 2
    assert {"easy_vqa_accuracy", "text_accuracy"} <= set(report.metrics)
