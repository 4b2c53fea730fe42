"""README.md runs, and its numbers and pictures are those of the committed files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text()


def test_length():
    assert 100 < len(TEXT.splitlines()) < 300


PRINTED = {
    "README.md": "LossOutput",
    "docs/from_pytorch_metric_learning.md": "tensor(",
    "docs/neurons.md": "text act: 3 x 288",
    "docs/errorradar.md": "last line last line",
}


@pytest.mark.parametrize("page", list(PRINTED))
def test_python_blocks_run(tmp_path, page):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert len(blocks) == 1
    (tmp_path / "example.py").write_text(blocks[0])
    command = [sys.executable, "example.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    assert PRINTED[page] in done.stdout


def test_numbers_are_those_of_the_result_files(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import readme

    assert len(readme.PAGES) == 7
    for page in readme.PAGES:
        text = page.read_text()
        assert readme.sections(page)
        assert readme.fill(text, page) == text, "run python benchmarks/readme.py"


def test_result_files_say_where_they_come_from():
    import json

    files = sorted((ROOT / "benchmarks/results").glob("*.json"))
    assert len(files) >= 5
    for path in files:
        content = json.loads(path.read_text())
        assert content["command"].startswith("python benchmarks/"), path
        facts = content["environment"]
        assert facts["packages"]["torch"] and facts["python"] and facts["code"], path


def test_pictures_exist_and_have_words():
    pictures = re.findall(r"!\[(.*?)\]\((.*?)\)", TEXT)
    assert len(pictures) >= 1
    for words, path in pictures:
        assert len(words) > 20 and (ROOT / path).stat().st_size > 10_000
    for path in re.findall(r"\]\((docs/.*?)\)", TEXT):
        assert (ROOT / path).is_file()


def spelt_out(family):
    """``a_{b,c}`` as ``a_b`` and ``a_c``."""
    before, brace, rest = family.partition("{")
    if not brace:
        return [family]
    choices, _, after = rest.partition("}")
    return [before + choice + end for choice in choices.split(",") for end in spelt_out(after)]


def test_recipes_and_make_targets_exist():
    table = re.findall(r"^\| `([a-z0-9_]+)` \|", TEXT, re.MULTILINE)
    recipes = {p.stem for p in (ROOT / "recipes").glob("*.yaml")}
    families = re.findall(r"`([a-z0-9_]*\{[a-z0-9_,{}]+)`", TEXT)  # a_{b,c}_{d,e}: all four
    alone = re.findall(r"recipe=([a-z0-9_]+)", TEXT)
    named = {*table, *alone, *(name for family in families for name in spelt_out(family))}
    assert "incremental_center_ebll" in named
    assert named >= recipes >= {"quickstart", "triplet_c3d"}
    for name in recipes:
        card = yaml.safe_load((ROOT / f"recipes/{name}.yaml").read_text())["card"]
        # of the papers' numbers only MINER's two could be read
        assert (card["published"] is None) == (name not in ("miner_qwen2vl", "miner_qwen2audio"))
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"`?make ([a-z]+)", TEXT)
    assert {"quickstart", "test"} <= set(targets)
    for target in targets:
        assert f"\n{target}:" in makefile, target
