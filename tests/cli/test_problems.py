"""Doctor's judgement, fed with broken facts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simlearn.cli.facts import Facts
from simlearn.cli.problems import GIB, find_problems, size

HEALTHY = Facts(
    python="3.12.1",
    versions={"torch": "2.5.1+cpu", "torchvision": "0.20.1", "opencv-python": "4.9"},
    torch_wanted="==2.5.1",
    devices=("CPU",),
    outputs_free=50 * GIB,
    temporary_free=10 * GIB,
    shared_memory=8 * GIB,
    configs="/c",
    recipes="/r",
    recipe_count=3,
)


def test_healthy():
    assert find_problems(HEALTHY) == []
    assert find_problems(replace(HEALTHY, shared_memory=None, torch_wanted="")) == []
    assert find_problems(replace(HEALTHY, nvidia_driver=True, cuda=True)) == []


@pytest.mark.parametrize(
    ("change", "what", "fix", "problem"),
    [
        (
            {"versions": {**HEALTHY.versions, "torchvision": None}},
            "not installed: torchvision",
            "pip install torchvision",
            True,
        ),
        (
            {"torch_wanted": "==2.4.0"},
            "torchvision 0.20.1 was built for torch ==2.4.0, found torch 2.5.1+cpu",
            "pip install --upgrade torch torchvision",
            True,
        ),
        (
            {"import_errors": {"cv2": "ImportError: libGL.so.1"}},
            "opencv-python cannot be loaded: ImportError: libGL.so.1",
            "opencv-python-headless",
            True,
        ),
        (
            {"import_errors": {"torchvision": "RuntimeError: operator nms"}},
            "torchvision cannot be loaded",
            "--force-reinstall",
            True,
        ),
        ({"configs": "", "config_faults": ("not found: x",)}, "not found: x", "before", True),
        ({"config_faults": ("r.yaml:3: bad",)}, "r.yaml:3: bad", "mend the file", True),
        ({"recipe_count": 0}, "no recipe in /r", "restore", True),
        ({"outputs_free": GIB}, "1.0 GiB free at outputs", "run_dir=", True),
        ({"temporary_free": 2**20}, "1 MiB free", "TMPDIR", True),
        ({"nvidia_driver": True}, "torch 2.5.1+cpu sees no GPU", "CUDA build", False),
        ({"shared_memory": 64 * 2**20}, "64 MiB", "trainer.workers=0", False),
        (
            {"missing_extras": {"search": ("faiss",)}},
            "optional part 'search' is not installed (faiss)",
            "pip install 'simlearn[search]'",
            False,
        ),
    ],
)
def test_each_problem_with_its_fix(change, what, fix, problem):
    found = find_problems(replace(HEALTHY, **change))
    assert len(found) == 1
    assert what in found[0].what
    assert fix in found[0].fix
    assert found[0].problem is problem


def test_a_missing_package_is_not_told_twice():
    versions = {**HEALTHY.versions, "opencv-python": None}
    found = find_problems(replace(HEALTHY, versions=versions, import_errors={"cv2": "gone"}))
    assert [finding.what for finding in found] == ["not installed: opencv-python"]


def test_problems_come_before_hints():
    found = find_problems(
        replace(HEALTHY, shared_memory=0, missing_extras={"a": ("b",)}, recipe_count=0)
    )
    assert [finding.problem for finding in found] == [True, False, False]


def test_sizes():
    assert size(0) == "0 MiB"
    assert size(3 * GIB // 2) == "1.5 GiB"
