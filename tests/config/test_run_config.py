"""A run's configuration, kept and read again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simlearn.analysis.errorradar.openai_server import OpenAIServer
from simlearn.config.compose import compose
from simlearn.config.errors import ConfigError
from simlearn.config.run_config import ENDPOINT, load_run_config, save_run_config
from simlearn.runner import targets
from tests.config.tree import TARGETS

ROOT = "data.root=/x"


@pytest.fixture
def run_dir(tmp_path, composes):
    composed = composes(
        "recipe=faces", "loss.margin=0.7", "run_dir=${oc.env:SIMLEARN_TEST_UNSET}", ROOT
    )
    save_run_config(composed, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def load(run_dir, shipped):
    def call(*overrides):
        return load_run_config(run_dir, overrides, TARGETS, shipped=shipped)

    return call


def test_what_was_saved_is_loaded(load, composes):
    composed = composes(
        "recipe=faces", "loss.margin=0.7", "run_dir=${oc.env:SIMLEARN_TEST_UNSET}", ROOT
    )
    assert load() == composed


def test_nothing_but_the_two_files_is_left(run_dir):
    assert sorted(path.name for path in run_dir.iterdir()) == ["config.yaml", "recipe.yaml"]


def test_trainer_and_logger_may_change(load):
    composed = load("trainer.max_steps=7", "logger=csv")
    assert composed.config.trainer.max_steps == 7
    assert composed.config.logger.tensorboard is False
    assert composed.choices["logger"] == "csv"
    assert load("logger.tensorboard=false").config.logger.tensorboard is False
    without = load("logger=null")
    assert without.config.logger is None
    assert "logger" not in without.choices


SERVER = ("endpoint.base_url=http://127.0.0.1:1/v1", "endpoint.model=m")


@pytest.fixture
def served(tmp_path):
    """Loads a run whose prompts go to a server, with overrides."""
    save_run_config(compose(["recipe=error_radar", *SERVER], targets()), tmp_path / "served")
    return lambda *overrides: load_run_config(tmp_path / "served", overrides, targets())


def test_how_an_endpoint_is_reached_and_what_it_may_cost_may_change(served):
    values = {
        **{"base_url": "http://127.0.0.1:2/v1", "key_env": "MY_KEY", "concurrency": 3},
        **{"timeout_s": 9.5, "retries": 0, "backoff_s": 2.0},
        **{"max_cost": 4.0, "price_in": 1.0, "price_out": 2.0},
    }
    assert {*values, "batch_size"} == set(ENDPOINT)  # the last is of endpoint=local
    before = served().config.endpoint
    after = served(*(f"endpoint.{key}={value}" for key, value in values.items())).config.endpoint
    assert {key: after[key] for key in values} == values
    assert all(before[key] != after[key] for key in values)
    assert {key for key in before if before[key] == after[key]} == set(before) - set(values)


def test_no_reply_depends_on_what_may_change():
    """What may change is in no key of a kept reply, all else that is sent is."""
    server = OpenAIServer(base_url="http://127.0.0.1:1/v1", model="m")
    identity = server.open().identity()
    for key, value in (
        *(("base_url", "http://127.0.0.1:2/v1"), ("concurrency", 3), ("timeout_s", 1.0)),
        *(("retries", 0), ("backoff_s", 0.0)),
    ):
        assert key in ENDPOINT
        assert replace(server, **{key: value}).open().identity() == identity
    prices = replace(server, max_cost=1.0, price_in=1.0, price_out=1.0)
    assert prices.open().identity() == identity
    for key, value in (
        *(("model", "n"), ("max_tokens", 9), ("temperature", 1.0), ("seed", 1)),
        *(("image_detail", "low"), ("extra", {"top_p": 0.5})),
    ):
        assert key not in ENDPOINT
        assert replace(server, **{key: value}).open().identity() != identity


@pytest.mark.parametrize(
    "override",
    [
        *("endpoint.model=n", "endpoint.max_tokens=9", "endpoint.temperature=1", "endpoint.seed=1"),
        *("endpoint.weights=open", "endpoint.dry_run=true", "endpoint.extra.top_p=0.5"),
        *("endpoint=replay", "endpoint.base_url.x=1", "endpoint.concurency=3"),
    ],
)
def test_what_is_asked_may_not_change(served, override):
    with pytest.raises(ConfigError) as caught:
        served(override)
    assert str(caught.value) == (
        f"override '{override}': a resumed run keeps its configuration; only trainer.KEY=VALUE, "
        "logger=OPTION, logger.KEY=VALUE and how an endpoint is reached (endpoint.base_url, "
        "key_env, concurrency, timeout_s, retries, backoff_s, max_cost, price_in, price_out, "
        "batch_size) may be given. Start a new run to change the rest"
    )


def test_a_value_of_the_wrong_kind_is_refused_on_resume_too(served):
    with pytest.raises(ConfigError, match=r"endpoint\.concurrency"):
        served("endpoint.concurrency=many")


def test_a_run_without_endpoint_takes_no_word_about_one(load):
    with pytest.raises(ConfigError, match="endpoint"):
        load("endpoint.concurrency=3")


@pytest.mark.parametrize(
    "override",
    ["seed=1", "loss.margin=1", "loss=contrastive", "trainer=cpu", "recipe=quick", "x=1"],
)
def test_the_rest_may_not(load, override):
    with pytest.raises(ConfigError, match="a resumed run keeps its configuration") as caught:
        load(override)
    assert f"override '{override}'" in str(caught.value)


def test_all_faults_at_once(load):
    with pytest.raises(ConfigError) as caught:
        load("seed=1", "logger=cvs", "trainer.max_step=1", "trainer.workers=x", "~a")
    assert len(caught.value.faults) == 5
    assert "Did you mean 'csv'?" in str(caught.value)
    assert "Did you mean 'trainer.max_steps'?" in str(caught.value)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no config\.yaml in this folder"):
        load_run_config(tmp_path / "nowhere", [], TARGETS)


def test_a_stored_configuration_is_checked_like_any_other(run_dir, load):
    path = run_dir / "config.yaml"
    path.write_text(path.read_text().replace("class: Triplet", "class: os.system"))
    with pytest.raises(ConfigError, match=r"config\.yaml:\d+: 'loss' has no class 'os\.system'"):
        load()


@pytest.mark.parametrize("text", ["a: [", "choices: 3", "card: x"])
def test_a_broken_recipe_file_is_named(run_dir, load, text):
    (run_dir / "recipe.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"recipe\.yaml"):
        load()


def test_without_the_recipe_file_the_run_still_goes_on(run_dir, load):
    (run_dir / "recipe.yaml").unlink()
    assert load().recipe is None


def test_saving_again_replaces(run_dir, load):
    save_run_config(load("trainer.max_steps=9"), run_dir)
    assert load().config.trainer.max_steps == 9
