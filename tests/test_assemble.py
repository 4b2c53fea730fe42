"""Configurations become parts, and parts that do not belong together are refused."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import torch

from simlearn import continual, generators
from simlearn.analysis.errorradar import (
    ErrorRadar,
    ErrorRecords,
    LocalModel,
    OpenAIServer,
    Replay,
    SyntheticProblems,
)
from simlearn.analysis.model_sources import Pretrained, TinyShipped
from simlearn.assemble import build_parts, targets
from simlearn.config.compose import compose
from simlearn.config.errors import ConfigError
from simlearn.continual import RepresentationReplay
from simlearn.generators import VAE
from simlearn.tasks.error_parts import ErrorParts
from simlearn.tasks.incremental_parts import IncrementalParts
from simlearn.tasks.metric_parts import MetricParts

STREAM = "incremental_triplet_finetune"
REPLAY = "incremental_triplet_vae"
SMALL = ("backbone.width=0.05",)


def parts(*words, recipe=STREAM):
    small = () if any(word.startswith("backbone=") for word in words) else SMALL
    return build_parts(compose([f"recipe={recipe}", *small, *words], targets()))


def test_what_may_be_named():
    allowed = targets()
    streams, languages = {"class_incremental"}, {"find_neurons", "train_language_model"}
    assert set(allowed["task"]) == {
        *("metric_learning", "find_error_steps", *streams, *languages),
    }
    assert set(allowed["endpoint"]) == {"LocalModel", "OpenAIServer", "Replay"}
    assert {"ErrorQuestions", "ErrorRecords", "SyntheticProblems"} <= set(allowed["data"])
    assert set(allowed["model"]) == {
        *("Pretrained", "TinyLlava", "TinyQwen2Audio", "TinyQwen2VL", "TinyShipped")
    }
    strategies = {name for name in continual.__all__ if inspect.isclass(getattr(continual, name))}
    assert set(allowed["strategy"]) <= strategies
    assert {"FineTune", "Freeze", "Joint", "EWC", "MAS", "LwF", "ICaRL", "EBLL", "SDC"} <= set(
        allowed["strategy"]
    )
    assert set(allowed["generator"]) == {"VAE", "ConditionalVAE", "GaussianGenerator"}
    assert set(allowed["generator"]) <= set(generators.__all__)
    assert set(allowed["evaluation"]) == {
        *("VideoRetrieval", "VideoRecognition", "ClassIncremental"),
        *("NeuronMasks", "QuestionAnswering", "ErrorRadar"),
    }
    for abstract in (
        *("Strategy", "RepresentationGenerator", "ClassSource", "VideoSource"),
        *("Endpoint", "RecordSource", "QuestionSource", "ModelSource"),
    ):
        assert not any(abstract in group for group in allowed.values())


def test_what_the_program_supplies_cannot_be_configured():
    allowed = targets()
    assert allowed["strategy"]["RepresentationReplay"].runtime == {"generator"}
    assert allowed["strategy"]["EWC"].runtime == frozenset()
    for target in allowed["generator"].values():
        assert target.runtime == {"shape"}
    for name in ("class_incremental", "find_error_steps"):
        assert allowed["task"][name].runtime == {"parts", "run"}
    for target in allowed["endpoint"].values():
        assert target.runtime == frozenset()


def test_the_task_decides_which_parts():
    assert type(parts()) is IncrementalParts
    assert type(parts(recipe="quickstart")) is MetricParts


SERVER = ("endpoint.base_url=http://127.0.0.1:1/v1", "endpoint.model=m")


@pytest.mark.parametrize(
    ("words", "endpoint", "model"),
    [
        (SERVER, OpenAIServer, type(None)),
        (("endpoint=replay", "endpoint.responses=x"), Replay, type(None)),
        (("endpoint=local", "model=tiny_shipped"), LocalModel, TinyShipped),
        (("endpoint=local", "model=pretrained", "model.path=x"), LocalModel, Pretrained),
    ],
)
def test_the_endpoint_decides_whether_there_is_a_model(words, endpoint, model):
    built = build_parts(compose(["recipe=error_radar", *words], targets()))
    assert type(built) is ErrorParts
    assert type(built.endpoint) is endpoint and type(built.model) is model
    assert type(built.source) is SyntheticProblems and type(built.protocol) is ErrorRadar


def test_records_of_ones_own_take_the_place_of_drawn_ones():
    words = ["recipe=error_radar", *SERVER, "data=error_records", "data.path=x", "data.n=3"]
    source = build_parts(compose(words, targets())).source
    assert type(source) is ErrorRecords and (source.path, source.n) == (Path("x"), 3)


def test_masks_over_a_model_that_is_here():
    words = ["recipe=error_radar_masks", "model.path=x", "evaluation.neurons=y"]
    built = build_parts(compose(words, targets()))
    assert (type(built.endpoint), type(built.model)) == (LocalModel, Pretrained)
    assert built.protocol.neurons == Path("y")


def test_a_replaying_strategy_makes_the_configured_generator():
    strategy = parts("generator.latent=5", "strategy.bank=7", recipe=REPLAY).strategy
    assert isinstance(strategy, RepresentationReplay) and strategy.bank_size == 7
    one, two = (strategy.make_generator((3, 2, 2)) for _ in range(2))
    assert isinstance(one, VAE) and one is not two
    assert one.shape == (3, 2, 2) and one.latent == 5


def test_weights_are_drawn_from_the_seed_alone():
    torch.manual_seed(1)
    one, state = parts(), torch.get_rng_state()
    torch.manual_seed(2)
    two, other = parts(), parts("seed=1")
    for a, b in zip(one.backbone.parameters(), two.backbone.parameters(), strict=True):
        assert torch.equal(a, b)
    pairs = zip(one.backbone.parameters(), other.backbone.parameters(), strict=True)
    assert not all(torch.equal(a, b) for a, b in pairs)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)  # nothing was taken from it


@pytest.mark.parametrize(
    ("recipe", "words", "text"),
    [
        (STREAM, ["strategy=null"], "strategy: no option is chosen; add strategy=OPTION"),
        (REPLAY, ["generator=null"], "strategy (RepresentationReplay) replays what a generator"),
        (REPLAY, ["strategy.cut=pool"], "strategy.cut is 'pool': ConvNet has the cuts input, "),
        (STREAM, ["memory=cross_batch"], "use memory=none"),
        (STREAM, ["evaluation=video_retrieval"], "evaluation (VideoRetrieval) does not belong to"),
        ("quickstart", ["strategy=ewc"], "strategy (EWC) belongs to task=incremental: use strat"),
        ("quickstart", ["generator=vae"], "generator (VAE) belongs to task=incremental: use gen"),
        ("quickstart", ["task=incremental"], "data (SyntheticFaces) does not belong to task=incr"),
        (STREAM, ["strategy.nothing=1"], "strategy.nothing"),
        (REPLAY, ["strategy.new=imagined"], "strategy.new"),
        (STREAM, ["miner=semihard", "loss.mining=hard"], "both choose the triplets"),
        (STREAM, ["miner=semihard", "loss=center"], "CenterLoss takes no tuples"),
        (STREAM, ["endpoint=local"], "endpoint (LocalModel) belongs to task=error_steps: use end"),
    ],
)
def test_what_does_not_belong_together(recipe, words, text):
    with pytest.raises(ConfigError) as error:
        parts(*words, recipe=recipe)
    assert text in str(error.value)


def test_every_cut_inside_the_backbone_will_do():
    for cut in parts().backbone.cuts[1:]:
        assert parts(f"strategy.cut={cut}", recipe=REPLAY).strategy.cut == cut


def test_weights_of_a_file_are_left_out_where_a_checkpoint_follows(tmp_path):
    words = ["recipe=triplet_c3d", "data.root=x", f"backbone.weights={tmp_path / 'w'}", *SMALL]
    composed = compose(words, targets())
    with pytest.raises(ConfigError, match="w"):
        build_parts(composed)
    assert build_parts(composed, weights=False).backbone.dim > 0
    assert composed.config.backbone.weights == str(tmp_path / "w")  # the configuration is kept
