"""The reader of one list of labelled faces: the format, each fault's message, damaged bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.errors import DataError
from simlearn.data.labeled_faces import labeled_face_rows, read_labeled_faces
from simlearn.data.randomness import numpy_generator
from tests.data.ytf_tree import SUBJECTS, face, face_row, labeled, mutants, write_tree

ROW = "Richard_Gere\\3\\3.618.jpg,0,262,165,132,131,0.0,1"


def write(folder: Path, text: str, subject: str = "Richard_Gere") -> Path:
    path = folder / f"{subject}.labeled_faces.txt"
    path.write_bytes(text.encode())
    return path


def test_box_comes_from_the_centre(tmp_path):
    faces = read_labeled_faces(write(tmp_path, ROW + "\n"))
    assert faces == {"3": {618: ((196.0, 99.5, 328.0, 230.5), "3.618.jpg")}}


def test_every_row_of_a_tree_is_read(tmp_path):
    root = write_tree(tmp_path)
    scanned = 0
    for subject, videos in SUBJECTS.items():
        faces = read_labeled_faces(labeled(root, subject))
        assert list(faces) == [str(v) for v in videos]
        for video, (first, count) in videos.items():
            assert list(faces[str(video)]) == list(range(first, first + count))
            for frame, (box, name) in faces[str(video)].items():
                x, y, width, height = face(subject, frame)
                assert name == f"{video}.{frame}.jpg"
                assert ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) == (x, y)
                assert (box[2] - box[0], box[3] - box[1]) == (width, height)
                scanned += 1
    assert scanned == sum(count for v in SUBJECTS.values() for _, count in v.values()) > 100


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace("\n", "\r\n"),
        lambda t: t.replace("\n", "\r"),
        lambda t: t.replace("\n", "\n\n  \n"),
        lambda t: t.replace("\\", "/"),
        lambda t: t.replace(",", " , "),
        lambda t: t.rstrip("\n"),
        lambda t: "\ufeff" + t,
        lambda t: t + t,
    ],
    ids=["crlf", "cr", "blank", "slashes", "spaces", "no_last_end", "bom", "repeated"],
)
def test_other_ways_to_write_the_same_are_taken(tmp_path, change):
    text = "".join(face_row("Lou_Ye", v, f) + "\n" for v in (0, 4) for f in range(95, 103))
    expected = read_labeled_faces(write(tmp_path, text, "Lou_Ye"))
    assert sum(map(len, expected.values())) == 16
    assert read_labeled_faces(write(tmp_path, change(text), "Lou_Ye")) == expected


def test_an_empty_file_has_no_faces(tmp_path):
    assert read_labeled_faces(write(tmp_path, "")) == {}


def test_a_box_may_reach_past_the_border(tmp_path):
    faces = read_labeled_faces(write(tmp_path, "Richard_Gere\\3\\3.7.jpg,0,3,4,20,22,0.0,1"))
    assert faces["3"][7][0] == (-7.0, -7.0, 13.0, 15.0)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROW + ",9", "line 2: 9 fields instead of 8"),
        ("Richard_Gere\\3\\3.618.jpg,0,262", "line 2: 3 fields instead of 8"),
        (ROW.replace("165", "x165"), "line 2: y is 'x165', which is not a number"),
        (ROW.replace("262", "nan"), "line 2: x is 'nan'"),
        (ROW.replace("262", "1e300"), "line 2: x is '1e300'"),
        (ROW.replace("262", "1_0"), "line 2: x is '1_0'"),
        (ROW.replace("262", ""), "line 2: x is ''"),
        (ROW.replace("132", "0"), "line 2: a face of width 0 and height 131"),
        (ROW.replace("131", "-5"), "line 2: a face of width 132 and height -5"),
        (ROW.replace(".618", ""), "is not of the form Subject"),
        (ROW.replace(".618", "." + "9" * 5000), "is not of the form Subject"),
        (ROW.replace("\\3\\", "\\2\\"), "is not of the form Subject"),
        (ROW.replace("\\3\\", "\\"), "is not of the form Subject"),
        (ROW.replace("Gere", "Gore"), "line 2: the row is of subject 'Richard_Gore'"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, row, message):
    path = write(tmp_path, face_row("Richard_Gere", 3, 617) + "\n" + row + "\n")
    with pytest.raises(DataError) as caught:
        read_labeled_faces(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_frame_with_two_boxes_names_both_lines(tmp_path):
    path = write(tmp_path, f"{ROW}\n\n{ROW}\n{ROW.replace('131', '130')}\n")
    with pytest.raises(DataError, match=r"line 4: frame 618 of video 3 .* in line 1 as") as caught:
        read_labeled_faces(path)
    assert str(path) in str(caught.value)
    assert [row.line for row in labeled_face_rows(path)] == [1, 3, 4]


def test_a_frame_under_two_names_is_contrary(tmp_path):
    path = write(tmp_path, f"{ROW}\n{ROW.replace('618', '0618')}\n")
    with pytest.raises(DataError, match=r"3\.0618\.jpg"):
        read_labeled_faces(path)


def test_missing_unreadable_and_foreign_files_are_data_errors(tmp_path):
    with pytest.raises(DataError, match="is not there; check the path"):
        read_labeled_faces(tmp_path / "Nobody.labeled_faces.txt")
    with pytest.raises(DataError, match="cannot be read"):
        read_labeled_faces(tmp_path)
    with pytest.raises(DataError, match="not a path"):
        read_labeled_faces("a\0b")
    path = tmp_path / "Richard_Gere.labeled_faces.txt"
    path.write_bytes(ROW.encode() + b"\n\xff\xfe\n")
    with pytest.raises(DataError, match="line 2: byte 0xff is not UTF-8"):
        read_labeled_faces(path)


@given(
    st.floats(-999, 999, width=16),
    st.floats(-999, 999, width=16),
    st.floats(0.5, 999, width=16),
    st.floats(0.5, 999, width=16),
)
def test_centre_and_size_survive(tmp_path_factory, x, y, width, height):
    path = tmp_path_factory.getbasetemp() / "S.labeled_faces.txt"
    path.write_text(f"S\\0\\0.1.jpg,0,{x:.20f},{y:.20f},{width:.20f},{height:.20f},0,1\n")
    left, top, right, bottom = read_labeled_faces(path)["0"][1][0]
    assert (left + right, top + bottom) == (2 * x, 2 * y)
    assert (right - left, bottom - top) == (width, height)


def check_mutants(folder: Path, count: int) -> None:
    text = "".join(face_row("Lou_Ye", v, f) + "\r\n" for v in (0, 4) for f in range(95, 103))
    parsed = refused = 0
    for data in mutants(text.encode(), count, numpy_generator(0, "mutants", "faces")):
        path = folder / "Lou_Ye.labeled_faces.txt"
        path.write_bytes(data)
        try:
            faces = read_labeled_faces(path)
        except DataError as error:
            assert "Lou_Ye.labeled_faces.txt" in str(error)
            refused += 1
        else:
            assert all(isinstance(k, int) for frames in faces.values() for k in frames)
            parsed += 1
    assert parsed + refused == count
    assert min(parsed, refused) > count // 50


def test_300_mutants_parse_or_raise_data_error(tmp_path):
    check_mutants(tmp_path, 300)


@pytest.mark.slow
def test_10000_mutants_parse_or_raise_data_error(tmp_path):
    check_mutants(tmp_path, 10_000)
