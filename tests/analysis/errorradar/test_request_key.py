"""Keys: another one where anything differs, the same otherwise."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.request_key import image_digest, request_key
from simlearn.data.errors import DataError

ANY = st.text(st.characters(), max_size=20)  # surrogates too
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | ANY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY, inner, max_size=3),
    max_leaves=5,
)
PARTS = st.fixed_dictionaries(
    {
        "identity": st.dictionaries(ANY, PLAIN, max_size=3),
        "variant": ANY,
        "system": ANY,
        "text": ANY,
        "image_digest": ANY,
    }
)


def key(parts):
    rest = {name: value for name, value in parts.items() if name != "identity"}
    return request_key(parts["identity"], **rest)


@given(PARTS, PARTS)
def test_equal_where_and_only_where_all_parts_are(first, second):
    # repr tells True from 1 and "a" from b; the order of a mapping does not count
    same = canonical(first) == canonical(second)
    assert (key(first) == key(second)) == same


def canonical(value):
    if isinstance(value, dict):
        return sorted((repr(k), canonical(v)) for k, v in value.items())
    return [canonical(v) for v in value] if isinstance(value, list) else repr(value)


@given(PARTS, st.sampled_from(["identity", "variant", "system", "text", "image_digest"]), PARTS)
def test_one_part_alone_makes_another_key(parts, name, other):
    assume(canonical(parts[name]) != canonical(other[name]))
    assert key(parts) != key({**parts, name: other[name]})


@given(ANY, ANY)
def test_parts_do_not_run_into_each_other(first, second):
    def keyed(system, text):
        return request_key({}, variant="", system=system, text=text, image_digest="")

    assume(first)
    assert keyed(first, second) != keyed("", first + second)
    assert keyed('a","b', "") != keyed("a", 'b"')
    assert keyed("\ud83d\ude00", "") != keyed("\U0001f600", "")


def test_the_form_does_not_change():
    found = request_key(
        {"b": 1, "a": [0.5, None]}, variant="v", system="s", text="t", image_digest=""
    )
    line = '[{"a": [0.5, null], "b": 1}, "v", "s", "t", ""]'
    assert json.loads(line)[0]["a"] == [0.5, None]
    assert found == hashlib.sha256(line.encode()).hexdigest()


@pytest.mark.parametrize(
    "odd", [{1: 2}, {"a": {2: 3}}, {"a": [{3: 4}]}, {"a": {1, 2}}, {"a": 1e999}]
)
def test_what_is_no_json_is_refused(odd):
    with pytest.raises(ValueError, match="identity must hold plain JSON values"):
        request_key(odd, variant="", system="", text="", image_digest="")


def test_pictures(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"abc" * 100_000)
    assert image_digest(path) == image_digest(b"abc" * 100_000)
    assert image_digest(b"") == hashlib.sha256().hexdigest() != image_digest(None) == ""
    with pytest.raises(DataError, match="gone.png'.*cannot be read.*put it back or leave"):
        image_digest(tmp_path / "gone.png")
    with pytest.raises(DataError, match="cannot be read"):
        image_digest(tmp_path)
