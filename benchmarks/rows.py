"""Measured entries as rows of a result file, and their ratios to simlearn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fresh import Entry, Limits
from results import median
from workload import Workload

OURS = "simlearn"
MIB = 2**20


def describe(entries: Sequence[Entry]) -> dict[str, Any]:
    """Raw times and peaks of a candidate with their medians, or the limit that it passed."""
    outcome = next((e["outcome"] for e in entries if e["outcome"] != "measured"), "measured")
    done = [e for e in entries if e["outcome"] == "measured"]
    if outcome != "measured" or not done:
        return {"outcome": outcome}
    return {
        "outcome": outcome,
        "seconds": [e["seconds"] for e in done],
        "first_seconds": [e["first_seconds"] for e in done],
        "warm": [e["warm"] for e in done],
        "median_seconds": median([median(e["seconds"]) for e in done]),
        "peak_bytes": [e["peak_bytes"] for e in done],
        "peak_source": done[0]["peak_source"],
        "median_peak_mib": round(median([e["peak_bytes"] for e in done]) / MIB, 1),
        "values": done[0]["values"],
    }


def against(ours: Mapping[str, Any], peer: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Peer's time and memory in units of ours; above 1 = ours is faster, smaller.

    Memory below 1 MiB counts as 1 MiB (the system counts pages in batches). Where the peer passed
    the time limit, ``at_least`` is the limit over our time.
    """
    if ours["outcome"] != "measured":
        return {"outcome": f"{OURS} is {ours['outcome']}"}
    if peer["outcome"] == limits.over_time:
        bound = limits.call_seconds / ours["median_seconds"]
        return {"outcome": peer["outcome"], "at_least": float(f"{bound:.3g}")}
    if peer["outcome"] != "measured":
        return {"outcome": peer["outcome"]}
    pairs = zip(peer["seconds"], ours["seconds"], strict=False)
    ratios = [median(a) / median(b) for a, b in pairs]
    memory = max(1.0, peer["median_peak_mib"]) / max(1.0, ours["median_peak_mib"])
    return {
        "outcome": "measured",
        "ratios": ratios,
        "median_ratio": median(ratios),
        "memory_ratio": float(f"{memory:.4g}"),
    }


def row(workload: Workload, found: Mapping[str, Sequence[Entry]], limits: Limits) -> dict[str, Any]:
    """A workload in the result file."""
    candidates = {c: describe(found[c]) for c in workload.candidates}
    for candidate, reason in workload.differs.items():
        candidates[candidate]["definition"] = reason
    made: dict[str, Any] = {
        "workload": workload.name,
        "shape": dict(workload.shape),
        "note": workload.note,
        "tolerances": {k: asdict(v) for k, v in workload.tolerances.items()},
        "candidates": candidates,
    }
    if OURS not in candidates:
        return made
    ours = candidates[OURS]
    peers = {c: against(ours, v, limits) for c, v in candidates.items() if c != OURS}
    if peers:
        made["against_simlearn"] = peers
    if workload.below_gib is not None:
        peaks = ours.get("peak_bytes")
        highest = round(max(peaks) / 2**30, 3) if peaks else None
        reached = highest is not None and highest < workload.below_gib
        made["target"] = {"below_gib": workload.below_gib, "gib": highest, "pass": reached}
    return made


def line(made: Mapping[str, Any]) -> str:
    """A row in words, for the terminal."""
    parts = []
    for name, found in made["candidates"].items():
        text = found["outcome"]
        if text == "measured":
            text = f"{duration(found['median_seconds'])}, {found['median_peak_mib']:.0f} MiB"
        versus = made.get("against_simlearn", {}).get(name, {}).get("median_ratio")
        parts.append(f"{name} {text}" + (f" ({versus:.3g}x)" if versus else ""))
    if target := made.get("target"):
        parts.append(f"below {target['below_gib']} GiB: {'pass' if target['pass'] else 'FAIL'}")
    return f"{made['workload']}: " + "; ".join(parts)


def duration(seconds: float) -> str:
    """Seconds in words, ms below one second."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1e3 * seconds:.3g} ms"
