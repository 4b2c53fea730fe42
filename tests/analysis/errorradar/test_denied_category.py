"""Kinds of errors after a "not"."""

from __future__ import annotations

import json

import pytest

from simlearn.analysis.errorradar.category_names import named_categories
from simlearn.analysis.errorradar.category_reply import parse_category
from simlearn.analysis.errorradar.denied_category import denies
from simlearn.analysis.errorradar.taxonomy import NAMES


@pytest.mark.parametrize("name", [*NAMES.values(), "VIS", "CAL", "REAS", "MIS", "logical error"])
def test_what_is_denied(name):
    for text in (f"not a {name}", f"It isn't just {name}", f"rather than {name}", f"No {name}!"):
        assert denies(text) and parse_category(text) == (None, "none found")
        assert parse_category(json.dumps({"category": text})) == (None, "none found")
        assert named_categories(text) != []
    for text in (f"a {name}", f"not so, {name}", f"{name}, not so", f"knot {name}"):
        assert not denies(text)
