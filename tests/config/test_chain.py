"""Files that inherit from files."""

from __future__ import annotations

import pytest

from simlearn.config.chain import read_chain


@pytest.fixture
def chain(tmp_path):
    def call(overrides=True, **texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        files = {path.stem: path for path in tmp_path.glob("*.yaml")}
        return read_chain(files["a"], files, overrides=overrides)

    return call


def names(chain):
    return [file.path.stem for file in chain.files]


def test_weakest_first_and_self_where_it_stands(chain):
    assert names(chain(a="defaults: [b, c]", b="", c="defaults: [d]", d="")) == ["b", "d", "c", "a"]
    assert names(chain(a="defaults: [_self_, b]", b="")) == ["a", "b"]
    assert names(chain(a="x: 1")) == ["a"]


def test_a_file_counts_once(chain):
    found = chain(a="defaults: [b, c, _self_, _self_]", b="defaults: [d]", c="defaults: [d]", d="")
    assert names(found) == ["d", "b", "c", "a"]
    assert found.faults == []


def test_the_inheriting_file_chooses_last(chain):
    found = chain(
        a="defaults: [{override /loss: x}, b]",
        b="defaults: [{override /loss: y}, {override /data: z}, {override /miner: null}]",
    )
    options = {group: choice.option for group, choice in found.choices.items()}
    assert options == {"loss": "x", "data": "z", "miner": None}
    assert found.choices["loss"].origin.endswith("a.yaml:1")
    assert [sorted(own) for own in found.own] == [["data", "loss", "miner"], ["loss"]]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x: 1\ndefaults: b", "a.yaml:2: 'defaults' must be a list"),
        ("defaults:\n- _self_\n- bb\n", "a.yaml:3: there is no 'bb' to inherit from. Did you mean"),
        ("defaults: [a]", "'a' inherits from itself"),
        ("defaults: [{loss: x}]", "'loss' does not belong here"),
        ("defaults: [{override /loss: 3}]", "'override /loss' does not belong here"),
        ("defaults: [{override /loss: [x]}]", "does not belong here"),
        ("defaults: [3]", "'3' does not belong here"),
        ("defaults: [[b]]", "does not belong here"),
        ("defaults: [!!str b]", "tag"),
    ],
)
def test_faults_name_file_and_line(chain, text, fault):
    found = chain(a=text, b="")
    assert len(found.faults) == 1
    assert fault in found.faults[0]


def test_long_circles_end(chain):
    found = chain(a="defaults: [b]", b="defaults: [c]", c="defaults: [a]")
    assert names(found) == ["c", "b", "a"]
    assert len(found.faults) == 1


def test_options_inherit_by_name_only(chain):
    found = chain(False, a="defaults: [b, {override /loss: x}]", b="")
    assert names(found) == ["b", "a"]
    assert "an option inherits by name only" in found.faults[0]
