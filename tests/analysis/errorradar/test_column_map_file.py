"""Maps in YAML: those that are shipped, and faults of one's own."""

from __future__ import annotations

import pytest

from simlearn.analysis.errorradar import column_map_file
from simlearn.analysis.errorradar.column_map import FIELDS
from simlearn.analysis.errorradar.column_map_file import load_column_map, shipped_maps
from simlearn.data.errors import DataError

GOOD = "columns: {question: q, steps: s, error_step: e}\n"


def fails(path, text):
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        load_column_map(path)
    return str(caught.value)


def test_shipped_maps():
    assert shipped_maps() == ["processbench", "simlearn"]
    own, bench = load_column_map("simlearn"), load_column_map("processbench")
    assert set(own.columns) == set(FIELDS) and (own.first_step, own.none_step) == (1, 0)
    assert [key for key, _ in own.paths["error_step"]] == ["error_step", "first_error_step"]
    assert [key for key, _ in own.paths["correct_answer"]] == ["correct_answer", "answer"]
    assert dict(bench.columns) == {
        "id": "id", "question": "problem", "steps": "steps", "error_step": "label"
    }  # fmt: skip
    assert (bench.first_step, bench.none_step, bench.name) == (0, -1, "processbench")
    for name in shipped_maps():
        text = (column_map_file._FOLDER / f"{name}.yaml").read_text()
        assert text.startswith("# ")
    assert "ErrorRadar's own release could not be read" in " ".join(
        (column_map_file._FOLDER / "simlearn.yaml").read_text().split()
    ).replace(" # ", " ")


def test_a_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        GOOD + "first_step: 0\nnone_step: -1\ncategories: {0: VIS, none: null, slip: CAL}\n"
        "problem_types: {geo: plane_geometry}\nconstants: {correct_answer: '5'}\n"
    )
    found = load_column_map(path)
    assert (found.name, found.first_step, found.none_step) == ("mine.yaml", 0, -1)
    assert [found.category(word) for word in ("0", "None", "slip")] == ["VIS", None, "CAL"]
    assert found.problem_type("GEO") == "plane_geometry"
    assert found.constants == {"correct_answer": "5"}
    assert load_column_map(str(path)).columns == found.columns
    path.write_text(GOOD + "none_step:\nconstants:\n")
    assert load_column_map(path).none_step is None and load_column_map(path).first_step == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD + "colums: {}", "unknown key 'colums'; did you mean 'columns'? There are columns"),
        (GOOD + "3: x", "unknown key '3'. There are columns"),
        ("columns: {quesion: q}", "columns: no field 'quesion'. Did you mean 'question'?"),
        ("columns: [question]", "columns is ['question'], must be of the form {word: word}"),
        ("columns: {question: 3}", "columns: 'question': 3 must be words"),
        (GOOD + "first_step: one", "first_step is 'one', must be a whole number"),
        (GOOD + "first_step: true", "first_step is True, must be a whole number"),
        (GOOD + "none_step: 1.5", "none_step is 1.5, must be a whole number"),
        (GOOD + "categories: {no: VIS}", "categories: False: 'VIS' must be words; put yes, no"),
        (GOOD + "categories: {x: [VIS]}", "must be words"),
        (GOOD + "categories: {x: CALC}", "categories.'x' is 'CALC', must be one of VIS"),
        (GOOD + "problem_types: {x: null}", "must be words"),
        ("- a", "must name columns, first_step"),
        ("", "must name columns, first_step"),
        ("a: [", "no YAML ("),
        ("a: !!python/object/apply:os.getcwd []", "no YAML ("),
        ("columns: 2024-99-99", "no YAML ("),
        ("[" * 5000, "no YAML"),
    ],
)
def test_faults_name_the_file(tmp_path, text, reason):
    found = fails(tmp_path / "mine.yml", text)
    assert reason in found and found.startswith(str(tmp_path / "mine.yml"))


def test_names_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match="'simlern'; did you mean 'simlearn'\\? there are process"):
        load_column_map("simlern")
    with pytest.raises(DataError, match="'zzz'; there are processbench, simlearn, or give the"):
        load_column_map("zzz")
    with pytest.raises(DataError, match="the map of columns is not there"):
        load_column_map(tmp_path / "gone.yaml")
