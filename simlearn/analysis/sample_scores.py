"""MINER's scores summed over the samples of each data set, while they stream by."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.scores import METRICS, scores_of_sums
from simlearn.analysis.stats import all_reduce_tensor_
from simlearn.analysis.tensor_file import read_tensors, write_tensors

if TYPE_CHECKING:
    from simlearn.analysis.layer_sums import LayerSums

FORM = "simlearn sample scores 1"
"""What stands in the file."""


class SampleScores:
    """Sum over samples of each sample's five scores: an accumulator of streamed sums.

    Scores are normalised per sample, so they cannot be had from sums over samples: this adds up
    each row's own. Sums and merges are the same in any order but for rounding.

    Attributes:
        total: ``(D, 5, M, L, N)`` float64.
        samples: ``(D,)`` int64, counted once per sample.

    Args:
        datasets: names of ``D`` data sets.
        names: of ``M`` modalities, in the order of the sums.
        layers: ``L``.
        width: ``N``.
        device: where the sums are kept.

    Raises:
        AnalysisError: no data set, or two of the same name.
    """

    def __init__(
        self,
        datasets: Sequence[str],
        names: Sequence[str],
        layers: int,
        width: int,
        *,
        device: torch.device | str | None = None,
    ) -> None:
        self.datasets, self.names = tuple(datasets), tuple(names)
        if not self.datasets or len(set(self.datasets)) < len(self.datasets):
            raise AnalysisError(f"data sets must have different names, got {self.datasets}")
        shape = (len(self.datasets), len(METRICS), len(self.names), layers, width)
        with torch.inference_mode(False):  # so that they can be merged outside of it
            self.total = torch.zeros(shape, dtype=torch.float64, device=device)
            self.samples = torch.zeros(len(self.datasets), dtype=torch.int64, device=device)

    def add(self, layer: int, sums: LayerSums, rows: Tensor | None = None) -> None:
        """Add the scores of one layer of one batch; layer 0 also counts its samples.

        Args:
            layer: from 0.
            sums: of ``B`` rows.
            rows: int ``(B,)``, the number of each row's data set; may be left out if there is one.
                On the CPU, so that a GPU is not waited for.

        Raises:
            AnalysisError: ``rows`` is missing, does not fit the batch or names no data set; or the
                sums are of other modalities or another width.
        """
        scores = scores_of_sums(sums).detach()
        size, count = len(scores), len(self.datasets)
        if scores.shape[2:] != (len(self.names), self.total.shape[-1]):
            raise AnalysisError(
                f"sums of {scores.shape[2]} modalities and {scores.shape[3]} neurons do not go "
                f"into scores of {len(self.names)} and {self.total.shape[-1]}"
            )
        if rows is None:
            if count > 1:
                raise AnalysisError(
                    f"rows must say which of {', '.join(self.datasets)} each sample is of"
                )
            rows = torch.zeros(size, dtype=torch.int64)
        rows = rows.cpu()
        if rows.shape != (size,):
            raise AnalysisError(f"rows must be ({size},), one per sample, not {tuple(rows.shape)}")
        member = rows == torch.arange(count)[:, None]  # (D, B)
        if int(member.sum()) != size:
            raise AnalysisError(f"rows must lie in 0 to {count - 1}, got {rows.tolist()}")
        device = self.total.device
        for d in rows.unique().tolist():
            chosen = member[d].nonzero()[:, 0].to(scores.device)
            self.total[d, :, :, layer] += scores.index_select(0, chosen).sum(0).to(device)
        if layer == 0:
            self.samples += member.sum(1).to(device)

    def mean(self) -> Tensor:
        """``(D, 5, M, L, N)`` float64 in [0, 1]: mean over all samples of each data set.

        A sample without the modality counts with 0, as in the released code. 0 for a data set
        without a sample.
        """
        return self.total / self.samples.clamp(min=1)[:, None, None, None, None]

    def merge(self, other: SampleScores) -> SampleScores:
        """Add what another has seen.

        Returns:
            This one.

        Raises:
            AnalysisError: the other is of other data sets, modalities or another model.
        """
        for what in ("datasets", "names"):
            mine, its = getattr(self, what), getattr(other, what)
            if mine != its:
                raise AnalysisError(f"scores of the {what} {mine} and {its} cannot be merged")
        self._fits(other.total, other.samples)
        self.total += other.total.to(self.total.device)
        self.samples += other.samples.to(self.samples.device)
        return self

    def all_reduce_(self) -> SampleScores:
        """Sum over all processes, in place and in each of them; returns itself."""
        for value in self.state_dict().values():
            all_reduce_tensor_(value, "sum")
        return self

    def state_dict(self) -> dict[str, Tensor]:
        """``total`` and ``samples``, as they are."""
        return {"total": self.total, "samples": self.samples}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Copy what :meth:`state_dict` gave into the tensors.

        Raises:
            AnalysisError: it is of other data sets, modalities or another model.
        """
        self._fits(state["total"], state["samples"])
        self.total.copy_(state["total"])
        self.samples.copy_(state["samples"])

    def _fits(self, total: Tensor, samples: Tensor) -> None:
        """Refuse sums of another shape or type."""
        for mine, its in ((self.total, total), (self.samples, samples)):
            if its.shape != mine.shape or its.dtype != mine.dtype:
                raise AnalysisError(
                    f"{its.dtype} {tuple(its.shape)} does not go with {mine.dtype} "
                    f"{tuple(mine.shape)}: scores of two models or of other modalities"
                )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a safetensors file: ``total``, ``samples``, and the names in JSON.

        Raises:
            AnalysisError: the file cannot be written.
        """
        facts = {"datasets": self.datasets, "names": self.names, "metrics": METRICS}
        write_tensors(path, self.state_dict(), form=FORM, facts=facts)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> SampleScores:
        """Read what :meth:`save` wrote.

        Raises:
            AnalysisError: no such file, or it is damaged or holds something else.
        """
        tensors, facts = read_tensors(path, form=FORM)
        try:
            layers, width = tensors["total"].shape[-2:]
            scores = SampleScores(facts["datasets"], facts["names"], layers, width)
            scores.load_state_dict(tensors)
        except (KeyError, TypeError, ValueError) as error:
            raise AnalysisError(f"{path}: holds no sample scores ({error})") from error
        return scores
