"""One measurement in a fresh process: seconds and peak memory of a call, under limits of both.

The child (:func:`measure`) builds its input, makes one call on a tiny input so that libraries are
loaded, then calls and reports on its standard output. The parent (:func:`run_fresh`) reads along,
watches the resident memory, and ends a child that passes a limit.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

MARK = "@fresh "
REFUSED = "allocation refused"
Entry = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What a child calls.

    Attributes:
        call: the measured call; its result is dropped before the next one.
        values: numbers by name from a result of ``call``, computed after the measurement.
        warm_up: the same on a tiny input, not measured: loads what is imported lazily.
    """

    call: Callable[[], Any]
    values: Callable[[Any], dict[str, float]]
    warm_up: Callable[[], Any]


@dataclass(frozen=True)
class Limits:
    """What a child may take.

    Attributes:
        call_seconds: of one call, the first one included.
        memory_bytes: resident memory of the child.
        setup_seconds: before the first call, and after the last one.
    """

    call_seconds: float = 60.0
    memory_bytes: float = 8e9
    setup_seconds: float = 120.0

    @property
    def over_time(self) -> str:
        """The entry of a candidate that is too slow, as ``over 60 s``."""
        return f"over {self.call_seconds:g} s"

    @property
    def over_memory(self) -> str:
        """The entry of a candidate that is too large, as ``over 8 GB`` (10^9 bytes)."""
        return f"over {self.memory_bytes / 1e9:g} GB"


class FreshError(RuntimeError):
    """A child that ended without a result for another reason than a limit."""


def measure(
    job: Job, *, repeats: int, budget: float = 10.0, say: Callable[[Entry], None] | None = None
) -> Entry:
    """Call a job until there are ``repeats`` times or ``budget`` seconds are spent.

    The first call is a warm-up where it takes at most half of ``budget``; else it is the one that
    counts. The peak is of all calls, the first included, over the resident memory just before it.

    Args:
        job: see there.
        repeats: times wanted, at least 1.
        budget: seconds for all counted calls; one call is made in any case.
        say: told ``{"event": "call"}`` before and ``{"event": "called"}`` after each call.

    Returns:
        ``outcome`` "measured", ``seconds`` (one per counted call), ``first_seconds``, ``warm``
        (whether the first call was left out), ``peak_bytes``, ``before_bytes``, ``peak_source``
        and ``values``.

    Raises:
        ValueError: ``repeats`` below 1.
    """
    if repeats < 1:
        raise ValueError(f"repeats is {repeats}, must be at least 1")
    tell = say or (lambda event: None)
    job.warm_up()
    source = reset_peak()
    before = resident_bytes()
    first, result = _timed(job, tell)
    warm = first <= budget / 2
    seconds = [] if warm else [first]
    while warm and len(seconds) < repeats and sum(seconds) < budget:
        del result  # else it would count as memory of the next call
        taken, result = _timed(job, tell)
        seconds.append(taken)
    peak = max(0, peak_bytes(source) - before)
    return {
        "outcome": "measured",
        "seconds": seconds,
        "first_seconds": first,
        "warm": warm,
        "peak_bytes": peak,
        "before_bytes": before,
        "peak_source": source,
        "values": job.values(result),
    }


def _timed(job: Job, tell: Callable[[Entry], None]) -> tuple[float, Any]:
    """Seconds of one call, and its result."""
    tell({"event": "call"})
    begun = time.perf_counter()
    result = job.call()
    taken = time.perf_counter() - begun
    tell({"event": "called"})
    return taken, result


def serve(job: Job, *, repeats: int, budget: float = 10.0) -> None:
    """Measure in this process and print events and the result for :func:`run_fresh`."""

    def say(event: Entry) -> None:
        print(MARK + json.dumps(event), flush=True)

    try:
        result = measure(job, repeats=repeats, budget=budget, say=say)
    except (MemoryError, RuntimeError) as error:
        if not refused_memory(error):
            raise
        detail = str(error).strip().split("\n")[0][:200]
        result = {"outcome": REFUSED, "detail": detail}
    say({"event": "result", "result": result})


def refused_memory(error: BaseException) -> bool:
    """Whether the system refused an allocation (by numpy, torch or a C++ library)."""
    words = ("allocate memory", "bad_alloc", "not enough memory")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


def run_fresh(
    command: Sequence[str],
    limits: Limits,
    *,
    environment: Mapping[str, str] | None = None,
    poll: float = 0.02,
) -> Entry:
    """Run a child that calls :func:`serve`, and end it when it passes a limit.

    Args:
        command: words of the child's command line.
        limits: see there.
        environment: variables set for the child on top of this process's.
        poll: seconds between two looks at its memory.

    Returns:
        The child's result, or ``{"outcome": "over 60 s"}``, ``{"outcome": "over 8 GB"}``; with
        ``wall_seconds`` of the whole child.

    Raises:
        FreshError: the child failed or did not start its call in time; with the end of its
            standard error.
    """
    begun = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        child = subprocess.Popen(
            [*command],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        try:
            entry = _follow(child, limits, poll)
        finally:
            child.kill()
            child.wait()
        if entry is None:
            errors.seek(0)
            tail = errors.read()[-2000:].strip() or "nothing on its standard error"
            raise FreshError(f"exit status {child.returncode}: {tail}")
    return {**entry, "wall_seconds": round(time.perf_counter() - begun, 3)}


def _follow(child: subprocess.Popen[str], limits: Limits, poll: float) -> Entry | None:
    """Read the child's events until its result, a limit (an entry) or its end (None)."""
    events: queue.Queue[Entry | None] = queue.Queue()
    assert child.stdout is not None
    threading.Thread(target=_read_events, args=(child.stdout, events), daemon=True).start()
    calling, since = False, time.perf_counter()
    while True:
        try:
            event = events.get(timeout=poll)
        except queue.Empty:
            event = {}
        if event is None:
            child.wait()  # its output is closed: it is ending, with a status that says why
            return None
        if event.get("event") == "result":
            return _within(event["result"], limits)
        if event:
            calling, since = event["event"] == "call", time.perf_counter()
        if resident_bytes(child.pid) > limits.memory_bytes:
            return {"outcome": limits.over_memory}
        waited = time.perf_counter() - since
        if calling and waited > limits.call_seconds:
            return {"outcome": limits.over_time}
        if not calling and waited > limits.setup_seconds:
            raise FreshError(f"no call within {limits.setup_seconds:g} s of the start or last call")


def _within(result: Entry, limits: Limits) -> Entry:
    """The result, or the limit that it passed between two looks.

    An allocation that the system refuses is larger than the whole machine: over the limit too.
    """
    if result["outcome"] == REFUSED:
        return {**result, "outcome": limits.over_memory}
    if result["before_bytes"] + result["peak_bytes"] > limits.memory_bytes:
        return {"outcome": limits.over_memory}
    if max(result["first_seconds"], *result["seconds"]) > limits.call_seconds:
        return {"outcome": limits.over_time}
    return result


def _read_events(stream: IO[str], events: queue.Queue[Entry | None]) -> None:
    """Put every marked line into the queue, then None; other lines are not ours."""
    for line in stream:
        if line.startswith(MARK):
            events.put(json.loads(line.removeprefix(MARK)))
    events.put(None)


def reset_peak() -> str:
    """Start the peak of the resident memory anew, where the system can.

    Returns:
        "VmHWM" on Linux: the peak of this memory since now. "ru_maxrss" elsewhere: since the start
        of the process, and on Linux also of its parent before the exec, hence the second choice.
    """
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return "ru_maxrss"
    return "VmHWM"


def peak_bytes(source: str) -> int:
    """Peak of this process's resident memory, by what :func:`reset_peak` returned."""
    if source == "VmHWM":
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def resident_bytes(pid: int | None = None) -> int:
    """Resident memory of a process now, of this one without ``pid``; 0 if it is gone."""
    statm = Path(f"/proc/{pid or 'self'}/statm")
    try:
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        pass
    if Path("/proc/self/statm").exists():
        return 0
    words = ["ps", "-o", "rss=", "-p", str(pid or os.getpid())]
    found = subprocess.run(words, capture_output=True, text=True).stdout.strip()
    return int(found or 0) * 1024
