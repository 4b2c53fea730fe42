"""MMLU's CSV files and its few-shot prompt, written out by hand."""

from __future__ import annotations

import csv

import pytest

from simlearn.data.errors import DataError
from simlearn.data.mmlu import read_mmlu
from simlearn.data.randomness import numpy_generator
from tests.data.ytf_tree import mutants

DEV = (
    b'"As of 2015, since 1990 forests have ____ in Europe.",'
    b'"increased, so","fallen, so",1.0,None,B\n'
    b"What is 1 << 3?,1,3,8,16,C\n"
)
TEST = (
    "How many of the children in Málaga?,80%,60%,40%,20%,A\n"
    '"Code:\n  x = ""a"" + ""ab""\n",Error,aab,ab,a ab,B\n'
).encode()
INTRO = "The following are multiple choice questions (with answers) about  global facts.\n\n"
SOLVED = (
    "As of 2015, since 1990 forests have ____ in Europe.\n"
    "A. increased, so\nB. fallen, so\nC. 1.0\nD. None\nAnswer: B\n\n"
)
ASKED = "How many of the children in Málaga?\nA. 80%\nB. 60%\nC. 40%\nD. 20%\nAnswer:"


def write(folder, dev=DEV, test=TEST, subject="global_facts"):
    for split, data in (("dev", dev), ("test", test)):
        (folder / split).mkdir(parents=True, exist_ok=True)
        (folder / split / f"{subject}_{split}.csv").write_bytes(data)
    return folder


def test_the_official_prompt(tmp_path):
    found = read_mmlu(write(tmp_path), shots=1)
    assert found[0].text == INTRO + SOLVED + ASKED
    assert found[1].text.endswith(
        'Answer: B\n\nCode:\n  x = "a" + "ab"\n\nA. Error\nB. aab\nC. ab\nD. a ab\nAnswer:'
    )
    assert [q.answers for q in found] == [("A",), ("B",)]
    assert [q.id for q in found] == ["global_facts/0", "global_facts/1"]
    assert {(q.dataset, q.kind, q.metric) for q in found} == {("mmlu", "global_facts", "letter")}


def test_shots(tmp_path):
    write(tmp_path)
    assert read_mmlu(tmp_path, 0)[0].text == INTRO + ASKED
    two = read_mmlu(tmp_path, 2)[0].text
    assert two == INTRO + SOLVED + "What is 1 << 3?\nA. 1\nB. 3\nC. 8\nD. 16\nAnswer: C\n\n" + ASKED
    with pytest.raises(DataError, match=r"global_facts_dev.csv: has 2 row\(s\), 5 shots need"):
        read_mmlu(tmp_path)
    with pytest.raises(ValueError, match="shots is -1, must not be negative"):
        read_mmlu(tmp_path, -1)
    (tmp_path / "dev" / "global_facts_dev.csv").unlink()
    assert len(read_mmlu(tmp_path, 0)) == 2
    with pytest.raises(DataError, match="global_facts_dev.csv: the file of MMLU is not there"):
        read_mmlu(tmp_path, 1)


def test_the_official_archive_holds_a_folder_data(tmp_path):
    write(tmp_path / "data", subject="virology")
    write(tmp_path / "data", subject="anatomy")
    found = read_mmlu(str(tmp_path), 1)
    assert [q.kind for q in found] == ["anatomy", "anatomy", "virology", "virology"]
    assert [q.text for q in found] == [q.text for q in read_mmlu(tmp_path / "data", 1)]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"q,a,b,c,A\n", "line 1: must be question, four choices and one of A B C D, found 5"),
        (b"q,a,b,c,d,A\nq,a,b,c,d,E\n", "line 2: must be question, four .*, the last 'E'"),
        (b'q,a,b,c,d,A\n"q,a,b,c,d,A\n', "line 2: no CSV"),
        (b"q,a,b,\xff,d,A\n", "line 1: byte 0xff is not UTF-8"),
    ],
)
def test_faults_name_file_and_line(tmp_path, data, text):
    with pytest.raises(DataError, match=rf"global_facts_test.csv, {text}"):
        read_mmlu(write(tmp_path, test=data), 1)


def test_no_subject(tmp_path):
    with pytest.raises(DataError, match=r"test: no file \*_test.csv; give the folder of MMLU"):
        read_mmlu(tmp_path)


def test_fields_as_the_csv_module_writes_them(tmp_path):
    rows = [['a "b", c', "\n", "", " x ", "é", "D"], ["q", "1", "2", "3", "4", "A"]]
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    write(tmp_path, test=(tmp_path / "t.csv").read_bytes())
    found = read_mmlu(tmp_path, 0)
    assert found[0].text == INTRO + 'a "b", c\nA. \n\nB. \nC.  x \nD. é\nAnswer:'
    assert found[1].answers == ("A",)


def check_mutants(folder, count):
    path, read = write(folder) / "test" / "global_facts_test.csv", 0
    for data in mutants(TEST, count, numpy_generator(0, "mutants", "mmlu")):
        path.write_bytes(data)
        try:
            found = read_mmlu(folder, 0)
        except DataError as error:
            assert "global_facts_test.csv" in str(error)
        else:
            assert all(q.answers[0] in "ABCD" and q.text.endswith("\nAnswer:") for q in found)
            read += 1
    assert count // 50 < read < count


def test_300_mutants_are_read_or_refused(tmp_path):
    check_mutants(tmp_path, 300)


@pytest.mark.slow
def test_10000_mutants_are_read_or_refused(tmp_path):
    check_mutants(tmp_path, 10_000)
