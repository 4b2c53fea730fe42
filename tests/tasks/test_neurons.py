"""A whole search for neurons: what it writes, what it says, and that planted neurons are found."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from simlearn.analysis.aggregate import WEIGHTS, aggregate_scores
from simlearn.analysis.answers import answer_scores
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.intervene import deactivate
from simlearn.analysis.mask_scores import VALUES
from simlearn.analysis.mining import dataset_scores
from simlearn.analysis.model_sources import Pretrained
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.analysis.selection import select_neurons
from simlearn.analysis.tensor_file import read_tensors
from simlearn.analysis.tokens import MODALITIES
from simlearn.assemble import build_parts
from simlearn.config.compose import compose
from simlearn.data.easy_vqa import EasyVQA
from simlearn.runner import load, resume, targets
from simlearn.tasks.neuron_files import FILES, read_neuron_files
from simlearn.tasks.neuron_parts import NeuronParts
from tests.tasks.neuron_case import MASKS, differences, run, write_case, write_model, written

GROUPS = ("text", "special", "image")


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return write_case(tmp_path_factory.mktemp("case"))


@pytest.fixture(scope="module")
def finished(words, tmp_path_factory):
    """A report and its folder."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    return run(words, folder), folder


@pytest.fixture
def no_pictures(monkeypatch):
    """Half of a run's time; ``finished`` has them."""
    monkeypatch.setattr("simlearn.tasks.neuron_report.neuron_figures", lambda *_: ())


@pytest.fixture(scope="module")
def opened(words):
    """The questions that were asked, and the model."""
    given = dict(word.split("=", 1) for word in words)
    source = EasyVQA(train=12, test=8, text_train=8, text_test=6, val_images=1,
                     root=given["data.root"])  # fmt: skip
    return source.open(), Pretrained(path=given["model.path"], dtype="float32").open("cpu")


def test_all_files_are_there_and_read_back(finished):
    report, folder = finished
    assert report.report_path == folder / "report.html" and report.report_path.is_file()
    there = {p.name for p in folder.iterdir()}
    assert set(FILES) | {"metrics.json", "report.html", "masks"} <= there
    assert "statistics" not in there  # only a resumed run needs them
    assert not [p for p in folder.rglob("*.tmp")]
    stats, scores, neurons = read_neuron_files(folder)
    assert stats.names == MODALITIES == scores.names
    assert scores.datasets == ("easy_vqa", "text") and scores.samples.tolist() == [12, 8]
    assert neurons.shape == (2, 48) and tuple(neurons) == GROUPS
    plain = {name: load_file(folder / name) for name in FILES if name.endswith(".safetensors")}
    assert np.array_equal(plain["stats.safetensors"]["pos"], stats.pos.numpy())
    assert np.array_equal(plain["stats.safetensors"]["max"], stats.max.numpy())
    assert np.array_equal(plain["scores.safetensors"]["total"], scores.total.numpy())
    for group in GROUPS:
        assert np.array_equal(plain["neurons.safetensors"][group], neurons[group].numpy())
    assert len(plain["answers.safetensors"]["loss"]) == 14


def test_the_files_say_what_they_are(finished, opened):
    _, folder = finished
    data, adapter = opened
    meta = json.loads((folder / "meta.json").read_text())
    assert meta["model"]["fingerprint"] == adapter.fingerprint
    assert (meta["model"]["layers"], meta["model"]["neurons"]) == (2, 48)
    assert meta["model"]["class"] == "LlavaForConditionalGeneration"
    assert meta["modalities"] == list(MODALITIES)
    assert meta["datasets"] == ["easy_vqa", "text"] and len(meta["metrics"]) == 5
    assert meta["data"]["fingerprint"] == data.fingerprint
    assert meta["protocol"]["strategy"] == "LA_MU" and meta["protocol"]["ratios"] == [0.1, 0.3]
    assert "transformers" not in meta["found"] and "model.language_model" in meta["found"]
    lines = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    assert [(s["dataset"], s["id"]) for s in lines] == [
        (q.dataset, q.id) for q in data.splits["train"]
    ]
    stats, _, _ = read_neuron_files(folder)
    for name in MODALITIES:
        told = sum(line["tokens"].get(name, 0) for line in lines)
        assert stats.count[MODALITIES.index(name)].tolist() == [told] * 2
    assert all(
        line["tokens"].get("image", 0) == 4 * (line["dataset"] == "easy_vqa") for line in lines
    )


def test_neurons_are_the_selection_from_the_scores(finished, opened):
    _, folder = finished
    _, scores, neurons = read_neuron_files(folder)
    mean, names = dataset_scores(scores, "special_text_separate")
    assert names == GROUPS
    wanted = select_neurons(
        aggregate_scores(mean, WEIGHTS["default"]),
        0.1,
        "LA_MU",
        names=names,
        model=opened[1].fingerprint,
    )
    assert neurons == wanted and [len(neurons[g]) for g in GROUPS] == [3, 3, 3]
    found = written(folder)
    assert found["selected"] == {
        "0.1": dict.fromkeys(GROUPS, 3),
        "0.3": dict.fromkeys(GROUPS, 9),
    }
    per_layer = {name: counts.tolist() for name, counts in neurons.per_layer().items()}
    assert found["per_layer"]["0.1"] == per_layer


def test_answers_are_those_of_the_model(finished, opened):
    report, folder = finished
    data, adapter = opened
    asked = data.splits["test"]
    wanted = answer_scores(adapter, asked, batch_size=4)
    tensors, facts = read_tensors(folder / "answers.safetensors", form="simlearn answers 1")
    assert facts["ids"] == [[q.dataset, q.kind, q.id] for q in asked]
    assert facts["texts"] == wanted.texts
    torch.testing.assert_close(tensors["loss"], wanted.loss, rtol=0, atol=1e-6)
    pictures = {}
    for q, number in zip(asked, tensors["picture"].tolist(), strict=True):
        pictures.setdefault(q.image or q.id, set()).add(number)
    assert all(len(numbers) == 1 for numbers in pictures.values())
    assert len(set(tensors["picture"].tolist())) == len(pictures)
    for dataset in ("easy_vqa", "text"):
        rows = torch.tensor([q.dataset == dataset for q in asked])
        assert report.metrics[f"{dataset}_accuracy"].value == float(wanted.score[rows].mean())
        found = report.metrics[f"{dataset}_loss"].value
        assert found == pytest.approx(float(wanted.loss[rows].mean()), abs=1e-6)


def test_masks_and_effects_are_those_of_the_neurons(finished, opened):
    _, folder = finished
    data, adapter = opened
    asked, neurons = data.splits["test"], NeuronSet.load(folder / "neurons.safetensors")
    names = {p.stem for p in (folder / "masks").glob("*.safetensors")}
    ours = {name for name in names if not name.startswith("mined_on_")}
    assert ours == set(MASKS) and len(names) == len(MASKS) + 2
    plain = answer_scores(adapter, asked, batch_size=4)
    rows = torch.tensor([q.dataset == "easy_vqa" for q in asked])
    found = {
        (e["group"], e["ratio"], e["dataset"], e["measure"]): e for e in written(folder)["effects"]
    }
    assert len(found) == (len(MASKS) + 2) * 2 * 3
    for group, chosen in (("union", neurons), ("image", neurons.only("image"))):
        with deactivate(adapter, chosen):
            wanted = answer_scores(adapter, asked, batch_size=4)
        tensors, _ = read_tensors(
            folder / f"masks/{group}-0_1.safetensors", form="simlearn masked answers 1"
        )
        assert tensors["loss"].shape == (3, 14)
        for name in VALUES:
            torch.testing.assert_close(
                tensors[name][0], getattr(wanted, name).double(), rtol=0, atol=1e-5
            )
        effect = found[group, 0.1, "easy_vqa", "loss"]
        drop = float((wanted.loss - plain.loss)[rows].mean())
        random = float((tensors["loss"][1:, rows] - plain.loss[rows]).mean())
        assert effect["neurons"] == len(chosen.union()) and effect["n"] == 8
        assert effect["drop"] == pytest.approx(drop, abs=1e-5)
        assert effect["random_drop"] == pytest.approx(random, abs=1e-5)
        assert effect["excess"] == pytest.approx(drop - random, abs=1e-5)
        assert effect["interval"][0] <= effect["drop"] <= effect["interval"][1]
        assert effect["masks"] == 2
    rest = found["complement", 0.1, "text", "loss"]
    assert rest["neurons"] == 96 - len(neurons.union())
    assert (rest["masks"], rest["excess"], rest["random_drop"]) == (0, None, None)


def test_details_of_specificity_geometry_and_attention(finished):
    found = written(finished[1])
    rows = found["specificity"]
    assert {(r["group"], r["ratio"], r["measure"]) for r in rows} == {
        (g, r, m) for g in ("text", "image") for r in (0.1, 0.3) for m in VALUES
    }
    assert all(r["n"] == ([8, 6] if r["group"] == "image" else [6, 8]) for r in rows)
    for row in rows:
        assert row["excess"] == pytest.approx(row["difference"] - row["random_difference"])
    geometry = found["geometry"]
    assert set(geometry) == {"before", "after", "random"} and len(geometry["random"]) == 2
    before = geometry["before"]
    _, scores, _ = read_neuron_files(finished[1])
    assert before["modalities"] == list(scores.names)
    there = [n > 0 for n in before["tokens"]]
    assert there == [True, True, True, False, False, False]
    for side in (before, geometry["after"]):
        assert len(side["distance"]) == len(side["silhouette"]) == 2
        assert all(sum(row) == pytest.approx(1) for row in side["last_token_attention"])
    assert geometry["after"]["distance"] != before["distance"]
    attention = found["attention_is_mean"]
    assert set(attention) == set(GROUPS)
    assert all(0 <= value <= 1 for row in attention.values() for value in row)


def test_the_report_has_its_tables_pictures_and_notes(finished):
    report, _ = finished
    assert [t.title for t in report.tables] == [
        "Drops under masks",
        "Specificity of a modality's neurons",
        "Overlap between modalities",
        "Is the attention score more than the mean?",
    ]
    names = [figure.name for figure in report.figures]
    assert len(set(names)) == len(names) >= 8
    assert len(report.notes) == 2 and all("neurons hurts" in note for note in report.notes)
    text = " ".join(str(cell) for t in report.tables for row in t.rows for cell in row)
    assert "nan" not in text
    assert set(report.baselines) == {
        *("question alone", "medium blanked", "masked 10 %", "random 10 %")
    }
    assert {"easy_vqa_excess_drop", "text_excess_drop"} <= set(report.metrics)
    assert report.train["neurons_masked"] <= 9 and report.train["samples_mined"] == 20
    page = report.report_path.read_text()
    assert "Drops under masks" in page and "miner" in page.lower()


def test_a_second_run_gives_the_same_numbers(words, finished, no_pictures, tmp_path):
    run(words, tmp_path / "run")
    assert differences(written(finished[1]), written(tmp_path / "run")) == []


def test_another_seed_changes_the_random_masks_alone(words, finished, no_pictures, tmp_path):
    run(words, tmp_path / "run", "seed=5", "evaluation.geometry=false")
    one, two = written(finished[1]), written(tmp_path / "run")
    assert one["selected"] == two["selected"] and one["test"].keys() == two["test"].keys()
    for a, b in zip(one["effects"], two["effects"], strict=True):
        assert differences(a["drop"], b["drop"]) == []
    drops = [[e["random_drop"] for e in found["effects"]] for found in (one, two)]
    assert drops[0] != drops[1]
    assert two["geometry"] == {}


def test_settings_that_leave_things_out(words, tmp_path):
    more = (
        *("evaluation.geometry=false", "evaluation.complement=false", "evaluation.transfer=false"),
        *("evaluation.attn=none", "evaluation.weights=mean_max", "evaluation.split=prompt"),
        *("evaluation.ratios=[0.1]", "evaluation.value=null", "data.text_test=0"),
        *("data.text_train=0", "evaluation.split_asked=val"),
    )
    report = run(words, tmp_path / "run", *more)
    neurons = NeuronSet.load(tmp_path / "run/neurons.safetensors")
    assert list(neurons) == ["prompt"] and len(neurons["prompt"]) == 9
    assert [p.name for p in (tmp_path / "run/masks").iterdir()] == ["union-0_1.safetensors"]
    found = written(tmp_path / "run")
    assert found["specificity"] == [] and found["attention_is_mean"] == {}
    assert found["protocol"]["asked"] == "val" and found["protocol"]["value"] is None
    assert [t.title for t in report.tables] == ["Drops under masks"]
    assert {e["dataset"] for e in found["effects"]} == {"easy_vqa"}


def test_a_quick_look_is_small(words, tmp_path):
    report = run(words, tmp_path / "run", "trainer.fast_dev_run=true", "data.train=null")
    masks = {p.name.partition("-0_")[2] for p in (tmp_path / "run/masks").glob("union*")}
    assert masks == {"1.safetensors"}
    assert report.train["random_masks"] == 2 and report.train["samples_mined"] <= 32


def test_a_quick_look_keeps_smaller_numbers():
    parts = build_parts(
        compose(["recipe=miner_tiny", "data.test=3", "model=tiny_shipped"], targets())
    )
    assert isinstance(parts, NeuronParts)
    small = parts.small()
    assert (small.source.train, small.source.test) == (16, 3)
    assert small.protocol.ratios == (parts.protocol.ratio,) and small.protocol.controls == 2
    assert dataclasses.replace(small.protocol, ratios=parts.protocol.ratios) != parts.protocol


def planted(model):
    """Pictures push dimension 0 up, words push it down; two neurons of layer 1 look at it."""
    parts = dict(model.named_parameters())
    (bias,) = (p for name, p in parts.items() if name.endswith("linear_2.bias"))
    (embedding,) = (p for name, p in parts.items() if name.endswith("embed_tokens.weight"))
    (gate,) = (p for name, p in parts.items() if name.endswith("layers.1.mlp.gate_proj.weight"))
    with torch.no_grad():
        bias[0] += 10
        embedding[:, 0] = -10
        gate[5:7] = 0
        gate[5, 0], gate[6, 0] = 5, -5


@pytest.mark.parametrize("strategy", ["LA_MU", "uniform"])
def test_planted_neurons_are_found_by_the_whole_task(words, no_pictures, tmp_path, strategy):
    folder = write_model(tmp_path / "model", planted)
    run(
        [word for word in words if not word.startswith("model.path=")],
        tmp_path / "run",
        f"model.path={folder}",
        f"evaluation.strategy={strategy}",
        "evaluation.ratios=[0.1]",
        "evaluation.geometry=false",
    )
    neurons = load_file(tmp_path / "run/neurons.safetensors")
    found = {group: {tuple(row) for row in rows.tolist()} for group, rows in neurons.items()}
    assert (1, 5) in found["image"] and (1, 5) not in found["text"] | found["special"]
    assert (1, 6) in found["text"] and (1, 6) not in found["image"]
    if strategy == "uniform":  # one of each modality in every layer
        assert [row for row in found["image"] if row[0] == 1] == [(1, 5)]
    scores = load_file(tmp_path / "run/scores.safetensors")["total"]
    image = MODALITIES.index("image")
    assert scores[0, 1:, image, 1, 5] == pytest.approx([12] * 4)  # the highest in every sample


def test_a_run_of_neurons_is_no_embedder_and_not_run_again(finished):
    _, folder = finished
    before = (folder / "metrics.json").read_bytes()
    assert resume(folder) is None
    assert (folder / "metrics.json").read_bytes() == before
    from simlearn.config.errors import ConfigError

    with pytest.raises(ConfigError, match="a run with a language model, which embeds nothing"):
        load(folder)


def test_files_that_are_missing_or_damaged_are_named(finished, tmp_path):
    import shutil

    _, folder = finished
    for name in ("stats.safetensors", "scores.safetensors", "neurons.safetensors"):
        copy = tmp_path / name.partition(".")[0]
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("masks", ".lock"))
        (copy / name).write_bytes((copy / name).read_bytes()[:-3])
        with pytest.raises(AnalysisError, match=f"{name}: damaged"):
            read_neuron_files(copy)
        (copy / name).unlink()
        with pytest.raises(AnalysisError, match=name):
            read_neuron_files(copy)
