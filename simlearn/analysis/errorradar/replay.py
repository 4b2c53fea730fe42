"""Replies that were kept by an earlier run, or written elsewhere, in the place of a server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from simlearn.analysis.errorradar.endpoint import (
    Endpoint,
    EndpointError,
    EndpointSession,
    Failure,
    Reply,
    Request,
    Weights,
)
from simlearn.analysis.errorradar.reply_line import lines_with_offsets, reply_from_line
from simlearn.analysis.errorradar.server_text import safe_line

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter
    from simlearn.trainer.interrupt import StopFlag

MOST_NAMES = 3
"""Models that are named one by one."""


@dataclass(frozen=True, kw_only=True)
class Replay(Endpoint):
    """Answer from a file; nothing is ever asked.

    Every line is a JSON object with ``id`` and ``text``; ``task`` ("joint", "step", "category")
    where a record has several replies, ``variant`` where neurons were masked, and whatever else a
    run writes into ``responses.jsonl``. A line without ``task`` answers every task. A run that went
    on after its data, prompts or model had changed has kept two replies of different ``key``: the
    later one counts.

    Args:
        responses: the file, or the folder of a run that holds ``responses.jsonl``.
        name: of the model, for tables; ``None`` for the one that the lines name.
        weights: whether anybody can have the model ("open") or it is only served ("closed").
        dry_run: show prompts, answer nothing.

    Raises:
        ValueError: an empty ``name`` or another word for ``weights``.
    """

    responses: Path
    name: str | None = None
    weights: Weights = "closed"
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.name is not None and not self.name.strip():
            raise ValueError("endpoint.name is empty; null takes the name that the lines give")
        if self.weights not in ("open", "closed"):
            raise ValueError(f"endpoint.weights is {self.weights!r}, must be 'open' or 'closed'")

    def open(self, adapter: ModelAdapter | None = None) -> ReplaySession:
        """Read the file once: its digest, and where each reply stands.

        Args:
            adapter: is not used.

        Raises:
            EndpointError: naming file and line: no such file, it cannot be read, a line is no
                reply, or two lines answer the same.
        """
        path = Path(self.responses)
        if path.is_dir():
            path = path / "responses.jsonl"
        return ReplaySession(path, self.name, self.weights)


class ReplaySession(EndpointSession):
    """A file of replies; only places are held in memory.

    Args:
        path: the file.
        name: of the model, or ``None``.
        weights: as for :class:`Replay`.

    Attributes:
        name: the one given, else ``model_name``.
        model_name: what the lines call the model, several joined; the file's name without its
            ending where they call it nothing.

    Raises:
        EndpointError: as for :meth:`Replay.open`.
    """

    def __init__(self, path: Path, name: str | None, weights: Weights) -> None:
        self.path, self.weights = path, weights
        self._places: dict[bytes, int] = {}
        self._models: list[str] = []
        try:
            self._digest = self._read_places()
        except FileNotFoundError:
            raise EndpointError(
                f"endpoint.responses: {str(path)!r} is not there; name the responses.jsonl of a run"
            ) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise EndpointError(f"endpoint.responses: {str(path)!r}, {reason}") from None
        rest = ["and others"] if len(self._models) > MOST_NAMES else []
        self.model_name = ", ".join(self._models[:MOST_NAMES] + rest) or path.stem
        self.name = name or self.model_name

    def identity(self) -> Mapping[str, object]:
        """The digest of the file."""
        return {"replay": self._digest}

    def ask(
        self, requests: Iterable[Request], *, stop: StopFlag | None = None
    ) -> Iterator[Reply | Failure]:
        """The reply of the same record, task and variant; a failure where the file has none.

        Args:
            requests: taken one by one.
            stop: is looked at before each.

        Raises:
            EndpointError: the file is not the one any more that was opened.
        """
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise self._changed(error.strerror) from error
        with file:
            for request in requests:
                if stop is not None and stop.signal is not None:
                    return
                key, task, variant = request.key, request.task, request.variant
                place = self._place(request)
                if place is None:
                    masked = f", variant {variant}" if variant else ""
                    reason = safe_line(f"{self.path.name} has no reply of {task}{masked}")
                    yield Failure(key, request.id, task, variant, reason)
                    continue
                file.seek(place)
                try:
                    reply = reply_from_line(file.readline(), loose=True)
                except ValueError as error:
                    raise self._changed(error) from None
                if reply.id != request.id:
                    raise self._changed("another id")
                yield replace(reply, key=key, task=task, variant=variant)

    def _place(self, request: Request) -> int | None:
        """Where the reply stands, if there is one."""
        own = self._places.get(_mark(request.id, request.task, request.variant))
        if own is not None:
            return own
        return self._places.get(_mark(request.id, "", request.variant))

    def _read_places(self) -> str:
        """Find all replies; gives the file's digest."""
        digest = hashlib.sha256()
        models: dict[str, None] = {}
        with self.path.open("rb") as file, self.path.open("rb") as earlier:
            for number, offset, line in lines_with_offsets(file):
                digest.update(line)
                content = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if not content.strip():
                    continue
                try:
                    reply = reply_from_line(content, loose=True)
                except ValueError as error:
                    if not line.endswith(b"\n") and self._places:
                        continue  # torn by a kill of the run that wrote it
                    raise ValueError(f"line {number}: {error}") from None
                mark = _mark(reply.id, reply.task, reply.variant)
                if mark in self._places and not _other_key(earlier, self._places[mark], reply):
                    task = reply.task or "any task"
                    raise ValueError(
                        f"line {number}: the second reply of {safe_line(reply.id, most=80)!r}, "
                        f"{safe_line(task, most=40)}; keep one of them"
                    )
                self._places[mark] = offset + len(line) - len(content)
                if reply.model and len(models) <= MOST_NAMES:
                    models[safe_line(reply.model, most=80)] = None
        self._models = list(models)
        return digest.hexdigest()

    def _changed(self, reason: object) -> EndpointError:
        """The error for a file that somebody wrote to."""
        return EndpointError(
            f"endpoint.responses: {str(self.path)!r} was changed while it was in use ({reason}); "
            "begin again"
        )


def _other_key(file: BinaryIO, place: int, reply: Reply) -> bool:
    """Whether a reply and the one at an earlier place have keys, and different ones."""
    file.seek(place)
    before = reply_from_line(file.readline(), loose=True).key
    return bool(reply.key) and bool(before) and before != reply.key


def _mark(record: str, task: str, variant: str) -> bytes:
    """16 bytes that stand for a reply: ids may be long."""
    named = json.dumps([record, task, variant]).encode("ascii")
    return hashlib.blake2b(named, digest_size=16).digest()
