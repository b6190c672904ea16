"""An event loop that runs a program's requests in its own thread and notices when the program can never finish."""

import asyncio
import selectors
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

__all__ = ["StalledError", "new_loop"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_SECOND_LOOK_SECONDS = 0.2
_THREADS = 4


class StalledError(Exception):
    """Everything that is left waits for something else that is left."""


def new_loop(needs_threads: Callable[[], bool]) -> asyncio.AbstractEventLoop:
    """A loop for one run.

    The SDK hands every request to the loop's executor. Requests to a monitor in the same process are answered at once, so
    that they are sent from the loop's own thread: cheaper than a change of threads, and always in the same order. Only while
    `needs_threads` says so, because the monitor may have to call the program back before it answers, are there threads.
    """
    executor = _Executor(needs_threads)
    loop = asyncio.SelectorEventLoop(_Watch(executor))
    loop.set_default_executor(executor)
    # What is still pending when a run has failed is not worth a message.
    loop.set_exception_handler(lambda loop, context: None)
    return loop


class _Executor(ThreadPoolExecutor):
    """Runs work in the calling thread where that is possible."""

    def __init__(self, needs_threads: Callable[[], bool]) -> None:
        super().__init__(_THREADS, thread_name_prefix="offline-request")
        self.busy = 0
        self._needs_threads = needs_threads

    def submit(self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        if self._needs_threads():
            self.busy += 1
            work = super().submit(fn, *args, **kwargs)
            work.add_done_callback(self._done)
            return work
        done: Future[_R] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # it is the caller's, wherever the work runs
            done.set_exception(error)
        return done

    def _done(self, work: Future[Any]) -> None:
        self.busy -= 1


class _Watch(selectors.DefaultSelector):
    """Asked to wait without end while nothing is under way, it raises `StalledError` instead."""

    def __init__(self, executor: _Executor) -> None:
        super().__init__()
        self._executor = executor
        self._threads = set(threading.enumerate())

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # The loop gives no timeout when no callback is ready and no timer runs. Its one registered file is the pipe by
        # which other threads wake it: any thread but ours, and any further file, may still bring news.
        if timeout is not None or self._executor.busy or len(self.get_map()) > 1 or self._strangers():
            return super().select(timeout)
        events = super().select(_SECOND_LOOK_SECONDS)
        if not events and not self._executor.busy and not self._strangers():
            raise StalledError
        return events

    def _strangers(self) -> bool:
        return any(
            thread not in self._threads and not thread.name.startswith("offline-") and thread is not threading.current_thread()
            for thread in threading.enumerate()
        )
