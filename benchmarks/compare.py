"""Candidates against one another: fresh processes in turn, equal values first, resumable.

A study is a list of workloads with their candidates. Every (workload, candidate, round) is one
fresh process (:mod:`fresh`); the rounds go round the candidates, forwards and backwards in turn,
so that a drift of the machine meets all. After each round the values are compared; a disagreement
is an error and no row. What was measured stays in ``<out>.partial`` until the whole study is done.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from fresh import Entry, FreshError, Job, Limits, run_fresh, serve
from results import FOLDER, write_result
from rows import duration, line, row
from workload import Workload, choose, disagreements

import simlearn
from simlearn.report import write_json_atomic

HERE = Path(__file__).resolve().parent
PACKAGE = Path(simlearn.__file__).resolve().parent
MEASURED_ROOMS = ("losses", "miners", "evaluation")


@dataclass(frozen=True)
class Study:
    """A result file: its workloads, and how a child makes the job of one candidate.

    Attributes:
        name: of the result file.
        what: one sentence for it.
        script: file that runs the study and is called again as the child.
        workloads: all of them.
        prepare: ``(workload, candidate) -> Job``; runs in the child only.
        peers: distributions whose versions are recorded.
        seed: of the inputs, recorded.
    """

    name: str
    what: str
    script: Path
    workloads: tuple[Workload, ...]
    prepare: Callable[[Workload, str], Job]
    peers: tuple[str, ...]
    seed: int = 0


@dataclass(frozen=True)
class Settings:
    """What every process of a study shares."""

    threads: int
    repeats: int
    budget_seconds: float
    limits: Limits


def fingerprint(study: Study, settings: Settings) -> str:
    """Hash of the measured code, the benchmark, the peers' versions and the settings."""
    files = [p for room in MEASURED_ROOMS for p in sorted((PACKAGE / room).rglob("*.py"))]
    files += [study.script, HERE / "compare.py", HERE / "fresh.py", HERE / "workload.py"]
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    digest.update(json.dumps([versions(study), asdict(settings), study.seed]).encode())
    return digest.hexdigest()[:16]


def versions(study: Study) -> dict[str, str | None]:
    """Installed versions of the peers; None where one is missing."""
    found: dict[str, str | None] = {}
    for name in study.peers:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


class Partial:
    """Entries measured so far, in a file that outlives an interruption."""

    def __init__(self, path: Path, mark: str) -> None:
        """Read ``path`` if it holds measurements of the same code and settings.

        Raises:
            ValueError: the file is no JSON.
        """
        self.path, self.mark = path, mark
        self.entries: dict[str, Entry] = {}
        if not path.is_file():
            return
        try:
            content = json.loads(path.read_text())
        except ValueError as error:
            raise ValueError(f"{path.name} is no JSON ({error}): delete it") from error
        if content["fingerprint"] == mark:
            self.entries = content["entries"]
        else:
            print(f"{path.name} is of other code or settings: measured anew", flush=True)

    def rounds(self, workload: Workload, candidate: str) -> list[Entry]:
        """Entries of a candidate in the order of the rounds."""
        found, number = [], 0
        while (key := f"{workload.name} | {candidate} | {number}") in self.entries:
            found.append(self.entries[key])
            number += 1
        return found

    def add(self, workload: Workload, candidate: str, entry: Entry) -> None:
        """Append the next round of a candidate and write the file."""
        number = len(self.rounds(workload, candidate))
        self.entries[f"{workload.name} | {candidate} | {number}"] = entry
        write_json_atomic(self.path, {"fingerprint": self.mark, "entries": self.entries})


def finished(entries: Sequence[Entry], rounds: int) -> bool:
    """Whether a candidate needs no further process: all rounds, or a limit passed."""
    return len(entries) >= rounds or any(e["outcome"] != "measured" for e in entries)


class Forecast:
    """Time left, from the seconds of the same candidate or else of the mean one."""

    def __init__(self, planned: Sequence[tuple[Workload, str]], partial: Partial, rounds: int):
        """Take the (workload, candidate) pairs of the run and what was measured before."""
        self.planned, self.partial, self.rounds = planned, partial, rounds

    def left(self) -> tuple[int, float | None]:
        """Processes left at most, and their seconds (None before the first one)."""
        known = [e["wall_seconds"] for e in self.partial.entries.values()]
        processes, seconds = 0, 0.0
        for workload, candidate in self.planned:
            entries = self.partial.rounds(workload, candidate)
            if finished(entries, self.rounds):
                continue
            missing = self.rounds - len(entries)
            processes += missing
            typical = [e["wall_seconds"] for e in entries] or known
            seconds += missing * sum(typical) / len(typical) if typical else 0.0
        return processes, seconds if known else None


def run_workload(
    workload: Workload,
    partial: Partial,
    rounds: int,
    start: Callable[[Workload, str], Entry],
    report: Callable[[Workload, str, Entry], None],
) -> list[str]:
    """Measure what is missing of a workload, round by round.

    Args:
        workload: see there.
        partial: what was measured before; grows.
        rounds: fresh processes per candidate.
        start: runs one process.
        report: told of each new entry.

    Returns:
        Disagreements or the failure of a process; the rounds after it are not run.
    """
    for number in range(rounds):
        turn = workload.candidates if number % 2 == 0 else workload.candidates[::-1]
        for candidate in turn:
            entries = partial.rounds(workload, candidate)
            if len(entries) > number or finished(entries, rounds):
                continue
            try:
                entry = start(workload, candidate)
            except FreshError as error:
                return [f"{workload.name}, {candidate}: {error}"]
            partial.add(workload, candidate, entry)
            report(workload, candidate, entry)
        found = {c: partial.rounds(workload, c) for c in workload.candidates}
        if problems := disagreements(workload, found):
            return problems
    return []


def parser(study: Study) -> argparse.ArgumentParser:
    """Options of a study's command line."""
    made = argparse.ArgumentParser(description=study.what)
    made.add_argument("--only", metavar="SUBSTRING", help="workloads whose name contains it")
    made.add_argument("--rounds", type=int, default=3, help="fresh processes per candidate")
    made.add_argument("--repeats", type=int, default=5, help="calls in a process")
    made.add_argument("--budget", type=float, default=10.0, help="seconds of calls in a process")
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--call-seconds", type=float, default=60.0, help="limit of one call")
    made.add_argument("--memory-gb", type=float, default=8.0, help="limit of a process, 10^9 bytes")
    made.add_argument("--out", type=Path, help="result file, .json")
    made.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    return made


def settings_of(options: argparse.Namespace) -> Settings:
    """Settings from the command line.

    Raises:
        ValueError: a number below its least value, or ``--out`` that does not end in .json.
    """
    for name in ("rounds", "repeats", "threads"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} is {getattr(options, name)}, must be at least 1")
    if options.out is not None and options.out.suffix != ".json":
        raise ValueError(f"--out is {options.out}, must end in .json")
    limits = Limits(options.call_seconds, options.memory_gb * 1e9)
    return Settings(options.threads, options.repeats, options.budget, limits)


def child(study: Study, settings: Settings, workload: str, candidate: str) -> None:
    """Be the fresh process of one candidate."""
    import torch

    torch.set_num_threads(settings.threads)
    chosen = next(w for w in study.workloads if w.name == workload)
    job = study.prepare(chosen, candidate)
    serve(job, repeats=settings.repeats, budget=settings.budget_seconds)


def starter(study: Study, settings: Settings) -> Callable[[Workload, str], Entry]:
    """A function that runs the fresh process of a candidate with the settings' threads."""
    threads = str(settings.threads)
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    words = [sys.executable, str(study.script), "--threads", threads]
    words += ["--repeats", str(settings.repeats), "--budget", str(settings.budget_seconds)]

    mark = fingerprint(study, settings)

    def start(workload: Workload, candidate: str) -> Entry:
        command = [*words, "--child", workload.name, candidate]
        entry = run_fresh(command, settings.limits, environment=dict.fromkeys(names, threads))
        if fingerprint(study, settings) != mark:  # before the entry is kept
            raise SystemExit("the measured code changed during the run: start again")
        return entry

    return start


def run_study(
    study: Study, chosen: Sequence[Workload], partial: Partial, settings: Settings, rounds: int
) -> list[str]:
    """Measure the chosen workloads with a line per process; disagreements and failures.

    Raises:
        SystemExit: the measured code changed meanwhile.
    """
    forecast = Forecast([(w, c) for w in chosen for c in w.candidates], partial, rounds)

    def report(workload: Workload, candidate: str, entry: Entry) -> None:
        count, seconds = forecast.left()
        minutes = "" if seconds is None else f", about {seconds / 60:.1f} min"
        text = entry["outcome"]
        if text == "measured":
            fastest, peak = min(entry["seconds"]), entry["peak_bytes"] / 2**20
            text = f"{duration(fastest)}, {peak:.0f} MiB"
        print(f"{workload.name}, {candidate}: {text}; {count} left{minutes}", flush=True)

    errors, start = [], starter(study, settings)
    for workload in chosen:
        problems = run_workload(workload, partial, rounds, start, report)
        for problem in problems:
            print(f"ERROR {problem}", flush=True)
        errors += problems
    return errors


def main(study: Study) -> None:
    """Run a study from the command line and write its result file.

    With ``--only`` and without ``--out`` nothing is written but the partial file, which a later
    full run takes up.

    Raises:
        SystemExit: wrong options, or values that disagree (status 1, no result file).
    """
    options = parser(study).parse_args()
    try:
        settings = settings_of(options)
        if options.child:
            child(study, settings, *options.child)
            return
        chosen = choose(study.workloads, options.only)
        out = (options.out or FOLDER / f"{study.name}.json").resolve()
        partial = Partial(out.with_name(out.name + ".partial"), fingerprint(study, settings))
    except ValueError as error:
        raise SystemExit(str(error)) from error
    errors = run_study(study, chosen, partial, settings, options.rounds)
    if errors:
        raise SystemExit("no result file is written:\n" + "\n".join(errors))
    rows = [
        row(w, {c: partial.rounds(w, c)[: options.rounds] for c in w.candidates}, settings.limits)
        for w in chosen
    ]
    print("\n".join(line(made) for made in rows))
    if options.only is not None and options.out is None:
        print(f"{partial.path.name} keeps this for the full run; --out writes a part")
        return
    content: dict[str, Any] = {
        "what": study.what,
        "seed": study.seed,
        "rounds": options.rounds,
        "settings": asdict(settings),
        "peers": versions(study),
        "fingerprint": partial.mark,
        "targets": [{"workload": r["workload"], **r["target"]} for r in rows if "target" in r],
        "rows": rows,
    }
    print(write_result(str(out.with_suffix("")), content).name, "written")
    partial.path.unlink(missing_ok=True)
