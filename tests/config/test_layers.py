"""Layers of values with their origins."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simlearn.config.layers import Layers, origin_of
from simlearn.config.yaml_file import read_yaml

TREES = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.integers(0, 3),
        lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


def merged(base, update):
    """The slow truth: groups are completed key by key, what stands below is replaced whole."""
    result = dict(base)
    for key, value in update.items():
        old = result.get(key)
        both = isinstance(value, dict) and isinstance(old, dict)
        result[key] = {**old, **value} if both else value
    return result


@given(TREES, TREES)
def test_a_layer_completes_groups(first, second):
    layers = Layers()
    for tree in (first, second):
        for key, value in tree.items():
            assert layers.assign((key,), value, "x") is None
    assert layers.data == merged(first, second)


@given(TREES, TREES)
def test_every_leaf_has_the_origin_of_the_last_who_set_it(first, second):
    layers = Layers()
    for name, tree in (("one", first), ("two", second)):
        for key, value in tree.items():
            layers.assign((key,), value, name)

    def check(path, node, tree):
        for key, value in node.items():
            below = tree.get(key) if isinstance(tree, dict) else None
            if isinstance(value, dict):
                check((*path, key), value, below)
            else:
                there = isinstance(tree, dict) and key in tree
                assert layers.origins[(*path, key)] == ("two" if there else "one")

    check((), layers.data, second)


def test_files_and_groups(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("loss:\n  margin: 1\n  deep: {x: 2}\nseed: 3\n")
    file, layers = read_yaml(path), Layers()
    layers.lay_file(file, file.data["loss"], "loss", into="loss")
    layers.lay_file(file, {"seed": 3}, into="")
    assert layers.data == {"loss": {"margin": 1, "deep": {"x": 2}}, "seed": 3}
    assert layers.origins[("loss", "margin")].endswith("r.yaml:2")
    assert layers.origins[("loss", "deep", "x")].endswith("r.yaml:3")
    assert layers.origins[("seed",)].endswith("r.yaml:4")


def test_keys_below_plain_values():
    layers = Layers()
    layers.assign(("seed",), 1, "x")
    fault = layers.assign(("seed", "a", "b"), 2, "override 'seed.a.b=2'")
    assert fault == "override 'seed.a.b=2': 'seed' is a plain value and has no key 'a'"
    assert layers.data == {"seed": 1}
    layers.assign(("group",), None, "x")
    assert layers.assign(("group", "key"), 2, "y") is None
    assert layers.data["group"] == {"key": 2}


def test_origin_of():
    origins = {("a",): "one", ("b", "c"): "two"}
    assert origin_of(origins, ("a",)) == "one"
    assert origin_of(origins, ("a", "x")) == "one"
    assert origin_of(origins, ("b",)) == "two"
    assert origin_of(origins, ("z",)) == "the configuration"
