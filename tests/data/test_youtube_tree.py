"""Finding and listing the folders of a YouTube Faces tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from simlearn.data.errors import DataError
from simlearn.data.youtube_tree import find_images, list_folder, list_frames, list_subjects
from tests.data.ytf_tree import SUBJECTS, write_tree


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("ytf") / "YouTubeFaces")


def fails(root, *, images="aligned"):
    with pytest.raises(DataError) as caught:
        find_images(Path(root), images)
    return str(caught.value)


def test_folders_subjects_and_frames_are_listed(tree):
    folder = find_images(tree, "frame")
    assert folder == tree / "frame_images_DB"
    folders, files = list_folder(folder)
    assert sorted(folders) == sorted(SUBJECTS)
    assert len(files) == len(SUBJECTS)
    assert list_subjects(folder, "frame") == set(SUBJECTS)
    frames = list_frames(folder / "AJ_Cook" / "2", "2", "frame")
    assert dict(sorted(frames.items())) == {k: f"2.{k}.jpg" for k in range(997, 1004)}


def test_a_folder_that_cannot_be_listed(tmp_path):
    with pytest.raises(DataError, match="none: the folder cannot be read"):
        list_folder(tmp_path / "none")


def test_wrong_roots_say_what_root_should_be(tree, tmp_path):
    folder = tree / "aligned_images_DB"
    for below in (folder, folder / "Al_Gore", folder / "Al_Gore" / "1", tree / "meta_data"):
        text = fails(below)
        assert f"looked for the folder {below / 'aligned_images_DB'}" in text
        assert text.endswith(f"root should be {tree}")
    assert fails(tree.parent).endswith(f"root should be {tree}")
    missing = fails(tmp_path / "none")
    assert f"looked for the folder {tmp_path / 'none' / 'aligned_images_DB'}" in missing
    assert "nor is root itself" in missing
    assert "the one that holds aligned_images_DB" in missing
    assert "root should be the YouTubeFaces folder" in fails(tmp_path)
    archive = tmp_path / "YouTubeFaces.tar.gz"
    archive.write_bytes(b"x")
    assert "root is a file: unpack it" in fails(archive)


def test_a_tree_of_the_other_images_says_so(tmp_path):
    write_tree(tmp_path)
    (tmp_path / "frame_images_DB").rename(tmp_path / "away")
    assert "but aligned_images_DB is; set images=aligned" in fails(tmp_path, images="frame")


def test_relative_roots_work(tree, monkeypatch):
    monkeypatch.chdir(tree)
    assert find_images(Path(), "aligned") == Path("aligned_images_DB")
    monkeypatch.chdir(tree / "aligned_images_DB")
    assert fails(".").endswith(f"root should be {tree}")
