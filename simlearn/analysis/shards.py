"""Statistics on disk that survive a kill: every sample is counted once, whatever happens."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.sample_record import SampleRecord
from simlearn.analysis.stats import Accumulator
from simlearn.analysis.tensor_file import read_tensors, write_tensors

FORM = "simlearn statistics shard 1"
SHARD = re.compile(r"shard-(\d+)-(\d+)\.safetensors")
SAMPLES = "samples.jsonl"


class StatisticsStore:
    """A folder of shards, each with what the accumulators took in since the one before it.

    A shard holds the sums of its samples and their ids in one file that is whole or not there: a
    sample is in both or in none. ``samples.jsonl`` says the same for people and is written anew
    from the shards. A run that starts again leaves out ``done`` and goes on; with how many
    processes does not matter. What was taken in since the last shard is lost by a kill, and done
    again.

    Args:
        folder: of one model, one set of samples and one choice of statistics.
        accumulators: by name, empty; those that the model fills.
        facts: what must be the same in all shards, such as the model's fingerprint.
        rank: number of this process.
        every: batches in a shard.

    Attributes:
        done: (dataset, id) of the samples in the shards that were found.

    Raises:
        AnalysisError: a folder that cannot be made; shards of something else, damaged ones, or a
            sample in two of them.
        ValueError: ``every`` below 1.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        accumulators: Mapping[str, Accumulator],
        *,
        facts: Mapping[str, str] | None = None,
        rank: int = 0,
        every: int = 64,
    ) -> None:
        if every < 1:
            raise ValueError(f"every is {every}, must be at least 1")
        self.folder, self.accumulators = Path(folder), dict(accumulators)
        self.facts, self.rank, self.every = dict(facts or {}), rank, every
        self._empty = {name: copy.deepcopy(a.state_dict()) for name, a in accumulators.items()}
        self._pending: list[SampleRecord] = []
        self._batches = 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AnalysisError(f"{folder}: cannot be made ({error.strerror})") from error
        for left in self.folder.glob(f".shard-{rank}-*.tmp"):  # of a run that was killed
            left.unlink(missing_ok=True)
        records = [record for *_, samples in self._shards() for record in samples]
        self.done = frozenset(r.key for r in records)
        self._counted = set(self.done)
        if rank == 0:
            self._write_samples(records)

    def record(self, samples: Sequence[SampleRecord]) -> None:
        """A batch was taken in; after every so many of them a shard is written.

        Raises:
            AnalysisError: a sample that was counted already, or the shard cannot be written.
        """
        for sample in samples:
            if sample.key in self._counted:
                raise AnalysisError(
                    f"sample {sample.id!r} of {sample.dataset!r} would be counted twice: leave out "
                    "those in `done`"
                )
            self._counted.add(sample.key)
        self._pending += samples
        self._batches += 1
        if self._batches >= self.every:
            self.flush()

    def flush(self) -> None:
        """Write what was taken in since the last shard, and empty the accumulators.

        Raises:
            AnalysisError: the folder cannot be written; the accumulators keep what they have.
        """
        if not self._pending:
            return
        tensors: dict[str, Tensor] = {}
        rest: dict[str, dict[str, Any]] = {}
        for name, accumulator in self.accumulators.items():
            rest[name] = {}
            for key, value in accumulator.state_dict().items():
                if isinstance(value, Tensor):
                    tensors[f"{name}/{key}"] = value
                else:
                    rest[name][key] = value
        samples = [[r.id, r.dataset, dict(r.tokens)] for r in self._pending]
        own = [int(number) for rank, number in self._names() if int(rank) == self.rank]
        write_tensors(
            self.folder / f"shard-{self.rank}-{max(own, default=-1) + 1:06d}.safetensors",
            tensors,
            form=FORM,
            facts={"facts": self.facts, "samples": samples, "rest": rest},
        )
        counted, self._pending, self._batches = self._pending, [], 0
        self._clear()
        self._append(counted)

    def finish(self) -> dict[str, Accumulator]:
        """Write the rest and merge all shards into the accumulators, in every process.

        Waits for the other processes, which must call it too. Nothing has to be all-reduced
        afterwards.

        Returns:
            The accumulators by name, holding every sample of the folder once.

        Raises:
            AnalysisError: as for the constructor.
        """
        self.flush()
        _wait()
        self._clear()
        records: list[SampleRecord] = []
        with torch.inference_mode(False):
            parts = copy.deepcopy(self.accumulators)
            for tensors, rest, samples in self._shards():
                for name, accumulator in self.accumulators.items():
                    state = dict(rest[name])
                    for key, value in tensors.items():
                        if key.startswith(f"{name}/"):
                            state[key.removeprefix(f"{name}/")] = value
                    parts[name].load_state_dict(state)
                    accumulator.merge(parts[name])
                records += samples
        if self.rank == 0:
            self._write_samples(records)
        _wait()
        return self.accumulators

    def _clear(self) -> None:
        """Empty the accumulators."""
        with torch.inference_mode(False):
            for name, accumulator in self.accumulators.items():
                accumulator.load_state_dict(self._empty[name])

    def _names(self) -> list[tuple[str, str]]:
        """(rank, number) of the shards that there are."""
        found = [SHARD.fullmatch(path.name) for path in self.folder.iterdir()]
        return [(m[1], m[2]) for m in found if m]

    def _paths(self) -> list[Path]:
        """Shards in a fixed order."""
        order = sorted(self._names(), key=lambda pair: (int(pair[0]), int(pair[1])))
        return [self.folder / f"shard-{rank}-{number}.safetensors" for rank, number in order]

    def _shards(self) -> Iterator[tuple[dict[str, Tensor], dict[str, Any], list[SampleRecord]]]:
        """Tensors, other values and samples of each shard.

        Raises:
            AnalysisError: a shard that does not belong here, or a sample that is in two.
        """
        where: dict[tuple[str, str], str] = {}
        for path in self._paths():
            tensors, told = read_tensors(path, form=FORM)
            for what, found, own in (
                ("was made with", told["facts"], self.facts),
                ("holds", sorted(told["rest"]), sorted(self.accumulators)),
            ):
                if found != own:
                    raise AnalysisError(
                        f"{path} {what} {found}, this run has {own}: name another folder"
                    )
            samples = [SampleRecord(*sample) for sample in told["samples"]]
            for sample in samples:
                if sample.key in where:
                    raise AnalysisError(
                        f"sample {sample.id!r} of {sample.dataset!r} is in {where[sample.key]} and "
                        f"in {path.name}: it was counted twice. Give every process its own "
                        "samples, and delete the folder"
                    )
                where[sample.key] = path.name
            yield tensors, told["rest"], samples

    def _append(self, records: Sequence[SampleRecord]) -> None:
        """Add lines for people; they can be had again from the shards."""
        with (self.folder / SAMPLES).open("a", encoding="utf-8") as file:
            file.write("".join(r.line() for r in records))

    def _write_samples(self, records: Sequence[SampleRecord]) -> None:
        """Write the lines of all shards anew."""
        temporary = self.folder / f".{SAMPLES}.tmp"
        temporary.write_text("".join(r.line() for r in records), encoding="utf-8")
        temporary.replace(self.folder / SAMPLES)


def _wait() -> None:
    """Until all processes are here."""
    if dist.is_available() and dist.is_initialized():
        dist.barrier()
