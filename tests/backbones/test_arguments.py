"""Messages name the key, what was found and what there is."""

from __future__ import annotations

import pytest

from simlearn.backbones.arguments import at_least_one, one_of


def test_at_least_one():
    at_least_one()
    at_least_one(groups=1, map_side=7)
    with pytest.raises(ValueError, match=r"^backbone\.map_side is 0, must be at least 1$"):
        at_least_one(groups=1, map_side=0, in_channels=-1)


def test_one_of():
    one_of(("a", "b"), norm="b")
    with pytest.raises(ValueError, match=r"^backbone\.norm is 'c', must be one of a, b$"):
        one_of(("a", "b"), norm="c")
