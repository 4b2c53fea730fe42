"""The rules of the house, kept by counting: length, docstrings, annotations, files."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

import simlearn
from simlearn.runner import targets

PACKAGE = Path(simlearn.__file__).parent
ROOT = PACKAGE.parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def trees():
    """(path, tree) of every source file; the package has many."""
    assert len(SOURCES) > 230
    return [(p.relative_to(ROOT), ast.parse(p.read_text())) for p in SOURCES]


def test_length_of_files():
    lengths = [len(p.read_text().splitlines()) for p in SOURCES if p.name != "__init__.py"]
    assert len(lengths) > 220
    assert max(lengths) <= 350
    assert statistics.quantiles(lengths, n=10)[-1] <= 220
    assert statistics.median(lengths) <= 110


def test_every_public_thing_has_a_docstring():
    missing, seen = [], 0
    for path, tree in trees():
        seen += 1
        if ast.get_docstring(tree) is None:
            missing.append(f"{path}: module")
        for node in ast.walk(tree):
            if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_"):
                seen += 1
                if ast.get_docstring(node) is None and not nested(tree, node):
                    missing.append(f"{path}:{node.lineno} {node.name}")
    assert seen > 900
    assert missing == []


def nested(tree, node):
    """Whether a function stands inside another function."""
    return any(
        node in ast.walk(outer)
        for outer in ast.walk(tree)
        if isinstance(outer, FUNCTIONS) and outer is not node
    )


def test_every_function_is_annotated():
    missing, seen = [], 0
    for path, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, FUNCTIONS):
                continue
            seen += 1
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            bare = [a.arg for a in given if a.annotation is None and a.arg not in ("self", "cls")]
            if bare or node.returns is None:
                missing.append(f"{path}:{node.lineno} {node.name} {bare}")
    assert seen > 1100
    assert missing == []


def test_no_name_equals_a_module_beside_it():
    packages = [p.parent for p in SOURCES if p.name == "__init__.py" and p.parent != PACKAGE]
    assert len(packages) >= 13
    for package in packages:
        tree = ast.parse((package / "__init__.py").read_text())
        modules = {p.stem for p in package.glob("*.py")}
        imported = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert not imported & modules, package


def test_every_component_has_a_config_and_every_config_a_component():
    import yaml

    allowed = targets()
    found: dict[str, set[str]] = {group: set() for group in allowed}
    files = sorted((ROOT / "configs").glob("*/*.yaml"))
    assert len(files) >= 60
    for path in files:
        assert path.read_text().startswith("# "), f"{path} begins with a comment"
        found[path.parent.name].add(yaml.safe_load(path.read_text())["class"])
    for group, names in allowed.items():
        assert found[group] == set(names), group


def test_configs_name_every_argument_with_its_default():
    import yaml

    from simlearn.config.targets import arguments, plain_default

    for path in sorted((ROOT / "configs").glob("*/*.yaml")):
        values = yaml.safe_load(path.read_text())
        target = targets()[path.parent.name][values.pop("class")]
        known = arguments(target)
        assert (list(values) and set(values) == set(known)) or not known, path
        for key, argument in known.items():
            plain, default = plain_default(argument)
            if plain and (path.parent.name, key) not in CHOSEN:
                assert number(values[key]) == default, f"{path}: {key}"


CHOSEN = {
    ("data", "seed"),  # follows the run's seed
    ("data", "split"),
    ("data", "split_seed"),  # of drawn faces: follows data.seed
    ("loss", "reduction"),
    ("trainer", "accelerator"),
    ("trainer", "max_epochs"),
    ("logger", "tensorboard"),
}
"""Values that an option file is there to choose."""


def number(value):
    """YAML 1.1 reads ``1e-3`` as text; the configuration layer reads a number."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def test_recipes_are_sentences():
    import yaml

    files = sorted((ROOT / "recipes").glob("*.yaml"))
    assert len(files) >= 29
    for path in files:
        values = yaml.safe_load(path.read_text())
        parts = [v for v in values.values() if isinstance(v, dict)]
        assert not any({"class", "_target_"} & set(part) for part in [values, *parts]), path
        assert {"paper", "claim", "published", "needs", "smoke"} <= set(values["card"]), path


ROOMS = [
    *("backbones", "losses", "miners", "generators", "learners"),
    *("evaluation", "continual", "analysis", "analysis/errorradar", "trainer"),
]


@pytest.mark.parametrize("room", ROOMS)
def test_every_file_has_a_test(room):
    stems = {p.stem for p in (PACKAGE / room).glob("*.py")} - {"__init__"}
    tests = {p.stem.removeprefix("test_") for p in (ROOT / "tests" / room).glob("test_*.py")}
    assert len(stems) >= 4
    assert stems - tests == set()


def test_nothing_that_must_not_be_committed():
    import subprocess

    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    files = [ROOT / f for f in listed.stdout.split()] if listed.returncode == 0 else SOURCES
    assert len(files) > 100
    for path in files:
        if path.suffix in (".py", ".md", ".yaml", ".toml", ".json") and path.is_file():
            text = path.read_text()
            for word in ("/wo" + "rk/", "/ro" + "ot/", "TO" + "DO", "FIX" + "ME"):
                assert word not in text, f"{path}: {word}"
