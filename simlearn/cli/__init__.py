"""The small commands, one per file: ``list``, ``show``, ``doctor``.

Each file holds one function that Typer turns into a command (``simlearn.__main__`` names them).
Nothing heavy is imported above a function, so that ``list`` starts at once.
"""

from __future__ import annotations

__all__: list[str] = []
