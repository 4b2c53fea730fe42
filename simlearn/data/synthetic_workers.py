"""Several processes that draw the people of one synthetic tree.

Each is a fresh interpreter that runs :func:`serve`: it is told what to draw on its standard input
and reports every finished person as a line of JSON. Unlike the pools of the standard library it
does not import the user's main script a second time, so it works from a notebook and from a
script without ``if __name__ == "__main__":`` (whose second run would wait for ever for the lock
that this process holds). A worker whose parent was killed ends at its next line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any

import cv2

from simlearn.data.synthetic_settings import Settings
from simlearn.data.synthetic_video import Entry, write_person

_COMMAND = "from simlearn.data.synthetic_workers import serve; serve()"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Worker:
    """One running process.

    Attributes:
        process: the interpreter.
        errors: file that takes what it says on standard error.
    """

    def __init__(self, root: Path, settings: Settings, numbers: range) -> None:
        environment = os.environ | dict.fromkeys(_THREADS, "1")
        # the same packages as here, also those that a script put on the path by hand
        environment["PYTHONPATH"] = os.pathsep.join(str(Path(p).resolve()) for p in sys.path)
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (lives with the process)
        self.process = subprocess.Popen(  # noqa: S603 (this interpreter, a constant command)
            [sys.executable, "-c", _COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment,
        )
        job = {"root": str(root.resolve()), "settings": asdict(settings), "numbers": [*numbers]}
        assert self.process.stdin is not None  # noqa: S101 (for the type checker: it is a pipe)
        try:
            self.process.stdin.write(json.dumps(job))
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it died at once: `check` says why

    def read(self, lines: SimpleQueue[tuple[Worker, str]]) -> None:
        """Hand on every line as it comes; an empty text at the end."""
        assert self.process.stdout is not None  # noqa: S101 (for the type checker: it is a pipe)
        for line in self.process.stdout:
            lines.put((self, line))
        lines.put((self, ""))

    def check(self) -> None:
        """Wait for the end.

        Raises:
            RuntimeError: if it failed, with the last lines of its standard error.
        """
        code = self.process.wait()
        if code:
            self.errors.seek(0)
            said = self.errors.read().decode(errors="replace").strip().splitlines()
            raise RuntimeError(
                f"a process that draws synthetic faces ended with code {code}: "
                f"{' | '.join(said[-3:])}; workers=0 draws without other processes"
            )

    def stop(self) -> None:
        """End the process if it still runs, and let go of its files."""
        self.process.kill()
        self.process.wait()
        self.errors.close()


def draw_in_processes(root: Path, settings: Settings, workers: int) -> Generator[Entry, None, None]:
    """Draw all people of a tree in other processes.

    Args:
        root: folder of the (unfinished) tree.
        settings: of the tree.
        workers: how many processes, at least 1; each takes every ``workers``-th person.

    Yields:
        One entry per person, in the order in which they are done.

    Raises:
        RuntimeError: if a process fails.
    """
    lines: SimpleQueue[tuple[Worker, str]] = SimpleQueue()
    crew: list[Worker] = []
    readers: list[Thread] = []
    try:
        for first in range(workers):
            worker = Worker(root, settings, range(first, settings.identities, workers))
            crew.append(worker)
            readers.append(Thread(target=worker.read, args=(lines,), daemon=True))
            readers[-1].start()
        running = workers
        while running:
            worker, line = lines.get()
            if line:
                yield Entry(**json.loads(line))
            else:
                worker.check()
                running -= 1
    finally:
        for worker in crew:
            worker.stop()
        for reader in readers:
            reader.join()


def serve() -> None:
    """What a worker does: read the job from standard input, draw, report each person."""
    job: dict[str, Any] = json.loads(sys.stdin.read())
    cv2.setNumThreads(1)
    settings = Settings(**job["settings"])
    for number in job["numbers"]:
        entry = write_person(Path(job["root"]), settings, number)
        sys.stdout.write(json.dumps(asdict(entry)) + "\n")
        sys.stdout.flush()
