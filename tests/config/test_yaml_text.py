"""What is written reads back as it was."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from simlearn.config.yaml_file import read_yaml
from simlearn.config.yaml_text import dump_yaml

TRICKY = ["1e5", "1_000", "off", "null", "~", "", " a", "a: b", "# x", "${seed}", "???", "é", "- a"]
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(TRICKY)
    | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab.", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["k", "l", "m n", "1"]), PLAIN, max_size=4))
@example({"k": "1e5", "l": ["off", "9" * 5000]})
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_round_trip(tmp_path, data):
    path = tmp_path / "a.yaml"
    path.write_text(dump_yaml(data), encoding="utf-8")
    assert read_yaml(path).data == data


def test_lists_of_plain_values_stand_on_one_line_and_order_is_kept():
    assert dump_yaml({"b": [1, 5], "a": {"c": [{"d": 1}]}}) == ("b: [1, 5]\na:\n  c:\n  - d: 1\n")
    assert dump_yaml({}) == "{}\n"


def test_a_value_used_twice_is_written_twice():
    shared = {"x": 1}
    assert "&" not in dump_yaml({"a": shared, "b": shared})


def test_objects_are_refused():
    with pytest.raises(yaml.YAMLError):
        dump_yaml({"a": object()})
