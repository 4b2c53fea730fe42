"""The tables of the small models and their neurons for README.md and docs/neurons.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from readme_incremental import share
from results import read_result

NAMES = {
    "llava": "LLaVA",
    "narrow_llava": "narrow LLaVA",
    "qwen2_vl": "Qwen2-VL",
    "qwen2_audio": "Qwen2-Audio",
}
MEDIUM = {"qwen2_audio": "tones"}
"""Data set with a medium; the other models have pictures."""
KINDS = {
    "easy_vqa": ("colour", "shape", "yes_no"),
    "tones": ("note", "wave", "yes_no"),
}


def spread(values: Sequence[float]) -> str:
    """Mean in percent, with [lowest, highest] where there are several."""
    return share(values) if len(values) > 1 else f"{100 * values[0]:.1f}"


def by_model(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Model -> its rows, one per seed, in the order of ``NAMES``."""
    for name in NAMES:
        own = [row for row in rows if row["model"] == name]
        if own:
            yield name, own


def accuracy_table(result: Mapping[str, Any]) -> str:
    """Accuracy of every model by kind, beside what the words alone give."""
    lines = [
        "| model | questions | n | trained | question alone | medium blanked | untrained |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, rows in by_model(result["models"]):
        dataset = MEDIUM.get(name, "easy_vqa")
        keys = [dataset, *(f"{dataset}_{kind}" for kind in KINDS[dataset]), "text"]
        for key in keys:
            metric = f"{key}_accuracy"
            cells = [spread([row["test"][metric] for row in rows])]
            for baseline in ("question alone", "medium blanked", "untrained"):
                values = [row["baselines"][baseline][metric] for row in rows]
                cells.append(f"{100 * sum(values) / len(values):.1f}")
            title = key.replace("easy_vqa", "pictures").replace("_", " ")
            seeds = f" ({len(rows)} seed{'s' * (len(rows) > 1)})" if key == dataset else ""
            lines.append(
                f"| {NAMES[name] + seeds if key == dataset else ''} | {title} "
                f"| {rows[0]['n'][metric]:,} | {' | '.join(cells)} |"
            )
    return "\n".join(lines)


def pooled(result: Mapping[str, Any], name: str, **wanted: Any) -> list[Mapping[str, Any]]:
    """Effects of a model, one per seed, with the wanted values."""
    rows = [row for row in result["mined"] if row["model"] == name]
    return [
        e
        for row in rows
        for e in row["effects"]
        if all(e[key] == value for key, value in wanted.items())
    ]


def main_ratio(result: Mapping[str, Any], name: str) -> float:
    """The ratio that a model's searches are about: 2 %, more where that is less than a neuron."""
    return float(next(row["ratio"] for row in result["mined"] if row["model"] == name))


def mean(values: Sequence[float]) -> float:
    """Of the seeds."""
    return sum(values) / len(values)


def drop_table(result: Mapping[str, Any], dataset: str) -> str:
    """Drop of accuracy and rise of loss under the union, mined against random, by ratio."""
    lines = [
        "| model | ratio | neurons | accuracy, mined | random | excess drop | excess loss, nats |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, rows in by_model(result["mined"]):
        asked = dataset if dataset == "text" else MEDIUM.get(name, dataset)
        ratios = sorted({e["ratio"] for e in rows[0]["effects"]})
        for ratio in ratios:
            key = {"group": "union", "ratio": ratio, "dataset": asked}
            score = pooled(result, name, measure="score", **key)
            loss = pooled(result, name, measure="loss", **key)
            random = [e["plain"] - e["random_drop"] for e in score]
            verdict = [
                claim_of(result, name, asked, ratio, measure) for measure in ("score", "loss")
            ]
            lines.append(
                f"| {NAMES[name] if ratio == ratios[0] else ''} | {100 * ratio:g} % "
                f"| {mean([e['neurons'] for e in score]):.0f} "
                f"| {100 * mean([e['masked'] for e in score]):.1f} | {100 * mean(random):.1f} "
                f"| {interval(verdict[0], 100, 1)} | {interval(verdict[1], 1, 3)} |"
            )
            assert len(score) == len(loss) == len(rows)
    return "\n".join(lines)


def claim_of(
    result: Mapping[str, Any], model: str, dataset: str, ratio: float, measure: str
) -> Mapping[str, Any]:
    """The verdict on the union at one ratio."""
    start = f"union neurons hurt {dataset} questions"
    return next(
        c
        for c in result["claims"]
        if (c["model"], c.get("ratio"), c["measure"]) == (model, ratio, measure)
        and c["claim"].startswith(start)
    )


def interval(claim: Mapping[str, Any], factor: float, digits: int) -> str:
    """``+1.2 [-0.3, +2.7]``; bold where the interval leaves 0 out."""
    low, high = (factor * v for v in claim["interval"])
    text = f"{factor * claim['difference']:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"
    return f"**{text}**" if low > 0 or high < 0 else text


def claims_list(result: Mapping[str, Any]) -> str:
    """Every verdict at MINER's ratio and those of the other findings, one a line."""
    lines = []
    for claim in result["claims"]:
        if claim["finding"] == 1 and claim["ratio"] != main_ratio(result, claim["model"]):
            continue
        factor, digits = (100, 1) if claim["measure"] == "score" else (1, 3)
        unit = {"score": "points", "loss": "nats"}.get(claim["measure"], claim["measure"])
        verdict = claim["verdict"]
        if verdict == "undecided":
            verdict += f" (would have shown {factor * claim['smallest']:.{digits}f})"
        lines.append(
            f"- {NAMES[claim['model']]}, finding {claim['finding']}: {claim['claim']}: {verdict} "
            f"({interval(claim, factor, digits).replace('*', '')} {unit})."
        )
    return "\n".join(lines)


def tally(result: Mapping[str, Any]) -> str:
    """How often mined masks hurt more than random ones, over models, ratios and measures."""
    own = [c for c in result["claims"] if c["claim"].startswith("union")]
    lines = []
    for measure in ("score", "loss"):
        words = [c["verdict"].split()[0] for c in own if c["measure"] == measure]
        lines.append(
            f"{'accuracy' if measure == 'score' else 'loss'}: seen {words.count('seen')}, "
            f"undecided {words.count('undecided')}, the other way {words.count('not')} of "
            f"{len(words)}"
        )
    return "; ".join(lines)


def attention_table(result: Mapping[str, Any]) -> str:
    """How near attn_k is to the mean activation."""
    lines = ["| model | modality | largest difference | same picks |", "|---|---|---|---|"]
    for name, rows in by_model(result["mined"]):
        for modality in rows[0]["attention_is_mean"]:
            values = [row["attention_is_mean"][modality] for row in rows]
            lines.append(
                f"| {NAMES[name]} | {modality} | {max(v[0] for v in values):.4f} "
                f"| {100 * mean([v[2] for v in values]):.1f} % |"
            )
    return "\n".join(lines)


def layer_table(result: Mapping[str, Any]) -> str:
    """Neurons by layer at MINER's ratio, and overlap with text by third of the layers at 10 %."""
    lines = [
        "| model | modality | neurons by layer, 2 % (narrow: 5 %) "
        "| overlap with text, 10 %: low, middle, high (by chance) |",
        "|---|---|---|---|",
    ]
    for name, rows in by_model(result["mined"]):
        ratio = f"{main_ratio(result, name):g}"
        for modality in rows[0]["per_layer"][ratio]:
            counts = zip(*(row["per_layer"][ratio][modality] for row in rows), strict=True)
            layers = ", ".join(f"{mean(layer):.1f}" for layer in counts)
            pair = [
                p for p in rows[0]["overlap"]["0.1"] if set(p.split(", ")) == {"text", modality}
            ]
            cell = ""
            if pair:
                parts = []
                for third in ("low", "middle", "high"):
                    values = [row["overlap"]["0.1"][pair[0]][third] for row in rows]
                    shared, chance = mean([v[0] for v in values]), mean([v[1] for v in values])
                    parts.append(f"{shared:.1f} ({chance:.1f})")
                cell = ", ".join(parts)
            lines.append(f"| {NAMES[name]} | {modality} | {layers} | {cell} |")
    return "\n".join(lines)


def speed_table() -> str:
    """Statistics and scores against the forward pass and against the printed formulas."""
    result = read_result("neurons")
    lines = ["| what | measured | asked |", "|---|---|---|"]
    for row in result["targets"]:
        word = "at most" if "at_most" in row else "at least"
        floor = row["at_most"] if "at_most" in row else row["at_least"]
        lines.append(f"| {row['what']} | {row['value']:.3g}x | {word} {floor:g}x |")
    return "\n".join(lines)


def miner_short() -> str:
    """What README.md shows."""
    result = read_result("miner")
    rows = []
    for name, own in by_model(result["models"]):
        dataset = MEDIUM.get(name, "easy_vqa")
        alone = mean([r["baselines"]["question alone"][f"{dataset}_accuracy"] for r in own])
        cells = [
            spread([r["test"][f"{dataset}_accuracy"] for r in own]),
            f"{100 * alone:.1f}",
            spread([r["test"]["text_accuracy"] for r in own]),
        ]
        mined = any(row["model"] == name for row in result["mined"])
        for asked in (dataset, "text"):
            if not mined:
                cells.append("")
                continue
            found = claim_of(result, name, asked, main_ratio(result, name), "score")
            cells.append(interval(found, 100, 1))
        rows.append(f"| {NAMES[name]} | {' | '.join(cells)} |")
    head = [
        "| small model | picture or tone questions, % | question alone | text questions, % "
        "| excess drop of the 2 % (narrow: 5 %) mined, pictures | text |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def miner_page() -> dict[str, str]:
    """The marked sections of docs/neurons.md."""
    result = read_result("miner")
    return {
        "accuracy": accuracy_table(result),
        "drops": "Questions about pictures or tones:\n\n"
        + drop_table(result, "easy_vqa")
        + "\n\nQuestions about sentences:\n\n"
        + drop_table(result, "text")
        + f"\n\nOver all models, ratios and data sets, {tally(result)}.",
        "claims": claims_list(result),
        "layers": layer_table(result),
        "attention": attention_table(result),
        "neuron speed": speed_table(),
    }
