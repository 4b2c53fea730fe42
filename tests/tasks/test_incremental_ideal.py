"""Where the accuracy comes from that omegas are divided by."""

from __future__ import annotations

import json

import pytest

from simlearn.data.errors import DataError
from simlearn.tasks.incremental_ideal import (
    Ideal,
    accuracy_rows,
    ideal_of_results,
    no_ceiling,
    read_ideal,
)
from tests.tasks.incremental_case import results

PROTOCOL = {
    "classes_of_experiences": [2, 1, 1],
    "class_order": ("ant", "bee", "cat", "dog"),
    "data_fingerprint": "f00d",
    "measured_on": "test",
    "mean": 0.5,
}
MATRIX = [[0.9, None, None], [0.8, 0.7, None], [0.6, 0.5, 0.4]]


@pytest.fixture
def joint(tmp_path):
    """Writes the result of a joint run into a folder; words of its protocol may be others."""

    def write(matrix=MATRIX, source="joint training", **changes):
        found = {
            "protocol": {**PROTOCOL, **changes},
            "ceiling": {"matrix": matrix, "source": source},
        }
        (tmp_path / "metrics.json").write_text(json.dumps(found))
        return str(tmp_path)

    return write


def test_rows_are_filled_up_with_nothing():
    rows = [{"ncm": [0.9]}, {"ncm": [0.5, 0.75]}]
    assert accuracy_rows(rows) == [[0.9, None], [0.5, 0.75]]
    assert accuracy_rows([]) == []
    found = results()
    ideal = ideal_of_results(found)
    assert ideal.source == "joint training of the same network and loss"
    for t, row in enumerate(ideal.matrix):
        assert row == found[t]["ncm"] + [None] * (2 - t)


def test_none_and_numbers():
    assert read_ideal(None, PROTOCOL) is None
    ideal = read_ideal(0.75, PROTOCOL)
    assert ideal.matrix == [[0.75] * 3] * 3
    assert ideal.source == "the number 0.75"
    assert read_ideal(1, PROTOCOL).matrix[2][0] == 1.0


def test_the_ceiling_of_another_run(joint):
    assert read_ideal(joint(), PROTOCOL) == Ideal(MATRIX, "joint training, in another run")
    assert read_ideal(joint(mean=0.25), PROTOCOL).matrix == MATRIX  # not what accuracies hang on


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"class_order": ["bee", "ant", "cat", "dog"]},
            r"another class order \(\['bee'.*there, \('ant'",
        ),
        (
            {"classes_of_experiences": [2, 2]},
            r"another classes of experiences \(\[2, 2\] there, \[2, 1, 1\] here",
        ),
        ({"data_fingerprint": "beef"}, r"another data fingerprint \(beef there, f00d here"),
        ({"measured_on": "val"}, r"another measured on \(val there, test here"),
    ],
)
def test_another_run_of_other_data_or_experiences(joint, changes, words):
    folder = joint(**changes)
    with pytest.raises(DataError, match=words) as error:
        read_ideal(folder, PROTOCOL)
    assert f"evaluation.ideal={folder}" in str(error.value)
    assert "data.order_seed" in str(error.value) and "evaluation.ideal=joint" in str(error.value)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (None, "FileNotFoundError"),
        ("{", "JSONDecodeError"),
        ("[]", "TypeError"),
        ('{"protocol": {}}', "KeyError"),
        ('{"protocol": {}, "ceiling": {"matrix": [["x"]], "source": "s"}}', "ValueError"),
        ('{"protocol": {}, "ceiling": {"matrix": 3, "source": "s"}}', "TypeError"),
        ('{"protocol": {}, "ceiling": {"matrix": [], "source": "s"}}', "KeyError"),
    ],
)
def test_a_folder_without_the_result_of_a_joint_run(tmp_path, content, kind):
    if content is not None:
        (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(DataError, match="not the result of a finished run") as error:
        read_ideal(str(tmp_path), PROTOCOL)
    text = str(error.value)
    assert str(tmp_path / "metrics.json") in text and f"({kind})" in text
    assert "strategy=joint" in text and "or a number" in text


def test_a_ceiling_of_zero_divides_nothing():
    sizes = [10, 5, 5]
    assert not no_ceiling(Ideal(MATRIX, ""), sizes)
    zero_base_at_the_end = [[0.9, None, None], [0.8, 0.7, None], [0.0, 0.5, 0.4]]
    assert no_ceiling(Ideal(zero_base_at_the_end, ""), sizes)
    nothing_seen = [[0.9, None, None], [0.0, 0.0, None], [0.6, 0.5, 0.4]]
    assert no_ceiling(Ideal(nothing_seen, ""), sizes)
    zero_in_between = [[0.9, None, None], [0.0, 0.7, None], [0.6, 0.5, 0.4]]
    assert not no_ceiling(Ideal(zero_in_between, ""), sizes)
