"""One POST over HTTP that ends in time, whatever the server does."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 8 * 2**20
"""Largest body that is read."""
MOST_ERROR_BYTES = 2**16
"""As much is read of a body that goes with an error."""
CONNECT_SECONDS = 20.0


@dataclass(frozen=True)
class HttpAnswer:
    """What a server sent.

    Attributes:
        status: 100 to 599.
        phrase: of the status line; the server's words.
        retry_after: the header, or ``None``.
        body: at most ``MOST_BYTES``, of an error at most ``MOST_ERROR_BYTES``.
        seconds: from sending to the last byte.
    """

    status: int
    phrase: str
    retry_after: str | None
    body: bytes
    seconds: float


class CallError(Exception):
    """No whole answer came.

    Args:
        reason: may hold anything that the server sent; show it only through ``safe_line``.
        again: whether it makes sense to try again.
        unreachable: whether no connection came about at all.
    """

    def __init__(self, reason: str, *, again: bool = True, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.again, self.unreachable = reason, again, unreachable


class HttpCall:
    """A POST with one deadline over all of it, from the connection to the last byte.

    The time limits of httpx hold for each read alone, so a server that sends a byte now and then
    would keep a caller for ever: here a timer closes the connection. Every call therefore has a
    connection of its own.

    Args:
        client: that does not keep connections alive.
        timeout_s: for the whole call.
    """

    def __init__(self, client: httpx.Client, timeout_s: float) -> None:
        self._client, self._timeout_s = client, timeout_s
        self._streams: list[Any] = []
        self._ended: str = ""

    def post(self, url: str, headers: Mapping[str, str], content: bytes) -> HttpAnswer:
        """Send and wait for the whole answer; to be called once.

        Args:
            url: of the server.
            headers: beside those of the client.
            content: the body.

        Raises:
            CallError: no connection, it broke off, the deadline passed, :meth:`abort` was called,
                or the answer is too large.
        """
        import httpx

        timer = threading.Timer(
            self._timeout_s, self._end, (f"no whole reply within {self._timeout_s:g} s",)
        )
        timer.daemon = True
        timer.start()
        connect = min(self._timeout_s, CONNECT_SECONDS)
        limits = httpx.Timeout(self._timeout_s, connect=connect)
        failed: CallError | None = None
        try:
            return self._send(url, headers, content, limits)
        except CallError as error:
            failed = error
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
            unreachable = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            text = str(error) or type(error).__name__
            failed = CallError(text, unreachable=unreachable)
        finally:
            timer.cancel()
            self._streams.clear()
        if self._ended and not failed.unreachable:
            failed = CallError(self._ended)
        raise failed

    def abort(self) -> None:
        """Break the call off, from another thread; :meth:`post` raises soon after."""
        self._end("broken off")

    def _send(
        self, url: str, headers: Mapping[str, str], content: bytes, limits: httpx.Timeout
    ) -> HttpAnswer:
        """The exchange itself."""
        begun = time.monotonic()
        with self._client.stream(
            "POST",
            url,
            content=content,
            headers=dict(headers),
            timeout=limits,
            extensions={"trace": self._watch},
        ) as response:
            fine = 200 <= response.status_code < 300
            body = _read(response, MOST_BYTES if fine else MOST_ERROR_BYTES, cut=not fine)
        if self._ended:  # a closed connection may look like the end of the body
            raise CallError(self._ended)
        return HttpAnswer(
            status=response.status_code,
            phrase=response.reason_phrase,
            retry_after=response.headers.get("retry-after"),
            body=body,
            seconds=time.monotonic() - begun,
        )

    def _watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Take hold of the connection as soon as there is one (httpx calls this)."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._streams.append(info["return_value"])
            if self._ended:
                self._close()

    def _end(self, reason: str) -> None:
        """Note why the call ends and close its connection."""
        self._ended = self._ended or reason
        self._close()

    def _close(self) -> None:
        """Shut the connection down; whoever reads from it wakes up."""
        for stream in list(self._streams):
            held = stream.get_extra_info("socket")
            try:
                socket.socket.shutdown(held, socket.SHUT_RDWR)  # below TLS, which may be at work
            except (OSError, TypeError):
                continue  # closed already, or TLS has taken it over


def _read(response: httpx.Response, most: int, *, cut: bool) -> bytes:
    """The body as it was sent; one that is too large is cut or refused."""
    parts, size = [], 0
    for part in response.iter_raw():
        parts.append(part)
        size += len(part)
        if size > most:
            if cut:
                break
            raise CallError(f"the reply is larger than {most // 2**20} MiB", again=False)
    return b"".join(parts)[:most]
