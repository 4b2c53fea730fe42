"""Result files of the benchmarks: raw repeats and all that is needed to judge them."""

from __future__ import annotations

import json
import shlex
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simlearn.report import environment, write_json_atomic

FOLDER = Path(__file__).parent / "results"


def command() -> str:
    """The command line that is running, without this machine's paths."""
    script = Path(sys.argv[0])
    return shlex.join(["python", f"{script.parent.name}/{script.name}", *sys.argv[1:]])


def code_version() -> str:
    """Commit of this checkout; ends in ``+changes`` where the measured code differs from it."""
    git = ["git", "-C", str(FOLDER.parent)]
    code = ["simlearn", "configs", "recipes", "benchmarks/*.py", "pyproject.toml"]
    words = [":/" + path for path in code]
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True)
    if commit.returncode:
        return "unknown+changes"
    changed = subprocess.run(
        [*git, "status", "--porcelain", "--", *words], capture_output=True, text=True, check=True
    )
    return commit.stdout.strip() + ("+changes" if changed.stdout.strip() else "")


def write_result(name: str, content: Mapping[str, Any]) -> Path:
    """Write ``benchmarks/results/<name>.json``: the content, the command and the environment."""
    facts = {k: v for k, v in environment().items() if k not in ("command", "git")}
    facts["code"] = code_version()
    path = FOLDER / f"{name}.json"
    write_json_atomic(path, {"command": command(), **content, "environment": facts})
    return path


def read_result(name: str) -> dict[str, Any]:
    """Read a result file; empty if there is none yet."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def median(values: Sequence[float]) -> float:
    """Median, rounded to five digits."""
    return float(f"{statistics.median(values):.5g}")
