"""How long it takes to read and score 100,000 worked solutions, and whether memory stays flat.

    python benchmarks/errorradar_scoring.py            writes results/errorradar_scoring.json
    python benchmarks/errorradar_scoring.py --quick    a hundredth of it, nothing is written

Two jobs, each call in a fresh process on one thread, ten times as many records the second time:
"metrics" reads and checks the records, reads the replies (both parsers) and works out all metrics
with 2,000 resamples; "run" does what a resumed run of ``task=error_steps`` does after the last
reply: it makes every prompt again, finds its reply in the store by key, and writes the rows.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fresh import Job, Limits, run_fresh, serve
from results import median, write_result

from simlearn.analysis.errorradar import (
    ErrorRadar,
    ErrorRecords,
    ReplyStore,
    error_radar_metrics,
    generate_problems,
    parse_category,
    parse_step,
    read_records,
)
from simlearn.analysis.errorradar.endpoint import Reply
from simlearn.analysis.errorradar.prompt_style import load_style
from simlearn.tasks.error_asking import Questionnaire
from simlearn.tasks.error_scoring import Usage, scored_rows, written_rows

COUNTS = (10_000, 100_000)
REPEATS = 5
DRAWS = 2000
LIMITS = Limits(call_seconds=300.0, memory_bytes=8e9, setup_seconds=600.0)
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "131072"}
REPLIES = (
    '{"step": %d, "category": "CAL"}',
    "The pupil multiplies wrongly in step %d.\n\n**Step %d, reasoning error**",
    '```json\n{\n  "step": %d,\n  "category": "VIS"\n}\n```',
    "<think>Step 1 is fine, so is step 2.</think>\nStep %d: knowledge error",
    "I cannot tell.",
)
"""What models write, with the number of a step."""


def asked(path: Path, folder: Path) -> Questionnaire:
    """The prompts about the records of a file."""
    data = ErrorRecords(path=path).open(folder)
    return Questionnaire(data, ErrorRadar(), load_style("plain"), {"model": "none"})


def write_case(folder: Path, n: int) -> None:
    """``records.jsonl`` of n text records and ``responses.jsonl`` of a reply to each."""
    drawn = generate_problems(folder / "drawn", n=200, seed=0)
    rows = [json.loads(line) for line in drawn.read_text(encoding="utf-8").splitlines()]
    with (folder / "records.jsonl").open("w", encoding="utf-8") as file:
        for number in range(n):
            row = {k: v for k, v in rows[number % len(rows)].items() if k != "image"}
            file.write(json.dumps({**row, "id": f"record-{number}"}) + "\n")
    questions = asked(folder / "records.jsonl", folder)
    with ReplyStore(folder / "responses.jsonl") as store:
        for number, request in enumerate(questions.requests()):
            text = REPLIES[number % len(REPLIES)]
            text = text % ((1 + number % 7,) * text.count("%d"))
            store.append(Reply(request.key, request.id, request.task, "", text, model="none"))


def texts(path: Path) -> Iterator[str]:
    """What was said, in file order."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)["text"]


def metrics(folder: Path) -> dict[str, Any]:
    """Records and replies side by side, through the public functions."""

    def rows() -> Iterator[dict[str, Any]]:
        records = read_records(folder / "records.jsonl")
        for record, text in zip(records, texts(folder / "responses.jsonl"), strict=True):
            yield {
                "gold_step": record.error_step,
                "pred_step": parse_step(text, record.n_steps).value,
                "n_steps": record.n_steps,
                "gold_category": record.error_category,
                "pred_category": parse_category(text).value,
                "problem_type": record.problem_type,
            }

    return error_radar_metrics(rows(), draws=DRAWS)


def run(folder: Path) -> dict[str, Any]:
    """What a run does once every reply is kept."""
    questions = asked(folder / "records.jsonl", folder)
    with ReplyStore(folder / "responses.jsonl") as store:
        found = scored_rows(questions, store, None, Usage())
        return error_radar_metrics(written_rows(found, folder / "rows.jsonl"), draws=DRAWS)


JOBS: dict[str, Callable[[Path], dict[str, Any]]] = {"metrics": metrics, "run": run}


def child(name: str, folder: Path, small: Path) -> None:
    """Be the fresh process of one job."""
    job = Job(
        call=lambda: JOBS[name](folder),
        values=lambda found: {"n": found["n"], "step_accuracy": found["step_accuracy"]},
        warm_up=lambda: JOBS[name](small),
    )
    serve(job, repeats=1, budget=0.0)


def measured(name: str, folder: Path, small: Path) -> dict[str, Any]:
    """Seconds and MiB of one fresh process.

    Raises:
        ValueError: it passed a limit.
    """
    words = [sys.executable, __file__, "--child", name, str(folder), str(small)]
    entry = run_fresh(words, LIMITS, environment=ENVIRONMENT)
    if entry["outcome"] != "measured":
        raise ValueError(f"{name} on {folder.name} records: {entry['outcome']}")
    found = {"seconds": entry["seconds"][0], "peak_mib": entry["peak_bytes"] / 2**20}
    print(
        f"{name}, {folder.name}: {found['seconds']:.2f} s, {found['peak_mib']:.1f} MiB", flush=True
    )
    return {**found, "values": entry["values"]}


def main() -> None:
    """Measure both jobs on both sizes, the sizes taking turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--child", nargs=3, metavar=("JOB", "FOLDER", "SMALL"))
    options = parser.parse_args()
    if options.child:
        name, folder, small = options.child
        return child(name, Path(folder), Path(small))
    counts = [n // 100 for n in COUNTS] if options.quick else list(COUNTS)
    repeats = 1 if options.quick else REPEATS
    with tempfile.TemporaryDirectory() as place:
        for n in (20, *counts):
            (Path(place) / str(n)).mkdir()
            write_case(Path(place) / str(n), n)
        rows: dict[str, Any] = {}
        for name in JOBS:
            found: dict[str, list[dict[str, Any]]] = {str(n): [] for n in counts}
            for n in [n for _ in range(repeats) for n in counts]:
                found[str(n)].append(measured(name, Path(place) / str(n), Path(place) / "20"))
            few, many = (found[str(n)] for n in counts)
            rows[name] = {
                "repeats": found,
                "median_seconds": median([one["seconds"] for one in many]),
                "growth_mib": round(
                    median([one["peak_mib"] for one in many])
                    - median([one["peak_mib"] for one in few]),
                    2,
                ),
            }
            size = (Path(place) / str(counts[-1]) / "records.jsonl").stat().st_size
            rows[name]["records_mib"] = round(size / 2**20, 1)
    if options.quick:
        return None
    print(write_result("errorradar_scoring", {"records": counts[-1], "draws": DRAWS, "jobs": rows}))
    return None


if __name__ == "__main__":
    main()
