"""Several processes on one machine that train one model.

The process of the run, rank 0, starts the others when a fit begins and ends them with it: they are
told the run's folder and configuration, read the same data and take the same steps, and write
nothing. What has to be decided by one of them (is it time to save, is this the best epoch, has
somebody pressed Ctrl-C) rank 0 decides, see
:meth:`simlearn.trainer.member.Member.agree`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from simlearn.trainer.interrupt import Interrupted, StopFlag
from simlearn.trainer.member import Member

HOST = "127.0.0.1"
PREFIX = "simlearn-"
"""Of the folder that the processes of a fit share; it is gone with them."""
TIMEOUT = timedelta(days=7)
"""The others wait while rank 0 validates; a process that died is noticed otherwise."""
GRACE = 30.0
"""Seconds in which a process has to end once the fit is over, or once another one has died."""
TAIL = 20
"""Lines of a failed process's last words that are shown."""
START = """import json, logging, signal, sys
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
logging.disable(logging.WARNING)
sys.path[:] = json.loads(sys.argv[2])
from simlearn.runner import take_part
take_part(sys.argv[1])
"""
"""What another process runs. Signals are for rank 0, which stops the others."""


@dataclass(frozen=True)
class Job:
    """What another process is told, as JSON in its command line.

    Attributes:
        rank: its number, from 1.
        world: number of processes.
        device: ``"cpu"`` or ``"gpu"``.
        port: where rank 0 is met.
        parent: rank 0's process id.
        run_dir: the run's folder.
        config_dir: folder with the configuration of the run as ``config.yaml``.
        resume: go on from the run's last checkpoint.
    """

    rank: int
    world: int
    device: str
    port: int
    parent: int
    run_dir: str
    config_dir: str
    resume: bool

    @staticmethod
    def read(text: str) -> Job:
        """The job that stands in a command line."""
        return Job(**json.loads(text))


@contextmanager
def lead(
    *, world: int, device: str, config: str, run_dir: Path, resume: bool, stop: StopFlag
) -> Iterator[Member]:
    """Start the other processes of a fit, meet them, and end them when the block ends.

    Threads of PyTorch are shared out among the processes while the block runs.

    Args:
        world: number of processes, this one among them.
        device: ``"cpu"`` (gloo) or ``"gpu"`` (nccl).
        config: the run's configuration as YAML.
        run_dir: the run's folder.
        resume: whether the fit goes on from the last checkpoint.
        stop: asked while the others start.

    Raises:
        ChildProcessError: another process failed; with its last words.
        Interrupted: a signal asked to stop before all had started.
    """
    before = torch.get_num_threads()
    threads = max(1, before // world)
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        (Path(folder) / "config.yaml").write_text(config, encoding="utf-8")
        store = _store(0, world, first=True)
        jobs = [
            Job(r, world, device, store.port, os.getpid(), str(run_dir), folder, resume)
            for r in range(1, world)
        ]
        others = _Others(jobs, Path(folder), threads)
        torch.set_num_threads(threads)
        try:
            others.start()
            others.wait_for_all(store, stop)
            with _meeting(store, 0, world, device) as member:
                try:
                    yield member
                except Interrupted:  # all have left the fit together
                    raise
                except BaseException as error:
                    if isinstance(error, RuntimeError):  # torch.distributed's, a process is gone
                        others.explain(error)
                    others.end(0.0)  # they may wait for this one, and leaving wait for them
                    raise
            others.end(GRACE)
        except Interrupted:
            others.end(GRACE / 10)
            raise
        finally:
            others.end(0.0)
            torch.set_num_threads(before)


@contextmanager
def follow(job: Job) -> Iterator[Member]:
    """Meet rank 0 in a process that it started; the process ends when rank 0 is gone."""
    threading.Thread(target=_leave_with_parent, args=(job,), daemon=True).start()
    store = _store(job.port, job.world, first=False)
    store.set(f"ready {job.rank}", "yes")
    try:
        with _meeting(store, job.rank, job.world, job.device) as member:
            yield member
    finally:
        _clear_up(job)


def _store(port: int, world: int, *, first: bool) -> Any:
    """Where the processes find each other; the first one makes it, on a free port for 0."""
    make: Any = vars(dist)["TCPStore"]
    return make(HOST, port, world, first, TIMEOUT, wait_for_workers=False)


@contextmanager
def _meeting(store: Any, rank: int, world: int, device: str) -> Iterator[Member]:
    gpu = device == "gpu"
    if gpu:
        torch.cuda.set_device(rank)
    dist.init_process_group(
        "nccl" if gpu else "gloo",
        store=store,
        rank=rank,
        world_size=world,
        timeout=TIMEOUT,
        device_id=torch.device("cuda", rank) if gpu else None,
    )
    try:
        # numbers on the CPU travel by gloo, so that no step waits for the GPU
        group = dist.new_group(backend="gloo", timeout=TIMEOUT) if gpu else None
        yield Member(rank, world, group)
    except BaseException as error:
        if not gpu or isinstance(error, Interrupted):  # nccl's end waits for the others
            dist.destroy_process_group()
        raise
    dist.destroy_process_group()


def _leave_with_parent(job: Job) -> None:
    while os.getppid() == job.parent:
        time.sleep(0.5)
    _clear_up(job)
    os._exit(1)


def _clear_up(job: Job) -> None:
    """Remove what a killed rank 0 could not."""
    if os.getppid() != job.parent and Path(job.config_dir).name.startswith(PREFIX):
        shutil.rmtree(job.config_dir, ignore_errors=True)


class _Others:
    """The processes that rank 0 started."""

    def __init__(self, jobs: list[Job], folder: Path, threads: int) -> None:
        self.jobs, self.folder = jobs, folder
        self.words = [folder / f"rank{job.rank}.txt" for job in jobs]
        self.threads = threads
        self.processes: list[subprocess.Popen[bytes]] = []
        self.over = threading.Event()

    def start(self) -> None:
        """Start all of them, and watch them."""
        env = {**os.environ, "OMP_NUM_THREADS": str(self.threads)}
        for job, words in zip(self.jobs, self.words, strict=True):
            told = [json.dumps(asdict(job)), json.dumps([str(p) for p in sys.path if p])]
            with words.open("wb") as file:
                process = subprocess.Popen(  # noqa: S603 - this interpreter, our own words
                    [sys.executable, "-W", "ignore", "-c", START, *told],
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    env=env,
                    start_new_session=True,  # Ctrl-C reaches rank 0 alone
                )
            self.processes.append(process)
        threading.Thread(target=self._watch, daemon=True).start()

    def wait_for_all(self, store: Any, stop: StopFlag) -> None:
        """Wait until each has opened its data.

        Raises:
            ChildProcessError, Interrupted: see :func:`lead`.
        """
        while not all(store.check([f"ready {job.rank}"]) for job in self.jobs):
            if stop.signal:
                raise Interrupted(f"stopped by {stop.signal} before the first step")
            if self.failure() is not None:
                self.explain(None)
            if any(process.poll() is not None for process in self.processes):
                raise ChildProcessError("another process of the fit ended before its first step")
            time.sleep(0.05)

    def failure(self) -> str | None:
        """What is to be said of the first process that failed, or None."""
        for job, process, words in zip(self.jobs, self.processes, self.words, strict=True):
            code = process.poll()
            if code:
                how = f"was ended by {_signal(-code)}" if code < 0 else f"failed (status {code})"
                lines = words.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:]
                return "\n".join([f"process {job.rank + 1} of {job.world} {how}", *lines])
        return None

    def explain(self, error: RuntimeError | None) -> None:
        """Raise ChildProcessError if a process failed; it may still be about to end.

        An error that is not torch.distributed's has its own text, and nobody is waited for.
        """
        about_it = error is None or type(error) is RuntimeError or isinstance(error, dist.DistError)
        for _ in range(100 if about_it else 0):
            text = self.failure()
            if text is not None:
                raise ChildProcessError(text) from error
            time.sleep(0.05)

    def end(self, seconds: float) -> None:
        """Give them ``seconds`` to end, then kill them."""
        self.over.set()
        until = time.monotonic() + seconds
        for process in self.processes:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _watch(self) -> None:
        """End a fit that hangs because a process died; by gloo it gets an error by itself."""
        while not self.over.wait(0.5):
            text = self.failure()
            if text is not None and not self.over.wait(GRACE):
                sys.stderr.write(f"error: {text}\n")
                sys.stderr.flush()
                shutil.rmtree(self.folder, ignore_errors=True)
                os._exit(1)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
