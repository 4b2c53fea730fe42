"""``python -m simlearn``: words, exit codes, start-up."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from simlearn.__main__ import main


@pytest.fixture
def simlearn(monkeypatch, capsys):
    """Run a command line in this process: ``(exit code, stdout, stderr)``."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["simlearn", *words])
        with pytest.raises(SystemExit) as left:
            main()
        out = capsys.readouterr()
        return left.value.code, out.out, out.err

    return call


def test_help(simlearn):
    code, out, _ = simlearn("--help")
    assert code == 0
    assert all(word in out for word in ("list", "show", "doctor", "simlearn.train"))


def test_an_unknown_command(simlearn):
    code, out, err = simlearn("lst")
    assert (code, out) == (2, "")
    assert "No such command 'lst'" in err
    assert "Traceback" not in err


def test_an_unknown_option_and_a_missing_name(simlearn):
    assert simlearn("list", "--colour")[0] == 2
    assert simlearn("show")[0] == 2


def test_a_folder_that_is_not_there(simlearn, tmp_path):
    code, out, err = simlearn("list", "--config-dir", str(tmp_path / "nowhere"))
    assert (code, out) == (2, "")
    assert f"{tmp_path / 'nowhere'}: no such folder" in err


def test_an_unknown_recipe_and_key(simlearn):
    code, out, err = simlearn("show", "quickstrt", "loss.margn=1")
    assert (code, out) == (2, "")
    assert "Did you mean 'quickstart'?" in err
    assert "Did you mean 'loss.margin'?" in err
    assert "Traceback" not in err


def test_list_imports_nothing_heavy_and_starts_at_once(tmp_path):
    code = (
        "import sys; sys.argv = ['simlearn', 'list']\n"
        "from simlearn.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as left: assert left.code in (0, None), left.code\n"
        "heavy = ['torch', 'numpy', 'hydra', 'omegaconf', 'pytorch_lightning', 'cv2']\n"
        "sys.exit(', '.join(name for name in heavy if name in sys.modules) or 0)\n"
    )
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
        )
        seconds.append(time.perf_counter() - begin)
        assert done.returncode == 0, done.stderr
        assert "quickstart" in done.stdout
    assert min(seconds) < 2.0  # 0.2 s on an idle machine; a busy one is no failure
