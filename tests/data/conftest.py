"""Small trees of face videos, written once for all tests of this room."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from simlearn.data.synthetic_faces import write_synthetic_faces
from tests.data.photographs import write_folder
from tests.data.ytf_tree import write_tree

DRAWN = {"identities": 8, "videos": 3, "frames": 10, "seed": 100, "side": 32, "habit": 0.5}


@pytest.fixture(scope="session")
def ytf_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 subjects, 23 videos of 5 to 7 frames of 48x64; read only."""
    return write_tree(tmp_path_factory.mktemp("ytf_session") / "YouTubeFaces")


@pytest.fixture(scope="session")
def drawn_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 drawn people, 3 videos of 10 frames of 32x32 each; read only."""
    root = tmp_path_factory.mktemp("drawn_session") / "faces"
    return write_synthetic_faces(root, **DRAWN, workers=0)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Four people, nine images; read only."""
    return write_folder(tmp_path_factory.mktemp("photographs") / "photos")


@pytest.fixture
def own(folder, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(folder, tmp_path / "photos")
