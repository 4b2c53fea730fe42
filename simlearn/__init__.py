"""simlearn: similarity models that do not forget, and what their neurons do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simlearn.runner import load, run

__version__ = "0.1.0"
__all__ = ["__version__", "load", "run"]


def __getattr__(name: str) -> Any:
    """Give ``run`` and ``load`` when first asked for: ``import simlearn`` alone loads nothing."""
    if name in ("load", "run"):
        from simlearn import runner

        return getattr(runner, name)
    raise AttributeError(f"module 'simlearn' has no attribute {name!r}")
