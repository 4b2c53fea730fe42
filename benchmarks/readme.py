"""Write the numbers and the pictures of README.md from result files and a run.

python benchmarks/readme.py                  the tables, from benchmarks/results/*.json
python benchmarks/readme.py --run RUN_DIR    also docs/*.png, from that run (needs Chromium)
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

from results import read_result

README = Path(__file__).resolve().parents[1] / "README.md"


def percent(share: float) -> str:
    """``0.4531`` as ``45.3``."""
    return f"{100 * share:.1f}"


def quickstart_output() -> str:
    """What the quickstart prints at its end, for seed 0."""
    row = read_result("quickstart")["rows"][0]
    lines = [f"{'':12} {'top-1':>7}   {'95 % interval':14} {'MAP@R':>7}   queries"]
    for name, metric in row["recall_at_1"].items():
        low, high = metric["interval"]
        between = f"[{percent(low)}, {percent(high)}]"
        shares = (
            f"{percent(metric['value']):>5} %   {between:14} {percent(row['map_at_r'][name]):>5} %"
        )
        lines.append(f"{name:12} {shares}   {metric['n']:7d}")
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


def sections() -> dict[str, str]:
    """Marker -> text between its begin and end."""
    return {
        "quickstart output": quickstart_output(),
        "benchmarks": "\n\n".join([quickstart_table(), difficulty_sentence(), speed_table()]),
    }


def fill(text: str) -> str:
    """README text with every marked section written anew."""
    for name, content in sections().items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
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
    """Write README.md, and the picture if a run is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path)
    options = parser.parse_args()
    README.write_text(fill(README.read_text()))
    if options.run is not None:
        docs = README.parent / "docs"
        shutil.copyfile(options.run / "figures" / "retrieval.png", docs / "retrieval.png")
        screenshot(options.run / "report.html", docs / "report.png")


if __name__ == "__main__":
    main()
