"""The wheel carries configs and recipes and runs from another folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(words, **how):
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, **how)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_runs_elsewhere(tmp_path):
    pip = ["-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    run([*pip, *build, str(ROOT)])
    wheel = next(tmp_path.glob("simlearn-*.whl"))
    site = tmp_path / "site"
    run([*pip, "install", "--no-deps", "--no-index", "--target", str(site), str(wheel)])
    assert len(list((site / "simlearn/_recipes").glob("*.yaml"))) >= 2
    for room in ("maps", "styles"):
        place = f"simlearn/analysis/errorradar/{room}"
        files = {path.name: path.read_bytes() for path in (ROOT / place).glob("*.yaml")}
        assert len(files) >= 2
        assert {path.name: path.read_bytes() for path in (site / place).iterdir()} == files
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    how = {"cwd": elsewhere, "env": {**os.environ, "PYTHONPATH": str(site)}}
    where = run(["-c", "import simlearn; print(simlearn.__file__)"], **how)
    assert Path(where.strip()).is_relative_to(site)
    assert "triplet_c3d" in run(["-m", "simlearn", "list"], **how)
    shown = run(["-m", "simlearn.train", "recipe=quickstart", "--cfg", "job"], **how)
    assert "class: Conv3DNet" in shown
    code = "from simlearn.analysis.errorradar import column_map_file as c, prompt_style as p; "
    code += "print(c.load_column_map('simlearn').name, p.load_style('plain').name)"
    assert run(["-c", code], **how) == "simlearn plain\n"
