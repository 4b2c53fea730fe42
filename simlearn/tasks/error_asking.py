"""Every prompt of a run, and its reply: kept as it comes, never asked for twice."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errorradar.endpoint import (
    EndpointError,
    EndpointSession,
    Failure,
    Reply,
    Request,
)
from simlearn.analysis.errorradar.error_protocol import ErrorRadar
from simlearn.analysis.errorradar.mask_variants import MaskVariant
from simlearn.analysis.errorradar.prompt_style import PromptStyle
from simlearn.analysis.errorradar.prompts import build_prompt
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.record_source import RecordData
from simlearn.analysis.errorradar.reply_store import ReplyStore
from simlearn.analysis.errorradar.request_key import image_digest, request_key
from simlearn.analysis.intervene import deactivate
from simlearn.trainer.interrupt import Interrupted, StopFlag
from simlearn.trainer.progress import ProgressLine

BATCH, PAUSE = 32, 1.0
"""Replies, and seconds, after which what was written is flushed to the disk."""


@dataclass(frozen=True)
class Questionnaire:
    """What is asked about every record.

    Attributes:
        data: the records.
        protocol: tasks, figures, whether the wrong step is told.
        style: of the prompts.
        identity: of the endpoint, see :meth:`EndpointSession.identity`.
    """

    data: RecordData
    protocol: ErrorRadar
    style: PromptStyle
    identity: Mapping[str, object]

    def requests(self, variant: MaskVariant | None = None) -> Iterator[Request]:
        """All prompts in the order of the records, under one mask or none."""
        for record in self.data.records():
            yield from self.about(record, variant)

    def about(self, record: Record, variant: MaskVariant | None = None) -> Iterator[Request]:
        """The prompts about one record."""
        image = record.image if self.protocol.images else None
        digest = image_digest(image)
        for task in self.protocol.tasks:
            prompt = build_prompt(
                record,
                task,
                self.style,
                tell_step=self.protocol.tell_step,
                none_allowed=self.data.none_allowed,
            )
            key = request_key(
                # records of the same words have replies of their own
                {**self.identity, "id": record.id, "task": task},
                variant="" if variant is None else self._mask(variant),
                system=prompt.system,
                text=prompt.text,
                image_digest=digest,
            )
            name = "" if variant is None else variant.name
            yield Request(key, record.id, task, name, prompt.system, prompt.text, image)

    def _mask(self, variant: MaskVariant) -> str:
        """What a reply under a mask depends on."""
        return f"{variant.name} {variant.fingerprint} {self.protocol.value}"

    def total(self, variants: int) -> int:
        """How many prompts there are under ``variants`` masks and none."""
        return self.data.n * len(self.protocol.tasks) * (1 + variants)


def ask_all(
    session: EndpointSession,
    asked: Questionnaire,
    variants: list[MaskVariant],
    store: ReplyStore,
    *,
    adapter: ModelAdapter | None,
    stop: StopFlag,
    line: ProgressLine,
    run_dir: Path,
) -> list[Failure]:
    """Ask what the store does not hold yet; every reply is in it before the next is looked at.

    Args:
        session: of the endpoint.
        asked: the prompts.
        variants: masks beside none.
        store: gets the replies.
        adapter: of the model whose neurons are masked; needed where there are variants.
        stop: asked before every prompt.
        line: where progress is shown.
        run_dir: named in what an error says.

    Returns:
        The requests that got no reply.

    Raises:
        EndpointError: nothing more can be asked; the replies so far are kept.
        Interrupted: a signal asked to stop; the same.
    """
    for reply in store:  # of an earlier part of the run: the limit of costs is the whole run's
        session.remember(reply)
    keeper = _Keeper(session, store, line, asked.total(len(variants)))
    how = f"go on with: python -m simlearn.train resume={run_dir}"
    try:
        for variant in [None, *variants]:
            with ExitStack() as stack:
                if variant is not None:
                    assert adapter is not None  # noqa: S101 (variants come with a model)
                    value: float | Literal["min"] = (
                        "min" if asked.protocol.value is None else asked.protocol.value
                    )
                    stack.enter_context(deactivate(adapter, variant.neurons, value))
                keeper.keep(asked.requests(variant), stop)
            # a request that was given up because of the signal is no hole in the table
            if stop.signal and (keeper.done < keeper.total or keeper.failures):
                raise Interrupted(
                    f"stopped by {stop.signal}, {len(store)} of {keeper.total} replies are kept"
                )
    except EndpointError as error:
        told = str(error).replace("resume=RUN_DIR", f"resume={run_dir}")
        if "replies kept" in told:  # the limit of costs says so, and how to go on
            raise EndpointError(told) from error
        ways = f"; {how}" if len(store) and "resume=" not in told else ""
        raise EndpointError(f"{told} ({len(store)} replies are kept{ways})") from error
    finally:
        store.sync()
    return keeper.failures


class _Keeper:
    """Carries replies from the endpoint into the store."""

    def __init__(
        self, session: EndpointSession, store: ReplyStore, line: ProgressLine, total: int
    ) -> None:
        self.session, self.store, self.line, self.total = session, store, line, total
        self.done, self.failures = 0, list[Failure]()
        self._waiting, self._flushed = 0, time.monotonic()

    def keep(self, requests: Iterator[Request], stop: StopFlag) -> None:
        """Ask for what is not there and put it into the store as it comes."""
        replies = self.session.ask(self._missing(requests), stop=stop)
        for outcome in replies:
            if isinstance(outcome, Reply):
                self.store.append(outcome)
                self._flush()
            else:
                self.failures.append(outcome)
            self.done += 1
            note = self.session.spent if self.session.spent() else None
            self.line("replies", self.done, self.total, note)

    def _missing(self, requests: Iterator[Request]) -> Iterator[Request]:
        """Those without a kept reply; the others count as done."""
        for request in requests:
            if request.key in self.store:
                self.done += 1
            else:
                yield request

    def _flush(self) -> None:
        """To the disk, now and then."""
        self._waiting += 1
        if self._waiting >= BATCH or time.monotonic() - self._flushed > PAUSE:
            self.store.sync()
            self._waiting, self._flushed = 0, time.monotonic()
