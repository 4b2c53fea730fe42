"""The tables of split MNIST for README.md and docs/incremental.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from incremental_settings import SEEDS, STRATEGIES
from results import read_result

NAMES = {
    "joint": "joint (ceiling)",
    "vae": "**replay, a VAE per class**",
    "icarl": "iCaRL, 2,000 images",
    "ewc": "EWC",
    "ebll": "EBLL",
    "finetune": "fine-tuning",
}


def share(values: Sequence[float]) -> str:
    """``95.4 [95.0, 95.9]``: mean [lowest, highest] in percent."""
    low, high = min(values), max(values)
    return f"{100 * sum(values) / len(values):.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def size(values: Sequence[float]) -> str:
    """The largest, in bytes that people read."""
    largest = max(values)
    for unit in ("B", "kB", "MB"):
        if largest < 1000 or unit == "MB":
            return f"{largest:.3g} {unit}"
        largest /= 1000
    raise AssertionError("unreachable")


def rows_of(result: Mapping[str, Any], strategy: str) -> list[dict[str, Any]]:
    """A strategy's rows, one per seed."""
    rows = [row for row in result["rows"] if row["strategy"] == strategy]
    assert [row["seed"] for row in rows] == list(SEEDS)
    return rows


def short_table(result: Mapping[str, Any]) -> str:
    """Accuracy, base classes, newest classes and bytes of every strategy."""
    lines = [
        "| strategy | all ten digits | first two | last two | omega, all | bytes kept |",
        "|---|---|---|---|---|---|",
    ]
    for strategy in STRATEGIES:
        rows = rows_of(result, strategy)
        cells = [share([r["test"][n] for r in rows]) for n in ("ncm_all", "ncm_base", "ncm_new")]
        cells.append(f"{mean(rows, 'omega_all_per_experience'):.3f}")
        kept = size([r["memory_bytes"] for r in rows])
        lines.append(f"| {NAMES[strategy]} | {' | '.join(cells)} | {kept} |")
    return "\n".join(lines)


def diagnostics_table(result: Mapping[str, Any]) -> str:
    """What describes the embedding at the end."""
    names = ("ncm_real", "map_at_r", "svm_accuracy", "forgetting", "old_purity", "intrusion")
    lines = [
        "| strategy | real means | MAP@R | linear SVM | forgetting | purity of old | intrusion "
        "| drift of old means | probe of origins |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for strategy in STRATEGIES:
        rows = rows_of(result, strategy)
        cells = [f"{100 * mean(rows, name):.1f}" for name in names]
        cells.append(f"{mean(rows, 'old_mean_drift'):.2f}")
        probed = "origin_probe" in rows[0]["test"]
        cells.append(f"{100 * mean(rows, 'origin_probe'):.1f}" if probed else "")
        lines.append(f"| {NAMES[strategy]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def mean(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    """Mean of a metric over the seeds."""
    return float(sum(row["test"][name] for row in rows) / len(rows))


def claims_list(result: Mapping[str, Any]) -> str:
    """The verdicts, one a line."""
    lines = []
    for claim in result["claims"]:
        low, high = (100 * v for v in claim["interval"])
        found = f"{100 * claim['difference']:+.1f} [{low:+.1f}, {high:+.1f}] points"
        lines.append(f"- {claim['claim']}: {claim['verdict']} on split MNIST ({found}).")
    return "\n".join(lines)


def tuning_table(result: Mapping[str, Any]) -> str:
    """Every trial; the chosen one is bold."""
    rates = sorted({row["rate"] for row in result["tuning"]})
    lines = [
        f"| strategy | values | {' | '.join(f'rate {rate:g}' for rate in rates)} |",
        "|---|---|" + "---|" * len(rates),
    ]
    cells: dict[tuple[str, str], list[str]] = {}
    for row in result["tuning"]:
        chosen = result["chosen"][row["strategy"]]
        text = f"{100 * row['ncm_all']:.1f}"
        best = (chosen["values"], chosen["rate"]) == (row["values"], row["rate"])
        cells.setdefault((row["strategy"], row["values"]), []).append(
            f"**{text}**" if best else text
        )
    for (strategy, values), texts in cells.items():
        lines.append(f"| {strategy} | `{values}` | {' | '.join(texts)} |")
    return "\n".join(lines)


def speed_table() -> str:
    """Herding, Fisher and the loop over experiences against their peers."""
    herding, fisher, loop = (read_result(n) for n in ("herding", "fisher", "continual"))
    lines = ["| what | against | ratio, median |", "|---|---|---|"]
    for found in herding["shapes"].values():
        size = "{m:,} of {N:,} x {d}".format(**found["shape"])
        for name, ratio in found["median_ratio"].items():
            got = found["exemplars"].get(name, found["shape"]["m"])
            lines.append(
                f"| herding, {size} | {name.replace('_', ' ')} ({got:,} chosen) "
                f"| {ratio:.3g}x as long |"
            )
    for model, found in fisher["models"].items():
        for name, ratio in found["median_ratio"].items():
            lines.append(
                f"| Fisher of {model}, {fisher['samples']:,} samples | {name} "
                f"| {ratio:.3g}x as long |"
            )
    for name, ratio in loop["experience"]["median_ratio"].items():
        lines.append(f"| one experience, {name} | bare PyTorch loop | {ratio:.2f}x of it |")
    for name, ratio in loop["stream"]["median_ratio"].items():
        ours, _, other = name.partition(" / ")
        lines.append(f"| 100 experiences of 10 images, {ours} | {other} | {ratio:.2f}x of it |")
    return "\n".join(lines)


def incremental_short() -> str:
    """What README.md shows."""
    return short_table(read_result("incremental"))


def incremental_page() -> dict[str, str]:
    """The marked section of docs/incremental.md."""
    result = read_result("incremental")
    pixels = [row["baselines"]["pixels"] for row in rows_of(result, "vae")]
    parts = [
        "Five experiences of two digits, 2,000 training images of each, 300 steps, triplet loss "
        "(all triplets), one thread, three seeds (class order, weights, batches), all 10,000 test "
        "images. Mean [lowest, highest] in percent, the omega by the joint network of the same "
        "experience; nearest class mean of the raw pixels of all "
        f"classes at once: {share(pixels)}.",
        short_table(result),
        "The paper's claim, by the paired bootstrap over test images and seeds:",
        claims_list(result),
        "### The embedding after the last experience",
        "Means of three seeds; none of these is a score. Drift is Euclidean, between points of "
        "length 1.",
        diagnostics_table(result),
        "### Tuning",
        "Accuracy over all ten digits on 500 validation images of each digit, seed 100, 500 "
        "training images of each, 150 steps; the chosen trial is bold.",
        tuning_table(result),
    ]
    return {"incremental": "\n\n".join(parts), "incremental speed": speed_table()}
