"""Wrong steps under masks over a model's neurons: rows, effects, a run that is stopped between."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import simlearn
from simlearn.analysis.errorradar import local_model
from simlearn.analysis.errorradar.endpoint import Request
from simlearn.analysis.errorradar.prompt_style import load_style
from simlearn.analysis.errorradar.prompts import build_prompt
from simlearn.analysis.errorradar.records import read_records
from simlearn.analysis.intervene import deactivate
from simlearn.analysis.model_sources import Pretrained
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.runner import resume
from simlearn.tasks import error_asking
from simlearn.train import main
from simlearn.trainer.interrupt import Interrupted
from simlearn.trainer.progress import ProgressLine
from tests.tasks import neuron_case
from tests.tasks.error_case import SMALL, comparable, metrics, problems, replies, rows

N, CONTROLS, SAID = 8, 2, 3
"""Problems, random masks of each mined one, tokens of a reply."""
PARTS = 1 + 4 * (1 + CONTROLS)
"""No mask; the union, text, special tokens and image, each with its random masks."""


@pytest.fixture(scope="module", autouse=True)
def no_pictures():
    """Half of the search's time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("simlearn.tasks.neuron_report.neuron_figures", lambda *_: ())
        yield


def loud(model):
    """Have the neurons decide what is said, so that a mask is heard."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "language_model" in name and "down_proj" in name:
                weight.mul_(300)


@pytest.fixture(scope="module")
def mined(tmp_path_factory):
    """A folder with a random LLaVA in ``model``, and a search for its neurons in ``neurons``."""
    folder = tmp_path_factory.mktemp("mined")
    words = neuron_case.write_case(folder)
    neuron_case.write_model(folder / "model", edit=loud)
    neuron_case.run(words, folder / "neurons", "evaluation.geometry=false")
    return folder


@pytest.fixture(scope="module")
def words(mined, tmp_path_factory):
    """The command line of a run under masks."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    drawn, _ = problems(tmp_path_factory.mktemp("drawn") / "problems", n=N)
    return (
        *SMALL,
        *drawn,
        f"model.path={mined / 'model'}",
        "model.dtype=float32",
        f"evaluation.neurons={mined / 'neurons'}",
        f"evaluation.controls={CONTROLS}",
        "evaluation.style=bare",
        f"endpoint.max_tokens={SAID}",
        "endpoint.batch_size=4",
    )


def run(words, folder, *more):
    """A finished run under masks: its report."""
    return simlearn.run("error_radar_masks", [*words, *more, f"run_dir={folder}"])


@pytest.fixture(scope="module")
def finished(words, tmp_path_factory):
    """A run whose replies are words of our own making: its report and folder.

    What a random model says is never a step or a kind. So its words are exchanged for ones that
    are read: a function of the tokens, so that a mask that changes a reply changes a row.
    """
    folder = tmp_path_factory.mktemp("finished") / "run"
    with pytest.MonkeyPatch.context() as patched:
        speak(patched)
        report = run(words, folder)
    return report, folder


def speak(patched):
    """Have the model say steps and kinds."""
    told = local_model.LocalSession._reply
    kinds = ("VIS", "CAL", "REAS", "KNOW", "MIS")

    def reply(self, request, row, size, seconds):
        found = told(self, request, row, size, seconds)
        text = f"{found.text} Step {1 + sum(row) % 4}, {kinds[row[0] % 5]}"
        return replace(found, text=text)

    patched.setattr(local_model.LocalSession, "_reply", reply)


@pytest.fixture
def quick(monkeypatch):
    """No pictures, and words that are read."""
    monkeypatch.setattr("simlearn.tasks.error_report.error_figures", lambda *_: ())
    speak(monkeypatch)


def variants(neurons):
    """Names in order."""
    groups = [name for name in neurons if len(neurons[name])]
    return [
        name
        for group in ["union", *groups]
        for name in (group, *(f"{group} random {n}" for n in range(1, CONTROLS + 1)))
    ]


def test_every_mask_has_its_rows_and_replies(finished, mined):
    report, folder = finished
    neurons = NeuronSet.load(mined / "neurons/neurons.safetensors")
    names = variants(neurons)
    assert {"union", "image", "text", "image random 2"} <= set(names)
    counts = Counter(row.get("variant", "") for row in rows(folder))
    assert counts == dict.fromkeys(["", *names], N)
    order = [row.get("variant", "") for row in rows(folder)]
    assert list(dict.fromkeys(order)) == ["", *names]
    said = replies(folder)
    assert Counter(reply["variant"] for reply in said) == counts
    assert len({reply["key"] for reply in said}) == len(said) == N * (1 + len(names))
    ids = [row["id"] for row in rows(folder)]
    assert ids == ids[:N] * (1 + len(names))
    assert report.train["problems"] == report.train["replies"] == N  # of the model as it is
    found = metrics(folder)["masked_neurons"]
    assert found == {
        name: len(neurons.union() if name.startswith("union") else neurons[name.split()[0]])
        for name in names
    }


def test_replies_are_those_of_the_model_with_its_neurons_switched_off(
    finished, words, mined, monkeypatch
):
    speak(monkeypatch)
    given = dict(word.split("=", 1) for word in words)
    adapter = Pretrained(path=given["model.path"], dtype="float32").open("cpu")
    session = local_model.LocalModel(batch_size=3, max_tokens=SAID).open(adapter)
    neurons = NeuronSet.load(mined / "neurons/neurons.safetensors")
    style = load_style("bare")
    asked = [
        Request(r.id, r.id, "joint", "", *build_prompt(r, "joint", style), r.image)
        for r in read_records(Path(given["data.root"]) / "problems.jsonl")
    ]
    for name, own in (("", None), ("union", neurons), ("image", neurons.only("image"))):
        with contextlib.nullcontext() if own is None else deactivate(adapter, own):
            wanted = {reply.id: reply.text for reply in session.ask(asked)}
        said = {r["id"]: r["text"] for r in replies(finished[1]) if r["variant"] == name}
        assert said == wanted, name


def naive(own):
    """Metrics of rows, counted one by one."""
    pairs = [(r["gold_category"], r["pred_category"]) for r in own]
    visual = [a == b for a, b in pairs if a == "VIS"]
    others = [a == b for a, b in pairs if a != "VIS"]
    return {
        "step_accuracy": sum(r["gold_step"] == r["pred_step"] for r in own) / len(own),
        "category_accuracy": sum(a == b for a, b in pairs) / len(own),
        "visual_recall": sum(visual) / len(visual),
        "other_recall": sum(others) / len(others),
    }


def test_effects_are_those_of_the_rows(finished):
    report, folder = finished
    by_variant = {}
    for row in rows(folder):
        by_variant.setdefault(row.get("variant", ""), []).append(row)
    assert len({str([r["pred_step"] for r in own]) for own in by_variant.values()}) > 1
    base, masks = naive(by_variant[""]), metrics(folder)["masks"]
    groups = [name for name in by_variant if name and "random" not in name]
    assert list(dict.fromkeys(entry["mask"] for entry in masks)) == groups
    for entry in masks:
        assert (entry["n"], entry["masks"]) == (N, CONTROLS)
        name, own = entry["metric"], naive(by_variant[entry["mask"]])
        if name not in own:
            continue
        random = [naive(by_variant[f"{entry['mask']} random {n}"])[name] for n in (1, 2)]
        assert entry["unmasked"] == pytest.approx(base[name])
        assert entry["masked"] == pytest.approx(own[name])
        assert entry["random"] == pytest.approx(sum(random) / 2)
        assert entry["drop"] == pytest.approx(base[name] - own[name])
        assert entry["excess"] == pytest.approx(sum(random) / 2 - own[name])
    test = metrics(folder)["test"]
    for name in ("step_accuracy", "category_accuracy"):
        assert test[name]["value"] == pytest.approx(base[name])  # masks count for no metric
        assert test[name]["n"] == N
    table = next(t for t in report.tables if t.title == "Under masks")
    assert {row[0] for row in table.rows} == set(groups)
    assert "mask_bars" in [figure.name for figure in report.figures]
    page = report.report_path.read_text()
    assert "Under masks" in page and ">nan<" not in page and " nan " not in page


def send_at(patched, done):
    """SIGTERM comes in this very process when so many replies are there."""
    call = ProgressLine.__call__

    def reported(self, name, count, total, note=None):
        call(self, name, count, total, note)
        if name == "replies" and count == done:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)  # Python runs the handler now

    patched.setattr(ProgressLine, "__call__", reported)


def test_stopped_in_a_mask_and_cut_off_between_two(
    words, finished, quick, tmp_path, monkeypatch, capsys
):
    folder = tmp_path / "run"
    command = ["recipe=error_radar_masks", *words, f"run_dir={folder}"]
    with monkeypatch.context() as patched:
        send_at(patched, N + 4)
        assert main(command) == 130
    told = capsys.readouterr().err
    assert re.search(
        rf"stopped by SIGTERM, \d+ of {N * PARTS} replies are kept; go on with: ", told
    )
    assert f"resume={folder}" in told and not (folder / "metrics.json").exists()
    first = replies(folder)
    assert {reply["variant"] for reply in first} == {"", "union"}

    with monkeypatch.context() as patched:  # the power is cut when the third mask is laid on
        laid = []

        def laying(adapter, neurons, value):
            if len(laid) == 3:
                raise RuntimeError("power cut")
            laid.append(neurons)
            return deactivate(adapter, neurons, value)

        patched.setattr(error_asking, "deactivate", laying)
        with pytest.raises(RuntimeError, match="power cut"):
            resume(folder)
    second = replies(folder)
    assert second[: len(first)] == first and len(second) == N * 4
    assert resume(folder) is not None
    assert replies(folder)[: len(second)] == second  # none is asked again
    assert len(replies(folder)) == N * PARTS
    assert comparable(folder) == comparable(finished[1])
    assert rows(folder) == rows(finished[1])
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_stop_after_the_last_reply_of_a_mask(words, finished, quick, tmp_path, monkeypatch):
    """What is asked under the next mask waits for the next part of the run."""
    with monkeypatch.context() as patched:
        send_at(patched, 2 * N)
        with pytest.raises(Interrupted, match=f"{2 * N} of {N * PARTS} replies are kept"):
            run(words, tmp_path / "run")
    assert {reply["variant"] for reply in replies(tmp_path / "run")} == {"", "union"}
    assert resume(tmp_path / "run") is not None
    assert comparable(tmp_path / "run") == comparable(finished[1])


def test_what_an_activation_becomes_is_part_of_a_reply(words, finished, quick, tmp_path):
    """The replies without a mask have the same keys, those under masks others."""
    run(words, tmp_path / "run", "evaluation.value=null")
    ours, theirs = replies(tmp_path / "run"), replies(finished[1])
    for masked in (False, True):
        one, two = (
            {r["key"] for r in side if bool(r["variant"]) == masked} for side in (ours, theirs)
        )
        assert (one == two) != masked and bool(one & two) != masked


def test_replies_under_masks_are_replayed_without_them(words, finished, quick, tmp_path):
    """The numbers of the model as it is, also of one that it is compared with."""
    drawn = [word for word in words if word.startswith("data.")]
    more = ("endpoint=replay", f"endpoint.responses={finished[1]}", "evaluation.style=bare")
    beside = f"evaluation.compare=[{finished[1]}]"
    folder = f"run_dir={tmp_path / 'run'}"
    report = simlearn.run("error_radar", [*SMALL, *drawn, *more, beside, folder])
    assert metrics(tmp_path / "run")["test"] == metrics(finished[1])["test"]
    assert metrics(tmp_path / "run")["masks"] == []
    (table,) = [t for t in report.tables if t.title == "This model beside the others"]
    assert [row[1:6] for row in table.rows] == [
        ("step", N, 0, 0, "+0.0"),
        ("category", N, 0, 0, "+0.0"),
    ]


def test_a_quick_look_and_a_dry_run_under_masks(words, quick, tmp_path):
    report = run(words, tmp_path / "dry", "endpoint.dry_run=true", "evaluation.controls=1")
    assert report.train["requests"] == N * 9
    assert any("each under 9 variants of the model" in note for note in report.notes)
    report = run(words, tmp_path / "quick", "trainer.fast_dev_run=true", "evaluation.controls=7")
    assert len(replies(tmp_path / "quick")) == 6 * PARTS
    assert {entry["masks"] for entry in metrics(tmp_path / "quick")["masks"]} == {2}


def test_neurons_of_another_model_are_refused(words, mined, tmp_path, capsys):
    other = neuron_case.write_model(tmp_path / "model", intermediate=56)
    own = [word for word in words if not word.startswith("model.path=")]
    command = ["recipe=error_radar_masks", *own, f"model.path={other}"]
    assert main([*command, f"run_dir={tmp_path / 'run'}"]) == 1
    told = capsys.readouterr().err
    assert "these neurons are of model " in told and "mine them again" in told
    assert "Traceback" not in told
    assert not (tmp_path / "run/responses.jsonl").exists()


def test_neurons_that_are_not_there(words, mined, tmp_path, capsys):
    own = [word for word in words if not word.startswith("evaluation.neurons=")]
    for where, text in (
        (tmp_path, "the folder holds no neurons.safetensors"),
        (tmp_path / "nowhere", "there is no such file"),
    ):
        command = ["recipe=error_radar_masks", *own, f"evaluation.neurons={where}"]
        assert main([*command, f"run_dir={tmp_path / 'run'}"]) == 1
        told = capsys.readouterr().err
        assert f"evaluation.neurons={where}: {text}" in told and "task=neurons" in told
        assert not (tmp_path / "run/responses.jsonl").exists()
        for path in (tmp_path / "run").iterdir():
            path.unlink() if path.is_file() else None
