from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.report import (
    environment,
    files,
    write_bytes_atomic,
    write_json_atomic,
    write_text_atomic,
)


def test_text_is_written_and_parents_are_made(tmp_path: Path):
    path = write_text_atomic(tmp_path / "a" / "b.txt", "é\n")
    assert path.read_bytes() == b"\xc3\xa9\n"
    assert [p.name for p in path.parent.iterdir()] == ["b.txt"]


def test_a_new_file_has_the_usual_permissions(tmp_path: Path):
    plain = tmp_path / "plain"
    plain.write_text("x")
    assert write_text_atomic(tmp_path / "new", "x").stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("broken", ["replace", "fsync"])
def test_a_failed_write_leaves_the_old_file_and_no_temporary(tmp_path, monkeypatch, broken):
    path = write_text_atomic(tmp_path / "f.txt", "old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(OSError, match="No space left"):
        write_bytes_atomic(path, b"new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f.txt"]


def test_an_interrupt_leaves_no_temporary(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_text_atomic(tmp_path / "f.txt", "new")
    assert list(tmp_path.iterdir()) == []


def test_a_value_without_json_form_is_named_and_nothing_is_written(tmp_path: Path):
    path = write_json_atomic(tmp_path / "f.json", {"a": 1})
    with pytest.raises(TypeError, match=r"value\.a\[1\]\.b: a object has no form in JSON"):
        write_json_atomic(path, {"a": [0, {"b": object()}]})
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["f.json"]


def test_json_values_become_plain(tmp_path: Path):
    value = {
        "nan": math.nan,
        "inf": -math.inf,
        "np": np.float32(0.5),
        "bad": np.float64("nan"),
        "int": np.int64(3),
        "array": np.array([1.0, np.nan]),
        "tuple": (1, True),
        "set": {"b", "a"},
        "path": Path("a") / "b",
        7: None,
    }
    path = write_json_atomic(tmp_path / "f.json", value)
    assert json.loads(path.read_text()) == {
        "nan": None,
        "inf": None,
        "np": 0.5,
        "bad": None,
        "int": 3,
        "array": [1.0, None],
        "tuple": [1, True],
        "set": ["a", "b"],
        "path": str(Path("a") / "b"),
        "7": None,
    }


def test_two_keys_of_the_same_text_are_refused():
    with pytest.raises(ValueError, match="two keys have the same text"):
        files.jsonable({1: "a", "1": "b"})


def test_an_undecodable_file_name_survives(tmp_path: Path):
    path = write_json_atomic(tmp_path / "f.json", {"name": "x\udcff"})
    assert json.loads(path.read_text("utf-8")) == {"name": "x\udcff"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_plain_values_are_strict_json_and_stay_as_they_are(value):
    plain = files.jsonable(value)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert files.jsonable(plain) == plain


@pytest.mark.parametrize(
    ("given_", "shown"),
    [
        (["logger.api_key=abc"], ["logger.api_key=***"]),
        (["--token=abc"], ["--token=***"]),
        (["--api-token", "abc", "seed=1"], ["--api-token", "***", "seed=1"]),
        (["--password", "-x1"], ["--password", "***"]),
        (["endpoint={SECRET_ID: abc, b: 1}"], ["endpoint={SECRET_ID:***"]),
        (["+a.Password=x=y"], ["+a.Password=***"]),
        (["url=http://me:pw@host/x"], ["url=http://***@host/x"]),
        (["--use-token", "--fast"], ["--use-token", "--fast"]),
        (["recipe=quickstart", "loss.margin=0.2"], ["recipe=quickstart", "loss.margin=0.2"]),
    ],
)
def test_secrets_leave_the_command_line(given_, shown):
    assert files.masked(given_) == shown


@given(st.sampled_from(["key", "Token", "SECRET", "password"]), st.text(min_size=1))
def test_no_secret_survives_whatever_it_is(word, rest):
    secret = f"§{rest}§"
    assert "§" not in "".join(files.masked([f"my_{word}={secret}", f"--{word}", secret]))


def test_environment_names_versions_and_command(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "api_key=hidden", "seed=1"])
    found = environment()
    assert found["command"] == ["train.py", "api_key=***", "seed=1"]
    assert found["python"] == sys.version.split()[0]
    assert found["cpu_count"] >= 1
    assert set(found["packages"]) == set(files.PACKAGES)
    assert found["packages"]["numpy"] == np.__version__
    assert json.dumps(found)


def test_environment_does_not_import_torch():
    code = (
        "import sys; from simlearn.report import environment; e = environment();"
        "assert e['cuda_devices'] == [] and e['packages']['torch'];"
        "assert not {'torch', 'matplotlib', 'jinja2', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_git_names_the_commit_and_whether_it_is_dirty(tmp_path: Path, monkeypatch):
    module = write_text_atomic(tmp_path / "pkg" / "files.py", "x = 1\n")

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)

    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    git("init", "-q")
    assert files._git(module) is None  # not tracked: another project's repository
    git("add", ".")
    assert files._git(module) is None  # no commit yet
    git("commit", "-q", "-m", "one")
    commit = git("rev-parse", "HEAD").stdout.strip()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert files._git(module) == {"commit": commit, "dirty": False}
    module.write_text("x = 2\n")
    assert files._git(module) == {"commit": commit, "dirty": True}
