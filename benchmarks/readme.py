"""Write the numbers and the pictures of README.md and docs/ from result files and a run.

python benchmarks/readme.py                  the tables, from benchmarks/results/*.json
python benchmarks/readme.py --run RUN_DIR    also docs/*.png, from that run (needs Chromium)
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from readme_errorradar import errorradar_page, errorradar_short
from readme_faces import faces_page, faces_short
from readme_incremental import incremental_page, incremental_short
from readme_miner import miner_page, miner_short
from results import read_result
from rows import duration

README = Path(__file__).resolve().parents[1] / "README.md"
DOCS = README.parent / "docs"
PEERS, SPEED, FACES, INCREMENTAL, NEURONS, ERRORS = (
    DOCS / name
    for name in (
        "from_pytorch_metric_learning.md",
        "benchmarks.md",
        "faces.md",
        "incremental.md",
        "neurons.md",
        "errorradar.md",
    )
)
PAGES = (README, PEERS, SPEED, FACES, INCREMENTAL, NEURONS, ERRORS)


def percent(share: float) -> str:
    """``0.4531`` as ``45.3``."""
    return f"{100 * share:.1f}"


def quickstart_output() -> str:
    """What the quickstart prints at its end, for seed 0."""
    row = read_result("quickstart")["rows"][0]
    lines = [f"{'':20} {'top-1':>7}   {'95 % interval':14} {'MAP@R':>7}   queries"]
    for name, metric in row["recall_at_1"].items():
        low, high = metric["interval"]
        between = f"[{percent(low)}, {percent(high)}]"
        shares = (
            f"{percent(metric['value']):>5} %   {between:14} {percent(row['map_at_r'][name]):>5} %"
        )
        lines.append(f"{name:20} {shares}   {metric['n']:7d}")
    lines.append("report: outputs/quickstart/.../report.html")
    return "```\n" + "\n".join(lines) + "\n```"


def quickstart_table() -> str:
    """Top-1 of every seed beside its baselines, and the seconds."""
    result = read_result("quickstart")
    lines = [
        "Top-1 retrieval of the quickstart, 80 held-out people with 4 videos each (320 queries):",
        "",
        "| data and run seed | trained | best of 4 pixel baselines | untrained | whole command |",
        "|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        top = {k: v["value"] for k, v in row["recall_at_1"].items()}
        low, high = row["recall_at_1"]["trained"]["interval"]
        lines.append(
            f"| {row['seed']} | {percent(top['trained'])} % [{percent(low)}, {percent(high)}] "
            f"| {percent(top['pixels'])} % | {percent(top['untrained'])} % "
            f"| {row['wall_seconds']:.0f} s |"
        )
    worst = result["worst_gain_points"]
    lines += ["", f"Smallest gain over the better baseline: {worst:.1f} points."]
    return "\n".join(lines)


def speed_table() -> str:
    """Ratios measured in one run each."""
    step, clips, full = (read_result(n) for n in ("train_step", "clip_loading", "full_size"))
    ms = clips["median_milliseconds"]
    rows = [
        (
            "a training step against the bare PyTorch loop on the same batches, equal weights",
            f"{step['median_ratio']:.2f}x, median of {len(step['ratios'])} repeats from "
            f"{min(step['ratios']):.2f}x to {max(step['ratios']):.2f}x "
            f"({1e3 * step['median_seconds']['simlearn']:.0f} ms)",
        ),
        (
            "a clip of 8 frames from the frame store against JPEGs by OpenCV, by Pillow",
            f"{clips['store_against_opencv']:.0f}x, {clips['store_against_pillow']:.0f}x faster "
            f"({ms['store']:.3f} ms)",
        ),
        (
            "waiting for clips, share of the step time, no loading process",
            f"{100 * clips['median_waiting_share']:.1f} %",
        ),
        (
            "`triplet_c3d` at full size on the CPU: two steps, evaluation, peak memory",
            f"{full['peak_gib']:.1f} GiB ({full['wall_seconds']:.0f} s)",
        ),
    ]
    return "\n".join(["| what | measured |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)])


def difficulty_sentence() -> str:
    """The two numbers that state how hard the drawn faces are."""
    result = read_result("synthetic_faces")
    rows = result["seeds"].values()
    pixels = max(row["pixels"]["best"] for row in rows)
    labels = min(row["supervised"]["top1"] for row in rows)
    return (
        f"Drawn faces (version {result['generator_version']}): the best pixel baseline finds "
        f"{percent(pixels)} % at most, a small ConvNet trained with labels names at least "
        f"{percent(labels)} % of the other videos of the same 80 people (seeds 0 to 2)."
    )


def cost(found: Mapping[str, Any]) -> str:
    """Time and peak memory of a measured candidate, or the limit that it passed."""
    if found["outcome"] != "measured":
        return str(found["outcome"])
    peak = found["median_peak_mib"]
    memory = f"{peak / 1024:.1f} GiB" if peak >= 1024 else f"{peak:.0f} MiB"
    return f"{duration(found['median_seconds'])}, {memory}"


def times_ours(row: Mapping[str, Any], candidate: str) -> str:
    """A peer's time and memory in units of ours."""
    found = row["against_simlearn"].get(candidate)
    if found is None:
        return ""
    if found["outcome"] != "measured":
        bound = f", over {found['at_least']:.3g}x" if "at_least" in found else ""
        return f"{found['outcome']}{bound}"
    return f"{found['median_ratio']:.3g}x, memory {found['memory_ratio']:.3g}x"


def best_peer(row: Mapping[str, Any]) -> str:
    """The fastest peer of the same definition that was measured; empty if none was."""
    differing = {c for c, found in row["candidates"].items() if "definition" in found}
    ratios = {
        c: found["median_ratio"]
        for c, found in row["against_simlearn"].items()
        if found["outcome"] == "measured" and c not in differing
    }
    return min(ratios, key=lambda c: ratios[c]) if ratios else ""


def loss_benchmarks() -> str:
    """Losses and miners against their peers, and the large batches of ours alone."""
    result = read_result("losses")
    lines = [
        f"Losses forward and backward, and miners, d = 128, {measured_how(result)} Equal values "
        "first. `pml`: pytorch-metric-learning as users call it; `_raw`: without its own "
        "normalisation of unit vectors; `_miner`: a miner of the same triplets in front.",
        "",
        "| what | simlearn | `pml` | fastest peer of the same definition |",
        "|---|---|---|---|",
    ]
    rows = result["rows"]
    for row in (r for r in rows if "against_simlearn" in r):
        other = "definition" in row["candidates"].get("pml", {})
        best = best_peer(row)
        lines.append(
            f"| {row['workload']} | {cost(row['candidates']['simlearn'])} "
            f"| {times_ours(row, 'pml')}{' (another definition)' if other else ''} "
            f"| {f'`{best}` {times_ours(row, best)}' if best else 'none within the limits'} |"
        )
    alone = [r for r in rows if "against_simlearn" not in r]
    if alone:
        lines += ["", "| simlearn alone | measured | target |", "|---|---|---|"]
    for row in alone:
        lines.append(
            f"| {row['workload']} | {cost(row['candidates']['simlearn'])} | {target(row)} |"
        )
    return "\n".join(lines)


def retrieval_benchmarks() -> str:
    """Retrieval metrics against the peers."""
    result = read_result("retrieval")
    peers = ("pml", "pml_max_bin_count", "sklearn")
    lines = [
        f"Recall@1, R-precision and MAP@R of N items in C classes, d = 128, {measured_how(result)} "
        "Equal values first. PML: AccuracyCalculator; `sklearn`: its neighbours and numpy.",
        "",
        "| what | simlearn | PML, k=None | PML, max_bin_count | `sklearn` | memory target |",
        "|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        others = " | ".join(times_ours(row, peer) for peer in peers)
        lines.append(
            f"| {row['workload']} | {cost(row['candidates']['simlearn'])} "
            f"| {others} | {target(row)} |"
        )
    return "\n".join(lines)


def measured_how(result: Mapping[str, Any]) -> str:
    """How the numbers of a comparison were had, in half a sentence."""
    settings = result["settings"]
    return (
        f"float32, {settings['threads']} threads, medians of {result['rounds']} fresh processes "
        "in turn; x: the peer's time or peak memory over ours (memory below 1 MiB counts as that)."
    )


def speed_summary() -> str:
    """The losses against PML at B=1024 in one sentence."""
    rows = [
        row["against_simlearn"]["pml"]
        for row in read_result("losses")["rows"]
        if row["workload"].startswith(("batch_all B=1024", "semihard B=1024"))
    ]
    times, memories = ([r[k] for r in rows] for k in ("median_ratio", "memory_ratio"))
    return (
        f"Batch-all and semi-hard triplets at B=1024 ({len(rows)} shapes): pytorch-metric-learning "
        f"takes {spread(times)} as long and {spread(memories)} the memory."
    )


def target(row: Mapping[str, Any]) -> str:
    """Memory target of a workload and whether it was met; empty without one."""
    wanted = row.get("target")
    if wanted is None:
        return ""
    return f"below {wanted['below_gib']:g} GiB: {'met' if wanted['pass'] else 'missed'}"


def omniglot_table() -> str:
    """Unseen characters by every loss, beside PML's and the baselines."""
    result = read_result("omniglot")

    def shares(found: Mapping[str, Any]) -> str:
        parts = []
        for name in ("map_at_r", "recall_at_1"):
            low, high = found[name]["interval"]
            value = percent(found[name]["value"])
            parts.append(f"{value} % [{percent(low)}, {percent(high)}]")
        return " | ".join(parts)

    lines = [
        f"Omniglot, {result['what']}. ConvNet of {result['protocol']['width']:g} width, 64 values, "
        f"{result['protocol']['steps']} steps of 32 x 8 drawings, means of the seeds with 95 % "
        "intervals over characters and seeds; defaults of every loss, nothing tuned. Seconds: "
        "medians of a whole training, and of the loss alone in it.",
        "",
        "| loss | MAP@R | recall@1 | training | of it the loss |",
        "|---|---|---|---|---|",
        f"| pixels | {shares(result['pixels'])} | | |",
    ]
    for name, found in result["summary"].items():
        times = f"{found['seconds']:.0f} s | {found['loss_seconds']:.1f} s"
        lines.append(f"| {name} | {shares(found)} | {times if found['seconds'] else ' | '} |")
    lines.append("")
    for ours, found in result["differences"].items():
        gap = found["map_at_r"]
        low, high = (100 * v for v in gap["interval"])
        lines.append(
            f"{ours} - {found['peer']}: {100 * gap['value']:+.2f} points of MAP@R "
            f"[{low:+.2f}, {high:+.2f}], paired by seed and character; the peer's loss takes "
            f"{found['loss_seconds_ratio']['median']:.1f}x as long, its whole training "
            f"{found['seconds_ratio']['median']:.2f}x."
        )
    return "\n".join(lines)


def spread(values: Sequence[float]) -> str:
    """``12x`` or ``12x to 40x``."""
    low, high = min(values), max(values)
    return f"{low:.3g}x" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g}x to {high:.3g}x"


def peer_ratios() -> str:
    """What PML takes in units of ours, over all batches or galleries that it finished."""
    lines = [
        "Time of PML over ours, over all shapes that PML finished within the limits; below 1x PML "
        "is faster.",
        "",
        "| what | PML as users call it | fastest setting found | not finished |",
        "|---|---|---|---|",
    ]
    found: dict[str, dict[str, list[float]]] = {}
    over: dict[str, int] = {}
    for row in [*read_result("losses")["rows"], *read_result("retrieval")["rows"]]:
        kind = row["workload"].split(" ")[0]
        peers = {
            name: entry
            for name, entry in row.get("against_simlearn", {}).items()
            if name.startswith("pml") and "definition" not in row["candidates"][name]
        }
        if not peers:
            continue
        ratios = {n: e["median_ratio"] for n, e in peers.items() if e["outcome"] == "measured"}
        lists = found.setdefault(kind, {"used": [], "best": []})
        over[kind] = over.get(kind, 0) + ("pml" not in ratios)
        if "pml" in ratios:
            lists["used"].append(ratios["pml"])
        if ratios:
            lists["best"].append(min(ratios.values()))
    for kind, lists in found.items():
        used, best = (spread(v) if v else "" for v in (lists["used"], lists["best"]))
        missing = f"{over[kind]} of the shapes" if over[kind] else ""
        lines.append(f"| {kind.replace('_', ' ')} | {used} | {best} | {missing} |")
    return "\n".join(lines)


def sections(page: Path) -> dict[str, str]:
    """Marker -> text between its begin and end on a page."""
    if page.name == PEERS.name:
        return {"peer ratios": peer_ratios()}
    if page.name == FACES.name:
        return faces_page()
    if page.name == INCREMENTAL.name:
        return incremental_page()
    if page.name == NEURONS.name:
        return miner_page()
    if page.name == ERRORS.name:
        return errorradar_page()
    if page.name == SPEED.name:
        return {
            "loss benchmarks": loss_benchmarks(),
            "retrieval benchmarks": retrieval_benchmarks(),
            "omniglot": omniglot_table(),
        }
    return {
        "quickstart output": quickstart_output(),
        "benchmarks": "\n\n".join([quickstart_table(), difficulty_sentence(), speed_table()]),
        "speed summary": speed_summary(),
        "faces": faces_short(),
        "incremental": incremental_short(),
        "neurons": miner_short(),
        "errors": errorradar_short(),
    }


def fill(text: str, page: Path = README) -> str:
    """Text of a page with every marked section written anew.

    Raises:
        ValueError: a marker is missing or stands twice; names it.
    """
    for name, content in sections(page).items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        for marker in (begin, end):
            if text.count(marker) != 1:
                raise ValueError(f"{page.name} has {marker} {text.count(marker)} times, needs one")
        head, rest = text.split(begin)
        _, tail = rest.split(end)
        text = f"{head}{begin}\n{content}\n{end}{tail}"
    return text


def screenshot(page: Path, picture: Path) -> None:
    """Picture of the top of a report in headless Chromium."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("no Chromium on this machine: docs/report.png is left as it is")
    flags = "--headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1200,3700"
    with tempfile.TemporaryDirectory() as profile:
        words = [browser, *flags.split(), f"--user-data-dir={profile}", f"--screenshot={picture}"]
        subprocess.run([*words, page.resolve().as_uri()], check=True, capture_output=True)


def main() -> None:
    """Write the pages, and the picture if a run is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path)
    options = parser.parse_args()
    for page in PAGES:
        page.write_text(fill(page.read_text(), page))
    if options.run is not None:
        shutil.copyfile(options.run / "figures" / "retrieval.png", DOCS / "retrieval.png")
        screenshot(options.run / "report.html", DOCS / "report.png")


if __name__ == "__main__":
    main()
