"""Every recipe's smoke run, from Python; one per task through its command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

import simlearn
from simlearn.analysis.model_sources import Pretrained
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.config.compose import compose
from simlearn.runner import targets
from tests.tasks.neuron_case import write_model
from tests.tiny import train

RECIPES = sorted((Path(__file__).resolve().parents[2] / "recipes").glob("*.yaml"))
LOSSES = {"triplet": "TripletLoss", "contrastive": "ContrastiveLoss"}
STREAM_LOSSES = {**LOSSES, "angular": "AngularLoss", "center": "CenterLoss"}
STRATEGIES = {
    "finetune": "FineTune",
    "ewc": "EWC",
    "icarl": "ICaRL",
    "ebll": "EBLL",
    "vae": "RepresentationReplay",
}
BACKBONES = {
    "inception": "Inception",
    "c3d": "C3D",
    "lstm2d": "ConvLSTM2D",
    "inception_resnet": "InceptionResnetV1",
}
CARDS = {path.stem: yaml.safe_load(path.read_text())["card"] for path in RECIPES}
STREAMS = sorted(name for name in CARDS if name.startswith("incremental_"))
QUESTIONS = ["miner_tiny", "tiny_mllm"]
ERRORS = ["error_radar", "error_radar_masks"]
BIG = ["miner_qwen2audio", "miner_qwen2vl"]
"""Need weights and data: tests/tasks/test_neuron_recipes.py runs them on files in their formats."""


def test_there_are_recipes():
    paper = {f"{loss}_{net}" for loss in LOSSES for net in ("inception", "c3d", "lstm2d")}
    assert {"quickstart", "triplet_inception_resnet"} | paper <= set(CARDS)
    streams = {f"incremental_{loss}_{how}" for loss in STREAM_LOSSES for how in STRATEGIES}
    assert {"incremental_quickstart"} | streams == set(STREAMS)


def composed(name, *words):
    """What a recipe says; those of faces are given a root."""
    words = words if name in STREAMS else ("data.root=x", *words)
    return OmegaConf.to_container(compose([f"recipe={name}", *words], targets()).config)


def test_the_recipes_of_streams_differ_in_loss_and_strategy_alone():
    base = composed("incremental_triplet_finetune")
    assert (base["task"]["class"], base["generator"]) == ("class_incremental", None)
    names = [name for name in STREAMS if name != "incremental_quickstart"]
    assert len(names) == 20
    for name in names:
        config = composed(name)
        assert config.keys() == base.keys()
        differing = {key for key in base if config[key] != base[key]}
        _, loss, how = name.split("_")
        wanted = {"loss"} if loss != "triplet" else set()
        wanted |= {"strategy"} if how != "finetune" else set()
        wanted |= {"generator"} if how == "vae" else set()
        assert differing == wanted, name
        assert config["loss"]["class"] == STREAM_LOSSES[loss]
        assert config["strategy"]["class"] == STRATEGIES[how]
        assert (config["generator"] or {}).get("class") == ("VAE" if how == "vae" else None)
        # one strategy is the same beside every loss, and one loss beside every strategy
        assert config["strategy"] == composed(f"incremental_triplet_{how}")["strategy"]
        assert config["loss"] == composed(f"incremental_{loss}_finetune")["loss"]
        assert CARDS[name]["paper"] == "huo2021" and CARDS[name]["published"] is None


def test_the_quick_stream_is_the_triplet_loss_with_replay_and_fewer_steps():
    base, quick = composed("incremental_triplet_vae"), composed("incremental_quickstart")
    assert quick["trainer"].pop("max_steps") < base["trainer"].pop("max_steps")
    assert quick == base


@pytest.mark.parametrize("name", STREAMS)
def test_every_stream_runs_on_downloaded_digits_too(name):
    """``data=mnist data.root=...``, as the comment on top says: 28 pixels instead of 8."""
    config = composed(name, "data=mnist", "data.root=x")
    assert config["data"]["class"] == "MNIST"
    assert config["data"]["classes_per_experience"] == 2 and config["backbone"]["in_channels"] == 1


def test_the_recipes_of_the_paper_differ_in_loss_and_backbone_alone():
    base = composed("triplet_c3d")
    names = [name for name in CARDS if CARDS[name]["paper"] == "huo2020"]
    assert len(names) == 6
    for name in [*names, "triplet_inception_resnet"]:
        config = composed(name)
        assert config.keys() == base.keys()
        differing = {key for key in base if config[key] != base[key]}
        assert differing <= {"loss", "backbone"}
        loss, backbone = name.split("_", 1)
        assert ("loss" in differing) == (loss == "contrastive")
        assert ("backbone" in differing) == (backbone != "c3d")
        assert config["loss"]["class"] == LOSSES[loss]
        assert config["backbone"]["class"] == BACKBONES[backbone]


@pytest.mark.parametrize("name", STREAMS)
def test_smoke_of_a_stream(name, tmp_path):
    report = simlearn.run(name, [*CARDS[name]["smoke"], f"run_dir={tmp_path / 'run'}"])
    assert report.report_path.is_file()
    assert report.recipe == name
    shares = ("ncm_all", "ncm_base", "ncm_new", "omega_new", "ncm_real", "map_at_r")
    assert all(0.0 <= report.metrics[key].value <= 1.0 for key in shares)
    assert {"omega_base", "omega_all", "forgetting"} <= set(report.metrics)
    assert set(report.baselines) == {"untrained", "pixels"}
    matrix = report.details["accuracy_matrix"]
    assert [sum(value is None for value in row) for row in matrix] == [1, 0]
    assert report.train["steps"] == 4
    strategy = name.rsplit("_", 1)[1]
    assert ("origin_probe" in report.metrics) == (strategy in ("vae", "quickstart"))
    assert (tmp_path / "run/joint/checkpoints/stream.ckpt").is_file()


@pytest.mark.parametrize("name", QUESTIONS)
def test_smoke_of_questions(name, tmp_path):
    report = simlearn.run(name, [*CARDS[name]["smoke"], f"run_dir={tmp_path / 'run'}"])
    assert report.report_path.is_file() and report.recipe == name
    assert {"question alone", "medium blanked"} <= set(report.baselines)
    assert 0.0 <= report.metrics["easy_vqa_accuracy"].value <= 1.0
    kept = "model/model.safetensors" if name == "tiny_mllm" else "neurons.safetensors"
    assert (tmp_path / "run" / kept).is_file()


def test_the_big_recipes_differ_in_data_and_weights_alone():
    first, second = (
        OmegaConf.to_container(compose([f"recipe={name}", "model.path=x"], targets()).config)
        for name in BIG
    )
    assert first == second and first["evaluation"]["ratios"] == [0.02]
    assert first["evaluation"]["method"] == "generate" and first["model"]["device_map"] == "auto"


def test_the_recipe_of_masks_is_that_of_errors_with_a_model_of_ones_own():
    base, masks = (
        OmegaConf.to_container(compose([f"recipe={name}", *words], targets()).config)
        for name, words in (
            ("error_radar", ["endpoint.base_url=http://127.0.0.1:1/v1", "endpoint.model=m"]),
            ("error_radar_masks", ["model.path=x", "evaluation.neurons=y"]),
        )
    )
    assert base.pop("endpoint")["class"] == "OpenAIServer" and base.pop("model") is None
    assert masks.pop("endpoint")["class"] == "LocalModel"
    assert masks.pop("model")["class"] == "Pretrained"
    assert (base["evaluation"].pop("neurons"), masks["evaluation"].pop("neurons")) == (None, "y")
    assert base == masks and base["task"]["class"] == "find_error_steps"
    assert base["data"]["class"] == "SyntheticProblems" and base["loss"] is None


def test_cards_of_errors():
    assert [CARDS[name]["paper"] for name in ERRORS] == ["errorradar2024", "simlearn"]
    for name in ERRORS:
        assert CARDS[name]["published"] is None  # none on these problems
        assert set(CARDS[name]["needs"]) <= {"data", "model", "neurons"}


@pytest.fixture
def small_masks(tmp_path):
    """The words of a random model and of neurons that were mined on it."""
    write_model(tmp_path / "model")
    model = Pretrained(path=str(tmp_path / "model"), dtype="float32").open("cpu")
    neurons = {"image": [[0, 1], [1, 7]], "text": [[0, 3]], "special": [[1, 40]]}
    NeuronSet(neurons, shape=model.shape, model=model.fingerprint).save(tmp_path / "n.safetensors")
    return (
        *(f"model.path={tmp_path / 'model'}", "model.dtype=float32", "evaluation.style=bare"),
        f"evaluation.neurons={tmp_path / 'n.safetensors'}",
    )


@pytest.mark.parametrize("name", ERRORS)
def test_smoke_of_errors(name, tmp_path, request):
    more = request.getfixturevalue("small_masks") if name.endswith("masks") else ()
    folder = tmp_path / "run"
    report = simlearn.run(name, [*CARDS[name]["smoke"], *more, f"run_dir={folder}"])
    assert report.report_path.is_file() and report.recipe == name
    for key in ("step_accuracy", "category_accuracy", "joint_accuracy"):
        assert 0.0 <= report.metrics[key].value <= 1.0 and report.metrics[key].n == 6
    assert set(report.baselines) == {"majority", "uniform", "first step", "last step"}
    assert report.train["replies"] == 6 and report.train["weights"] == "open"
    replies, rows = (
        (folder / file).read_text().splitlines() for file in ("responses.jsonl", "rows.jsonl")
    )
    parts = 1 + 4 * 3 if more else 1  # four mined masks, each with two random ones
    assert len(replies) == len(rows) == 6 * parts
    assert len(report.details["masks"]) == (4 * 8 if more else 0)


@pytest.mark.parametrize("name", sorted(set(CARDS) - {*STREAMS, *QUESTIONS, *ERRORS, *BIG}))
def test_smoke(name, tmp_path):
    report = simlearn.run(
        name,
        [*CARDS[name]["smoke"], f"data.cache={tmp_path / 'cache'}", f"run_dir={tmp_path / 'run'}"],
    )
    assert report.report_path.is_file()
    assert report.recipe == name
    assert 0.0 <= report.metrics["recall_at_1"].value <= 1.0
    controls = {"frames shuffled", "one frame repeated"}
    clips = name.endswith(("c3d", "lstm2d"))
    assert set(report.baselines) == {"untrained", "pixels"} | (controls if clips else set())
    if name != "quickstart":
        heads = ("linear", "rbf", "nearest_mean")
        for key in [f"nshot_{n}_{head}_accuracy" for n in (1, 2, "clips_5") for head in heads]:
            assert 0.0 <= report.metrics[key].value <= 1.0
        assert 0.0 <= report.metrics["verification_accuracy"].value <= 1.0
        assert (tmp_path / "run" / "pairs.csv").is_file()


def test_command_line(tmp_path):
    words = [f"run_dir={tmp_path / 'run'}", "trainer.max_steps=2"]
    output = train(tmp_path, *words)
    assert f"report: {tmp_path / 'run/report.html'}\n" in output
    for line in ("trained", "untrained", "pixels"):
        assert f"\n{line}" in output


def test_sweep(tmp_path):
    words = [
        "-m",
        "loss.margin=0.1,0.3",
        "trainer.max_steps=1",
        f"run_dir={tmp_path}/${{loss.margin}}",
    ]
    output = train(tmp_path, *words)
    assert "run 1 of 2" in output and "run 2 of 2" in output
    for margin in ("0.1", "0.3"):
        config = yaml.safe_load((tmp_path / margin / "config.yaml").read_text())
        assert config["loss"]["margin"] == float(margin)
