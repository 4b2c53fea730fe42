"""Plain YAML with lines: what is read, what is refused, and the line that is named."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simlearn.config.errors import ConfigError
from simlearn.config.yaml_file import MAX_BYTES, plain_scalar, read_yaml


@pytest.fixture
def read(tmp_path):
    def call(text):
        path = tmp_path / "a.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_yaml(path)

    return call


def test_data_and_lines(read):
    file = read(
        "# comment\na: 1\nb:\n  c: [x, 2]\n  d: {e: null}\nf: 'off'\ng: |\n  two\n  lines\n"
    )
    assert file.data == {
        "a": 1,
        "b": {"c": ["x", 2], "d": {"e": None}},
        "f": "off",
        "g": "two\nlines\n",
    }
    assert file.lines[("b", "c")] == 4
    assert file.lines[("b", "c", 1)] == 4
    assert file.at("b", "d", "e").endswith("a.yaml:5")
    assert file.at("b", "nothing").endswith("a.yaml:3")
    assert file.at("nothing") == file.name


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("yes", "yes"),
        ("true", True),
        ("~", None),
        ("", None),
        ("1e-3", 1e-3),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("1_000", 1000),
        ("010", 10),
        ("0x10", "0x10"),
        ("1:30", "1:30"),
        ("2026-01-02", "2026-01-02"),
        ("1__0", "1__0"),
        (".inf", math.inf),
        ("???", "???"),
        ("${seed}", "${seed}"),
    ],
)
def test_words(text, value):
    assert plain_scalar(text) == value
    assert type(plain_scalar(text)) is type(value)


def test_an_empty_file_is_an_empty_mapping(read):
    assert read("").data == read("# only a comment\n").data == {}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: !!python/object/apply:os.system [x]\n", 2, "tag"),
        ("a: 1\nb: !own 3\n", 2, "tag"),
        ("a: &x 1\n", 1, "anchors"),
        ("a: 1\nb: *x\n", 2, "anchors"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands here a second time"),
        ("a: 1\n---\nb: 2\n", 2, "second YAML document"),
        ("? [x]\n: 1\n", 1, "a key must be a word"),
        ("a: [\nb\n", 3, "not valid YAML"),
        ("a: 1\n b: 2\n", 2, "not valid YAML"),
        ("a: " + "9" * 5000, 1, "too many digits"),
        ("a: " + "[" * 60 + "]" * 60, 1, "deeper"),
        (b"a: 1\nb: \xff\n", 2, "UTF-8"),
    ],
)
def test_what_is_refused_names_file_and_line(read, text, line, words):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert f"a.yaml:{line}:" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n", "no mapping"),
        ("just words", "no mapping"),
        ("[" * 100_000, "nest"),
        ("\0", "YAML"),
    ],
)
def test_what_is_refused_as_a_whole(read, text, words):
    with pytest.raises(ConfigError, match=words):
        read(text)


def test_files_that_cannot_be_read(tmp_path, read):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path / "missing.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path)
    with pytest.raises(ConfigError, match="bytes"):
        read("a: " + "x" * MAX_BYTES)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text("ab1 -:#", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["k", "l", "m"]), PLAIN, max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_agrees_with_pyyaml_on_plain_data(tmp_path, data):
    text = yaml.safe_dump(data, default_style=None, sort_keys=False)
    (tmp_path / "p.yaml").write_text(text)
    assert read_yaml(tmp_path / "p.yaml").data == yaml.safe_load(text) == data
