"""Peak memory of neuron statistics over the bare forward, and whether it grows with the samples.

Every number is of one call in a fresh process, over the resident memory just before it. Large
blocks go back to the system at once (``MALLOC_MMAP_THRESHOLD_``), so that the peak is what is in
use at a time; seconds are not taken here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import neurons_formulas
import neurons_statistics
from fresh import Job, Limits, run_fresh, serve
from neurons_setup import SIZES, Batch, build_adapter, draw_batch, draw_lengths
from neurons_statistics import Contender

MIB = 2**20
LIMITS = Limits(call_seconds=600.0, memory_bytes=12e9, setup_seconds=600.0)
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "131072", "HF_HUB_OFFLINE": "1"}
CONTENDERS: dict[str, Contender] = {
    "bare": neurons_statistics.bare,
    "simlearn": neurons_statistics.simlearn,
    "simlearn_scores": neurons_formulas.simlearn,
    "cached": neurons_statistics.cached,
}


@dataclass(frozen=True)
class Load:
    """Rows of pictures with so many words, made batch by batch while they are asked for."""

    size: str
    rows: int
    least: int
    most: int

    def batches(self, samples: int) -> Iterator[Batch]:
        """Batches of ``rows`` samples."""
        words = draw_lengths(samples, self.least, self.most)
        for start in range(0, samples, self.rows):
            chosen = words[start : start + self.rows]
            yield draw_batch(SIZES[self.size], chosen, seed=start)


LOADS = {
    "S1": Load("A", 4, 63, 63),
    "many": Load("short", 16, 8, 24),
    "quick": Load("quick", 4, 2, 9),
}


def child(load: str, contender: str, samples: int) -> None:
    """Be the fresh process of one call."""
    chosen, run = LOADS[load], CONTENDERS[contender]
    size = SIZES[chosen.size]
    adapter = build_adapter(size)
    job = Job(
        call=lambda: run(adapter, chosen.batches(samples)),
        values=lambda found: {} if found is None else {"tokens": int(found["n"].sum())},
        warm_up=lambda: run(adapter, [draw_batch(size, [1], seed=0)]),
    )
    serve(job, repeats=1, budget=0.0)


def peak(script: Path, load: str, contender: str, samples: int, threads: int) -> float:
    """MiB of one fresh process.

    Raises:
        ValueError: it passed a limit.
    """
    words = [sys.executable, str(script), "--threads", str(threads)]
    words += ["--child", load, contender, str(samples)]
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**ENVIRONMENT, **dict.fromkeys(names, str(threads))}
    entry = run_fresh(words, LIMITS, environment=environment)
    if entry["outcome"] != "measured":
        raise ValueError(f"memory of {contender} on {load}: {entry['outcome']}")
    found = entry["peak_bytes"] / MIB
    print(f"memory {load}, {samples} samples, {contender}: {found:.1f} MiB", flush=True)
    return round(found, 2)


def measure_memory(script: Path, threads: int, *, quick: bool = False) -> dict[str, Any]:
    """All peaks in MiB, and what they say.

    Args:
        script: is called again with ``--child``.
        threads: of each process.
        quick: tiny inputs.
    """
    one, many = ("quick", "quick") if quick else ("S1", "many")
    few, more = (8, 32) if quick else (64, 256)

    def of(load: str, contender: str, samples: int) -> float:
        return peak(script, load, contender, samples, threads)

    single = {name: of(one, name, 4) for name in ("bare", "simlearn", "cached")}
    counts = {"bare": (few, more), "simlearn_scores": (few, more), "cached": (few,)}
    grown = {name: {str(n): of(many, name, n) for n in samples} for name, samples in counts.items()}
    ours, bare = grown["simlearn_scores"], grown["bare"]
    extra = {"cached": grown["cached"][str(few)] - bare[str(few)]}
    extra["simlearn"] = ours[str(few)] - bare[str(few)]
    return {
        "what": "peak of one call in a fresh process over the memory before it, MiB",
        "S1": {"load": asdict(LOADS[one]), "samples": 4, "peak_mib": single},
        "many": {"load": asdict(LOADS[many]), "peak_mib": grown},
        "S1_simlearn_over_bare": ratio(single["simlearn"], single["bare"]),
        "growth_mib": round(
            ours[str(more)] - ours[str(few)] - (bare[str(more)] - bare[str(few)]), 2
        ),
        "extra_mib": {name: round(value, 2) for name, value in extra.items()},
        "cached_over_simlearn": ratio(extra["cached"], extra["simlearn"]),
    }


def ratio(one: float, other: float) -> float:
    """Of two MiB; below 1 they count as 1, as the system counts pages in batches."""
    return round(max(1.0, one) / max(1.0, other), 4)
