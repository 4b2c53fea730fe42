"""The import rule of the package, and what importing it does."""

from __future__ import annotations

import subprocess
import sys


def test_layers():
    from importlinter.cli import lint_imports

    assert lint_imports(no_cache=True) == 0


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_import_is_lazy():
    loaded = run("import sys, simlearn; print(' '.join(sys.modules))").stdout.split()
    assert "simlearn" in loaded
    for heavy in ("torch", "hydra", "omegaconf", "pytorch_lightning", "cv2", "matplotlib"):
        assert heavy not in loaded


def test_public_names():
    code = "import simlearn; print(callable(simlearn.run), callable(simlearn.load), dir(simlearn))"
    assert run(code).stdout.startswith("True True")


def test_configuration_libraries_stay_in_config():
    import ast
    from pathlib import Path

    import simlearn

    root = Path(simlearn.__file__).parent
    files, found = sorted(root.rglob("*.py")), []
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(n.split(".")[0] in ("hydra", "omegaconf") for n in names):
                found.append(path.relative_to(root).parts[0])
    assert len(files) > 80
    assert set(found) == {"config"}
