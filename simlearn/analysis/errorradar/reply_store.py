"""Replies on disk that survive a kill: each is kept once, none is asked for again."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from simlearn.analysis.errorradar.endpoint import Failure, Reply
from simlearn.analysis.errorradar.reply_line import (
    lines_with_offsets,
    reply_from_line,
    reply_to_line,
)
from simlearn.analysis.errors import AnalysisError


def write_failures(path: Path, failures: Iterable[Failure]) -> None:
    """Write one line of JSON for every failure, whole or not at all; what was there is replaced.

    Args:
        path: of the file; missing folders are made.
        failures: none gives an empty file.

    Raises:
        AnalysisError: the folder cannot be written or the disk is full; the old file stays.
    """
    temporary = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                for failure in failures:
                    file.write(json.dumps(asdict(failure)).encode("ascii") + b"\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritten(path, error) from error


class ReplyStore:
    """A file with one line of JSON per reply, to which lines are only added.

    A line is written by one call to the system, so a kill leaves at most the last line torn; it
    is cut off when the file is opened again. Only places are held in memory (about 250 bytes a
    reply), never texts. May be used by several threads, but by one process at a time.

    Args:
        path: of the file, usually ``responses.jsonl``; it and missing folders are made.

    Raises:
        AnalysisError: the file cannot be opened; a damaged line, or a key that stands twice, named
            by file and line.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._places: dict[str, int] = {}
        self._lock = threading.Lock()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, flags, 0o666)
        except (OSError, ValueError) as error:
            raise _unwritten(self.path, error) from error
        try:
            self._end = self._read_places()
        except BaseException:
            os.close(self._descriptor)
            raise
        self._reader = self.path.open("rb")  # after the mending: it holds a few bytes of its own

    def append(self, reply: Reply) -> None:
        """Add a reply; it survives a kill of this process from now on (see :meth:`sync`).

        Raises:
            AnalysisError: there is a reply with this key, or the disk is full: nothing was added.
            ValueError: the reply's ``seconds`` are not finite.
        """
        line = reply_to_line(reply)
        with self._lock:
            if reply.key in self._places:
                raise AnalysisError(
                    f"{self.path}: a reply with the key {reply.key[:80]!r} is kept already; ask "
                    "only for keys that are not in the store"
                )
            try:
                written = os.write(self._descriptor, line)
                if written < len(line):
                    os.ftruncate(self._descriptor, self._end)
                    raise OSError(28, "the disk is full")
            except OSError as error:
                raise _unwritten(self.path, error) from error
            self._places[reply.key] = self._end
            self._end += written

    def sync(self) -> None:
        """Wait until all lines are on the disk, so that they survive a loss of power too.

        Raises:
            AnalysisError: the disk refuses.
        """
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise _unwritten(self.path, error) from error

    def get(self, key: str) -> Reply:
        """The reply with this key.

        Raises:
            KeyError: there is none.
            AnalysisError: the file was changed by somebody else.
        """
        with self._lock:
            self._reader.seek(self._places[key])
            line = self._reader.readline()
        return self._checked(line, key)

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Reply]:
        """All replies that are kept by now, in the order in which they came."""
        for key in list(self._places):
            yield self.get(key)

    def close(self) -> None:
        """Close the file; nothing can be added or read afterwards."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._reader.close()
        self._descriptor = -1

    def __enter__(self) -> ReplyStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _checked(self, line: bytes, key: str) -> Reply:
        """The reply of a line that must have this key."""
        try:
            reply = reply_from_line(line)
        except ValueError as error:
            raise AnalysisError(f"{self.path}: was changed while it was in use ({error})") from None
        if reply.key != key:
            raise AnalysisError(f"{self.path}: was changed while it was in use (another key)")
        return reply

    def _read_places(self) -> int:
        """Find all lines and mend the end; gives the file's length."""
        end = 0
        try:
            with self.path.open("rb") as file:
                for number, offset, line in lines_with_offsets(file):
                    end = offset + len(line)
                    try:
                        key = reply_from_line(line).key
                    except ValueError as error:
                        if not line.endswith(b"\n"):  # torn by a kill
                            os.ftruncate(self._descriptor, offset)
                            return offset
                        raise ValueError(f"line {number}: {error}") from None
                    if key in self._places:
                        raise ValueError(f"line {number}: an earlier line has its key")
                    self._places[key] = offset
                    if not line.endswith(b"\n"):  # whole but for its end
                        end += os.write(self._descriptor, b"\n")
        except ValueError as error:
            raise AnalysisError(
                f"{self.path}, {error}; delete the line, its reply is then asked for again"
            ) from None
        except OSError as error:
            raise _unwritten(self.path, error) from error
        return end


def _unwritten(path: Path, error: Exception) -> AnalysisError:
    """The error for a file that the system refuses."""
    reason = getattr(error, "strerror", None) or error
    return AnalysisError(
        f"{str(path)!r}: cannot be written or read ({reason}); free space or name another folder"
    )
