"""Files of human ratings: kinds, spellings and faults."""

from __future__ import annotations

import json

import pytest

from simlearn.analysis.errorradar.rating_file import FIELDS, Rating, read_ratings
from simlearn.analysis.errorradar.taxonomy import CATEGORIES, NAMES
from simlearn.data.errors import DataError
from simlearn.data.randomness import numpy_generator
from tests.data.ytf_tree import mutants

TABLE = "id,rater,step,category\np1,ann,3,CAL\np1,bob,2,reasoning error\n"


def write(folder, text, name="r.csv"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def fails(folder, text, name="r.csv"):
    path = write(folder, text, name)
    with pytest.raises(DataError) as caught:
        read_ratings(path)
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


def line(**fields):
    return json.dumps({"id": "p1", "rater": "ann", "step": 1, "category": "CAL", **fields})


def test_a_table(tmp_path):
    found = read_ratings(write(tmp_path, TABLE))
    assert found == [Rating("p1", "ann", 3, "CAL"), Rating("p1", "bob", 2, "REAS")]
    assert found[1].where == f"{tmp_path / 'r.csv'}, line 3"


def test_every_kind_of_file_says_the_same(tmp_path):
    wanted = read_ratings(write(tmp_path, TABLE))
    rows = [{"id": r.id, "rater": r.rater, "step": r.step, "category": r.category} for r in wanted]
    text = "\n\n".join(map(json.dumps, rows))
    assert read_ratings(write(tmp_path, text, "r.jsonl")) == wanted
    assert read_ratings(write(tmp_path, TABLE.replace(",", "\t"), "r.TSV")) == wanted
    crlf = b"\xef\xbb\xbf" + TABLE.replace("\n", "\r\n").encode()
    assert read_ratings(write(tmp_path, crlf)) == wanted
    other = 'Rater , note,CATEGORY,Step,id\nann,"a\nb",cal,3.0,p1\n,,,,\nbob,,REAS,2,p1\n'
    found = read_ratings(write(tmp_path, other))
    assert found == wanted and [r.where[-6:] for r in found] == ["line 2", "line 5"]


def test_codes_and_names_in_any_case(tmp_path):
    words = [w for c in CATEGORIES for w in (c, c.lower(), NAMES[c], NAMES[c].title())]
    text = "id,rater,step,category\n" + "".join(f"p{i},a,1,{w}\n" for i, w in enumerate(words))
    found = [r.category for r in read_ratings(write(tmp_path, text))]
    assert found == [c for c in CATEGORIES for _ in range(4)]


def test_what_is_not_answered(tmp_path):
    text = "id,rater,step,category\np1,a,,CAL\np2,a,0, \n"
    assert [(r.step, r.category) for r in read_ratings(write(tmp_path, text))] == [
        (None, "CAL"),
        (0, None),
    ]
    rows = '{"id": 7, "rater": "a", "step": 2}\n{"id": 8, "rater": 9, "category": "MIS"}'
    assert read_ratings(write(tmp_path, rows, "r.jsonl")) == [
        Rating("7", "a", 2, None),
        Rating("8", "9", None, "MIS"),
    ]


def test_faults_of_tables(tmp_path):
    head = "id,rater,step,category\n"
    assert "line 3: rater 'ann' has rated the id 'p1' already" in fails(
        tmp_path, head + "p1,ann,1,CAL\np1, ann ,2,\n"
    )
    assert "line 2: category must be one of VIS, CAL, REAS, KNOW, MIS or its full name" in fails(
        tmp_path, head + "p1,a,1,7\n"
    )
    assert "found 'calculaton' (did you mean CAL?)" in fails(tmp_path, head + "p,a,1,calculaton\n")
    for step in ("x", "-1", "2.5", "1e3", "9" * 40, "nan", "٣"):
        assert "line 2: step must be a whole number" in fails(tmp_path, head + f"p,a,{step},\n")
    assert "line 2: neither step nor category" in fails(tmp_path, head + "p,a,,\n")
    assert "line 2: id is empty" in fails(tmp_path, head + " ,a,1,\n")
    assert "line 2: rater is empty" in fails(tmp_path, head + "p,,1,\n")
    assert "line 2: 3 field(s) below 4 columns" in fails(tmp_path, head + "p,a,1\n")
    assert "line 1: no column 'category'; did you mean 'categroy'?" in fails(
        tmp_path, "id,rater,step,categroy\n"
    )
    assert "line 1: two columns 'id'" in fails(tmp_path, "id,id,rater,step,category\n")
    assert "no CSV" in fails(tmp_path, head + 'p,"a"b,1,CAL\n')
    assert "holds no ratings" in fails(tmp_path, head)
    assert "holds no ratings" in fails(tmp_path, "")
    assert "is not UTF-8 text" in fails(tmp_path, b"\xff\xfe\x00")
    assert "\x1b" not in fails(tmp_path, head + "p,a,1,\x1b[2J\n")


def test_faults_of_lines(tmp_path):
    def text(content):
        return fails(tmp_path, content, "r.jsonl")

    assert "line 2: no JSON" in text(line() + "\n{")
    assert "line 1: must be a JSON object, found [1]" in text("[1]")
    assert "line 1: no 'rater'; did you mean 'rate'?" in text('{"id": 1, "rate": "a", "step": 1}')
    assert "step must be a text or a number, found True" in text(line(step=True))
    assert "step must be a text or a number, found [1]" in text(line(step=[1]))
    assert "step is a number of more than 18 digits" in text(line(step=10**30))
    assert "step must be a whole number" in text(line(step=float("inf")))
    assert "id must be a text or a number" in text(line(id={}))
    assert "no JSON" in text("[" * 100_000)


def test_other_files(tmp_path):
    assert "ends in .csv, .tsv or .jsonl; rename" in fails(tmp_path, TABLE, "r.xlsx")
    with pytest.raises(DataError, match="the file of ratings is not there"):
        read_ratings(tmp_path / "gone.csv")


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl"])
def test_300_mutants_are_read_or_refused(tmp_path, name):
    content = {"r.csv": TABLE, "r.jsonl": line() + "\n" + line(id="p2", category=None) + "\n"}
    path, read = tmp_path / name, 0
    for data in mutants(content[name].encode(), 300, numpy_generator(0, "mutants", name)):
        path.write_bytes(data)
        try:
            found = read_ratings(path)
        except DataError as error:
            assert str(path) in str(error)
            continue
        read += 1
        assert all(r.id and r.rater and r.category in (None, *CATEGORIES) for r in found)
        assert all(r.step is None or r.step >= 0 for r in found)
    assert 5 < read < 300 and len(FIELDS) == 4
