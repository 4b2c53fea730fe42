"""Work on many requests at once without holding many of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from simlearn.trainer.interrupt import StopFlag

S = TypeVar("S")
T = TypeVar("T")

LOOK_SECONDS = 0.1
"""How often the stop flag is looked at."""


def work_through(
    items: Iterable[S],
    work: Callable[[S], T],
    *,
    workers: int,
    halt: threading.Event,
    stop: StopFlag | None = None,
    abandon: Callable[[], None] = lambda: None,
) -> Iterator[T]:
    """Give what ``work`` returns, in the order in which it is done.

    Items are taken in the caller's thread, one by one, when a worker is free for them; at most
    twice ``workers`` results and items are held.

    Args:
        items: any number; where they raise a ``ValueError`` (as data errors are), what is under
            way is given before the error goes on.
        work: is called in several threads, for an item that was taken just before ``halt`` was
            set too. What it raises goes on to the caller at once.
        workers: at least 1.
        halt: set by anybody: nothing more is begun, what is under way is waited for and given.
        stop: once its ``signal`` is set, ``halt`` is set too.
        abandon: is called before the threads are waited for when the caller wants no more
            results: should make ``work`` return soon.
    """
    source = _Source(items, halt, stop)
    pending: set[Future[T]] = set()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="ask")
    try:
        while True:
            while len(pending) < workers and (found := source.take()):
                pending.add(pool.submit(work, found[0]))
            if not pending:
                break
            done, pending = wait(pending, LOOK_SECONDS, FIRST_COMPLETED)
            source.halted()
            for future in done:
                yield future.result()
    finally:
        if pending:
            halt.set()
            abandon()
        pool.shutdown(wait=True, cancel_futures=True)
    if source.fault is not None:
        raise source.fault


class _Source(Generic[S]):
    """Items until there is none, one raises, or nothing more is to be begun."""

    def __init__(self, items: Iterable[S], halt: threading.Event, stop: StopFlag | None) -> None:
        self._items: Iterator[S] | None = iter(items)
        self._halt, self._stop = halt, stop
        self.fault: ValueError | None = None

    def halted(self) -> bool:
        """Whether nothing more is to be begun."""
        if self._stop is not None and self._stop.signal is not None:
            self._halt.set()
        return self._halt.is_set()

    def take(self) -> tuple[S] | None:
        """The next item in a tuple, or ``None``."""
        if self._items is None or self.halted():
            return None
        try:
            item = next(self._items)
        except (StopIteration, ValueError) as error:
            self._items = None
            self.fault = error if isinstance(error, ValueError) else None
            return None
        self.halted()  # may have changed meanwhile: the worker sees it
        return (item,)
