"""The reader of a YouTube Faces tree: order, boxes, exclusions and the text of every error."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path

import cv2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.errors import DataError
from simlearn.data.youtube_faces import read_youtube_faces
from tests.data.ytf_tree import SUBJECTS, VIDEOS, aligned_frame, face, labeled, write_tree

KINDS = {"aligned": "aligned_images_DB", "frame": "frame_images_DB"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("ytf") / "YouTubeFaces")


def numbers(video):
    return [int(Path(f).name.split(".")[-2]) for f in video.frames]


def fails(root, **options):
    with pytest.raises(DataError) as caught:
        read_youtube_faces(root, **options)
    return str(caught.value)


@pytest.mark.parametrize("images", KINDS)
def test_every_video_and_frame_in_order(tree, images):
    videos = read_youtube_faces(tree, images=images)
    assert [v.name for v in videos] == VIDEOS
    assert VIDEOS.index("Conan_O'Brien/3") < VIDEOS.index("Conan_O'Brien/10")
    scanned = 0
    for video in videos:
        subject, number = video.name.split("/")
        assert video.identity == subject
        first, count = SUBJECTS[subject][int(number)]
        assert numbers(video) == list(range(first, first + count))
        for path in video.frames:
            assert path.startswith(f"{KINDS[images]}/{subject}/{number}/")
            assert cv2.imread(str(tree / path)).shape == (48, 64, 3)
            scanned += 1
    assert scanned == sum(count for v in SUBJECTS.values() for _, count in v.values()) > 100


def test_aligned_images_have_no_boxes(tree):
    videos = read_youtube_faces(tree)
    assert len(videos) == 23
    assert all(v.boxes is None for v in videos)


def test_boxes_belong_to_their_frames(tree):
    scanned = 0
    for video in read_youtube_faces(tree, images="frame"):
        for frame, box in zip(numbers(video), video.boxes, strict=True):
            x, y, width, height = face(video.identity, frame)
            assert box == (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            scanned += 1
    assert scanned > 100


@pytest.mark.parametrize("images", KINDS)
def test_max_frames_keeps_the_first(tree, images):
    videos = read_youtube_faces(tree, images=images, max_frames=3)
    whole = read_youtube_faces(tree, images=images)
    assert [v.frames for v in videos] == [v.frames[:3] for v in whole]
    if images == "frame":
        assert [v.boxes for v in videos] == [v.boxes[:3] for v in whole]


@pytest.mark.parametrize("value", [0, -1, True])
def test_max_frames_below_one_is_refused(tree, value):
    assert "must be at least 1, or None" in fails(tree, max_frames=value)


def test_unknown_images_are_refused(tree):
    assert "images='whole' is unknown; choose one of aligned, frame" in fails(tree, images="whole")


@pytest.mark.parametrize("fault", ["crlf", "blank_lines", "slashes", "repeated_rows"])
def test_harmless_differences_of_the_lists(tree, tmp_path, fault):
    root = write_tree(tmp_path, fault=fault)
    assert read_youtube_faces(root, images="frame") == read_youtube_faces(tree, images="frame")


@pytest.mark.parametrize("images", KINDS)
def test_files_that_are_no_frames_are_ignored(tree, tmp_path, images):
    root = write_tree(tmp_path, fault="stray_files")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_youtube_faces(root, images=images) == read_youtube_faces(tree, images=images)


def test_a_frame_without_a_box_is_left_out(tree, tmp_path):
    root = write_tree(tmp_path, fault="unlisted_frame")
    assert (root / "frame_images_DB/Richard_Gere/3/3.700.jpg").exists()
    assert read_youtube_faces(root, images="frame") == read_youtube_faces(tree, images="frame")


def test_a_box_past_the_border_is_kept(tmp_path):
    root = write_tree(tmp_path, fault="past_border")
    video = next(v for v in read_youtube_faces(root, images="frame") if v.name == "Al_Gore/1")
    assert video.boxes[0] == (-7.0, -7.0, 13.0, 15.0)


@pytest.mark.parametrize("images", KINDS)
def test_empty_videos_are_counted_in_a_warning(tree, tmp_path, images):
    root = write_tree(tmp_path, fault="empty_video")
    text = r"2 video folder\(s\) without a usable frame were left out: Al_Gore/4, Lou_Ye/9"
    with pytest.warns(UserWarning, match=text):
        videos = read_youtube_faces(root, images=images)
    assert videos == read_youtube_faces(tree, images=images)


@pytest.mark.parametrize(
    ("fault", "images", "message"),
    [
        ("missing_frame", "frame", "Richard_Gere.labeled_faces.txt, line 8: frame "),
        ("missing_frame", "frame", "3.620.jpg is listed but missing on disk (1 of 6 frames"),
        ("missing_frame", "frame", "put Richard_Gere/3 or Richard_Gere/3/620 on the exclude"),
        ("missing_video", "frame", "5.98.jpg is listed but missing on disk (6 of 6 frames"),
        ("contrary_rows", "frame", "Al_Gore.labeled_faces.txt, line 3: frame 618 of video 1"),
        ("no_list", "frame", "Lou_Ye.labeled_faces.txt: the list of labelled faces of Lou_Ye"),
        ("no_list", "frame", "restore the file or exclude Lou_Ye"),
        ("wrong_image_name", "aligned", "face_618.jpg: an image that is not named aligned_det"),
        ("name_of_other_tree", "aligned", "1.700.jpg: an image that is not named aligned_detect"),
        ("image_of_other_video", "aligned", "not named aligned_detect_1.<frame>.jpg; rename or"),
        ("frame_twice", "aligned", "frame 618 is there twice, also as aligned_detect_1.0618.jpg"),
        ("image_outside", "aligned", "aligned_detect_1.618.jpg: an image outside a video folder"),
        ("wrong_video_folder", "aligned", "one: the folder of a video is named by a number"),
        ("no_videos", "aligned", "aligned_images_DB: no video found (0 subject(s), 0 empty"),
    ],
)
def test_each_fault_names_file_and_way_out(tmp_path, fault, images, message):
    root = write_tree(tmp_path, fault=fault)
    text = fails(root, images=images)
    assert message in text
    assert str(root) in text


@pytest.mark.parametrize(
    "exclude", [["Richard_Gere"], ["Richard_Gere/3"], ["Richard_Gere/3/620"], ["Richard_Gere\\3"]]
)
def test_the_exclude_list_is_a_way_out_of_a_missing_frame(tree, tmp_path, exclude):
    root = write_tree(tmp_path, fault="missing_frame")
    got = read_youtube_faces(root, images="frame", exclude=exclude)
    assert got == read_youtube_faces(tree, images="frame", exclude=exclude)
    assert len(got) == {1: 21, 2: 22, 3: 23}[len(exclude[0].replace("\\", "/").split("/"))]


def test_a_missing_list_and_a_video_that_is_only_listed_can_be_excluded(tmp_path):
    root = write_tree(tmp_path / "a", fault="no_list")
    assert len(read_youtube_faces(root, images="frame", exclude=["Lou_Ye"])) == 21
    root = write_tree(tmp_path / "b", fault="missing_video")
    assert len(read_youtube_faces(root, images="frame", exclude=["Sadie_Frost/5"])) == 22


@pytest.mark.parametrize("images", KINDS)
def test_exclude_file_with_subject_video_frame_and_comments(tree, tmp_path, images):
    path = tmp_path / "bad.txt"
    path.write_text(
        "# wrong people\nAl_Gore\n\nConan_O'Brien/3  # cut\r\nAJ_Cook/2/998\nAJ_Cook\\2\\0997\n"
    )
    videos = read_youtube_faces(tree, images=images, exclude=path)
    assert [v.name for v in videos] == [
        n for n in VIDEOS if n not in ("Al_Gore/1", "Conan_O'Brien/3")
    ]
    assert numbers(videos[1]) == [999, 1000, 1001, 1002, 1003]
    assert videos == read_youtube_faces(tree, images=images, exclude=str(path))
    first = read_youtube_faces(tree, images=images, exclude=path, max_frames=1)
    assert numbers(first[1]) == [999]


def test_excluding_every_frame_leaves_the_video_out(tree):
    exclude = [f"AJ_Cook/0/{k}" for k in range(98, 104)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = [v.name for v in read_youtube_faces(tree, exclude=exclude)]
    assert names == VIDEOS[1:]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("Richard_Geer", "'Richard_Geer' matches nothing in the data; did you mean 'Richard_Gere'"),
        ("Richard_Geer/3", "did you mean 'Richard_Gere'"),
        ("Richard_Geer/3/618", "did you mean 'Richard_Gere'"),
        ("Richard_Gere/4", "'Richard_Gere/4' matches nothing in the data; did you mean 'Richard_"),
        ("Richard_Gere/4/618", "'Richard_Gere/4' matches nothing in the data; did you mean"),
        ("AJ_Cook/2/1005", "did you mean 'AJ_Cook/2/1003'"),
        ("qqq", "'qqq' matches nothing in the data; nothing there is spelled like it"),
        ("Richard_Gere/x", "'Richard_Gere/x' is not of the form Subject, Subject/3 or Subject/3/6"),
        ("a/1/2/3", "is not of the form"),
    ],
)
def test_an_entry_that_matches_nothing_names_the_closest(tree, tmp_path, entry, message):
    assert message in fails(tree, exclude=["Al_Gore", entry])
    assert "exclude, entry 2: " in fails(tree, exclude=["Al_Gore", entry])
    path = tmp_path / "bad.txt"
    path.write_text(f"# list\n{entry}\n")
    assert f"{path}, line 2: " in fails(tree, exclude=path)


def test_a_missing_exclude_file(tree, tmp_path):
    assert "nowhere.txt: the exclude list is not there" in fails(
        tree, exclude=tmp_path / "nowhere.txt"
    )


def test_no_file_is_touched(tree, monkeypatch):
    touched = []
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda *a, **k: touched.append(a[0]) or real(*a, **k))
    assert len(read_youtube_faces(tree)) == 23
    assert not [p for p in touched if str(p).endswith(".jpg")]


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 12_000), min_size=1, max_size=12))
def test_frames_are_sorted_by_number(frames):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for frame in frames:
            path = aligned_frame(root, "A", 0, frame)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (video,) = read_youtube_faces(root)
    assert numbers(video) == sorted(frames)


def test_a_video_whose_frames_have_no_box_is_counted(tmp_path):
    root = write_tree(tmp_path)
    labeled(root, "Al_Gore").write_text("")
    with pytest.warns(UserWarning, match=r"1 video folder\(s\) .* left out: Al_Gore/1"):
        assert len(read_youtube_faces(root, images="frame")) == 22
