"""Asking a chat server: many requests at once, each tried again, with a limit on the cost."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from simlearn.analysis.errorradar.chat_reply import read_chat_reply
from simlearn.analysis.errorradar.cost import Spending, estimate_cost
from simlearn.analysis.errorradar.endpoint import (
    EndpointError,
    EndpointSession,
    Failure,
    Reply,
    Request,
)
from simlearn.analysis.errorradar.http_call import CallError, HttpAnswer, HttpCall
from simlearn.analysis.errorradar.http_retry import Unanswered, check_status, with_retries
from simlearn.analysis.errorradar.image_url import image_data_url
from simlearn.analysis.errorradar.request_pool import work_through
from simlearn.analysis.errorradar.server_text import error_message, safe_line
from simlearn.data.errors import DataError

if TYPE_CHECKING:
    import httpx

    from simlearn.analysis.errorradar.openai_server import OpenAIServer
    from simlearn.trainer.interrupt import StopFlag

HOPELESS = 5
"""Requests without a reply in a row after which the settings are taken to be wrong."""
LOST = 20
"""As many, and two for each that is under way at once, end a run that has replies: each was tried
again in vain, so the server is down or a quota is used up."""


def chat_body(server: OpenAIServer, request: Request) -> bytes:
    """The JSON that is sent for a request, in ASCII.

    Args:
        server: with the settings.
        request: its picture, if any, is read here.

    Raises:
        DataError: the picture cannot be read.
    """
    content: str | list[dict[str, Any]] = request.text
    if request.image is not None:
        address = {"url": image_data_url(request.image)}
        if server.image_detail is not None:
            address["detail"] = server.image_detail
        content = [
            {"type": "text", "text": request.text},
            {"type": "image_url", "image_url": address},
        ]
    messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    body: dict[str, Any] = {"model": server.model, "messages": messages}
    if "max_completion_tokens" not in server.extra:
        body["max_tokens"] = server.max_tokens
    for name in ("temperature", "seed"):
        if getattr(server, name) is not None:
            body[name] = getattr(server, name)
    return json.dumps({**body, **server.extra}, allow_nan=False).encode("ascii")


class OpenAISession(EndpointSession):
    """A chat server that is ready to be asked.

    Args:
        server: the settings.
        key: of the server; ``""`` for none.

    Attributes:
        name: the model's.
        spending: tokens and money so far.
    """

    def __init__(self, server: OpenAIServer, key: str) -> None:
        self.server, self.name, self.weights = server, server.model, server.weights
        self.spending = Spending(server.price_in, server.price_out, server.max_cost)
        self._key = key
        self._trust: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._failed = self._unreached = self._lost = 0

    def identity(self) -> Mapping[str, object]:
        """Model and settings of the generation."""
        server = self.server
        return {
            "model": server.model,
            "max_tokens": server.max_tokens,
            "temperature": server.temperature,
            "seed": server.seed,
            "extra": json.loads(json.dumps(dict(server.extra))),
            "image_detail": server.image_detail,
        }

    def remember(self, reply: Reply) -> None:
        """Count a reply that an earlier part of the run has kept.

        So ``max_cost`` holds for the whole run, and a few requests that are always refused do not
        look like wrong settings.
        """
        self.spending.add(reply)

    def spent(self) -> str:
        """Tokens, and money where there are prices."""
        return self.spending.words()

    def estimate(self, requests: Iterable[Request]) -> str:
        """What requests may cost, in one sentence that says how rough it is."""
        server = self.server
        most = server.extra.get("max_completion_tokens", server.max_tokens)
        guess = estimate_cost(
            requests,
            max_tokens=most if isinstance(most, int) else server.max_tokens,
            price_in=server.price_in,
            price_out=server.price_out,
        )
        return guess.words()

    def ask(
        self, requests: Iterable[Request], *, stop: StopFlag | None = None
    ) -> Iterator[Reply | Failure]:
        """Send up to ``concurrency`` requests at once and give replies as they come.

        Closing the iterator early breaks off what is under way.

        Args:
            requests: taken one by one in the caller's thread.
            stop: once its ``signal`` is set nothing more is sent, also no second try.

        Raises:
            EndpointError: the key, the model or the address is wrong, nothing at all was answered,
                the server cannot be reached or answers nothing any more, ``max_cost`` is reached,
                or ``dry_run``.
        """
        import httpx

        if self.server.dry_run:
            raise EndpointError("endpoint.dry_run is true: nothing is asked")
        if self._trust is None:
            self._trust = httpx.create_ssl_context()
        source = iter(requests)
        with httpx.Client(
            trust_env=False,
            verify=self._trust,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            headers={
                "User-Agent": "simlearn",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Connection": "close",
            },
        ) as client:
            under_way = _UnderWay(client)
            for outcome in work_through(
                source,
                lambda request: self._answer(request, under_way),
                workers=self.server.concurrency,
                halt=under_way.halt,
                stop=stop,
                abandon=under_way.abandon,
            ):
                if outcome is not None:
                    yield outcome
        if under_way.fault is not None:
            raise under_way.fault
        stopped = stop is not None and stop.signal is not None
        if self.spending.exhausted and not stopped and (under_way.dropped or _more(source)):
            raise self.spending.limit_error()

    def _answer(self, request: Request, under_way: _UnderWay) -> Reply | Failure | None:
        """The outcome of one request; ``None`` where it was not begun or nothing can be asked."""
        if self.spending.exhausted:
            under_way.halt.set()
        if under_way.halt.is_set():
            under_way.dropped = True
            return None
        try:
            content = chat_body(self.server, request)
            reply = with_retries(
                lambda: self._try(request, content, under_way),
                retries=self.server.retries,
                backoff_s=self.server.backoff_s,
                key=request.key,
                wait=under_way.halt.wait,
            )
        except DataError as error:
            return _failure(request, safe_line(str(error), secret=self._key))
        except EndpointError as error:
            under_way.end(error)
            return None
        except Unanswered as error:
            self._count_failure(error, under_way)
            return _failure(request, error.reason)
        with self._lock:
            self._failed = self._unreached = self._lost = 0
        self.spending.add(reply, request)
        if self.spending.exhausted:
            under_way.halt.set()
        return reply

    def _try(self, request: Request, content: bytes, under_way: _UnderWay) -> Reply:
        """One call."""
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        call = HttpCall(under_way.client, self.server.timeout_s)
        under_way.begin(call)
        try:
            answer = call.post(self.server.url, headers, content)
        except CallError as error:
            raise Unanswered(
                safe_line(error.reason, secret=self._key),
                again=error.again,
                unreachable=error.unreachable,
            ) from None
        finally:
            under_way.calls.discard(call)
        if answer.status == 403 and self.spending.replies:
            # the key has been good: what is refused is this prompt, by a filter
            raise Unanswered(self._refusal(answer), again=False)
        check_status(
            answer,
            base_url=self.server.base_url,
            model=self.server.model,
            key_env=self.server.key_env,
            secret=self._key,
        )
        try:
            said = read_chat_reply(answer.body, secret=self._key)
        except ValueError as error:
            raise Unanswered(str(error), again=True) from None
        return Reply(
            key=request.key,
            id=request.id,
            task=request.task,
            variant=request.variant,
            seconds=answer.seconds,
            **said._asdict(),
        )

    def _refusal(self, answer: HttpAnswer) -> str:
        """What a server says about a prompt that it does not take."""
        said = safe_line(error_message(answer.body), secret=self._key)
        return f"{answer.status} for this prompt" + (f": {said}" if said else "")

    def _count_failure(self, error: Unanswered, under_way: _UnderWay) -> None:
        """End everything where there is no hope that another request will do better."""
        if under_way.halt.is_set():
            under_way.dropped = True
            return
        with self._lock:
            self._failed += 1
            self._unreached = self._unreached + 1 if error.unreachable else 0
            self._lost = self._lost + 1 if error.again else 0
            unreached, failed = self._unreached >= HOPELESS, self._failed >= HOPELESS
            lost = self._lost >= LOST + 2 * self.server.concurrency
        address = f"endpoint.base_url {self.server.base_url}"
        if unreached:
            under_way.end(
                EndpointError(
                    f"{address} cannot be reached ({error.reason}): start the server or correct "
                    "the address, then go on with resume=RUN_DIR"
                )
            )
        elif failed and not self.spending.replies:
            under_way.end(
                EndpointError(
                    f"{address}: the first {HOPELESS} requests have no reply ({error.reason}): "
                    "correct the settings of the endpoint"
                )
            )
        elif lost:
            under_way.end(
                EndpointError(
                    f"{address}: no request is answered any more ({error.reason}): wait until the "
                    "server is well or the quota is filled up, then go on with resume=RUN_DIR"
                )
            )


class _UnderWay:
    """What is under way in one call of ``ask``."""

    def __init__(self, client: httpx.Client) -> None:
        self.client, self.halt = client, threading.Event()
        self.calls: set[HttpCall] = set()
        self.fault: EndpointError | None = None
        self.dropped = self._abandoned = False

    def begin(self, call: HttpCall) -> None:
        """Note a call, so that it can be broken off."""
        self.calls.add(call)
        if self._abandoned:
            call.abort()

    def end(self, fault: EndpointError) -> None:
        """Send nothing more; the first fault counts."""
        self.fault = self.fault or fault
        self.halt.set()

    def abandon(self) -> None:
        """Break off all calls: nobody wants their replies."""
        self._abandoned = True
        for call in self.calls.copy():
            call.abort()


def _failure(request: Request, reason: str) -> Failure:
    """The failure of a request."""
    return Failure(request.key, request.id, request.task, request.variant, reason)


def _more(source: Iterator[Request]) -> bool:
    """Whether there is a further request; it is taken."""
    return next(source, None) is not None
