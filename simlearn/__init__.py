"""simlearn: similarity models that do not forget, and what their neurons do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simlearn.runner import run

__version__ = "0.1.0"
__all__ = ["__version__", "run"]


def __getattr__(name: str) -> Any:
    """Load ``run`` when it is first asked for: ``import simlearn`` alone loads nothing."""
    if name == "run":
        from simlearn import runner

        return runner.run
    raise AttributeError(f"module 'simlearn' has no attribute {name!r}")
