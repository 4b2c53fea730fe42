"""Statistics of every neuron by modality and layer, mergeable in any order."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.distributed as dist
from torch import Tensor

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.layer_sums import LayerSums
from simlearn.analysis.tensor_file import read_tensors, write_tensors

FORM = "simlearn activation statistics 1"


class Accumulator(Protocol):
    """What a :class:`~simlearn.analysis.collector.Collector` fills, layer by layer.

    Its state is a function of the samples alone: any order, any split and any merge of them gives
    the same.
    """

    def add(self, layer: int, sums: LayerSums, rows: Any = None) -> None:
        """Take in one layer of one batch; ``rows`` is what the batch's rows are, or ``None``."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that was taken in: tensors, and values that JSON can hold."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the place of what was taken in."""

    def merge(self, other: Any) -> Any:
        """Take in what another one of the same kind took in; returns itself."""

    def all_reduce_(self) -> Any:
        """Merge over all processes, in each of them; nothing without a process group."""


@dataclass(eq=False)
class ActivationStats:
    """Counts, sums and maxima of ``M`` modalities, ``L`` layers and ``N`` neurons.

    Attributes:
        names: the modalities, ``(M,)``.
        count: int64 ``(M, L)`` tokens that each layer saw; see ``n``.
        pos: int64 ``(M, L, N)`` tokens whose activation is above 0.
        sum: float64 ``(M, L, N)``.
        wsum: float64 ``(M, L, N)``, weighted by attention (attn_k); 0 without attention.
        max: float32 ``(M, L, N)``; -inf where a modality has no token.
    """

    names: tuple[str, ...]
    count: Tensor
    pos: Tensor
    sum: Tensor
    wsum: Tensor
    max: Tensor

    @classmethod
    def zeros(
        cls,
        names: Sequence[str],
        layers: int,
        neurons: int,
        *,
        device: torch.device | str | None = None,
    ) -> ActivationStats:
        """Statistics of no token, on ``device``."""
        shape = (len(names), layers, neurons)
        with torch.inference_mode(False):  # so that they can be merged outside of it
            return cls(
                names=tuple(names),
                count=torch.zeros(shape[:2], dtype=torch.int64, device=device),
                pos=torch.zeros(shape, dtype=torch.int64, device=device),
                sum=torch.zeros(shape, dtype=torch.float64, device=device),
                wsum=torch.zeros(shape, dtype=torch.float64, device=device),
                max=torch.full(shape, -torch.inf, dtype=torch.float32, device=device),
            )

    @property
    def n(self) -> Tensor:
        """int64 ``(M, L, N)``: tokens; a view of ``count``."""
        return self.count.unsqueeze(-1).expand_as(self.pos)

    def prob(self) -> Tensor:
        """float64 ``(M, L, N)`` in [0, 1]: share of tokens above 0; nan without tokens."""
        return self.pos.double() / self.n

    def mean(self) -> Tensor:
        """float64 ``(M, L, N)``: mean activation, signed; nan without tokens."""
        return self.sum / self.n

    def add(self, layer: int, sums: LayerSums, rows: Any = None) -> None:
        """Take in one layer of one batch, whatever its rows are."""
        device = self.pos.device
        self.count[:, layer] += sums.n.sum(0).to(device)
        if len(sums.n) == 0:
            return
        self.pos[:, layer] += sums.pos.sum(0).to(device)
        self.sum[:, layer] += sums.sum.sum(0).to(device)
        here = self.max[:, layer]
        torch.maximum(here, sums.max.amax(0).to(device, torch.float32), out=here)
        if sums.attn_k is not None:
            self.wsum[:, layer] += sums.attn_k.sum(0).to(device)

    def state_dict(self) -> dict[str, Tensor]:
        """The five tensors, as they are; ``n`` is ``(M, L)``."""
        return {
            "n": self.count,
            "pos": self.pos,
            "sum": self.sum,
            "wsum": self.wsum,
            "max": self.max,
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Copy ``state`` into the tensors.

        Raises:
            AnalysisError: a tensor is missing, of another shape or of another type.
        """
        own = self.state_dict()
        if set(state) != set(own):
            raise AnalysisError(f"statistics need {sorted(own)}, found {sorted(state)}")
        for name, value in own.items():
            given = state[name]
            if given.shape != value.shape or given.dtype != value.dtype:
                raise AnalysisError(
                    f"statistics {name!r} must be {value.dtype} {tuple(value.shape)}, "
                    f"found {given.dtype} {tuple(given.shape)}"
                )
        for name, value in own.items():
            value.copy_(state[name])

    def merge(self, other: ActivationStats) -> ActivationStats:
        """Take in other statistics; returns itself.

        Associative and commutative, counts and maxima exactly.

        Raises:
            AnalysisError: other modalities, layers or neurons.
        """
        if other.names != self.names or other.pos.shape != self.pos.shape:
            raise AnalysisError(
                f"statistics of {self.names} {tuple(self.pos.shape)} and of {other.names} "
                f"{tuple(other.pos.shape)} cannot be merged"
            )
        mine = self.state_dict()
        for name, value in other.state_dict().items():
            value = value.to(self.pos.device)
            if name == "max":
                torch.maximum(self.max, value, out=self.max)
            else:
                mine[name] += value
        return self

    def all_reduce_(self) -> ActivationStats:
        """Merge over all processes, in place and in each of them; returns itself."""
        for name, value in self.state_dict().items():
            all_reduce_tensor_(value, "max" if name == "max" else "sum")
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a safetensors file, whole or not at all.

        Raises:
            AnalysisError: it cannot be written.
        """
        write_tensors(path, self.state_dict(), form=FORM, facts={"names": self.names})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ActivationStats:
        """Read a file of :meth:`save`, onto the CPU.

        Raises:
            AnalysisError: no such file, or one that is damaged or holds something else.
        """
        state, facts = read_tensors(path, form=FORM)
        shape = state["pos"].shape if "pos" in state else ()
        if len(shape) != 3 or len(facts["names"]) != shape[0]:
            raise AnalysisError(f"{path}: holds no statistics of {facts['names']}")
        stats = cls.zeros(facts["names"], shape[1], shape[2])
        stats.load_state_dict(state)
        return stats


def all_reduce_tensor_(value: Tensor, op: str) -> None:
    """Sum or largest of a tensor over all processes, in place; nothing without a process group.

    Args:
        value: of the same shape in every process, on any device.
        op: "sum" or "max".
    """
    if not (dist.is_available() and dist.is_initialized()):
        return
    there = "cuda" if dist.get_backend() == "nccl" else value.device
    sent = value.to(there).contiguous()
    dist.all_reduce(sent, dist.ReduceOp.MAX if op == "max" else dist.ReduceOp.SUM)
    value.copy_(sent)
