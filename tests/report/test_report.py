from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.report import FigureImage, Metric, Table, protocol_fingerprint
from tests.report.report_parts import SVG, make_report


def test_json_has_the_shape_of_the_design():
    found = make_report().to_json()
    fingerprint = protocol_fingerprint({"clips": 5, "split": {"test": 0.2}, "ks": [1, 5]})
    assert found == {
        "format_version": 1,
        "recipe": "quickstart",
        "seed": 3,
        "test": {
            "recall_at_1": {
                "value": 0.583,
                "n": 320,
                "interval": [0.521, 0.64],
                "higher_is_better": True,
            },
            "map_at_r": {"value": None, "n": 0, "interval": None, "higher_is_better": True},
        },
        "baselines": {
            "untrained": {
                "recall_at_1": {
                    "value": 0.2,
                    "n": 320,
                    "interval": [0.1, 0.3],
                    "higher_is_better": True,
                }
            },
            "pixels_frame": {
                "recall_at_1": {
                    "value": 0.11,
                    "n": 320,
                    "interval": None,
                    "higher_is_better": True,
                }
            },
            "pixels_mean": {
                "recall_at_1": {
                    "value": 0.234,
                    "n": 320,
                    "interval": None,
                    "higher_is_better": True,
                }
            },
        },
        "train": {"steps": 1000, "empty_batches": 4},
        "seconds": {"train": 134.0},
        "protocol": {
            "clips": 5,
            "split": {"test": 0.2},
            "ks": [1, 5],
            "fingerprint": fingerprint,
        },
    }


def test_nan_and_inf_become_null_everywhere():
    bad = Metric(math.nan, 0, (-math.inf, math.inf), False)
    report = make_report(
        metrics={"m": bad},
        baselines={"b": {"m": bad}},
        train={"x": math.inf},
        seconds={"t": math.nan},
        protocol={"p": [math.nan]},
    )
    text = json.dumps(report.to_json(), allow_nan=False)
    found = json.loads(text)
    none = {"value": None, "n": 0, "interval": [None, None], "higher_is_better": False}
    assert found["test"]["m"] == found["baselines"]["b"]["m"] == none
    assert (found["train"]["x"], found["seconds"]["t"]) == (None, None)
    assert found["protocol"]["p"] == [None]


def test_further_entries_stand_beside_the_others():
    details = {"accuracy_matrix": [[1.0, None], (0.5, math.nan)], "memory_bytes": 12}
    found = make_report(details=details).to_json()
    assert found["accuracy_matrix"] == [[1.0, None], [0.5, None]]
    assert found["memory_bytes"] == 12
    assert found.keys() - make_report().to_json().keys() == set(details)
    with pytest.raises(TypeError, match=r"details\.thing"):
        make_report(details={"thing": object()}).to_json()


def test_the_report_path_is_in_the_run_folder():
    assert make_report("out").report_path == Path("out") / "report.html"


def test_the_fingerprint_sees_values_and_not_their_order():
    base = {"a": 1, "b": {"c": (1, 2), "d": "x"}}
    fingerprint = protocol_fingerprint(base)
    assert len(fingerprint) == 16
    assert int(fingerprint, 16) >= 0
    assert protocol_fingerprint({"b": {"d": "x", "c": [1, 2]}, "a": 1}) == fingerprint
    assert protocol_fingerprint({**base, "fingerprint": fingerprint}) == fingerprint
    assert protocol_fingerprint({**base, "a": 2}) != fingerprint
    assert protocol_fingerprint({**base, "b": {"c": (2, 1), "d": "x"}}) != fingerprint


@given(
    st.dictionaries(st.text(), st.integers() | st.text() | st.floats(), max_size=6), st.randoms()
)
def test_the_fingerprint_of_what_was_written_is_the_one_written(protocol, random):
    keys = list(protocol)
    random.shuffle(keys)
    written = make_report(protocol=protocol).to_json()["protocol"]
    assert protocol_fingerprint(written) == written["fingerprint"]
    assert protocol_fingerprint({key: protocol[key] for key in keys}) == written["fingerprint"]


def test_a_protocol_value_without_json_form_is_named():
    with pytest.raises(TypeError, match=r"protocol\.crop"):
        protocol_fingerprint({"crop": object()})


@pytest.mark.parametrize(
    "name", ["", "../up", "a/b", "a.b", ".hidden", "x" * 81, "ü", "a b", "a\n"]
)
def test_a_figure_name_must_be_a_plain_file_name(name):
    with pytest.raises(ValueError, match="becomes a file name"):
        FigureImage(name, "t", "a", svg=SVG)


def test_a_figure_needs_a_picture():
    with pytest.raises(ValueError, match="'cmc' has no picture"):
        FigureImage("cmc", "t", "a")
    with pytest.raises(ValueError, match="does not begin like a PNG"):
        FigureImage("cmc", "t", "a", png=b"GIF89a")


def test_two_figures_of_one_name_are_refused_whatever_the_case():
    pair = tuple(FigureImage(name, "t", "a", svg=SVG) for name in ("cmc", "CMC"))
    with pytest.raises(ValueError, match="two figures are named 'cmc'"):
        make_report(figures=pair)


def test_a_table_row_must_fill_the_columns():
    with pytest.raises(ValueError, match=r"table 'T', row 1: 1 cells for 2 columns"):
        Table("T", ("a", "b"), ((1, 2), (3,)))
    assert Table("T", (), ()).rows == ()
