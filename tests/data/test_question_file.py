"""Question sets in JSON Lines: maps of columns, kinds of answers, media and faults."""

from __future__ import annotations

import json
from typing import get_args

import numpy as np
import pytest
import soundfile
from PIL import Image

from simlearn.data.errors import DataError
from simlearn.data.media import load_audio, load_image
from simlearn.data.question_file import Metric, read_question_file
from simlearn.data.randomness import numpy_generator
from tests.data.ytf_tree import mutants


def write(folder, *rows, name="set.jsonl"):
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def media(folder):
    (folder / "media").mkdir()
    Image.new("RGB", (3, 2), "blue").save(folder / "media" / "a.png")
    soundfile.write(folder / "media" / "b.wav", np.zeros(50), 8000)


def fails(path, **arguments):
    with pytest.raises(DataError) as caught:
        read_question_file(path, **arguments)
    return str(caught.value)


def test_our_own_names_need_no_map(tmp_path):
    media(tmp_path)
    row = {"id": 7, "text": "what?", "answers": ["a", "b"], "kind": "k", "more": {"x": 1}}
    path = write(
        tmp_path, {**row, "image": "media/a.png", "audio": "media/b.wav"}, {"text": "and now?"}
    )
    first, second = read_question_file(path)
    assert (first.id, first.text, first.answers, first.kind) == ("7", "what?", ("a", "b"), "k")
    assert (first.dataset, first.metric) == ("set", "exact")
    assert load_image(first).size == (3, 2) and load_audio(first, 8000).shape == (50,)
    assert (second.id, second.answers, second.kind) == ("2", (), "")
    assert second.image is None and second.audio is None


def test_a_map_and_dotted_keys(tmp_path):
    media(tmp_path)
    row = {
        "q": {"body": "who?", "no.": 3},
        "label": "me",
        "pic": "a.png",
        "a.b": "dotted",
        "text": "x",
    }
    columns = {"text": "q.body", "answers": "label", "image": "pic", "kind": "a.b", "id": "q.no."}
    path = write(tmp_path, row)
    assert "line 1: no 'q.no.', which is to be the id" in fails(
        path, columns=columns, root=tmp_path / "media"
    )
    columns["id"] = "label"
    (found,) = read_question_file(
        str(path), columns, str(tmp_path / "media"), dataset="mine", metric="label"
    )
    assert (found.id, found.text, found.answers, found.kind) == ("me", "who?", ("me",), "dotted")
    assert (found.dataset, found.metric) == ("mine", "label")
    assert found.image == tmp_path / "media" / "a.png"


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ("red", ("red",)),
        (3, ("3",)),
        (["b", "a", "a"], ("a", "b")),
        ([], ()),
        (None, ()),
        ([2, "two"], ("2", "two")),
        (
            [
                {"answer": "net", "answer_confidence": "maybe", "answer_id": 1},
                {"answer": "nets", "answer_confidence": "yes", "answer_id": 2},
                {"answer": "netting", "answer_confidence": "yes", "answer_id": 3},
                {"answer": "netting", "answer_confidence": "yes", "answer_id": 4},
                {"answer": "mesh", "answer_confidence": "no", "answer_id": 5},
            ],
            ("netting", "nets"),
        ),
        ([{"answer": "x", "answer_confidence": "no"}], ()),
    ],
)
def test_kinds_of_answers(tmp_path, answers, wanted):
    path = write(tmp_path, {"text": "what?", "answers": answers})
    assert read_question_file(path)[0].answers == wanted


def test_prompts(tmp_path):
    path = write(tmp_path, {"text": "is {this} {text}?", "answers": "yes"})
    prompt = "Question: {text}\nAnswer {briefly}."
    found = read_question_file(path, prompt=prompt)
    assert found[0].text == "Question: is {this} {text}?\nAnswer {briefly}."
    bare = write(tmp_path, {"answers": "Cough"}, name="bare.jsonl")
    assert read_question_file(bare, prompt="Which sound?")[0].text == "Which sound?"
    assert "line 1: no 'text'" in fails(bare)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"texts": "a"}, "line 2: no 'text', which is to be the text; did you mean 'texts'?"),
        ({}, "There are none. Set columns.text"),
        ({"text": None}, "line 2: 'text' (text) must be a text, found None"),
        ({"text": " "}, "line 2: 'text' (text) must be a text, found ' '"),
        ({"text": True}, "line 2: 'text' (text) must be a text, found True"),
        ({"text": "a", "id": [1]}, "line 2: 'id' (id) must be a text, found [1]"),
        ({"text": "a", "id": "1"}, "lines 1 and 2 both have the id '1'"),
        ({"text": "a", "answers": [["b"]]}, "line 2: 'answers' (answers) must be a text or a list"),
        ({"text": "a", "answers": {"x": 1}}, "line 2: 'answers' (answers) must be a text or"),
        ({"text": "a", "image": 3}, "line 2: 'image' (image) must be the path of a file, found 3"),
        ({"text": "a", "image": ""}, "line 2: 'image' (image) must be the path of a file"),
        ({"text": "a", "image": "a\0b"}, "line 2: 'image' (image) must be the path of a file"),
        ({"text": "a", "image": "/etc/passwd"}, "line 2: 'image' (image) must be a path below"),
        ({"text": "a", "audio": "b/../../c.wav"}, "line 2: 'audio' (audio) must be a path below"),
        ({"text": "a", "image": "C:\\x.png"}, "line 2: 'image' (image) must be a path below"),
        ({"text": "a", "image": "gone.png"}, "gone.png is not there"),
        ({"text": "a", "image": "x" * 5000}, " is not there"),
        ([1], "line 2: must be a JSON object, found [1]"),
        (3, "line 2: must be a JSON object, found 3"),
    ],
)
def test_faults_name_file_line_and_field(tmp_path, row, text):
    path = write(tmp_path, {"text": "first"}, row)
    found = fails(path)
    assert text in found and found.startswith(str(path))


def test_lines_that_are_no_json(tmp_path):
    path = tmp_path / "set.jsonl"
    for line in ("{'text': 'a'}", "[" * 100_000, '{"text": ' + "9" * 5000 + "}", '{"text": "a"'):
        path.write_text('\n{"text": "a"}\n' + line)
        assert "line 3: no JSON" in fails(path)
    assert "the question file is not there" in fails(tmp_path / "gone.jsonl")
    path.write_text("\n\n")
    assert read_question_file(path) == []


def test_a_mapped_field_must_be_there_and_may_be_null(tmp_path):
    path = write(tmp_path, {"text": "a", "pic": None}, {"text": "b"})
    assert "line 2: no 'pic', which is to be the image" in fails(path, columns={"image": "pic"})
    path = write(tmp_path, {"text": "a", "pic": None, "kind": None, "id": None})
    (found,) = read_question_file(path, {"image": "pic"})
    assert found.image is None and found.kind == "" and found.id == "1"


def test_unknown_fields_of_the_map(tmp_path):
    with pytest.raises(ValueError, match=r"no field 'answer'. Did you mean 'answers'\? There are"):
        read_question_file(tmp_path / "x.jsonl", {"answer": "a"})


def test_metrics_have_names():
    assert "substring" in get_args(Metric) and len(set(get_args(Metric))) == 7


def check_mutants(folder, count):
    media(folder)
    row = {"text": "what is it?", "answers": ["a", "bb"], "image": "media/a.png", "kind": "x"}
    whole = write(folder, row, {**row, "id": "k", "answers": "c"}).read_bytes()
    path, read = folder / "mutant.jsonl", 0
    for data in mutants(whole, count, numpy_generator(0, "mutants", "jsonl")):
        path.write_bytes(data)
        try:
            found = read_question_file(path)
        except DataError as error:
            assert str(path) in str(error)
        else:
            assert all(q.text.strip() for q in found)
            assert all(q.image is None or q.image.is_file() for q in found)
            read += 1
    assert count // 50 < read < count


def test_300_mutants_are_read_or_refused(tmp_path):
    check_mutants(tmp_path, 300)


@pytest.mark.slow
def test_10000_mutants_are_read_or_refused(tmp_path):
    check_mutants(tmp_path, 10_000)
