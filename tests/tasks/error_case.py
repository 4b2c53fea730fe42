"""A search for wrong steps small enough for a test: drawn problems, a chat server, read files."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import simlearn
from simlearn.train import main

ROOT = Path(__file__).resolve().parents[2]
SMALL = (
    "evaluation.bootstrap=20",
    "trainer=cpu",
    "trainer.threads=1",
    "logger.tensorboard=false",
)
"""Words of every run."""
SERVER = (
    "endpoint.model=asked-for",
    "endpoint.backoff_s=0.01",
    "endpoint.retries=1",
    "endpoint.concurrency=4",
)
"""Words of runs with a server; its address is beside them."""
FILES = {"config.yaml", "environment.json", "metrics.json", "report.html"} | {
    "failures.jsonl",
    "protocol.json",
    "responses.jsonl",
    "rows.jsonl",
}
"""Files of a finished run."""


def address(server):
    """The word that names a server."""
    return f"endpoint.base_url={server.base_url}"


def run(folder, *words):
    """A finished run in this process: its report."""
    return simlearn.run("error_radar", [*SMALL, *words, f"run_dir={folder}"])


def ask(folder, server, *words):
    """The same of a server."""
    return run(folder, *SERVER, address(server), *words)


def go(folder, server, *words):
    """The exit code of the command for a run with a server."""
    own = [*SMALL, *SERVER, address(server), *words, f"run_dir={folder}"]
    return main(["recipe=error_radar", *own])


def go_on(folder, *words):
    """The exit code of going on."""
    return main([f"resume={folder}", *words])


def lines(path):
    """The objects of a file of JSON lines; a last line that a kill has torn is left out."""
    whole, _, rest = path.read_bytes().rpartition(b"\n")
    found = [json.loads(line) for line in whole.splitlines()]
    try:
        return [*found, json.loads(rest)] if rest else found
    except ValueError:
        return found


def replies(folder):
    """What a run keeps of what was said."""
    return lines(folder / "responses.jsonl")


def rows(folder):
    """How a run read it."""
    return lines(folder / "rows.jsonl")


def metrics(folder):
    """``metrics.json`` of a run."""
    return json.loads((folder / "metrics.json").read_text())


def comparable(folder):
    """``metrics.json`` without how long it took."""
    found = metrics(folder)
    del found["seconds"], found["train"]["seconds of all replies"]
    return found


def values(folder):
    """Metric -> value."""
    return {name: entry["value"] for name, entry in metrics(folder)["test"].items()}


def problems(folder, n=12, seed=0):
    """Draw problems into a folder once; gives the words that name them, and the raw rows."""
    from simlearn.analysis.errorradar.problems import generate_problems

    path = generate_problems(folder, n=n, seed=seed)
    return (f"data.n={n}", f"data.seed={seed}", f"data.root={folder}"), lines(path)


def record_of(prompt, records):
    """The raw row that a prompt is about."""
    (found,) = [
        r
        for r in records
        if f"Question: {r['question']}\n" in prompt
        and "\n".join(f"{i}. {step}" for i, step in enumerate(r["steps"], 1)) + "\n\n" in prompt
    ]
    return found


def command(*words):
    """The command line."""
    return [sys.executable, "-m", "simlearn.train", *words]


def begin(*words):
    """The command at work in a process of its own."""
    return subprocess.Popen(
        command(*words), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def kill_at(process, path, least):
    """End a process at once when a file has so many lines; gives what it printed."""
    end = time.monotonic() + 300
    while time.monotonic() < end and process.poll() is None:
        if path.exists() and path.read_bytes().count(b"\n") >= least:
            process.kill()
            return process.communicate(timeout=60)[0]
        time.sleep(0.002)
    process.kill()
    raise AssertionError(f"no {least} lines in {path}: {process.communicate()[0]}")


@dataclass(frozen=True)
class ServerProcess:
    """A chat server in a process of its own, which outlives who asks it."""

    base_url: str
    log: Path

    @property
    def prompts(self):
        """What it was asked so far, in order; one that is being written is left out."""
        return [entry["prompt"] for entry in lines(self.log)] if self.log.exists() else []


@contextmanager
def server_process(folder, seconds=0.0):
    """Start the server of ``tests.analysis.errorradar.chat_server``; it ends with the block."""
    port, log = folder / "port", folder / "log.jsonl"
    words = ["-m", "tests.analysis.errorradar.chat_server", str(port), str(log), str(seconds)]
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT)
    try:
        end = time.monotonic() + 60
        while not port.exists():
            assert process.poll() is None and time.monotonic() < end, "the server did not start"
            time.sleep(0.01)
        yield ServerProcess(f"http://127.0.0.1:{int(port.read_text())}/v1", log)
    finally:
        process.kill()
        process.wait(timeout=60)
