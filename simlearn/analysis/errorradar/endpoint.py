"""Where prompts are sent: a model in this process, a server, or replies that were kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter
    from simlearn.trainer.interrupt import StopFlag

Weights = Literal["open", "closed"]
Task = Literal["joint", "step", "category"]


@dataclass(frozen=True, eq=False)
class Request:
    """One prompt.

    Attributes:
        key: hex digits of all that the reply depends on; a kept reply is found by it.
        id: of the record.
        task: what is asked: both, the step, or the category.
        variant: "" for the model as it is, else the name of the mask over its neurons.
        system: the role; may be empty.
        text: of the user.
        image: a file, the bytes of one, or none.
    """

    key: str
    id: str
    task: Task
    variant: str
    system: str
    text: str
    image: Path | bytes | None = None


@dataclass(frozen=True)
class Reply:
    """What came back; ``text`` may be anything, empty too.

    Attributes:
        key: the request's.
        id: the request's.
        task: the request's.
        variant: the request's.
        text: the reply.
        model: what the server calls the model that answered.
        finish: why it ended ("stop", "length"); "" where it is not told.
        seconds: from sending to the last byte.
        prompt_tokens: 0 where it is not told.
        completion_tokens: the same.
    """

    key: str
    id: str
    task: str
    variant: str
    text: str
    model: str = ""
    finish: str = ""
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True)
class Failure:
    """A request without reply although it was tried again; the next run asks it once more.

    Attributes:
        key: the request's.
        id: the request's.
        task: the request's.
        variant: the request's.
        reason: one line, without secrets.
    """

    key: str
    id: str
    task: str
    variant: str
    reason: str


class EndpointSession(ABC):
    """An endpoint that is ready to be asked.

    Attributes:
        name: of the model, for tables.
        weights: whether anybody can have the model ("open") or it is only served ("closed").
    """

    name: str
    weights: Weights

    @abstractmethod
    def identity(self) -> Mapping[str, object]:
        """All that a reply depends on beside the prompt: model, revision, generation settings.

        Plain JSON values. Not the address, nor how many are asked at once.
        """

    @abstractmethod
    def ask(
        self, requests: Iterable[Request], *, stop: StopFlag | None = None
    ) -> Iterator[Reply | Failure]:
        """Send prompts and give what comes back, in any order, each as soon as it is there.

        Args:
            requests: taken one by one as they can be sent.
            stop: once its ``signal`` is set nothing more is sent; what is under way is waited for
                and given.

        Raises:
            EndpointError: no further request can be answered either (wrong key, unknown model,
                cost limit); what has come back until then has been given.
        """

    def estimate(self, requests: Iterable[Request]) -> str:
        """What requests may come to, in one sentence; they are read once and not held."""
        return f"{sum(1 for _ in requests):,} requests"

    def remember(self, reply: Reply) -> None:
        """Count a reply that an earlier part of the run kept towards what is spent."""
        return None

    def spent(self) -> str:
        """What was used so far in a few words for the progress line; "" for nothing."""
        return ""


class Endpoint(ABC):
    """An endpoint as a configuration describes it.

    Attributes:
        needs_model: whether a ``model`` has to be chosen beside it.
    """

    needs_model: ClassVar[bool] = False
    dry_run: bool = False
    """Show prompts and costs, ask nothing."""

    @abstractmethod
    def open(self, adapter: ModelAdapter | None = None) -> EndpointSession:
        """Make it ready; nothing is sent yet.

        Args:
            adapter: of the model that ``needs_model`` asks for.

        Raises:
            EndpointError: a key that is not in the environment, a file that is not there.
        """


class EndpointError(ValueError):
    """The endpoint cannot be asked; the text says why and what to do, and holds no secret."""
