"""The synthetic tree: YouTube Faces layout, same bytes for any workers, complete or absent."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import loadmat

from simlearn.data import synthetic_faces
from simlearn.data.synthetic_faces import GENERATOR_VERSION, write_synthetic_faces
from simlearn.data.synthetic_names import NAMES
from simlearn.data.synthetic_settings import Settings
from simlearn.data.synthetic_tree import FOLDS

SEED = 100
SMALL = {"identities": 3, "videos": 2, "frames": 3, "seed": SEED, "side": 32}


def digests(root: Path) -> dict[str, str]:
    """Path to hash of every file of a tree."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """22 people with 3 videos: enough for ten folds of their own people."""
    root = tmp_path_factory.mktemp("faces") / "tree"
    return write_synthetic_faces(
        root, identities=22, videos=3, frames=4, seed=SEED, side=32, workers=0
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    return write_synthetic_faces(tmp_path_factory.mktemp("small") / "tree", workers=0, **SMALL)


def test_every_frame_stands_in_both_trees_and_in_the_list_of_boxes(tree):
    subjects = sorted(p.name for p in (tree / "frame_images_DB").iterdir() if p.is_dir())
    assert len(subjects) == 22
    assert subjects == sorted(p.name for p in (tree / "aligned_images_DB").iterdir())
    for subject in subjects:
        text = (tree / "frame_images_DB" / f"{subject}.labeled_faces.txt").read_text("utf-8")
        listed = [line.split(",") for line in text.splitlines()]
        assert len(listed) == 12
        assert all(len(fields) == 8 for fields in listed)
        names = [fields[0] for fields in listed]
        assert names == sorted(
            names, key=lambda n: [int(p) for p in n.split("\\")[2].split(".")[:2]]
        )
        for name in names:
            folder, video, file = name.split("\\")
            assert folder == subject
            assert (tree / "frame_images_DB" / folder / video / file).is_file()
            assert (
                tree / "aligned_images_DB" / folder / video / f"aligned_detect_{file}"
            ).is_file()
    assert sum(1 for _ in tree.rglob("*.jpg")) == 2 * 22 * 3 * 4


def test_the_box_is_given_by_its_centre_and_the_aligned_picture_is_that_box_times_2_2(tree):
    boxes = next((tree / "frame_images_DB").glob("*.labeled_faces.txt"))
    places = set()
    for line in boxes.read_text("utf-8").splitlines():
        path, ignored, x, y, width, height, *rest = line.split(",")
        subject, video, file = path.split("\\")
        assert (ignored, rest) == ("0", ["0.0", "1"])
        assert int(width) == int(height) == round(32 / 2.2)
        whole = cv2.imread(str(tree / "frame_images_DB" / subject / video / file), 0)
        near = cv2.imread(
            str(tree / "aligned_images_DB" / subject / video / f"aligned_detect_{file}"), 0
        )
        assert near.shape == (32, 32)
        assert whole.shape == (40, 48)
        # two JPEGs of one picture, which a shift by two pixels would tear apart
        place = cv2.matchTemplate(whole, near, cv2.TM_SQDIFF)
        assert cv2.minMaxLoc(place)[2] == (int(x) - 16, int(y) - 16)
        places.add((int(x), int(y)))
    assert any(place != (24, 20) for place in places)


def test_splits_are_padded_identity_disjoint_and_say_the_truth(tree):
    header, *rows = (tree / "splits.txt").read_text("utf-8").splitlines()
    assert header == "split number, pair number, first name, second name, is same"
    assert any("  " in row for row in rows)
    people: dict[int, set[str]] = {}
    for row in rows:
        fold, _, first, second, same = (field.strip() for field in row.split(","))
        one, two = first.split("/")[0], second.split("/")[0]
        assert first != second
        assert (one == two) == (same == "1")
        assert (tree / "aligned_images_DB" / first).is_dir()
        people.setdefault(int(fold), set()).update((one, two))
    assert sorted(people) == list(range(1, FOLDS + 1))
    members = [person for fold in people.values() for person in fold]
    assert len(members) == len(set(members))


def test_the_mat_file_agrees_with_splits_txt_and_counts_from_1(tree):
    meta = loadmat(tree / "meta_data" / "meta_and_splits.mat")
    names = [str(cell[0]) for cell in meta["video_names"][:, 0]]
    assert meta["video_names"].shape == meta["mat_names"].shape == (66, 1)
    assert meta["video_labels"].shape == (1, 66)
    assert meta["video_labels"].dtype == np.float64
    labels = meta["video_labels"][0]
    assert len(set(labels)) == 22
    assert labels.max() > 22, "the labels must have gaps"
    owners = [name.split("/")[0] for name in names]
    assert len(set(zip(owners, labels, strict=True))) == 22
    rows = (tree / "splits.txt").read_text("utf-8").splitlines()[1:]
    pairs, _, folds = meta["Splits"].shape
    assert folds == FOLDS
    assert len(rows) == pairs * folds
    for k, row in enumerate(rows):
        _, _, first, second, same = (field.strip() for field in row.split(","))
        one, two, truth = meta["Splits"][k % pairs, :, k // pairs]
        assert names[int(one) - 1] == first
        assert names[int(two) - 1] == second
        assert truth == float(same)


def test_the_tree_is_the_same_for_any_number_of_workers(small, tmp_path):
    calls = []
    other = write_synthetic_faces(
        tmp_path / "a", workers=2, progress=lambda *c: calls.append(c), **SMALL
    )
    assert digests(other) == digests(small)
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_more_people_and_more_videos_keep_the_earlier_pictures(small, tmp_path):
    wanted = SMALL | {"identities": 4, "videos": 3}
    more = digests(write_synthetic_faces(tmp_path / "a", workers=0, **wanted))
    pictures = {k: v for k, v in digests(small).items() if k.endswith(".jpg")}
    assert len(pictures) == 36
    assert {k: more.get(k) for k in pictures} == pictures


@pytest.mark.parametrize("change", [{"seed": 101}, {"habit": 0.0}, {"side": 40}])
def test_other_arguments_draw_other_pictures(small, tmp_path, change):
    other = digests(write_synthetic_faces(tmp_path / "a", workers=0, **(SMALL | change)))
    same = {k for k, v in digests(small).items() if k.endswith(".jpg") and other.get(k) == v}
    assert same == set()


def test_a_second_call_returns_at_once_and_says_what_is_there(small):
    record = json.loads((small / "synthetic_faces.json").read_text("utf-8"))
    assert record == {"generator_version": GENERATOR_VERSION, "habit": 0.5, **SMALL}
    before = {p: p.stat().st_mtime_ns for p in small.rglob("*")}

    def forbidden(done: int, total: int) -> None:
        raise AssertionError("drew again")

    assert write_synthetic_faces(small, workers=0, progress=forbidden, **SMALL) == small
    assert {p: p.stat().st_mtime_ns for p in small.rglob("*")} == before


def test_a_root_that_holds_something_else_is_left_alone(small, tmp_path):
    with pytest.raises(FileExistsError, match=r"seed=100 \(asked for: 7\).*another root or delete"):
        write_synthetic_faces(small, workers=0, **(SMALL | {"seed": 7}))
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="something other than synthetic faces"):
        write_synthetic_faces(tmp_path, workers=0, **SMALL)
    with pytest.raises(FileExistsError, match="something other than synthetic faces"):
        write_synthetic_faces(tmp_path / "notes.txt", workers=0, **SMALL)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"seed": '])
def test_a_damaged_settings_file_is_not_taken_for_a_tree(tmp_path, text):
    (tmp_path / "synthetic_faces.json").write_text(text)
    with pytest.raises(FileExistsError, match="no readable synthetic_faces.json"):
        write_synthetic_faces(tmp_path, workers=0, **SMALL)


def test_an_empty_folder_is_filled_and_leftovers_of_killed_runs_are_removed(small, tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    (tmp_path / "tree.partial-12345" / "frame_images_DB").mkdir(parents=True)
    (tmp_path / "tree.partial-notes").mkdir()
    write_synthetic_faces(root, workers=0, **SMALL)
    assert digests(root) == digests(small)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "tree",
        "tree.lock",
        "tree.partial-notes",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"identities": 0}, "identities is 0; it must be at least 1"),
        ({"identities": NAMES + 1}, "there are names for"),
        ({"videos": 0}, "videos is 0"),
        ({"frames": 0}, "frames is 0"),
        ({"side": 31}, "side is 31; it must be at least 32"),
        ({"habit": -0.1}, r"habit is -0\.1; it must lie between 0 and 1"),
        ({"habit": 1.5}, "habit is 1.5"),
        ({"habit": float("nan")}, "habit is nan"),
        ({"workers": -1}, "workers is -1"),
    ],
)
def test_arguments_out_of_range_are_named(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        write_synthetic_faces(tmp_path / "a", **({"workers": 0} | SMALL | change))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_an_interrupted_run_leaves_nothing_and_can_be_repeated(small, tmp_path, workers):
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_synthetic_faces(tmp_path / "a", workers=workers, progress=interrupt, **SMALL)
    assert [p.name for p in tmp_path.iterdir()] == ["a.lock"]
    write_synthetic_faces(tmp_path / "a", workers=0, **SMALL)
    assert digests(tmp_path / "a") == digests(small)


def test_threads_that_build_one_root_at_once_both_get_it_whole(small, tmp_path):
    root = tmp_path / "tree"
    with ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(write_synthetic_faces, root, workers=0, **SMALL) for _ in range(2)]
        assert [task.result() for task in tasks] == [root, root]
    assert digests(root) == digests(small)


def test_processes_that_build_one_root_at_once_both_get_it_whole(small, tmp_path):
    # no main guard: processes that draw must not run the script again
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from simlearn.data.synthetic_faces import write_synthetic_faces\n"
        f"print(write_synthetic_faces(sys.argv[1], workers=int(sys.argv[2]), **{SMALL!r}))\n"
    )
    root = tmp_path / "tree"
    runs = [
        subprocess.Popen(
            [sys.executable, str(script), str(root), workers], stdout=subprocess.PIPE, text=True
        )
        for workers in ("0", "1")
    ]
    assert [run.communicate(timeout=100)[0].strip() for run in runs] == [str(root)] * 2
    assert digests(root) == digests(small)


def test_one_person_with_one_frame_makes_a_tree_without_pairs(tmp_path):
    root = write_synthetic_faces(
        tmp_path / "a", identities=1, videos=1, frames=1, seed=SEED, side=32
    )
    assert len(list(root.rglob("*.jpg"))) == 2
    assert len((root / "splits.txt").read_text("utf-8").splitlines()) == 1
    assert loadmat(root / "meta_data" / "meta_and_splits.mat")["Splits"].shape == (0, 3, FOLDS)


def test_little_work_is_drawn_here_and_much_by_every_core(monkeypatch):
    monkeypatch.setattr(synthetic_faces.os, "cpu_count", lambda: 4)
    count = synthetic_faces._worker_count
    assert count(Settings(10, 4, 16, 0, 0.5, 64), None) == 0
    assert count(Settings(400, 4, 16, 0, 0.5, 64), None) == 4
    assert count(Settings(10, 4, 16, 0, 0.5, 64), 3) == 3
    assert count(Settings(2, 4, 16, 0, 0.5, 64), 3) == 2
