"""Nothing in a configuration is executed or imported, and nothing but ConfigError comes out."""

from __future__ import annotations

import random
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simlearn.config.compose import compose
from simlearn.config.errors import ConfigError
from simlearn.config.run_config import load_run_config, save_run_config
from tests.config.tree import FILES, TARGETS

ROOT = "data.root=/x"
PIECES = [
    *("!!python/object/apply:os.system [touch x]", "!!python/name:os.system", "&a", "*a", "<<: *a"),
    *(
        "class: os.system",
        "_target_: os.system",
        "${oc.env:HOME}",
        "${",
        "}",
        "${loss}",
        "${a.b.c}",
    ),
    *(
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        "#",
        "\t",
        "\n",
        "  ",
        "- ",
        "---\n",
        "...\n",
        "'",
        '"',
        "|",
        ">",
    ),
    *("defaults", "card", "override /loss: x", "_self_", "faces", "null", "true", "1e999", "???"),
    *("%YAML 9.9\n", "\ufeff", "\x00", "\x85", "é", "\\", "? ", "!!int a", "9" * 5000, "[" * 500),
]


@pytest.mark.parametrize(
    "text",
    [
        "loss: !!python/object/apply:os.system ['touch {mark}']",
        "loss: {{margin: !!python/object/apply:os.system ['touch {mark}']}}",
        "loss: {{margin: !!python/object/new:os.system ['touch {mark}']}}",
        "card: !!python/object/apply:subprocess.Popen [['touch', '{mark}']]",
        "defaults: [!!python/object/apply:os.system ['touch {mark}']]",
        "loss: {{_target_: os.system, command: 'touch {mark}'}}",
        "_target_: os.system\n_args_: ['touch {mark}']",
        "loss: {{class: os.system, command: 'touch {mark}'}}",
        "loss: {{class: simlearn.train.hydra.utils.logging.FileHandler, filename: '{mark}'}}",
        "loss: {{mining: '${{system:touch {mark}}}'}}",
        'seed: \'${{oc.decode:__import__("os").system("touch {mark}")}}\'',
    ],
)
def test_a_recipe_executes_nothing(shipped, tmp_path, faults, text):
    mark = tmp_path / "mark"
    (shipped[1] / "evil.yaml").write_text(text.format(mark=mark))
    found = faults("recipe=evil", ROOT)
    assert "evil.yaml:" in found[0]
    assert not mark.exists()


@pytest.mark.parametrize(
    "name",
    [
        *(
            "os.system",
            "simlearn.train.hydra.utils.logging.FileHandler",
            "builtins.eval",
            "antigravity",
        ),
        *("tests.config.tree.Triplet", "Triplet.__init__", "__class__", ""),
    ],
)
def test_an_option_names_only_what_is_listed(shipped, faults, name):
    (shipped[0] / "loss" / "evil.yaml").write_text(f"class: {name!r}\n")
    before = set(sys.modules)
    found = faults("loss=evil", ROOT)
    assert f"'loss' has no class {name!r}" in found[0]
    assert "antigravity" not in set(sys.modules) - before


@pytest.mark.parametrize(
    "override",
    [
        *(
            "loss.class=os.system",
            "loss._target_=os.system",
            "_target_=os.system",
            "+hydra.run.dir=x",
        ),
        *("loss.__init__=x", "loss.self=1", "recipe=../../etc/passwd", "loss=../loss/triplet"),
        *("recipe=/etc/passwd", "hydra/launcher=x", "loss.margin=${oc.decode:'[1'}"),
    ],
)
def test_a_command_reaches_nothing(faults, override):
    found = faults(override, ROOT)
    assert len(found) == 1
    assert override in found[0]


def mutant(text: str, draw: random.Random) -> str:
    """The text with one to four pieces put in, taken out, doubled or swapped."""
    for _ in range(draw.randint(1, 4)):
        at, length = draw.randrange(len(text) + 1), draw.randint(0, 12)
        kind = draw.randrange(4)
        if kind == 0:
            text = text[:at] + draw.choice(PIECES) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + length :]
        elif kind == 2:
            text = text[: at + length] + text[at : at + length] + text[at + length :]
        else:
            text = text[:at] + chr(draw.randrange(1, 300)) + text[at + 1 :]
    return text


def attack(shipped, count: int, seed: int) -> tuple[int, int]:
    """Compose ``count`` mutants of recipes, options and the root; how many were good and bad."""
    configs, recipes = shipped
    draw, good, bad = random.Random(seed), 0, 0
    targets = [
        (recipes / "faces.yaml", FILES["recipes/faces.yaml"]),
        (recipes / "faces.yaml", FILES["recipes/faces.yaml"]),
        (recipes / "quick.yaml", FILES["recipes/quick.yaml"]),
        (configs / "loss" / "triplet.yaml", FILES["configs/loss/triplet.yaml"]),
        (configs / "train.yaml", FILES["configs/train.yaml"]),
    ]
    for number in range(count):
        path, text = targets[number % len(targets)]
        path.write_text(mutant(text, draw), encoding="utf-8", errors="surrogatepass")
        try:
            compose([f"recipe={draw.choice(['faces', 'quick'])}", ROOT], TARGETS, shipped=shipped)
            good += 1
        except ConfigError as error:
            assert error.faults
            bad += 1
        path.write_text(text)
    return good, bad


@given(st.text(st.characters(codec="utf-8"), max_size=20), st.sampled_from(PIECES))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_any_words_compose_or_are_told(shipped, text, piece):
    for override in (text, f"loss.margin={text}", f"{piece}={text}", f"loss.mining={piece}"):
        try:
            compose([override, ROOT], TARGETS, shipped=shipped)
        except ConfigError as error:
            assert error.faults


def test_300_mutants_of_a_stored_run(shipped, composes, tmp_path):
    save_run_config(composes("recipe=faces", ROOT), tmp_path / "run")
    draw, bad = random.Random(2), 0
    for number in range(300):
        path = tmp_path / "run" / ("config.yaml", "recipe.yaml")[number % 2]
        text = path.read_text()
        path.write_text(mutant(text, draw), encoding="utf-8", errors="surrogatepass")
        try:
            load_run_config(tmp_path / "run", ["logger=csv"], TARGETS, shipped=shipped)
        except ConfigError as error:
            assert error.faults
            bad += 1
        path.write_text(text)
    assert bad > 50


def test_300_mutants(shipped):
    good, bad = attack(shipped, 300, seed=0)
    assert good > 20
    assert bad > 100


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_10000_mutants(shipped):
    good, bad = attack(shipped, 10_000, seed=1)
    assert good + bad == 10_000
    assert min(good, bad) > 500
