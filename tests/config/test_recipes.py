"""Recipe cards without Hydra and torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from simlearn.config.errors import ConfigError
from simlearn.config.locate import config_dirs
from simlearn.config.recipes import card_faults, list_recipes
from simlearn.config.yaml_file import read_yaml

GOOD = "card: {paper: p, claim: c, published: null, needs: {data: d}, smoke: [a=1]}\n"


@pytest.fixture
def card(tmp_path):
    def call(text):
        (tmp_path / "r.yaml").write_text(text)
        return list_recipes([tmp_path])[0]

    return call


def test_the_tree(shipped):
    faces, quick = list_recipes([shipped[1]])
    assert (faces.name, faces.paper, faces.claim) == ("faces", "huo2020", "clips beat stills")
    assert faces.needs == "Faces, 6 hours"
    assert (faces.faults, quick.faults, quick.needs) == ((), (), "")


def test_of_two_with_one_name_the_first_folder_counts(shipped, tmp_path):
    (tmp_path / "faces.yaml").write_text(GOOD)
    cards = list_recipes([tmp_path, shipped[1]])
    assert [(card.name, card.paper) for card in cards] == [("faces", "p"), ("quick", "none")]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("card: [", "r.yaml:2: not valid YAML"),
        ("seed: 1\n", "r.yaml: 'card' is missing"),
        ("seed: 1\ncard: 3\n", "r.yaml:2: 'card' must be a mapping"),
        ("card: {claim: c}\n", "'card.paper' is missing"),
        (GOOD.replace("claim", "clam"), "unknown key 'card.clam'. Did you mean 'claim'?"),
        (GOOD.replace("[a=1]", "a=1"), "'card.smoke' must be a list of overrides"),
        (GOOD.replace("[a=1]", "[1]"), "'card.smoke' must be a list of overrides"),
        (GOOD.replace("paper: p", "paper: 3"), "'card.paper' must be the paper's key"),
        (GOOD.replace("published: null", "published: true"), "'card.published' must be"),
    ],
)
def test_a_broken_recipe_is_listed_with_its_fault(card, text, fault):
    found = card(text)
    assert found.name == "r"
    assert any(fault in one for one in found.faults)
    assert all("r.yaml" in one for one in found.faults)
    assert isinstance(found.claim + found.paper + found.needs, str)


@pytest.mark.parametrize(
    ("needs", "text"),
    [
        (
            "{data: A, gpu_gib: 16, cpu_gib: 12, hours: 2.5}",
            "A, 16 GiB GPU, 12 GiB memory, 2.5 hours",
        ),
        ("{data: none, gpu_gib: 0, minutes: 3}", "3 minutes"),
        ("a GPU", "a GPU"),
        ("null", ""),
    ],
)
def test_needs_in_words(card, needs, text):
    assert card(GOOD.replace("{data: d}", needs)).needs == text


def test_an_incomplete_card_is_enough_to_run(tmp_path):
    (tmp_path / "r.yaml").write_text("card: {claim: c}\n")
    file = read_yaml(tmp_path / "r.yaml")
    assert card_faults(file, complete=False) == []
    assert len(card_faults(file)) == 4


def test_folders(tmp_path):
    assert list_recipes([tmp_path]) == []
    with pytest.raises(ConfigError, match="no such folder"):
        list_recipes([tmp_path / "nowhere"])


def test_every_shipped_recipe_has_a_complete_card():
    cards = list_recipes([config_dirs()[1]])
    assert cards
    assert [fault for card in cards for fault in card.faults] == []


def test_nothing_heavy_is_imported():
    code = (
        "import sys; from simlearn.config.recipes import list_recipes; "
        "from simlearn.config.locate import config_dirs; assert list_recipes([config_dirs()[1]]); "
        "print([m for m in ('hydra', 'omegaconf', 'torch', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
