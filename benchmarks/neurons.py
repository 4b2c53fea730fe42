"""Statistics and scores of neurons against the forward alone, and against MINER's formulas.

Random LLaVAs in float32 on the CPU; interleaved repeats, the order reversed every other time.
``statistics``: count, positives, sum and maximum of every neuron by modality. S1 is one batch of
4 x 640 tokens, 576 of each row from a picture; S2 is 5 batches of 1 x 64 words, where fixed costs
show. ``bare`` is the model beneath its head without a cache of keys and values, ``with_logits`` the
whole model as everybody calls it. ``formulas``: statistics, five scores with attention,
aggregation and selection against the printed formulas, row by row and at our batch size. The 256
samples of S1's length would take hours: there are 256 of the shipped model's size, 32 of a
small model and 2 of the large one. Values are compared before anything is timed: statistics on the
timed input; scores in float64 on its first batch, as in float32 another batch size may turn the
sign of an activation next to 0 (what it does is in the result). ``memory``: neurons_memory.py.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import neurons_formulas
import torch
from neurons_memory import child, measure_memory
from neurons_setup import SIZES, Batch, build_adapter, draw_batch, draw_lengths, single_rows
from neurons_statistics import TOLERANCE, contenders, largest_difference
from results import median, write_result

Calls = Mapping[str, Callable[[], Any]]


@dataclass(frozen=True)
class Prompts:
    """Batches of one model.

    Attributes:
        size: of the model, in ``SIZES``.
        samples: in all.
        rows: of a batch.
        least, most: words of a sample.
        picture: whether each has one.
        without: contenders that are left out.
    """

    size: str
    samples: int
    rows: int
    least: int
    most: int
    picture: bool = True
    without: tuple[str, ...] = ()

    def batches(self, dtype: torch.dtype = torch.float32) -> list[Batch]:
        """All of them, padded left."""
        words = draw_lengths(self.samples, self.least, self.most)
        return [
            draw_batch(
                SIZES[self.size],
                words[start : start + self.rows],
                seed=start,
                picture=self.picture,
                dtype=dtype,
            )
            for start in range(0, self.samples, self.rows)
        ]

    def facts(self) -> dict[str, Any]:
        """For the result file."""
        longest = max(batch["input_ids"].shape[1] for batch in self.batches())
        return {"prompts": asdict(self), "model": asdict(SIZES[self.size]), "longest": longest}


STATISTICS = {
    "S1": Prompts("A", 4, 4, 63, 63, without=("nnsight_cached",)),
    "S2": Prompts("A", 5, 1, 63, 63, picture=False),
}
FORMULAS = {
    "shipped": Prompts("shipped", 256, 64, 8, 28),
    "small": Prompts("small", 32, 16, 16, 63),
    "A": Prompts("A", 2, 2, 32, 63),
}
QUICK = Prompts("quick", 6, 3, 2, 9)


def interleaved(calls: Calls, repeats: int) -> dict[str, list[float]]:
    """Seconds of every call by name."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for repeat in range(repeats):
        for name in list(calls)[:: -1 if repeat % 2 else 1]:
            begun = time.perf_counter()
            calls[name]()
            seconds[name].append(time.perf_counter() - begun)
    return seconds


def ratios_of(
    seconds: Mapping[str, list[float]], pairs: Mapping[str, tuple[str, str]]
) -> dict[str, list[float]]:
    """Seconds of one over those of the other in the same repeat, by the name of the pair."""
    return {
        name: [a / b for a, b in zip(seconds[one], seconds[other], strict=True)]
        for name, (one, other) in pairs.items()
        if one in seconds and other in seconds
    }


def summary(seconds: Mapping[str, list[float]], ratios: Mapping[str, list[float]]) -> dict:
    """Medians beside the raw numbers."""
    return {
        "median_seconds": {name: median(s) for name, s in seconds.items()},
        "median_ratio": {name: median(r) for name, r in ratios.items()},
        "seconds": seconds,
        "ratios": ratios,
    }


def measure_statistics(prompts: Prompts, repeats: int) -> dict[str, Any]:
    """All contenders on the same batches; values first, which also warms up.

    Raises:
        ValueError: a contender has other values than we.
    """
    adapter, batches = build_adapter(SIZES[prompts.size]), prompts.batches()
    found = {n: c for n, c in contenders(adapter).items() if n not in prompts.without}
    values = {name: run(adapter, batches) for name, run in found.items()}
    ours = values["simlearn"]
    worst = {
        name: largest_difference(ours, theirs)
        for name, theirs in values.items()
        if theirs is not None and name != "simlearn"
    }
    del values, ours
    calls = {name: lambda run=run: run(adapter, batches) for name, run in found.items()}
    seconds = interleaved(calls, repeats)
    pairs = {f"{name} / bare": (name, "bare") for name in found if name != "bare"}
    pairs["simlearn / with_logits"] = ("simlearn", "with_logits")
    ratios = ratios_of(seconds, pairs)
    return {**prompts.facts(), "largest_difference": worst, **summary(seconds, ratios)}


def measure_formulas(prompts: Prompts, repeats: int) -> dict[str, Any]:
    """The printed formulas, row by row and at our batch size, against streamed sums.

    Raises:
        ValueError: values differ.
    """
    size = SIZES[prompts.size]
    worst = compare_in_float64(prompts)
    adapter, batches = build_adapter(size), prompts.batches()
    single = [row for batch in batches for row in single_rows(batch)]
    calls: dict[str, Callable[[], Any]] = {
        "simlearn": lambda: neurons_formulas.simlearn(adapter, batches),
        "formulas_batch_1": lambda: neurons_formulas.formulas(adapter, single),
        "formulas_our_batch": lambda: neurons_formulas.formulas(adapter, batches),
    }
    values = {name: call() for name, call in calls.items()}
    rounding = {
        name: neurons_formulas.rounding(found, values["simlearn"])
        for name, found in values.items()
        if name != "simlearn"
    }
    del values
    seconds = interleaved(calls, repeats)
    pairs = {f"{name} / simlearn": (name, "simlearn") for name in list(calls)[1:]}
    ratios = ratios_of(seconds, pairs)
    facts = {"largest_difference_in_float64": worst, "in_float32": rounding}
    return {**prompts.facts(), **facts, **summary(seconds, ratios)}


def compare_in_float64(prompts: Prompts) -> dict[str, dict[str, float]]:
    """Largest differences of both ways to run the formulas, on the first batch.

    Raises:
        ValueError: values differ.
    """
    adapter = build_adapter(SIZES[prompts.size], torch.float64)
    first = prompts.batches(torch.float64)[:1]
    ours = neurons_formulas.simlearn(adapter, first)
    inputs = {"formulas_batch_1": single_rows(first[0]), "formulas_our_batch": first}
    return {
        name: neurons_formulas.differences(neurons_formulas.formulas(adapter, batches), ours)
        for name, batches in inputs.items()
    }


def targets_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was promised, what was found, and whether it holds."""
    s1, memory = result["statistics"]["S1"]["median_ratio"], result["memory"]
    rows = [
        ("S1: seconds / bare forward", s1["simlearn / bare"], "at most", 1.05),
        ("S1: seconds / forward with logits", s1["simlearn / with_logits"], "at most", 1.0),
        ("S1: peak memory / bare forward", memory["S1_simlearn_over_bare"], "at most", 1.1),
        ("keeping all: extra memory / ours", memory["cached_over_simlearn"], "at least", 5.0),
    ]
    for name, found in result["formulas"].items():
        ratio = found["median_ratio"]["formulas_batch_1 / simlearn"]
        rows.append((f"{name}: printed formulas at batch 1 / ours", ratio, "at least", 3.0))
    return [
        {
            "what": what,
            "value": value,
            word.replace(" ", "_"): floor,
            "pass": value <= floor if word == "at most" else value >= floor,
        }
        for what, value, word, floor in rows
    ]


def version_of(name: str) -> str | None:
    """Of a distribution; ``None`` where it is missing."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def main() -> None:
    """Measure and write ``results/neurons.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--name", default="neurons", help="of the result file")
    parser.add_argument("--quick", action="store_true", help="try it: tiny, nothing is written")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.child:
        load, contender, samples = options.child
        child(load, contender, int(samples))
        return
    quick, repeats = options.quick, 1 if options.quick else options.repeats
    statistics = {"S1": QUICK} if quick else STATISTICS
    formulas = {"quick": QUICK} if quick else FORMULAS
    result: dict[str, Any] = {
        "what": "statistics and scores of neurons, seconds; ratios as named, one per repeat",
        "threads": options.threads,
        "repeats": repeats,
        "peers": {name: version_of(name) for name in ("transformers", "nnsight")},
        "tolerance": TOLERANCE,
        "statistics": {},
        "formulas": {},
        # first: nothing else of this run is in memory then
        "memory": measure_memory(Path(__file__), options.threads, quick=quick),
    }
    for part, prompts, measure in (
        ("statistics", statistics, measure_statistics),
        ("formulas", formulas, measure_formulas),
    ):
        for name, chosen in prompts.items():
            found = result[part][name] = measure(chosen, repeats)
            print(part, name, found["median_seconds"], found["median_ratio"], flush=True)
    result["targets"] = targets_of(result)
    for row in result["targets"]:
        print(row)
    if not quick:
        write_result(options.name, result)


if __name__ == "__main__":
    main()
