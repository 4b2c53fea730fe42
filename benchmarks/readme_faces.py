"""The tables of the first paper's comparison, from results/faces.json and results/mdlstm.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from results import read_result

PARTS = {"habit 0.5": "people with a habit of moving (the default)", "habit 0": "no habit"}
COLUMNS = {
    "recall_at_1": "top-1",
    "recall_at_5": "top-5",
    "map_at_r": "MAP@R",
    "nshot_1_linear_accuracy": "1-shot",
    "nshot_2_linear_accuracy": "2-shot",
    "nshot_clips_5_linear_accuracy": "5 clips",
    "verification_accuracy": "pairs",
}
SHORT = ("recall_at_1", "map_at_r", "nshot_2_linear_accuracy", "verification_accuracy")
MEASURES = {"recall_at_1": "top-1", "nshot_2_linear": "2-shot SVM"}
BEST = "2-D LSTM with the triplet loss is better"
NETS = {"inception": "Inception, stills", "c3d": "C3D, clips", "lstm2d": "2-D LSTM, clips"}


def recipe_words(recipe: str) -> str:
    """``triplet_c3d`` as "triplet, C3D, clips"."""
    loss, net = recipe.split("_", 1)
    return f"{loss}, {NETS[net]}"


def share_of_seeds(values: Sequence[float]) -> str:
    """Mean of the seeds and, in brackets, the lowest and the highest of them, in percent."""
    low, high, mean = min(values), max(values), sum(values) / len(values)
    return f"{100 * mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def result_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """A line per recipe and for the baselines: percent, mean of the seeds [lowest, highest]."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(recipe_words(row["recipe"]), []).append(row["test"])
    first = rows[0]["recipe"]
    found["pixels (best of 4)"] = [r["baselines"]["pixels"] for r in rows if r["recipe"] == first]
    lines = [
        "| loss and network | " + " | ".join(COLUMNS[c] for c in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for name, metrics in found.items():
        cells = [
            share_of_seeds([m[c]["value"] for m in metrics]) if c in metrics[0] else ""
            for c in columns
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def points(found: Mapping[str, Any]) -> str:
    """A difference in points with its interval; nothing for a claim of several parts."""
    if "difference" not in found:
        return ""
    low, high = (100 * v for v in found["interval"])
    return f"{100 * found['difference']:+.1f} [{low:+.1f}, {high:+.1f}]"


def verdict(found: Mapping[str, Any]) -> str:
    """The verdict, with what would have been seen where it is undecided."""
    if found["verdict"] != "undecided" or "smallest" not in found:
        return str(found["verdict"])
    return f"undecided (would have shown {100 * found['smallest']:.1f})"


def claims_table(result: Mapping[str, Any]) -> str:
    """Every claim with the difference behind it, on people with a habit and without."""
    parts = [name for name in PARTS if name in result]
    lines = [
        "| claim | measured by | " + " | ".join(parts) + " |",
        "|---" * (len(parts) + 2) + "|",
    ]
    for number, claim in enumerate(result[parts[0]]["claims"]):
        cells = [result[part]["claims"][number] for part in parts]
        measured = MEASURES[claim["metric"]]
        texts = [f"{points(c)} {verdict(c)}".strip() for c in cells]
        lines.append(f"| {claim['claim']} | {measured} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def controls_table(result: Mapping[str, Any]) -> str:
    """Top-1 lost by networks of clips when frames are shuffled or one is repeated."""
    lines = ["| network | people | shuffled | one frame repeated |", "|---|---|---|---|"]
    for part in (name for name in PARTS if name in result):
        found: dict[str, dict[str, Mapping[str, Any]]] = {}
        for row in result[part]["controls"]:
            found.setdefault(row["recipe"], {})[row["order"]] = row
        for recipe, orders in found.items():
            texts = [f"{points(orders[o])} {verdict(orders[o])}" for o in ("shuffled", "repeated")]
            lines.append(f"| {recipe_words(recipe)} | {part} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def tuning_table(result: Mapping[str, Any]) -> str:
    """MAP@R of every trial, the chosen one in bold."""
    rates = sorted({row["rate"] for row in result["tuning"]})
    lines = [
        "| recipe | margin | " + " | ".join(f"rate {r:g}" for r in rates) + " |",
        "|---" * (len(rates) + 2) + "|",
    ]
    cells: dict[tuple[str, float], list[str]] = {}
    for row in result["tuning"]:
        chosen = result["chosen"][row["recipe"]]
        best = chosen["rate"] == row["rate"] and chosen["margin"] == row["margin"]
        text = f"{100 * row['map_at_r']:.1f}"
        cells.setdefault((row["recipe"], row["margin"]), []).append(f"**{text}**" if best else text)
    for (recipe, margin), texts in cells.items():
        lines.append(f"| `{recipe}` | {margin:g} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def dropout_sentence(result: Mapping[str, Any]) -> str:
    """C3D with and without its dropout on the tuning seed."""
    found: dict[float, list[str]] = {}
    for row in result["dropout"]:
        found.setdefault(row["dropout"], []).append(f"{100 * row['map_at_r']:.1f}")
    texts = [f"{', '.join(values)} with dropout {p:g}" for p, values in found.items()]
    rates = sorted({row["rate"] for row in result["dropout"]})
    return (
        f"`triplet_c3d`, margin 0.2, at rates {' and '.join(f'{r:g}' for r in rates)}: "
        f"{'; '.join(texts)}. It has none here."
    )


def networks_sentence(result: Mapping[str, Any]) -> str:
    """How many learnt values each network has."""
    rows = {row["recipe"].split("_", 1)[1]: row for row in result["habit 0.5"]["rows"]}
    texts = [f"{NETS[net]}: {row['parameters']:,}" for net, row in rows.items()]
    return f"Learnt values, head included: {'; '.join(texts)}."


def protocol_block(result: Mapping[str, Any]) -> str:
    """The whole protocol of seed 0, key by key."""
    facts = result["habit 0.5"]["protocol"]["0"]
    return "```\n" + "\n".join(f"{key}: {value}" for key, value in facts.items()) + "\n```"


def faces_short() -> str:
    """What the README shows."""
    result = read_result("faces")
    claims = result["habit 0.5"]["claims"]
    apart = [c for c in claims if "on still images" in c["claim"]]
    lines = [result_table(result["habit 0.5"]["rows"], SHORT), ""]
    judged = (f"{c['claim']}: {verdict(c)} ({points(c)} points)" for c in apart)
    return "\n".join([*lines, "; ".join(judged) + "."])


def faces_page() -> dict[str, str]:
    """The marked sections of docs/faces.md."""
    result = read_result("faces")
    tables = [
        f"{words[0].upper()}{words[1:]}:\n\n{result_table(result[part]['rows'], list(COLUMNS))}"
        for part, words in PARTS.items()
        if part in result
    ]
    found = {
        "faces": "\n\n".join(tables),
        "claims": claims_table(result),
        "controls": controls_table(result),
        "tuning": f"{tuning_table(result)}\n\n{dropout_sentence(result)}",
        "networks": networks_sentence(result),
        "protocol": protocol_block(result),
        "scan": scan_table(),
    }
    photographs = result["photographs"]
    columns = [c for c in COLUMNS if c != "nshot_clips_5_linear_accuracy"]
    judged = [
        f"- {c['claim']} ({MEASURES[c['metric']]}): {verdict(c)} ({points(c)} points)."
        for c in photographs["claims"]
    ]
    table = result_table(photographs["rows"], columns)
    return {**found, "photographs": "\n".join([table, "", *judged])}


def scan_table() -> str:
    """The anti-diagonal scan against loops over positions."""
    result = read_result("mdlstm")
    lines = ["| map | scan | plain loop | careful loop |", "|---|---|---|---|"]
    for name, row in result["maps"].items():
        ratio = row["median_ratio"]
        lines.append(
            f"| {name} | {1e3 * row['median_seconds']['simlearn']:.1f} ms | "
            f"{ratio['plain']:.1f}x | {ratio['careful']:.1f}x |"
        )
    return "\n".join(lines)
