"""TextVQA's annotation file and folder of images, whole and damaged."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from simlearn.data.errors import DataError
from simlearn.data.media import load_image
from simlearn.data.randomness import numpy_generator
from simlearn.data.textvqa import read_textvqa
from tests.data.ytf_tree import mutants


def row(number, image="0054c91397f2fe05", **changed):
    """A row with the fields of version 0.5.1."""
    question = "what is the brand of this camera?"
    values = {
        "question": question,
        "image_id": image,
        "image_classes": ["Cassette deck", "Printer", "Camera"],
        "flickr_original_url": "https://farm2.staticflickr.com/4/5_o.jpg",
        "flickr_300k_url": "https://c4.staticflickr.com/4/5_z.jpg",
        "image_width": 1024,
        "image_height": 730,
        "answers": ["nous les gosses", "dakota", "clos culombu", "dakota digital"]
        + ["dakota"] * 4
        + ["clos culombu", "dakota"],
        "question_tokens": question.rstrip("?").split(),
        "question_id": 34602 + number,
        "set_name": "val",
    }
    values.update(changed)
    return {key: value for key, value in values.items() if value is not ...}


def write(folder, rows, split="val"):
    content = {"dataset_type": split, "dataset_name": "textvqa", "dataset_version": "0.5.1"}
    path = folder / f"TextVQA_0.5.1_{split}.json"
    path.write_text(json.dumps({**content, "data": rows}))
    (folder / "train_images").mkdir(exist_ok=True)
    for name in ("0054c91397f2fe05", "e0e2e53e5df7b3d1"):
        Image.new("RGB", (8, 6), "red").save(folder / "train_images" / f"{name}.jpg")
    return path


def test_the_files_of_version_0_5_1(tmp_path):
    write(tmp_path, [row(0), row(1, "e0e2e53e5df7b3d1", question="what year?", answers=["1998"])])
    write(tmp_path, [row(9, set_name="train")], "train")
    found = read_textvqa(tmp_path)
    assert [q.id for q in found] == ["34602", "34603"]
    assert [q.text for q in found] == ["what is the brand of this camera?", "what year?"]
    assert found[0].answers == ("dakota", "clos culombu", "nous les gosses", "dakota digital")
    assert {(q.dataset, q.metric, q.kind, q.audio) for q in found} == {
        ("textvqa", "substring", "", None)
    }
    assert found[1].image == tmp_path / "train_images" / "e0e2e53e5df7b3d1.jpg"
    assert load_image(found[1]).size == (8, 6)
    assert [q.id for q in read_textvqa(str(tmp_path), "train")] == ["34611"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"question": 3}, "data[1]: 'question' must be a text, found 3"),
        ({"question": " "}, "data[1]: 'question' must be a text"),
        ({"question_id": ...}, "data[1]: 'question_id' must be a number, found None"),
        ({"question_id": 34602}, "data[0] and data[1] are both 34602"),
        ({"image_id": "../secret"}, "data[1]: 'image_id' must be letters and digits"),
        ({"image_id": "abc"}, "abc.jpg is not there; unpack train_val_images.zip"),
        ({"answers": ...}, "data[1]: 'answers' must be a list of texts, found None"),
        ({"answers": []}, "data[1]: 'answers' must be a list of texts, found []"),
        ({"answers": ["a", 1]}, "data[1]: 'answers' must be a list of texts"),
    ],
)
def test_faults_name_file_row_and_field(tmp_path, change, text):
    path = write(tmp_path, [row(0), row(1, **change)])
    with pytest.raises(DataError) as caught:
        read_textvqa(tmp_path)
    assert text in str(caught.value) and str(path) in str(caught.value)


def test_files_that_are_not_textvqa(tmp_path):
    with pytest.raises(ValueError, match="split is 'test', must be 'train' or 'val'"):
        read_textvqa(tmp_path, "test")
    with pytest.raises(DataError, match=r"TextVQA_0.5.1_val.json: the annotation .* is not there"):
        read_textvqa(tmp_path)
    path = tmp_path / "TextVQA_0.5.1_val.json"
    for content, text in (
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "the list 'data'"),
        ('{"data": {}}', "the list 'data'"),
        ('{"data": [1]}', r"data\[0\]: must be an object, found 1"),
    ):
        path.write_text(content)
        with pytest.raises(DataError, match=text):
            read_textvqa(tmp_path)
    path.write_text('{"data": []}')
    assert read_textvqa(tmp_path) == []


def check_mutants(folder, count):
    path, read = write(folder, [row(0), row(1, "e0e2e53e5df7b3d1")]), 0
    for data in mutants(path.read_bytes(), count, numpy_generator(0, "mutants", "textvqa")):
        path.write_bytes(data)
        try:
            found = read_textvqa(folder)
        except DataError as error:
            assert str(path) in str(error)
        else:
            assert all(q.text and q.answers and q.image.is_file() for q in found)
            read += 1
    assert count // 50 < read < count


def test_300_mutants_are_read_or_refused(tmp_path):
    check_mutants(tmp_path, 300)


@pytest.mark.slow
def test_10000_mutants_are_read_or_refused(tmp_path):
    check_mutants(tmp_path, 10_000)
