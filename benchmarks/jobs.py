"""Runs of the user's command line: begun, gone on with, or read where they are finished."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True)
class Job:
    """One run: its place among the results, its name and its command line."""

    key: dict[str, Any]
    title: str
    command: list[str]

    @property
    def name(self) -> str:
        """Folder of the run: another command line is another run."""
        digest = hashlib.blake2b(json.dumps(self.command).encode(), digest_size=4).hexdigest()
        return f"{self.title}_{digest}"


def run_job(job: Job, work: Path, *more: str) -> Path:
    """Run a job, or go on with it, unless it is finished; gives its folder.

    Args:
        job: what to run.
        work: gets ``runs/<name>`` and ``logs/<name>.txt``.
        more: words of a new run that do not belong to its name, such as where a cache lies.

    Raises:
        RuntimeError: the run failed; names its log.
    """
    folder = work / "runs" / job.name
    if not (folder / "metrics.json").is_file():
        begun = (folder / "config.yaml").is_file()
        words = [f"resume={folder}"] if begun else [*job.command, f"run_dir={folder}", *more]
        log = work / "logs" / f"{job.name}.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as out:
            done = subprocess.run(
                [sys.executable, "-m", "simlearn.train", *words], stdout=out, stderr=out
            )
        if done.returncode:
            raise RuntimeError(f"{job.name} failed; the last words in {log} say why")
    return folder


def code_of(folder: Path) -> str | None:
    """The commit that a run was made with; ``None`` where it was not in a repository."""
    git = json.loads((folder / "environment.json").read_text()).get("git")
    return git["commit"] if git else None


def run_all(
    jobs: Sequence[Job], execute: Callable[[Job], Row], workers: int, what: str
) -> list[Row]:
    """The rows of all jobs in order, several at once, with the time left.

    Args:
        jobs: what to run.
        execute: runs one and reads its numbers.
        workers: how many at once.
        what: name of the work in its progress.
    """
    begun, rows = time.monotonic(), []
    with ThreadPoolExecutor(workers) as pool:
        for row in pool.map(execute, jobs):
            rows.append(row)
            left = (time.monotonic() - begun) / len(rows) * (len(jobs) - len(rows))
            print(f"{what}: {len(rows)} of {len(jobs)}, {left / 60:.0f} min left", flush=True)
    return rows
