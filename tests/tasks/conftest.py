"""One tree of drawn faces, one opened data module and one finished run for all tests of tasks."""

from __future__ import annotations

import logging

import pytest

import simlearn
from simlearn.config.compose import compose
from simlearn.runner import build_parts, targets
from simlearn.tasks.metric import open_data
from simlearn.tasks.run_context import RunContext
from simlearn.tasks.training import StartingPoint
from simlearn.trainer.progress import ProgressLine
from tests.tiny import TINY


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """The folder of the tree and of the cache."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return tmp_path_factory.mktemp("tasks")


@pytest.fixture(scope="session")
def words(home):
    """The command line of a tiny run over that tree."""
    return (
        *TINY,
        f"data.root={home / 'tree'}",
        f"data.cache={home / 'cache'}",
        "optimizer.lr=0.02",
    )


@pytest.fixture(scope="session")
def make_parts(words):
    """Builds fresh parts of a tiny run; more words may follow."""
    return lambda *more: build_parts(compose(["recipe=quickstart", *words, *more], targets()))


@pytest.fixture
def parts(make_parts):
    """Parts of a tiny run of nine steps."""
    return make_parts("trainer.max_steps=9")


def context(folder, **changes):
    """A run of its own."""
    values = {"recipe": "quickstart", "card": {}, "config": "", "run_dir": folder, "seed": 0}
    return RunContext(**{**values, **changes})


@pytest.fixture
def run(tmp_path):
    """A new run."""
    return context(tmp_path)


@pytest.fixture(scope="session")
def data(make_parts, home):
    """The opened videos: 6 + 2 + 2 identities with three videos each."""
    parts = make_parts("trainer.max_steps=9")
    return open_data(parts, context(home), StartingPoint(), ProgressLine())


@pytest.fixture(scope="session")
def tiny_run(words, home):
    """A finished run of nine steps: its report and its folder."""
    folder = home / "run"
    return simlearn.run("quickstart", [*words, "trainer.max_steps=9", f"run_dir={folder}"])
