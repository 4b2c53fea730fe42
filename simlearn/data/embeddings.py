"""Embeddings and what they are of."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

FIELDS = ("z", "y", "group", "index")
"""Tensors of :class:`Embeddings`."""


@dataclass(frozen=True)
class Embeddings:
    """Embeddings and what they are of.

    Attributes:
        z: ``(N, d)`` float32.
        y: ``(N,)`` int64 labels.
        group: ``(N,)`` int64 video, -1 = none.
        index: ``(N,)`` int64 row in the data set.
    """

    z: Tensor
    y: Tensor
    group: Tensor
    index: Tensor

    def __len__(self) -> int:
        return len(self.z)

    def save(self, path: Path, names: Mapping[str, str] | None = None) -> None:
        """Write a safetensors file, whole or not at all; ``names`` go into its metadata."""
        from safetensors.torch import save

        tensors = {k: getattr(self, k).clone(memory_format=torch.contiguous_format) for k in FIELDS}
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
        try:
            with temporary.open("xb") as file:
                file.write(save(tensors, metadata=dict(names or {})))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    @staticmethod
    def load(path: Path) -> Embeddings:
        """Read what :meth:`save` wrote.

        Raises:
            FileNotFoundError: no such file.
            ValueError: the file is damaged or holds something else.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            content = load_file(path)
        except SafetensorError as error:
            raise ValueError(
                f"{path}: damaged, or not a safetensors file ({error}). Run the evaluation again"
            ) from error
        rows = {len(value) for value in content.values() if value.ndim}
        axes = {name: value.ndim for name, value in content.items()}
        if axes != dict(zip(FIELDS, (2, 1, 1, 1), strict=True)) or len(rows) != 1:
            raise ValueError(
                f"{path}: must hold z (N, d) and y, group and index (N,), found "
                f"{ {name: tuple(value.shape) for name, value in sorted(content.items())} }"
            )
        return Embeddings(**content)
