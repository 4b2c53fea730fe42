"""How much memory statistics will need, before a model runs for hours and then fails."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from simlearn.analysis.attention_call import CHUNK
from simlearn.analysis.attention_probe import AttentionMode
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.layer_sums import CPU_BLOCK, GPU_BLOCK
from simlearn.analysis.sites import Part
from simlearn.analysis.stats import Accumulator
from simlearn.analysis.tokens import MODALITIES

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter

SHARE = 0.5
"""Of the free memory that statistics may take."""
MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes that statistics need beside the model itself.

    Attributes:
        accumulators: what they hold now and to the end.
        layer: one layer's activations and what they are reduced to.
        attention: one layer's head-mean attention with its chunk; 0 without.
    """

    accumulators: int
    layer: int
    attention: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.accumulators + self.layer + self.attention


def estimate_memory(
    adapter: ModelAdapter,
    size: int,
    length: int,
    accumulators: Sequence[Accumulator],
    *,
    part: Part = "text",
    attn: AttentionMode = "none",
) -> MemoryEstimate:
    """What a batch will need.

    Args:
        adapter: of the model.
        size: rows ``B``.
        length: tokens of a row ``T``; of other parts than the text their own number is not known
            before they run, and ``T`` stands for it.
        accumulators: that are filled.
        part: of the model.
        attn: whether attention is read.
    """
    width = max(site.width for site in adapter.sites(part))
    device, item = adapter.device.type, adapter.model.dtype.itemsize
    names = len(MODALITIES) if part == "text" else 1
    block = min(size * length * width, max(32 * width, CPU_BLOCK if device == "cpu" else GPU_BLOCK))
    kept = sum(
        value.numel() * value.element_size()
        for accumulator in accumulators
        for value in accumulator.state_dict().values()
        if isinstance(value, Tensor)
    )
    pairs = 0 if attn == "none" else size * length * length
    reduced = size * names * width * (4 * 8 + item + (2 * 8 if pairs else 0))
    return MemoryEstimate(
        accumulators=kept,
        layer=size * length * width * item + block * 9 + reduced,
        attention=pairs * 4 * 2 + (min(CHUNK, pairs * _heads(adapter)) * 4 * 3 if pairs else 0),
    )


def check_memory(
    adapter: ModelAdapter,
    batch: Mapping[str, Tensor],
    accumulators: Sequence[Accumulator],
    *,
    part: Part = "text",
    attn: AttentionMode = "none",
    max_bytes: int | None = None,
) -> None:
    """Refuse a batch that needs too much.

    Args:
        adapter: of the model.
        batch: the next one.
        accumulators: that are filled.
        part: of the model.
        attn: whether attention is read.
        max_bytes: most that may be needed; ``None`` for ``SHARE`` of what is free, beside what the
            accumulators hold already.

    Raises:
        AnalysisError: with the numbers and what to lower.
    """
    size, length = batch["input_ids"].shape
    need = estimate_memory(adapter, size, length, accumulators, part=part, attn=attn)
    if max_bytes is None:
        free = free_memory(adapter.device)
        if free is None:
            return
        max_bytes = need.accumulators + int(SHARE * free)
    if need.total > max_bytes:
        raise AnalysisError(
            f"statistics of {size} rows of {length} tokens need {_mib(need.total)} "
            f"(accumulators {_mib(need.accumulators)}, one layer {_mib(need.layer)}, attention "
            f"{_mib(need.attention)}), allowed are {_mib(max_bytes)}: lower the batch size or the "
            'length of the prompts, use attn="none", or raise max_bytes'
        )


def free_memory(device: torch.device) -> int | None:
    """Bytes that are free on a device; ``None`` where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if MEMINFO.is_file():
        for line in MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _heads(adapter: ModelAdapter) -> int:
    """Attention heads of the language model."""
    return int(adapter.model.config.get_text_config(decoder=True).num_attention_heads)


def _mib(size: int) -> str:
    """Bytes as text, ``"12.5 MiB"``."""
    return f"{size / 2**20:.1f} MiB"
