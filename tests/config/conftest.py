"""Fixtures: the small tree, and compose over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simlearn.config.compose import Composed, compose
from simlearn.config.errors import ConfigError
from tests.config.tree import TARGETS, write_tree


@pytest.fixture
def shipped(tmp_path: Path) -> tuple[Path, Path]:
    """The tree's ``(configs, recipes)``."""
    return write_tree(tmp_path / "shipped")


@pytest.fixture
def composes(shipped: tuple[Path, Path]) -> Callable[..., Composed]:
    """``composes("recipe=faces", "data.root=/x")``."""

    def call(*overrides: str, **options: Any) -> Composed:
        return compose(list(overrides), TARGETS, shipped=shipped, **options)

    return call


@pytest.fixture
def faults(composes: Callable[..., Composed]) -> Callable[..., list[str]]:
    """The faults of a composition that must fail."""

    def call(*overrides: str, **options: Any) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            composes(*overrides, **options)
        assert str(caught.value) == "\n".join(caught.value.faults)
        return caught.value.faults

    return call
