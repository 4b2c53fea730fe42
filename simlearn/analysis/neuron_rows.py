"""Rows of (layer, neuron): checked, sorted, compared."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from simlearn.analysis.errors import AnalysisError

LIMIT = 1 << 31
"""Numbers of layers and neurons are below it."""
WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
Pairs = Tensor | Sequence[Sequence[int]]
"""Rows of (layer, neuron)."""


def no_rows() -> Tensor:
    """Int32 ``(0, 2)``."""
    return torch.empty(0, 2, dtype=torch.int32)


def checked_rows(name: str, pairs: Pairs, shape: tuple[int, int] | None) -> Tensor:
    """Int32 ``(n, 2)`` in rising order, each once, on the CPU.

    Args:
        name: of the group, for the error.
        pairs: rows in any order and of any whole type.
        shape: layers and neurons of a layer, or ``None``.

    Raises:
        AnalysisError: no whole numbers (n, 2), or a neuron that is negative or outside ``shape``.
    """
    try:
        rows = torch.as_tensor(pairs).cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise AnalysisError(f"group {name!r}: not rows of (layer, neuron): {error}") from error
    if rows.numel() == 0:
        return no_rows()
    if rows.ndim != 2 or rows.shape[1] != 2 or rows.dtype not in WHOLE:
        raise AnalysisError(
            f"group {name!r} must be whole numbers (n, 2), rows of (layer, neuron); it is "
            f"{rows.dtype} {tuple(rows.shape)}"
        )
    refuse_outside(name, rows, shape or (LIMIT, LIMIT))
    return unique_rows(rows)


def refuse_outside(name: str, rows: Tensor, shape: tuple[int, int]) -> None:
    """Nothing, if every layer and neuron is at least 0 and below ``shape``.

    Raises:
        AnalysisError: naming the first that is not.
    """
    wide = rows.long()
    wrong = ((wide < 0) | (wide >= torch.tensor(shape))).any(1)
    if bool(wrong.any()):
        layer, neuron = wide[wrong][0].tolist()
        limits = "" if LIMIT in shape else f"; the model has {shape[0]} layers of {shape[1]}"
        raise AnalysisError(f"group {name!r}: there is no neuron {neuron} in layer {layer}{limits}")


def unique_rows(rows: Tensor) -> Tensor:
    """Int32 rows in rising order, each once."""
    key = _keys(rows).unique(sorted=True)
    return torch.stack([key >> 32, key & 0xFFFFFFFF], dim=1).to(torch.int32)


def rows_in(a: Tensor, b: Tensor) -> Tensor:
    """Bool ``(len(a),)``: whether each row of ``a`` is one of ``b``."""
    return torch.isin(_keys(a), _keys(b))


def _keys(rows: Tensor) -> Tensor:
    """One int64 per row, in the order of the rows."""
    return (rows[:, 0].long() << 32) | rows[:, 1].long()
